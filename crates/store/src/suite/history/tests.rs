use super::*;

/// One record that is written, deleted, and made anew, and another beside it.
fn history() -> History {
    let made = |tag, version| Made { tag, version };
    let a = vec![made(Some(1), Some(5)), made(Some(2), Some(7)), made(None, None), made(Some(4), Some(12))];
    let b = vec![made(Some(1), Some(6)), made(Some(2), Some(12))];
    History { made: [("/a".to_owned(), a), ("/b".to_owned(), b)].into() }
}

fn snapshot(revision: Revision, tags: &[(&str, u64)]) -> Seen {
    Seen::Snapshot(revision, tags.iter().map(|(key, tag)| ((*key).to_owned(), *tag)).collect())
}

fn changed(revision: Revision, changes: &[(&str, Option<u64>)]) -> Seen {
    Seen::Changed(revision, changes.iter().map(|(key, tag)| ((*key).to_owned(), *tag)).collect())
}

/// A watcher that sees everything.
fn whole() -> Vec<Seen> {
    vec![
        snapshot(4, &[]),
        changed(5, &[("/a", Some(1))]),
        changed(6, &[("/b", Some(1))]),
        changed(7, &[("/a", Some(2))]),
        changed(9, &[("/a", None)]),
        changed(12, &[("/a", Some(4)), ("/b", Some(2))]),
    ]
}

#[test]
fn what_agrees_passes() {
    let history = history();
    assert_eq!(history.judge(&whole()), Ok(()));
    assert_eq!(history.last(), 12);
    assert_eq!(history.writes(), [("/a".to_owned(), 1), ("/b".to_owned(), 2)].into());
    // Changes that come together, and a snapshot after falling behind.
    let together = [snapshot(0, &[]), changed(6, &[("/a", Some(1)), ("/b", Some(1))]), Seen::FellBehind];
    let behind = [snapshot(12, &[("/a", 4), ("/b", 2)]), changed(12, &[])];
    assert_eq!(history.judge(&[&together[..], &behind].concat()), Ok(()));
}

/// Makes of what a whole watcher saw what a broken one would have seen.
type Breaks = fn(&mut Vec<Seen>);

#[test]
fn what_does_not_agree_is_told() {
    let broken: [(&str, Breaks); 8] = [
        ("it lacks one", |seen| drop(seen.remove(2))),
        ("it lacks the last", |seen| drop(seen.pop())),
        ("one twice", |seen| seen.insert(2, seen[1].clone())),
        ("two out of order", |seen| seen.swap(2, 3)),
        ("a snapshot without a reason", |seen| seen.insert(2, snapshot(5, &[("/a", 1)]))),
        ("a snapshot is missing", |seen| seen.insert(2, Seen::FellBehind)),
        ("half of what was made at once", |seen| seen[5] = changed(12, &[("/a", Some(4))])),
        ("what nobody wrote", |seen| seen[3] = changed(7, &[("/a", Some(3))])),
    ];
    for (what, broke) in broken {
        let mut seen = whole();
        broke(&mut seen);
        assert!(history().judge(&seen).is_err(), "{what}");
    }
    // A change that was overwritten soon may come together with what overwrote it, but not after what came between.
    let early = [snapshot(4, &[]), changed(6, &[("/b", Some(1))]), changed(7, &[("/a", Some(2))])];
    assert!(history().judge(&early).unwrap_err().contains("event 1"));
    let mut behind = whole();
    behind.splice(5.., [Seen::FellBehind, snapshot(8, &[("/b", 1)])]);
    assert!(history().judge(&behind).unwrap_err().contains("back in time"));
}
