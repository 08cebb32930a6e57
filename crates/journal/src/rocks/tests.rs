use super::*;

const T: Table = "t";

fn open(dir: &Path) -> Result<RocksJournal, Error> {
    RocksJournal::open(dir, &[T], &Options::default())
}

#[tokio::test]
async fn what_was_committed_is_there_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path()).unwrap();
    assert_eq!(journal.revision(), 0);
    let mut batch = Batch::new();
    batch.put(T, *b"a", *b"1");
    batch.put(T, *b"b", *b"2");
    assert_eq!(journal.commit(batch).await.unwrap(), 1);
    let mut batch = Batch::new();
    batch.delete(T, *b"a");
    assert_eq!(journal.commit(batch).await.unwrap(), 2);
    drop(journal);

    let journal = open(dir.path()).unwrap();
    assert_eq!(journal.revision(), 2);
    assert_eq!(journal.get(T, b"a").unwrap(), None);
    assert_eq!(journal.get(T, b"b").unwrap().as_deref(), Some(&b"2"[..]));
}

#[tokio::test]
async fn scans_are_ordered_and_bounded() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path()).unwrap();
    let mut batch = Batch::new();
    for key in [b"b1", b"a2", b"a1", b"c1"] {
        batch.put(T, *key, *key);
    }
    journal.commit(batch).await.unwrap();
    let keys: Vec<_> = journal.scan(T, b"a2", Some(b"c")).map(|row| row.unwrap().0).collect();
    assert_eq!(keys, [Box::from(*b"a2"), Box::from(*b"b1")]);
    assert_eq!(journal.scan(T, b"", None).count(), 4);
}

#[tokio::test]
async fn a_snapshot_does_not_see_later_commits() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path()).unwrap();
    let mut batch = Batch::new();
    batch.put(T, *b"a", *b"1");
    journal.commit(batch).await.unwrap();
    let snapshot = journal.snapshot();
    let mut batch = Batch::new();
    batch.delete(T, *b"a");
    batch.put(T, *b"b", *b"2");
    journal.commit(batch).await.unwrap();
    assert_eq!(snapshot.get(T, b"a").unwrap().as_deref(), Some(&b"1"[..]));
    assert_eq!(snapshot.scan(T, b"", None).count(), 1);
    assert_eq!(journal.get(T, b"a").unwrap(), None);
}

#[test]
fn a_second_opener_is_told_who_holds_it() {
    let dir = tempfile::tempdir().unwrap();
    let _first = open(dir.path()).unwrap();
    let error = open(dir.path()).err().unwrap();
    assert!(matches!(error, Error::Locked { .. }), "{error}");
}

#[test]
fn an_unknown_table_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path()).unwrap();
    assert!(matches!(journal.get("other", b"k"), Err(Error::NoTable("other"))));
    assert!(matches!(journal.scan("other", b"", None).next(), Some(Err(Error::NoTable("other")))));
}
