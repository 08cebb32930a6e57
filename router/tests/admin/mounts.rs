//! Changes of the mount table.

use std::sync::atomic::Ordering;

use anabranch_federation::MountEntry;
use anabranch_hdfs_proto::hdfs as pb;
use anabranch_hrpc::{Exception, class};
use anabranch_store::{Reader, Record, Snapshot, Version, Writer};
use futures_util::future::join_all;

use crate::forwarding;
use crate::rig::{Rig, Store, Trouble, entry, owned};

fn said(result: Result<impl std::fmt::Debug, Exception>) -> (String, String) {
    let exception = result.unwrap_err();
    (exception.class.to_string(), exception.message)
}

fn denied(at: &str, user: &str, action: &str) -> (String, String) {
    let message =
        format!("Permission denied while accessing mount table {at}: user {user} does not have {action} permissions.");
    (class::ACCESS_CONTROL.to_owned(), message)
}

async fn stored(store: &Store) -> Vec<MountEntry> {
    let snapshot: Snapshot<MountEntry> = store.inner.list().await.unwrap();
    snapshot.records.into_iter().map(|stored| stored.record).collect()
}

#[tokio::test]
async fn changes_count_for_calls_when_they_are_answered() {
    let rig = Rig::ready().await;
    let (root, client) = (rig.admin("root").await, rig.client("root").await);
    assert_eq!(root.add(entry("/m", &[("ns1", "/there")])).await, Ok(true));
    client.info("/m/f").await.unwrap();
    assert_eq!(rig.namenodes[1].calls("getFileInfo").len(), 1);
    assert_eq!(root.add(entry("/m", &[("ns0", "/elsewhere")])).await, Ok(false));
    assert_eq!(root.update(entry("/m", &[("ns0", "/elsewhere")])).await, Ok(true));
    client.info("/m/f").await.unwrap();
    assert_eq!(rig.namenodes[0].calls("getFileInfo").len(), 1);
    let kept = stored(&rig.store).await.remove(0);
    assert!(kept.created_ms == 5 && kept.modified_ms > 5, "{kept:?}");
    assert_eq!(root.remove("/m").await, Ok(true));
    assert_eq!(root.remove("/m").await, Ok(false));
    assert_eq!(root.sources("").await, Vec::<String>::new());
}

#[tokio::test]
async fn permissions_bind_those_who_are_no_superusers() {
    let rig = Rig::ready().await;
    let (root, ann, bob) = (rig.admin("root").await, rig.admin("ann").await, rig.admin("bob").await);
    assert_eq!(said(ann.add(entry("/x", &[("ns0", "/x")])).await), denied("/", "ann", "WRITE"));
    assert_eq!(said(ann.update(entry("/x", &[("ns0", "/x")])).await), denied("/", "ann", "WRITE"));
    assert_eq!(root.add(owned("/a", "ann", 0o750)).await, Ok(true));
    assert_eq!(ann.add(owned("/a/b", "ann", 0o700)).await, Ok(true));
    assert_eq!(said(bob.add(entry("/a/c", &[("ns0", "/c")])).await), denied("/a", "bob", "WRITE"));
    assert_eq!(said(bob.remove("/a").await), denied("/a", "bob", "WRITE"));
    // All are checked before any is written.
    let two = vec![owned("/a/d", "ann", 0o700), owned("/y", "ann", 0o700)];
    assert_eq!(said(ann.add_all(two).await), denied("/", "ann", "WRITE"));
    assert_eq!(ann.sources("/").await, ["/a", "/a/b"]);
    // The Java router shows all where no path is named.
    for path in ["", "/", "/a"] {
        assert_eq!(bob.sources(path).await, Vec::<String>::new(), "{path:?}");
    }
    assert_eq!(rig.admin("sue").await.remove("/a/b").await, Ok(true));
    assert_eq!(ann.remove("/a").await, Ok(true));
}

#[tokio::test]
async fn a_listing_shows_who_owns_what_nobody_owns() {
    let rig = Rig::ready().await;
    let root = rig.admin("root").await;
    for source in ["/b", "/a/z", "/a-b", "/a"] {
        assert_eq!(root.add(entry(source, &[("ns0", "/d")])).await, Ok(true));
    }
    assert_eq!(root.sources("").await, ["/a", "/a/z", "/a-b", "/b"]);
    assert_eq!(root.sources("/a/").await, ["/a", "/a/z"]);
    let shown = root.entries("/b").await.unwrap().remove(0);
    assert_eq!((shown.owner_name(), shown.group_name(), shown.mode()), ("root", "supergroup", 0o755));
}

#[tokio::test]
async fn of_many_those_that_exist_fail() {
    let rig = Rig::ready().await;
    let root = rig.admin("root").await;
    assert_eq!(root.add(entry("/b", &[("ns0", "/b")])).await, Ok(true));
    let many = ["/a", "/b", "/c", "/a"].map(|source| entry(source, &[("ns1", "/new")]));
    assert_eq!(root.add_all(many.into()).await, Ok((false, vec!["/b".into(), "/a".into()])));
    assert_eq!(root.sources("").await, ["/a", "/b", "/c"]);
    assert_eq!(root.add_all(Vec::new()).await, Ok((false, Vec::new())));
    let more = (0..1500).map(|n| entry(&format!("/many/{n}"), &[("ns1", "/new")])).collect();
    assert_eq!(root.add_all(more).await, Ok((true, Vec::new())));
}

