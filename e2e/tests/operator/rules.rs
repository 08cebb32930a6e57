//! Who may mount what, and what one object does to others.

use std::time::Duration;

use kube::api::{DeleteParams, DynamicObject, PostParams};
use serde_json::{Value, json};

use crate::cut::Cut;
use crate::objects::{fleet, mounts, mounts_of};
use crate::operator::Operator;
use crate::rig::Rig;
use crate::site::{Site, until};

/// The older of two tables has a path, whatever they are called, until it gives it up.
pub fn age(rig: &Rig) {
    rig.runtime.block_on(async {
        let site = Site::new(rig, "age").await;
        fleet(&site, json!({})).await;
        let old = site.apply("MountTable", "zeta", mounts(&[("/both", "ns0/old"), ("/z", "ns0/z")])).await;
        younger(&site, &old, "alpha", mounts(&[("/both", "ns0/young"), ("/a", "ns0/a")])).await;
        let _operator = Operator::start(rig, &site, Cut::never());
        site.condition("MountTable", "alpha", "Accepted", "False/Conflicted").await;
        site.condition("MountTable", "zeta", "Accepted", "True/Accepted").await;
        site.mounts(&["/a -> ns0/a", "/both -> ns0/old", "/z -> ns0/z"]).await;
        site.apply("MountTable", "zeta", mounts(&[("/z", "ns0/z")])).await;
        site.mounts(&["/a -> ns0/a", "/both -> ns0/young", "/z -> ns0/z"]).await;
        site.condition("MountTable", "alpha", "Accepted", "True/Accepted").await;
        site.apply("MountTable", "zeta", mounts(&[("/both", "ns0/again")])).await;
        site.mounts(&["/a -> ns0/a", "/both -> ns0/again"]).await;
        site.delete("MountTable", "zeta").await;
        site.mounts(&["/a -> ns0/a", "/both -> ns0/young"]).await;
    });
}

/// A table that is younger than another. Ages are told in seconds.
async fn younger(site: &Site, old: &DynamicObject, name: &str, spec: Value) -> DynamicObject {
    until("a younger table", async || {
        let young = site.apply("MountTable", name, spec.clone()).await;
        if young.metadata.creation_timestamp > old.metadata.creation_timestamp {
            return Ok(young);
        }
        site.delete("MountTable", name).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        Err("as old")
    })
    .await
}

/// Tables of which nothing was ever stored, one paused and one that an older one keeps from all of its paths, leave nothing
/// behind when they are deleted.
pub fn ghosts(rig: &Rig) {
    rig.runtime.block_on(async {
        let site = Site::new(rig, "ghosts").await;
        fleet(&site, json!({})).await;
        let oldest = site.apply("MountTable", "paused", mounts(&[("/a", "ns0/paused")])).await;
        site.annotate("MountTable", "paused", json!({ "anabranch.io/paused": "true" })).await;
        let kept_out = younger(&site, &oldest, "kept-out", mounts(&[("/a", "ns0/kept-out")])).await;
        younger(&site, &kept_out, "last", mounts(&[("/a", "ns0/last")])).await;
        let _operator = Operator::start(rig, &site, Cut::never());
        for table in ["kept-out", "last"] {
            site.condition("MountTable", table, "Accepted", "False/Conflicted").await;
        }
        site.delete("MountTable", "kept-out").await;
        site.mounts(&[]).await;
        site.delete("MountTable", "paused").await;
        site.mounts(&["/a -> ns0/last"]).await;
        site.condition("MountTable", "last", "Accepted", "True/Accepted").await;
    });
}

/// A table in another namespace mounts what the fleet grants to that namespace, and nothing else.
pub fn delegation(rig: &Rig) {
    rig.runtime.block_on(async {
        let site = Site::new(rig, "granting").await;
        let guest = rig.fresh("guest");
        site.namespace(&guest, json!({ "team": "blue" })).await;
        let granted = |labels: Value| {
            let namespaces = json!({ "from": "Selector", "matchLabels": labels });
            json!({ "allowedMounts": [{}, { "namespaces": namespaces, "pathPrefixes": ["/team"] }] })
        };
        fleet(&site, granted(json!({ "team": "blue" }))).await;
        let table = mounts_of(
            json!({ "name": "main", "namespace": site.namespace }),
            &[("/team/data", "ns0/data"), ("/other", "ns0/other")],
        );
        site.apply_in(&guest, "MountTable", "guests", table).await;
        site.apply("MountTable", "own", mounts(&[("/own", "ns0/own")])).await;
        let _operator = Operator::everywhere(rig, &site);
        site.mounts(&["/own -> ns0/own", "/team/data -> ns0/data"]).await;
        let accepted = async || {
            let table = site.api("MountTable", &guest).get("guests").await.unwrap();
            let conditions = table.data["status"]["conditions"].as_array().cloned().unwrap_or_default();
            let accepted = conditions.into_iter().find(|it| it["type"] == "Accepted").unwrap_or_default();
            if accepted["reason"] == "NotAllowed" { Ok(()) } else { Err(accepted.to_string()) }
        };
        until("one entry is refused", accepted).await;
        // The grant ends: for these labels, and then for all guests.
        site.apply("RouterFleet", "main", granted(json!({ "team": "red" }))).await;
        site.mounts(&["/own -> ns0/own"]).await;
        site.apply("RouterFleet", "main", granted(json!({ "kubernetes.io/metadata.name": guest }))).await;
        site.mounts(&["/own -> ns0/own", "/team/data -> ns0/data"]).await;
        site.api("MountTable", &guest).delete("guests", &DeleteParams::default()).await.unwrap();
        site.mounts(&["/own -> ns0/own"]).await;
    });
}

