use super::Site;
use crate::files::{assert_same_file, assert_same_tree, write_random, write_tree};

const FILES: usize = 2000;
const BIG: usize = 300 << 20;

pub(super) fn tree(site: &Site) {
    let dir = site.fresh("bulk");
    let (local, back) = (site.local("tree"), site.local("tree.back"));
    write_tree(&local, 20, FILES);
    site.ok(&["-put", "-t", "4", &local.display().to_string(), &dir]);
    let listing = site.ok(&["-ls", "-R", &format!("{dir}/tree")]);
    assert_eq!(listing.lines().count(), FILES + 20);
    assert!(
        site.ok(&["-count", &format!("{dir}/tree")]).split_whitespace().nth(1).is_some_and(|n| n == FILES.to_string())
    );
    site.ok(&["-get", "-t", "4", &format!("{dir}/tree"), &back.display().to_string()]);
    assert_same_tree(&local, &back);
    site.ok(&["-rm", "-r", "-skipTrash", &format!("{dir}/tree")]);
}

pub(super) fn big_file(site: &Site) {
    let path = format!("{}/big", site.second);
    let (local, back) = (site.local("big"), site.local("big.back"));
    write_random(&local, BIG, 99);
    site.ok(&["-put", &local.display().to_string(), &path]);
    assert_eq!(site.ok(&["-stat", "%b", &path]).trim(), BIG.to_string());
    site.ok(&["-get", &path, &back.display().to_string()]);
    assert_same_file(&local, &back);
    site.ok(&["-rm", "-skipTrash", &path]);
    for file in [local, back] {
        std::fs::remove_file(file).expect("deleting a test file");
    }
}