#[tokio::test]
async fn invalid_entries_are_refused_with_nothing_written() {
    let rig = Rig::with(|config| config.admin.max_component_length = 5, |_| {}).await;
    rig.readiness.wait_ready().await;
    let root = rig.admin("root").await;
    let (class, message) = said(root.add(entry("m", &[("ns0", "/d")])).await);
    assert_eq!(class, class::ILLEGAL_ARGUMENT);
    assert!(
        message.starts_with("Invalid entry, all mount points must start with / m->[ns0->/d][owner:root]"),
        "{message}"
    );
    let (class, message) = said(root.update(entry("/m", &[("ns0", "/toolong")])).await);
    assert_eq!(class, class::PATH_COMPONENT_TOO_LONG);
    assert!(message.ends_with("limit=5 length=7"), "{message}");
    assert_eq!(rig.store.writes.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn many_who_add_the_same_mount_add_it_once() {
    let rig = Rig::ready().await;
    let root = rig.admin("root").await;
    let adds = (0..16).map(|n| entry("/m", &[("ns0", &format!("/{n}"))]));
    let added = join_all(adds.map(|add| root.add(add))).await;
    assert_eq!(added.iter().filter(|added| **added == Ok(true)).count(), 1, "{added:?}");
    assert_eq!(added.iter().filter(|added| **added == Ok(false)).count(), 15, "{added:?}");
    let updates = (0..16).map(|n| entry("/m", &[("ns1", &format!("/{n}"))]));
    let updated = join_all(updates.map(|update| root.update(update))).await;
    assert!(updated.iter().all(|updated| *updated == Ok(true)), "{updated:?}");
    assert_eq!(stored(&rig.store).await.len(), 1);
}

#[tokio::test]
async fn a_router_that_may_only_read_says_so() {
    let rig = Rig::ready().await;
    let root = rig.admin("root").await;
    rig.store.disturb(Trouble::ReadOnly);
    let (class, message) = said(root.add(entry("/m", &[("ns0", "/mine")])).await);
    assert_eq!(
        (class, message),
        (class::ACCESS_CONTROL.to_owned(), "state store: this address is read-only".to_owned())
    );
    assert_eq!(root.sources("").await, Vec::<String>::new());
}

#[tokio::test]
async fn who_is_overtaken_decides_again() {
    let rig = Rig::ready().await;
    let root = rig.admin("root").await;
    rig.store.disturb(Trouble::Overtaken(1));
    assert_eq!(root.add(entry("/m", &[("ns0", "/mine")])).await, Ok(false));
    rig.store.disturb(Trouble::Overtaken(2));
    assert_eq!(root.update(entry("/m", &[("ns0", "/mine")])).await, Ok(true));
    assert_eq!(stored(&rig.store).await[0].destinations[0].path, "/mine");
    rig.store.disturb(Trouble::Overtaken(100));
    let (class, message) = said(root.update(entry("/m", &[("ns0", "/mine")])).await);
    assert_eq!(class, class::IO);
    assert!(message.starts_with("gave up after 20 attempts"), "{message}");
}

#[tokio::test]
async fn what_may_have_been_done_is_not_done_again() {
    let rig = Rig::ready().await;
    let root = rig.admin("root").await;
    rig.store.disturb(Trouble::Unsure);
    let (class, message) = said(root.add(entry("/m", &[("ns0", "/mine")])).await);
    assert_eq!(class, class::STATE_STORE_UNAVAILABLE);
    assert!(message.ends_with("it is not known whether the change was made"), "{message}");
    assert_eq!((rig.store.writes.load(Ordering::Relaxed), stored(&rig.store).await.len()), (1, 1));
}

#[tokio::test]
async fn destinations_are_looked_for_where_that_is_asked() {
    let rig = Rig::with(|config| config.admin.check_mounts = true, |_| {}).await;
    rig.readiness.wait_ready().await;
    let root = rig.admin("root").await;
    assert_eq!(root.add(entry("/m", &[("ns0", "/d"), ("ns1", "/d")])).await, Ok(true));
    rig.namenodes[1].answer("getFileInfo", forwarding::info(None));
    let (class, message) = said(root.add(entry("/n", &[("ns0", "/d"), ("ns1", "/d")])).await);
    assert_eq!(class, class::ILLEGAL_ARGUMENT);
    assert_eq!(message, "File not found in downstream nameservices: ns1");
}

#[tokio::test]
async fn without_a_store_mounts_are_only_shown() {
    let rig = Rig::with(
        |_| {},
        |sources| {
            let table = forwarding::table(&[("/m", &[("ns0", "/d")])], Some("ns0"));
            *sources = tokio::sync::watch::channel(Some(table)).1.into();
        },
    );
    let rig = rig.await;
    rig.readiness.wait_ready().await;
    let root = rig.admin("root").await;
    assert_eq!(root.sources("").await, ["/m"]);
    let (class, message) = said(root.add(entry("/n", &[("ns0", "/d")])).await);
    assert_eq!((class.as_str(), message.as_str()), (class::IO, "Mount table state store is not available."));
    let disabled = pb::GetDisabledNameservicesRequestProto {};
    let refused = root.call::<pb::GetDisabledNameservicesResponseProto>("getDisabledNameservices", disabled).await;
    assert_eq!(said(refused).1, "Disabled Nameservice state store is not available.");
}

#[tokio::test]
async fn an_update_keeps_what_only_newer_routers_know() {
    let rig = Rig::ready().await;
    let root = rig.admin("root").await;
    let known = MountEntry::parse("/m", [("ns0", "/here")]).unwrap();
    // Field 15 is 300.
    let newer = [0x78, 0xac, 0x02];
    let record = MountEntry::decode(&[&known.encode()[..], &newer].concat()).unwrap();
    rig.store.put(record, Version::ABSENT).await.unwrap();
    assert_eq!(root.update(entry("/m", &[("ns1", "/there")])).await, Ok(true));
    let kept = stored(&rig.store).await.remove(0);
    assert_eq!(kept.destinations[0].path.as_str(), "/there");
    assert!(kept.encode().ends_with(&newer), "{kept:?}");
}
