use super::Site;
use crate::files::{assert_same_file, write_random};

/// Small blocks make a small file span several; no server sets a lower limit in these tests.
const SMALL_BLOCK: &str = "1048576";

pub(super) fn mkdir(site: &Site) {
    let dir = site.fresh("mkdir");
    let error = site.dfs(&["-mkdir", &format!("{dir}/a/b")]).refused();
    assert!(error.contains("No such file or directory"), "{error}");
    site.ok(&["-mkdir", "-p", &format!("{dir}/a/b/c")]);
    site.ok(&["-mkdir", "-p", &format!("{dir}/a/b/c")]);
    let error = site.dfs(&["-mkdir", &format!("{dir}/a")]).refused();
    assert!(error.contains("File exists"), "{error}");
    site.ok(&["-test", "-d", &format!("{dir}/a/b/c")]);
}

pub(super) fn put_get_cat(site: &Site) {
    let dir = site.fresh("put");
    for (len, name) in
        [(0, "empty"), (1, "one"), (511, "chunk-1"), (512, "chunk"), (65_537, "packet+1"), (3_000_000, "large")]
    {
        let (local, back) = (site.local(name), site.local(&format!("{name}.back")));
        write_random(&local, len, len as u64);
        let remote = format!("{dir}/{name}");
        site.ok(&["-put", &local.display().to_string(), &remote]);
        site.ok(&["-get", &remote, &back.display().to_string()]);
        assert_same_file(&local, &back);
    }
    site.write(&format!("{dir}/text"), "a line\nand another\n");
    assert_eq!(site.ok(&["-cat", &format!("{dir}/text")]), "a line\nand another\n");
    site.write(&format!("{dir}/more"), "of it");
    assert_eq!(site.ok(&["-cat", &format!("{dir}/text"), &format!("{dir}/more")]), "a line\nand another\nof it");
    // The client writes to NAME._COPYING_ and renames: nothing of that may remain.
    assert!(!site.ok(&["-ls", &dir]).contains("_COPYING_"));
}

pub(super) fn put_twice(site: &Site) {
    let path = format!("{}/file", site.fresh("twice"));
    site.write(&path, "first");
    let error = site.session().dfs_with_input(&["-put", "-", &path], "second").refused();
    assert!(error.contains("File exists"), "{error}");
    assert_eq!(site.ok(&["-cat", &path]), "first");
    site.session().dfs_with_input(&["-put", "-f", "-", &path], "second").ok();
    assert_eq!(site.ok(&["-cat", &path]), "second");
}

pub(super) fn unusual_names(site: &Site) {
    let dir = site.fresh("names");
    for name in ["with space", "Größe", "日本", "a+b%20c&d=e", "._x", "semi;colon"] {
        let path = format!("{dir}/{name}");
        site.write(&path, name);
        assert_eq!(site.ok(&["-cat", &path]), name);
    }
    let listing = site.ok(&["-ls", "-C", &dir]);
    assert_eq!(listing.lines().count(), 6, "{listing}");
    assert!(listing.contains("/Größe\n"), "{listing}");
}

pub(super) fn touchz(site: &Site) {
    let dir = site.fresh("touchz");
    let path = format!("{dir}/empty");
    site.ok(&["-touchz", &path]);
    site.ok(&["-touchz", &path]);
    assert_eq!(site.ok(&["-cat", &path]), "");
    site.write(&format!("{dir}/full"), "content");
    let error = site.dfs(&["-touchz", &format!("{dir}/full")]).refused();
    assert!(error.contains("Not a zero-length file"), "{error}");
}

pub(super) fn append(site: &Site) {
    let path = format!("{}/log", site.fresh("append"));
    for part in ["one ", "two ", "three"] {
        site.session().dfs_with_input(&["-appendToFile", "-", &path], part).ok();
    }
    assert_eq!(site.ok(&["-cat", &path]), "one two three");
}

pub(super) fn append_many(site: &Site) {
    let path = format!("{}/blocks", site.fresh("append-many"));
    let session = site.session().set("dfs.blocksize", SMALL_BLOCK);
    let (whole, back) = (site.local("append-whole"), site.local("append-back"));
    let mut expected = Vec::new();
    // Ends inside a chunk, inside a block, at a block's end, and after several.
    for (part, len) in [700_001, 348_575, 2_500_000, 3].into_iter().enumerate() {
        let local = site.local(&format!("append-{part}"));
        write_random(&local, len, part as u64);
        expected.extend(std::fs::read(&local).expect("a local file"));
        session.dfs(&["-appendToFile", &local.display().to_string(), &path]).ok();
    }
    std::fs::write(&whole, expected).expect("a local file");
    site.ok(&["-get", &path, &back.display().to_string()]);
    assert_same_file(&whole, &back);
}

pub(super) fn truncate(site: &Site) {
    let path = format!("{}/file", site.fresh("truncate"));
    let local = site.local("truncate");
    write_random(&local, 3_000_000, 7);
    let whole = std::fs::read(&local).expect("a local file");
    site.session().set("dfs.blocksize", SMALL_BLOCK).dfs(&["-put", &local.display().to_string(), &path]).ok();
    for len in [2_500_001, 2_097_152, 1_500_000, 100, 0] {
        site.ok(&["-truncate", "-w", &len.to_string(), &path]);
        assert_eq!(site.ok(&["-stat", "%b", &path]).trim(), len.to_string());
        let (expected, back) = (site.local(&format!("cut-{len}")), site.local(&format!("cut-{len}.back")));
        std::fs::write(&expected, &whole[..len]).expect("a local file");
        site.ok(&["-get", &path, &back.display().to_string()]);
        assert_same_file(&expected, &back);
    }
    let error = site.dfs(&["-truncate", "5", &path]).refused();
    assert!(error.contains("larger"), "{error}");
}
