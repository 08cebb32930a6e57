//! What others do to objects of the operator and beside it, and what it makes of that.

use std::time::Duration;

use anabranch_testkit::http;
use anabranch_testkit::net::free_address;
use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use crate::cut::Cut;
use crate::objects::{fleet, mounts};
use crate::operator::Operator;
use crate::rig::Rig;
use crate::routers::Routers;
use crate::site::{Site, until};

/// What somebody else made is not overwritten, though it has the name of what a fleet needs.
pub fn names_that_are_taken(rig: &Rig) {
    rig.runtime.block_on(async {
        let site = Site::new(rig, "taken").await;
        let theirs = json!({ "selector": { "app": "theirs" }, "ports": [{ "port": 80 }] });
        site.apply("Service", "main", theirs).await;
        fleet(&site, json!({})).await;
        let _operator = Operator::start(rig, &site, Cut::never());
        site.condition("RouterFleet", "main", "Degraded", "True/ApplyFailed").await;
        site.condition("RouterFleet", "main", "Ready", "False/ApplyFailed").await;
        let fleet = site.get("RouterFleet", "main").await.unwrap();
        let conditions = fleet["status"]["conditions"].as_array().cloned().unwrap();
        let degraded = conditions.into_iter().find(|it| it["type"] == "Degraded").unwrap();
        let expected = format!("Service {}/main is there and belongs to nobody that owns it", site.namespace);
        assert!(degraded["message"].as_str().unwrap().starts_with(&expected), "{degraded}");
        let service = site.get("Service", "main").await.unwrap();
        assert_eq!(service["spec"]["selector"], json!({ "app": "theirs" }));
        site.delete("Service", "main").await;
        site.condition("RouterFleet", "main", "Degraded", "False/AsExpected").await;
        assert!(site.get("Deployment", "main-router").await.is_some());
    });
}

/// Quantities that the API server writes otherwise than the user does are no reason to write them again.
pub fn quantities(rig: &Rig) {
    rig.runtime.block_on(async {
        let site = Site::new(rig, "quantities").await;
        let resources = json!({ "requests": { "cpu": "1000m", "memory": "1024Mi" }, "limits": { "memory": "2048Mi" } });
        let volume = json!({ "name": "scratch", "emptyDir": { "sizeLimit": "1024Ki" } });
        let template =
            json!({ "spec": { "volumes": [volume], "containers": [{ "name": "router", "resources": resources }] } });
        let autoscaling = json!({ "maxReplicas": 3, "targetCallsInFlight": 1000 });
        fleet(&site, json!({ "podTemplate": template, "autoscaling": autoscaling })).await;
        let operator = Operator::start(rig, &site, Cut::never());
        site.condition("RouterFleet", "main", "Degraded", "False/AsExpected").await;
        operator.quiet().await;
        let container =
            &site.get("Deployment", "main-router").await.unwrap()["spec"]["template"]["spec"]["containers"][0];
        assert_eq!(container["resources"]["requests"]["cpu"], "1");
        operator.kill().await;
        let again = Operator::start(rig, &site, Cut::never());
        until("it has looked at everything", async || {
            if again.cut.idle() > Duration::from_secs(4) { Ok(()) } else { Err("it looks") }
        })
        .await;
        assert_eq!(again.cut.take_writes(), Vec::<String>::new());
    });
}

/// What others add to objects of the operator is theirs and costs nothing; what they change is put right.
pub fn additions(rig: &Rig) {
    rig.runtime.block_on(async {
        let site = Site::new(rig, "additions").await;
        fleet(&site, json!({})).await;
        let operator = Operator::start(rig, &site, Cut::never());
        site.condition("RouterFleet", "main", "Degraded", "False/AsExpected").await;
        operator.quiet().await;
        operator.cut.take_writes();
        let port = json!({ "name": "extra", "port": 9999, "protocol": "TCP" });
        site.apply("Service", "main", json!({ "ports": [port] })).await;
        let container = json!({ "name": "router", "env": [{ "name": "EXTRA", "value": "1" }] });
        let labels = json!({ "metadata": { "labels": { "extra": "1" } }, "spec": { "containers": [container] } });
        site.apply("Deployment", "main-router", json!({ "template": labels })).await;
        operator.quiet().await;
        assert_eq!(operator.cut.take_writes(), Vec::<String>::new());
        let rpc = async || {
            let service = site.get("Service", "main").await.unwrap();
            let ports = service["spec"]["ports"].as_array().unwrap();
            let rpc = ports.iter().position(|port| port["name"] == "rpc").unwrap();
            assert!(ports.iter().any(|port| port["name"] == "extra"), "{service}");
            (rpc, ports[rpc]["targetPort"].clone())
        };
        let (at, _) = rpc().await;
        let path = format!("/spec/ports/{at}/targetPort");
        let patch = serde_json::from_value(json!([{ "op": "replace", "path": path, "value": "http" }])).unwrap();
        let services = site.api("Service", &site.namespace);
        services.patch("main", &PatchParams::default(), &Patch::Json::<()>(patch)).await.unwrap();
        until("the port is ours again", async || match rpc().await {
            (_, port) if port == "rpc" => Ok(()),
            (_, port) => Err(port.to_string()),
        })
        .await;
        operator.quiet().await;
        assert_eq!(operator.cut.take_writes().len(), 1);
    });
}

