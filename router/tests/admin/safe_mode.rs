//! Safe mode by hand, at the start, and while the store is away.

use std::time::Duration;

use anabranch_hdfs_proto::common::HaServiceStateProto;
use anabranch_hdfs_proto::hdfs as pb;
use anabranch_hrpc::{Exception, class};
use anabranch_router::Cause;
use tokio::time::timeout;

use crate::forwarding::Client;
use crate::rig::{Administrator, Rig, Trouble, entry};

async fn enter(admin: &Administrator) -> Result<bool, Exception> {
    let request = pb::EnterSafeModeRequestProto {};
    Ok(admin.call::<pb::EnterSafeModeResponseProto>("enterSafeMode", request).await?.status())
}

async fn leave(admin: &Administrator) -> Result<bool, Exception> {
    let request = pb::LeaveSafeModeRequestProto {};
    Ok(admin.call::<pb::LeaveSafeModeResponseProto>("leaveSafeMode", request).await?.status())
}

async fn is_on(admin: &Administrator) -> bool {
    let request = pb::GetSafeModeRequestProto {};
    admin.call::<pb::GetSafeModeResponseProto>("getSafeMode", request).await.unwrap().is_in_safe_mode()
}

async fn mkdirs(client: &Client) -> Result<bool, Exception> {
    let masked = pb::FsPermissionProto { perm: 0o755 };
    let request = pb::MkdirsRequestProto { src: "/d".into(), masked, create_parent: true, ..Default::default() };
    Ok(client.call::<pb::MkdirsResponseProto>("mkdirs", request).await?.result)
}

async fn ha_state(client: &Client) -> HaServiceStateProto {
    let request = pb::HaServiceStateRequestProto {};
    client.call::<pb::HaServiceStateResponseProto>("getHAServiceState", request).await.unwrap().state()
}

#[tokio::test]
async fn by_hand_it_refuses_changes_until_somebody_ends_it() {
    let rig = Rig::ready().await;
    rig.namenodes[0].answer("mkdirs", pb::MkdirsResponseProto { result: true });
    let (root, ann, client) = (rig.admin("root").await, rig.admin("ann").await, rig.client("ann").await);
    assert_eq!((is_on(&ann).await, ha_state(&client).await), (false, HaServiceStateProto::Active));
    for refused in [enter(&ann).await, leave(&ann).await] {
        let refused = refused.unwrap_err();
        assert_eq!((&*refused.class, refused.message.as_str()), (class::ACCESS_CONTROL, "ann is not a super user"));
    }
    assert_eq!(mkdirs(&client).await, Ok(true));

    assert_eq!(enter(&root).await, Ok(true));
    assert_eq!((is_on(&ann).await, ha_state(&client).await), (true, HaServiceStateProto::Standby));
    assert_eq!(rig.pending(), ["safe mode by hand"]);
    assert_eq!(rig.router.safe_mode().borrow().cause(), Some(Cause::ByHand));
    let metrics = rig.metrics.render().unwrap();
    for line in [
        r#"anabranch_safe_mode{cause="by_hand"} 1"#,
        r#"anabranch_safe_mode{cause="store_away"} 0"#,
        r#"anabranch_admin_calls_total{method="enterSafeMode",outcome="exception"} 1"#,
        r#"anabranch_admin_calls_total{method="enterSafeMode",outcome="ok"} 1"#,
        r#"anabranch_admin_seconds_count{method="enterSafeMode"} 2"#,
    ] {
        assert!(metrics.lines().any(|found| found == line), "no {line} in {metrics}");
    }
    let refused = mkdirs(&client).await.unwrap_err();
    let words = "Router host_8888 is in safe mode and cannot handle WRITE requests";
    assert_eq!((&*refused.class, refused.message.as_str()), (class::STANDBY, words));
    assert!(client.info("/d").await.is_ok(), "reads go on");
    // A change of the store does not end what a person began.
    assert_eq!(root.add(entry("/m", &[("ns0", "/d")])).await, Ok(true));
    assert!(is_on(&ann).await);

    assert_eq!(leave(&root).await, Ok(true));
    assert_eq!((is_on(&ann).await, mkdirs(&client).await, rig.pending()), (false, Ok(true), vec![]));
}

#[tokio::test]
async fn it_begins_when_the_store_is_away_and_ends_with_its_return() {
    let rig = Rig::with(|config| config.safe_mode.expiration = Duration::from_millis(50), |_| {}).await;
    rig.readiness.wait_ready().await;
    let (root, client) = (rig.admin("root").await, rig.client("ann").await);
    let mut state = rig.router.safe_mode();
    rig.store.disturb(Trouble::Away);
    let away = state.wait_for(|state| state.cause() == Some(Cause::StoreAway));
    timeout(anabranch_testkit::fake_namenode::PATIENCE, away).await.unwrap().unwrap();
    assert_eq!(
        (rig.pending(), ha_state(&client).await),
        (vec!["state store".to_owned()], HaServiceStateProto::Standby)
    );
    assert!(client.info("/d").await.unwrap_err().is(class::STANDBY), "a stale table answers nobody");
    let refused = leave(&root).await.unwrap_err();
    assert_eq!(refused.message, "Safe mode stays on: the state store has been away for too long");
    rig.store.disturb(Trouble::None);
    timeout(anabranch_testkit::fake_namenode::PATIENCE, rig.readiness.wait_ready()).await.unwrap();
    assert!(client.info("/d").await.is_ok());
}

#[tokio::test]
async fn it_lasts_for_the_extension_after_the_start() {
    let rig = Rig::with(|config| config.safe_mode.extension = Duration::from_secs(3600), |_| {}).await;
    let root = rig.admin("root").await;
    assert_eq!(root.add(entry("/m", &[("ns0", "/d")])).await, Ok(true));
    assert_eq!((is_on(&root).await, rig.pending()), (true, vec!["mount table".to_owned()]));
    assert_eq!(leave(&root).await, Ok(true));
    assert!(!is_on(&root).await);
    let rig = Rig::with(|config| config.safe_mode.extension = Duration::from_millis(10), |_| {}).await;
    timeout(anabranch_testkit::fake_namenode::PATIENCE, rig.readiness.wait_ready()).await.unwrap();
}

#[tokio::test]
async fn where_there_is_none_nobody_turns_it_on() {
    let rig = Rig::with(|config| config.safe_mode.enabled = false, |_| {}).await;
    rig.readiness.wait_ready().await;
    let root = rig.admin("root").await;
    assert_eq!((enter(&root).await, leave(&root).await, is_on(&root).await), (Ok(false), Ok(false), false));
}
