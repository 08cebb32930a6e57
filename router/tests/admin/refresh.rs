//! Reading things anew.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anabranch_federation::MountEntry;
use anabranch_hdfs_proto::{common, hdfs as pb};
use anabranch_hrpc::{Identity, class};
use anabranch_router::config::{Names, ProxyRule, ProxyUsers};
use anabranch_store::{Version, Writer};

use crate::rig::Rig;

#[tokio::test]
async fn after_a_refresh_the_store_is_in_use() {
    let rig = Rig::ready().await;
    let ann = rig.admin("ann").await;
    for round in 0..20 {
        let mount = MountEntry::parse(&format!("/m{round}"), [("ns0", "/d")]).unwrap();
        let Version(revision) = rig.store.inner.put(mount, Version::ABSENT).await.unwrap();
        let request = pb::RefreshMountTableEntriesRequestProto {};
        let done: pb::RefreshMountTableEntriesResponseProto =
            ann.call("refreshMountTableEntries", request).await.unwrap();
        assert!(done.result());
        let metrics = rig.metrics.render().unwrap();
        let used = metrics.lines().find_map(|line| line.strip_prefix("anabranch_mount_table_revision ")).unwrap();
        assert!(used.parse::<u64>().unwrap() >= revision, "{used} {revision}");
    }
}

#[tokio::test]
async fn who_may_act_for_whom_is_read_again() {
    let broken = Arc::new(AtomicBool::new(true));
    let read = broken.clone();
    let rig = Rig::with(
        |_| {},
        |sources| {
            sources.proxy_users = Some(Arc::new(move || {
                if read.load(Ordering::Relaxed) {
                    return Err("core-site.xml:3: not XML".to_owned());
                }
                let rule =
                    ProxyRule { real_user: "oozie".into(), users: Names::Any, groups: Names::Any, hosts: Names::Any };
                Ok(ProxyUsers { rules: vec![rule], ..ProxyUsers::default() })
            }));
        },
    )
    .await;
    rig.readiness.wait_ready().await;
    let ann = rig.admin("ann").await;
    let refresh = async || {
        let request = pb::RefreshSuperUserGroupsConfigurationRequestProto {};
        ann.call::<pb::RefreshSuperUserGroupsConfigurationResponseProto>("refreshSuperUserGroupsConfiguration", request)
            .await
            .map(|done| done.status())
    };
    let get = async || {
        let identity = Identity { user: "ann".into(), real_user: Some("oozie".into()) };
        let protocol = "org.apache.hadoop.hdfs.protocolPB.RouterAdminProtocol";
        let oozie = rig.admin_as(identity, protocol).await;
        oozie.call::<pb::GetSafeModeResponseProto>("getSafeMode", pb::GetSafeModeRequestProto {}).await
    };
    let refused = get().await.unwrap_err();
    assert_eq!(refused.message, "User: oozie is not allowed to impersonate ann");
    let refused = refresh().await.unwrap_err();
    assert_eq!(refused.message, "the configuration stays as it was: core-site.xml:3: not XML");
    broken.store(false, Ordering::Relaxed);
    assert_eq!(refresh().await, Ok(true));
    assert!(get().await.is_ok());
}

#[tokio::test]
async fn other_things_are_refreshed_by_their_names() {
    let rig = Rig::ready().await;
    let identity = || Identity::simple("ann");
    let generic = rig.admin_as(identity(), "org.apache.hadoop.ipc.GenericRefreshProtocol").await;
    let named = |name: &str| common::GenericRefreshRequestProto { identifier: Some(name.into()), args: vec![] };
    let done: common::GenericRefreshResponseCollectionProto =
        generic.call("refresh", named("RefreshFairnessPolicyController")).await.unwrap();
    assert_eq!((done.responses.len(), done.responses[0].exit_status()), (1, 0));
    let refused =
        generic.call::<common::GenericRefreshResponseCollectionProto>("refresh", named("x")).await.unwrap_err();
    let words = "Identifier 'x' does not exist in RefreshRegistry. Valid options are: RefreshFairnessPolicyController";
    assert_eq!((&*refused.class, refused.message.as_str()), (class::ILLEGAL_ARGUMENT, words));

    let queue = rig.admin_as(identity(), "org.apache.hadoop.ipc.RefreshCallQueueProtocol").await;
    let request = common::RefreshCallQueueRequestProto {};
    queue.call::<common::RefreshCallQueueResponseProto>("refreshCallQueue", request).await.unwrap();
    let refused = queue.call::<common::RefreshCallQueueResponseProto>("other", request).await.unwrap_err();
    assert!(refused.is(class::NO_SUCH_METHOD), "{refused}");
}