/// A kind that the cluster does not know is told of, and keeps nothing from being made once it is there.
pub fn undefined(rig: &Rig) {
    rig.runtime.block_on(async {
        let site = Site::new(rig, "undefined").await;
        fleet(&site, json!({})).await;
        rig.undefine("subclusters.anabranch.io").await;
        let http = free_address().unwrap();
        let _operator = Operator::with(rig, &site, |options| options.http = http);
        until("nothing is heard of Subclusters", async || {
            let metrics = http::get(&http.to_string(), "/metrics").map_err(|error| error.to_string())?.body;
            let failed = r#"anabranch_operator_reconciliations_total{kind="Subcluster",outcome="watch"}"#;
            if metrics.contains(failed) { Ok(()) } else { Err(metrics) }
        })
        .await;
        assert_eq!(site.get("Deployment", "main-router").await, None);
        rig.define().await.unwrap();
        until("the routers are made", async || {
            site.get("Deployment", "main-router").await.map(drop).ok_or("there are none")
        })
        .await;
    });
}

/// A fleet that changes all the time is looked at all the same.
pub fn changes_without_end(rig: &Rig) {
    rig.runtime.block_on(async {
        let site = Site::new(rig, "restless").await;
        fleet(&site, json!({})).await;
        let _operator = Operator::start(rig, &site, Cut::never());
        let mut count = 0;
        until("the routers are made while the fleet changes", async || {
            count += 1;
            site.annotate("RouterFleet", "main", json!({ "example.com/count": count.to_string() })).await;
            site.get("Deployment", "main-router").await.map(drop).ok_or("there are none")
        })
        .await;
    });
}

/// Who writes to the lease without taking it ends nobody's work.
pub fn lease_of_many_writers(rig: &Rig) {
    rig.runtime.block_on(async {
        let site = Site::new(rig, "writers").await;
        fleet(&site, json!({})).await;
        let operator = Operator::start(rig, &site, Cut::never());
        operator.quiet().await;
        let leases: Api<Lease> = Api::namespaced(rig.client.clone(), &site.namespace);
        // Three renewals, each of which is written while others write.
        let label = async |writer: usize| {
            for count in 0_u64.. {
                let label = json!({ "metadata": { "labels": { format!("writer-{writer}"): count.to_string() } } });
                // Some lose against another writer.
                drop(leases.patch("anabranch-operator", &PatchParams::default(), &Patch::Merge(label)).await);
            }
        };
        let writers = async { tokio::join!(label(0), label(1)) };
        assert!(tokio::time::timeout(Duration::from_secs(7), writers).await.is_err());
        site.apply("MountTable", "alpha", mounts(&[("/a", "ns0/a")])).await;
        site.mounts(&["/a -> ns0/a"]).await;
        operator.stop().await;
    });
}

/// `Ready` says of every kind whether it is as it was declared, at the generation that it names.
pub fn ready(rig: &Rig) {
    rig.runtime.block_on(async {
        let site = Site::new(rig, "ready").await;
        let _routers = Routers::start(site.store().open(), 2);
        fleet(&site, json!({})).await;
        site.apply("MountTable", "alpha", mounts(&[("/a", "ns0/a")])).await;
        let _operator = Operator::start(rig, &site, Cut::never());
        site.condition("MountTable", "alpha", "Ready", "True/Ready").await;
        site.condition("RouterFleet", "main", "Ready", "False/TooFewRouters").await;
        // There is no controller of Deployments here.
        let replicas = |count: i32, generation: &Value| {
            json!({ "status": {
                "observedGeneration": generation, "replicas": count, "updatedReplicas": count, "readyReplicas": count,
                "availableReplicas": count,
            } })
        };
        let deployment = site.get("Deployment", "main-router").await.unwrap();
        let deployments = site.api("Deployment", &site.namespace);
        let status = Patch::Merge(replicas(2, &deployment["metadata"]["generation"]));
        deployments.patch_status("main-router", &PatchParams::default(), &status).await.unwrap();
        site.condition("RouterFleet", "main", "Ready", "True/Ready").await;
        // The rollout of an edit is no failure, and not done yet.
        site.apply("RouterFleet", "main", json!({ "drainSeconds": 31 })).await;
        site.condition("RouterFleet", "main", "Ready", "False/RollingOut").await;
        site.apply("MountTable", "alpha", mounts(&[("/a", "nowhere/a")])).await;
        site.condition("MountTable", "alpha", "Ready", "False/NameserviceNotFound").await;
    });
}
