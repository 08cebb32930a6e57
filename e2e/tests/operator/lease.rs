//! An operator whose lease someone else takes ends, and writes nothing more.

use anabranch_operator::RunError;
use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::json;

use crate::cut::Cut;
use crate::objects::{fleet, mounts};
use crate::operator::Operator;
use crate::rig::Rig;
use crate::site::{Site, until};

/// Someone else takes it.
async fn steal(rig: &Rig, site: &Site) -> Api<Lease> {
    let leases: Api<Lease> = Api::namespaced(rig.client.clone(), &site.namespace);
    let theirs = json!({ "spec": { "holderIdentity": "another" } });
    leases.patch("anabranch-operator", &PatchParams::default(), &Patch::Merge(theirs)).await.unwrap();
    leases
}

/// See the module.
pub fn stolen(rig: &Rig) {
    rig.runtime.block_on(async {
        let site = Site::new(rig, "lease").await;
        fleet(&site, json!({})).await;
        let operator = Operator::start(rig, &site, Cut::never());
        operator.quiet().await;
        let leases = steal(rig, &site).await;
        let cut = operator.cut.clone();
        let ended = operator.ended().await;
        assert!(matches!(ended, Err(RunError::LeaseLost)), "{ended:?}");
        cut.take_writes();
        // What it would do at once, it leaves to the other one.
        site.apply("MountTable", "alpha", mounts(&[("/a", "ns0/a")])).await;
        let next = Operator::start(rig, &site, Cut::never());
        next.quiet().await;
        assert_eq!((cut.take_writes(), next.cut.take_writes()), (Vec::new(), Vec::new()));
        assert_eq!(site.store().mounts().await, Vec::<String>::new());
        let holder = leases.get("anabranch-operator").await.unwrap().spec.unwrap().holder_identity;
        assert_eq!(holder.as_deref(), Some("another"));
    });
}

/// So is a write that has begun.
pub fn stolen_under_way(rig: &Rig) {
    rig.runtime.block_on(async {
        let site = Site::new(rig, "lease-under-way").await;
        fleet(&site, json!({})).await;
        let operator = Operator::start(rig, &site, Cut::never());
        operator.quiet().await;
        let cut = operator.cut.clone();
        cut.hold(true);
        site.apply("MountTable", "alpha", mounts(&[("/a", "ns0/a")])).await;
        until("a write waits", async || if cut.waiting() > 0 { Ok(()) } else { Err("none") }).await;
        steal(rig, &site).await;
        let ended = operator.ended().await;
        assert!(matches!(ended, Err(RunError::LeaseLost)), "{ended:?}");
        cut.hold(false);
        let next = Operator::start(rig, &site, Cut::never());
        next.quiet().await;
        assert_eq!(site.store().mounts().await, Vec::<String>::new());
    });
}