/// What is paused stays as it is, against its own edits, other tables, and a restart; afterwards it is made up for.
pub fn paused(rig: &Rig) {
    rig.runtime.block_on(async {
        let pause = |paused: bool| json!({ "anabranch.io/paused": paused.to_string() });
        let site = Site::new(rig, "paused").await;
        fleet(&site, json!({ "driftPolicy": "Enforce" })).await;
        site.apply("MountTable", "alpha", mounts(&[("/a", "ns0/a")])).await;
        let operator = Operator::start(rig, &site, Cut::never());
        site.mounts(&["/a -> ns0/a"]).await;
        operator.quiet().await;
        site.annotate("MountTable", "alpha", pause(true)).await;
        site.annotate("RouterFleet", "main", pause(true)).await;
        site.condition("RouterFleet", "main", "ReconciliationPaused", "True/Paused").await;
        operator.stop().await;
        let _operator = Operator::start(rig, &site, Cut::never());
        site.apply("MountTable", "alpha", mounts(&[("/a", "ns0/edited")])).await;
        site.apply("RouterFleet", "main", json!({ "driftPolicy": "Enforce", "replicas": 7 })).await;
        site.apply("MountTable", "beta", mounts(&[("/a", "ns0/beta"), ("/b", "ns0/b")])).await;
        // This one is not paused, so the others have been looked at as well.
        site.condition("MountTable", "beta", "Accepted", "False/Conflicted").await;
        site.mounts(&["/a -> ns0/a", "/b -> ns0/b"]).await;
        let replicas = async || site.get("Deployment", "main-router").await.unwrap()["spec"]["replicas"].clone();
        assert_eq!(replicas().await, 2);
        site.annotate("MountTable", "alpha", pause(false)).await;
        site.annotate("RouterFleet", "main", pause(false)).await;
        site.mounts(&["/a -> ns0/edited", "/b -> ns0/b"]).await;
        until("more routers", async || if replicas().await == 7 { Ok(()) } else { Err("not yet") }).await;
    });
}

/// Objects that this version cannot read, and objects that break a rule, say so, and others are served.
pub fn broken(rig: &Rig) {
    rig.runtime.block_on(async {
        let site = Site::new(rig, "broken").await;
        fleet(&site, json!({})).await;
        site.apply("MountTable", "alpha", mounts(&[("/a", "ns0/a")])).await;
        let _operator = Operator::start(rig, &site, Cut::never());
        site.mounts(&["/a -> ns0/a"]).await;
        // As a later version might have stored it, whose schema knows more orders.
        loosen(rig, true).await;
        site.apply("MountTable", "unreadable", sideways()).await;
        site.condition("MountTable", "unreadable", "Accepted", "False/Unreadable").await;
        site.apply("MountTable", "beta", mounts(&[("/b", "ns0/b")])).await;
        site.mounts(&["/a -> ns0/a", "/b -> ns0/b"]).await;
        site.condition("RouterFleet", "main", "Drifted", "False/AsDeclared").await;
        site.delete("MountTable", "unreadable").await;
        loosen(rig, false).await;
    });
}

