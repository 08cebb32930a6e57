use super::Site;

pub(super) fn mv(site: &Site) {
    let dir = site.fresh("mv");
    let at = |name: &str| format!("{dir}/{name}");
    site.write(&at("a"), "A");
    site.ok(&["-mv", &at("a"), &at("b")]);
    assert_eq!(site.ok(&["-cat", &at("b")]), "A");
    assert_eq!(site.dfs(&["-test", "-e", &at("a")]).exit, 1);
    // Into a directory, under the same name.
    site.ok(&["-mkdir", &at("sub")]);
    site.ok(&["-mv", &at("b"), &at("sub")]);
    assert_eq!(site.ok(&["-cat", &at("sub/b")]), "A");
    // A directory with all below it.
    site.ok(&["-mv", &at("sub"), &at("moved")]);
    assert_eq!(site.ok(&["-cat", &at("moved/b")]), "A");
    // Onto an existing file.
    site.write(&at("c"), "C");
    let error = site.dfs(&["-mv", &at("c"), &at("moved/b")]).refused();
    assert!(error.contains("File exists"), "{error}");
    // Below itself.
    site.dfs(&["-mv", &at("moved"), &at("moved/below")]).refused();
    assert_eq!(site.ok(&["-cat", &at("moved/b"), &at("c")]), "AC");
}

pub(super) fn mv_across(site: &Site) {
    let source = format!("{}/file", site.fresh("across"));
    site.write(&source, "stays");
    let target = format!("{}/across-file", site.second);
    let error = site.dfs(&["-mv", &source, &target]).refused();
    // The words of Hadoop's own router.
    let words = format!(
        "Rename of {source} to {target} is not allowed, no eligible destination in the same namespace was found"
    );
    assert!(error.contains(&words), "{error}");
    assert_eq!(site.ok(&["-cat", &source]), "stays");
    assert_eq!(site.dfs(&["-test", "-e", &target]).exit, 1);
}

pub(super) fn cp(site: &Site) {
    let dir = site.fresh("cp");
    site.ok(&["-mkdir", &format!("{dir}/from")]);
    site.write(&format!("{dir}/from/x"), "copied");
    site.ok(&["-cp", &format!("{dir}/from"), &format!("{dir}/to")]);
    assert_eq!(site.ok(&["-cat", &format!("{dir}/to/x")]), "copied");
    let other = format!("{}/cp-target", site.second);
    site.ok(&["-cp", &format!("{dir}/from/x"), &other]);
    assert_eq!(site.ok(&["-cat", &other]), "copied");
    site.dfs(&["-cp", &format!("{dir}/from/x"), &other]).refused();
    site.ok(&["-cp", "-f", "-p", &format!("{dir}/from/x"), &other]);
    // With -p the times travel as well.
    assert_eq!(site.ok(&["-stat", "%Y", &other]), site.ok(&["-stat", "%Y", &format!("{dir}/from/x")]));
}

pub(super) fn chmod_chown(site: &Site) {
    let dir = site.fresh("modes");
    let path = format!("{dir}/file");
    site.write(&path, "x");
    let shown = |path: &str| site.ok(&["-stat", "%a %u %g", path]).trim().to_owned();
    site.ok(&["-chmod", "640", &path]);
    site.ok(&["-chown", "alice:analysts", &path]);
    assert_eq!(shown(&path), "640 alice analysts");
    site.ok(&["-chmod", "g+w,o=r", &path]);
    site.ok(&["-chgrp", "other", &path]);
    assert_eq!(shown(&path), "664 alice other");
    site.ok(&["-chmod", "-R", "1777", &dir]);
    site.ok(&["-chown", "-R", "bob", &dir]);
    assert_eq!(shown(&path), "1777 bob other");
    assert!(shown(&dir).starts_with("1777 bob "));
}

pub(super) fn permissions(site: &Site) {
    let dir = site.fresh("private");
    site.write(&format!("{dir}/secret"), "s");
    site.ok(&["-chmod", "600", &format!("{dir}/secret")]);
    let alice = site.session().user("alice");
    let error = alice.dfs(&["-cat", &format!("{dir}/secret")]).refused();
    assert!(error.contains("Permission denied: user=alice, access=READ"), "{error}");
    let error = alice.dfs(&["-touchz", &format!("{dir}/mine")]).refused();
    assert!(error.contains("Permission denied: user=alice, access=WRITE"), "{error}");
    let error = alice.dfs(&["-chmod", "777", &format!("{dir}/secret")]).refused();
    assert!(error.contains("Permission denied"), "{error}");
    site.ok(&["-chmod", "777", &dir]);
    alice.dfs(&["-touchz", &format!("{dir}/mine")]).ok();
    assert_eq!(site.ok(&["-stat", "%u", &format!("{dir}/mine")]).trim(), "alice");
    // In a directory with the sticky bit nobody deletes what is another's.
    site.ok(&["-chmod", "1777", &dir]);
    let error = alice.dfs(&["-rm", "-skipTrash", &format!("{dir}/secret")]).refused();
    assert!(error.contains("Permission denied by sticky bit"), "{error}");
}

pub(super) fn setrep(site: &Site) {
    let path = format!("{}/file", site.fresh("setrep"));
    site.write(&path, "x");
    assert_eq!(site.ok(&["-setrep", "2", &path]), format!("Replication 2 set: {path}\n"));
    let error = site.dfs(&["-setrep", "0", &path]).refused();
    assert!(error.contains("replication must be >= 1"), "{error}");
}
