use super::*;
use crate::state::Kind;

fn words<R: std::fmt::Debug>(result: Result<R, Fault>) -> String {
    let fault = result.unwrap_err();
    assert!(fault.is(Kind::AccessControl), "{fault:?}");
    fault.to_string()
}

fn rig() -> Rig {
    let mut rig = Rig::new();
    rig.run(|txn| ops::mkdirs(txn, &root(), "/tmp", 0o1777, true)).unwrap();
    rig.run(|txn| ops::mkdirs(txn, &root(), "/secret/x", 0o700, true)).unwrap();
    rig.run(|txn| ops::mkdirs(txn, &user("ann"), "/tmp/ann", 0o755, true)).unwrap();
    rig
}

#[test]
fn denials_name_user_action_and_inode() {
    let mut rig = rig();
    let bob = user("bob");
    assert_eq!(
        words(rig.run(|txn| ops::mkdirs(txn, &bob, "/tmp/ann/x/y", 0o755, true))),
        "Permission denied: user=bob, access=WRITE, inode=\"/tmp/ann\":ann:supergroup:drwxr-xr-x"
    );
    assert_eq!(
        words(rig.run(|txn| ops::mkdirs(txn, &bob, "/secret/x/y", 0o755, true))),
        "Permission denied: user=bob, access=EXECUTE, inode=\"/secret\":root:supergroup:drwx------"
    );
    assert_eq!(
        words(rig.run(|txn| ops::delete(txn, &bob, "/tmp/ann", true))),
        "Permission denied by sticky bit: user=bob, path=\"/tmp/ann\":ann:supergroup:drwxr-xr-x, \
         parent=\"/tmp\":root:supergroup:drwxrwxrwt"
    );
    assert_eq!(
        words(rig.run(|txn| ops::set_permission(txn, &bob, "/tmp/ann", 0o777))),
        "Permission denied. user=bob is not the owner of inode=/tmp/ann"
    );
    assert_eq!(words(rig.run(|txn| ops::rename(txn, &bob, "/tmp/ann", "/tmp/bob"))).find("sticky"), Some(21));
    assert_eq!(
        words(rig.run(|txn| ops::set_owner(txn, &user("ann"), "/tmp/ann", Some("bob"), None))),
        "User ann is not a super user (non-super user cannot change owner)."
    );
    assert_eq!(
        words(rig.run(|txn| ops::set_owner(txn, &user("ann"), "/tmp/ann", None, Some("bob")))),
        "User ann does not belong to bob"
    );
    rig.run(|txn| ops::set_owner(txn, &user("ann"), "/tmp/ann", Some("ann"), Some("ann"))).unwrap();
    assert_eq!(rig.inode("/tmp/ann").group, "ann");
}

#[test]
fn deleting_a_tree_needs_every_directory_that_is_not_empty() {
    let mut rig = rig();
    let ann = user("ann");
    rig.run(|txn| ops::mkdirs(txn, &ann, "/tmp/ann/open", 0o777, true)).unwrap();
    rig.run(|txn| ops::mkdirs(txn, &user("bob"), "/tmp/ann/open/bob", 0o755, true)).unwrap();
    let check = |rig: &Rig| ops::check_delete(&rig.journal().snapshot(), &ann, "/tmp/ann");
    assert_eq!(check(&rig), Ok(()), "bob's directory is empty");
    rig.run(|txn| ops::mkdirs(txn, &user("bob"), "/tmp/ann/open/bob/x", 0o755, true)).unwrap();
    assert_eq!(
        words(check(&rig)),
        "Permission denied: user=ann, access=ALL, inode=\"/tmp/ann/open/bob\":bob:supergroup:drwxr-xr-x"
    );
}

#[test]
fn attributes_change_for_those_who_may() {
    let mut rig = rig();
    let ann = user("ann");
    let file = ask("/tmp/ann/f");
    rig.run(|txn| ops::create(txn, &ann, &file)).unwrap();
    rig.run(|txn| ops::set_permission(txn, &ann, "/tmp/ann/f", 0o640)).unwrap();
    rig.run(|txn| ops::set_times(txn, &ann, "/tmp/ann/f", Some(5), None)).unwrap();
    assert_eq!(rig.run(|txn| ops::set_replication(txn, &ann, "/tmp/ann/f", 3)), Ok(true));
    assert_eq!(rig.run(|txn| ops::set_replication(txn, &ann, "/tmp/ann", 3)), Ok(false));
    let inode = rig.inode("/tmp/ann/f");
    assert_eq!((inode.mode, inode.mtime, inode.file.unwrap().replication), (0o640, 5, 3));
    assert!(words(rig.run(|txn| ops::set_times(txn, &user("bob"), "/tmp/ann/f", Some(6), None))).contains("WRITE"));
    let absent = rig.run(|txn| ops::set_times(txn, &ann, "/tmp/no", None, None)).unwrap_err();
    assert_eq!(absent.to_string(), "File/Directory /tmp/no does not exist.");
}

#[test]
fn a_path_through_a_file_is_an_access_error_for_what_creates_nothing() {
    let mut rig = rig();
    rig.file("/f", &[]);
    let fault = resolve(&rig.journal().snapshot(), &root(), "/f/x", Purpose::Use).unwrap_err();
    assert!(fault.is(Kind::AccessControl) && fault.to_string() == "/f (is not a directory)", "{fault:?}");
}

#[test]
fn inodes_have_paths_of_their_own() {
    let mut rig = rig();
    rig.file("/tmp/ann/f", &[]);
    let (dir, file) = (rig.inode("/tmp/ann"), rig.inode("/tmp/ann/f"));
    assert_eq!(rig.find(&format!("/.reserved/.inodes/{}/f", dir.id)).path(), "/tmp/ann/f");
    assert_eq!(rig.find(&format!("/.reserved/.inodes/{}", file.id)).target(), Some(&file));
    let gone = resolve(&rig.journal().snapshot(), &root(), "/.reserved/.inodes/99999", Purpose::Use).unwrap_err();
    assert!(gone.is(Kind::FileNotFound));
    assert_eq!(rig.run(|txn| ops::delete(txn, &root(), "/tmp/ann", true)), Ok(true));
    let path = format!("/.reserved/.inodes/{}", file.id);
    assert!(resolve(&rig.journal().snapshot(), &root(), &path, Purpose::Use).is_err(), "below what was deleted");
}