/// Tables that break a rule, or that cannot be read, keep what they have when another operator begins, and leave nothing behind
/// when they are deleted.
pub fn mute(rig: &Rig) {
    rig.runtime.block_on(async {
        let site = Site::new(rig, "mute").await;
        fleet(&site, json!({})).await;
        site.apply("MountTable", "odd", mounts(&[("/o", "ns0/odd")])).await;
        let old = site.apply("MountTable", "unreadable", mounts(&[("/u", "ns0/unreadable")])).await;
        let operator = Operator::start(rig, &site, Cut::never());
        site.mounts(&["/o -> ns0/odd", "/u -> ns0/unreadable"]).await;
        operator.quiet().await;
        operator.kill().await;
        // A limit of nothing is one that a schema takes.
        let mut odd = mounts(&[("/o", "ns0/edited")]);
        odd["entries"][0]["quota"] = json!({ "space": "0" });
        site.apply("MountTable", "odd", odd).await;
        loosen(rig, true).await;
        site.apply("MountTable", "unreadable", sideways()).await;
        let wanted = mounts(&[("/o", "ns0/young"), ("/u", "ns0/young"), ("/y", "ns0/young")]);
        younger(&site, &old, "young", wanted).await;
        let operator = Operator::start(rig, &site, Cut::never());
        site.condition("MountTable", "young", "Accepted", "False/Conflicted").await;
        site.mounts(&["/o -> ns0/odd", "/u -> ns0/unreadable", "/y -> ns0/young"]).await;
        operator.quiet().await;
        site.mounts(&["/o -> ns0/odd", "/u -> ns0/unreadable", "/y -> ns0/young"]).await;
        for table in ["unreadable", "odd"] {
            site.delete("MountTable", table).await;
            until("it goes", async || match site.get("MountTable", table).await {
                None => Ok(()),
                Some(table) => Err(table["metadata"].to_string()),
            })
            .await;
        }
        site.mounts(&["/o -> ns0/young", "/u -> ns0/young", "/y -> ns0/young"]).await;
        loosen(rig, false).await;
    });
}

/// What cannot be made is told where users look, and keeps nothing else from being made.
pub fn stuck(rig: &Rig) {
    rig.runtime.block_on(async {
        let site = Site::new(rig, "stuck").await;
        // There is no Prometheus operator here.
        fleet(&site, json!({ "monitoring": { "serviceMonitor": true } })).await;
        let group = json!({ "backend": { "type": "raft" }, "replicas": 3 });
        let group = json!({ "nameserviceId": "ns1", "type": "Embedded", "embedded": group });
        site.apply("Subcluster", "group", group).await;
        let odd = json!({ "backend": { "type": "rocksdb" }, "podTemplate": { "spec": { "containers": 7 } } });
        let odd = json!({ "nameserviceId": "ns2", "type": "Embedded", "embedded": odd });
        site.apply("Subcluster", "odd", odd).await;
        let _operator = Operator::start(rig, &site, Cut::never());
        site.condition("RouterFleet", "main", "Degraded", "True/ApplyFailed").await;
        assert!(site.get("Deployment", "main-router").await.is_some());
        site.condition("Subcluster", "group", "Ready", "False/Invalid").await;
        assert_eq!(site.get("StatefulSet", "group-namespace").await, None);
        site.condition("Subcluster", "odd", "Ready", "False/ApplyFailed").await;
        site.apply("RouterFleet", "main", json!({})).await;
        site.condition("RouterFleet", "main", "Degraded", "False/AsExpected").await;
    });
}

/// A table of an order that nobody knows.
fn sideways() -> Value {
    let destinations = json!([{ "nameservice": "ns0", "path": "/u" }, { "nameservice": "ns1", "path": "/u" }]);
    json!({ "entries": [{ "path": "/u", "order": "Sideways", "destinations": destinations }] })
}

/// Lets the API server take any order in a MountTable, or only those that there are.
async fn loosen(rig: &Rig, loose: bool) {
    use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
    let api: kube::Api<CustomResourceDefinition> = kube::Api::all(rig.client.clone());
    let name = "mounttables.anabranch.io";
    let mut definition = serde_json::to_value(api.get(name).await.unwrap()).unwrap();
    let schema = &mut definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
    let order = &mut schema["properties"]["entries"]["items"]["properties"]["order"];
    let known = order["enum"].take();
    let mut orders: Vec<Value> = serde_json::from_value(known).unwrap();
    orders.retain(|order| order != "Sideways");
    if loose {
        orders.push("Sideways".into());
    }
    order["enum"] = orders.into();
    let definition = serde_json::from_value(definition).unwrap();
    api.replace(name, &PostParams::default(), &definition).await.unwrap();
    // Servers take a moment to check by the new schema.
    let tried = json!({
        "apiVersion": "anabranch.io/v1alpha1", "kind": "MountTable", "metadata": { "name": "tried" }, "spec": sideways(),
    });
    until("the new schema counts", async || {
        let tried: kube::api::DynamicObject = serde_json::from_value(tried.clone()).unwrap();
        let resource = kube::api::ApiResource::erase::<anabranch_api::MountTable>(&());
        let api: kube::Api<kube::api::DynamicObject> =
            kube::Api::namespaced_with(rig.client.clone(), "default", &resource);
        let taken = api.create(&PostParams { dry_run: true, ..PostParams::default() }, &tried).await;
        match (loose, taken) {
            (true, Ok(_)) | (false, Err(_)) => Ok(()),
            (_, Err(error)) => Err(error.to_string()),
            (_, Ok(_)) => Err("it is taken".to_owned()),
        }
    })
    .await;
}
