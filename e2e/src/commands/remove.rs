use super::Site;

pub(super) fn rm(site: &Site) {
    let dir = site.fresh("rm");
    site.ok(&["-mkdir", "-p", &format!("{dir}/sub/deep")]);
    site.write(&format!("{dir}/sub/file"), "x");
    let error = site.dfs(&["-rm", &format!("{dir}/sub")]).refused();
    assert!(error.contains("Is a directory"), "{error}");
    let error = site.dfs(&["-rmdir", &format!("{dir}/sub")]).refused();
    assert!(error.contains("Directory is not empty"), "{error}");
    site.ok(&["-rmdir", &format!("{dir}/sub/deep")]);
    assert!(site.ok(&["-rm", "-skipTrash", &format!("{dir}/sub/file")]).contains("Deleted"));
    site.ok(&["-rm", "-r", &format!("{dir}/sub")]);
    assert_eq!(site.ok(&["-ls", &dir]), "");
    site.ok(&["-rm", "-f", &format!("{dir}/absent")]);
}

pub(super) fn rm_to_trash(site: &Site) {
    let user = anabranch_testkit::process::user();
    let with_trash = site.session().set("fs.trash.interval", "60");
    for mount in [&site.first, &site.second] {
        let path = format!("{mount}/trashed");
        site.write(&path, "not yet gone");
        with_trash.dfs(&["-rm", &path]).ok();
        assert_eq!(site.dfs(&["-test", "-e", &path]).exit, 1);
        let trash = format!("/user/{user}/.Trash/Current{path}");
        assert_eq!(site.ok(&["-cat", &trash]), "not yet gone");
        // And back.
        site.ok(&["-mv", &trash, &path]);
        assert_eq!(site.ok(&["-cat", &path]), "not yet gone");
    }
}
