//! What users are told.

use k8s_openapi::api::events::v1::Event;
use kube::Api;
use kube::api::ListParams;
use serde_json::json;

use crate::cut::Cut;
use crate::objects::{external, fleet, mounts};
use crate::operator::Operator;
use crate::rig::Rig;
use crate::routers::Routers;
use crate::site::{Site, until};

/// A MountTable says how many routers serve which revision, while some of them lag and when they have caught up.
pub fn lagging(rig: &Rig) {
    rig.runtime.block_on(async {
        let site = Site::new(rig, "lagging").await;
        let routers = Routers::start(site.store().open(), 3);
        fleet(&site, json!({})).await;
        site.apply("MountTable", "alpha", mounts(&[("/a", "ns0/a")])).await;
        let _operator = Operator::start(rig, &site, Cut::never());
        site.condition("MountTable", "alpha", "Programmed", "True/Programmed").await;
        let served = async |routers: &str, expected: &str, said: &str| {
            site.condition("MountTable", "alpha", "Programmed", expected).await;
            until(routers, async || {
                let status = site.get("MountTable", "alpha").await.unwrap()["status"].clone();
                let mut conditions = status["conditions"].as_array().unwrap().iter();
                let programmed = conditions.find(|it| it["type"] == "Programmed").unwrap();
                let said = format!("{said} revision {}", status["revision"]);
                let told = status["routers"] == routers && programmed["message"] == *said;
                if told { Ok(status["revision"].clone()) } else { Err(status.to_string()) }
            })
            .await
        };
        let before = served("3/3", "True/Programmed", "3 routers serve").await;
        routers.hold(0, true);
        routers.hold(1, true);
        site.apply("MountTable", "alpha", mounts(&[("/a", "ns0/edited")])).await;
        let behind = served("1/3", "False/Pending", "1 of 3 routers serve").await;
        assert_ne!(before, behind);
        site.condition("MountTable", "alpha", "Ready", "False/Pending").await;
        routers.hold(0, false);
        served("2/3", "False/Pending", "2 of 3 routers serve").await;
        routers.hold(1, false);
        assert_eq!(served("3/3", "True/Programmed", "3 routers serve").await, behind);
    });
}

/// Events say what users look for: that something works, and what is in its way.
pub fn events(rig: &Rig) {
    rig.runtime.block_on(async {
        let site = Site::new(rig, "events").await;
        let _routers = Routers::start(site.store().open(), 2);
        // There is no Prometheus operator here.
        fleet(&site, json!({ "monitoring": { "serviceMonitor": true } })).await;
        let mut disabled = external("ns2");
        disabled["disabled"] = true.into();
        site.apply("Subcluster", "ns2", disabled).await;
        site.apply("MountTable", "alpha", mounts(&[("/a", "ns0/a"), ("/both", "ns0/alpha")])).await;
        site.apply("MountTable", "beta", mounts(&[("/both", "ns0/beta"), ("/c", "nowhere/c")])).await;
        let _operator = Operator::start(rig, &site, Cut::never());
        recorded(
            &site,
            &[
                ("MountTable", "alpha", "Normal", "Programmed"),
                ("MountTable", "beta", "Warning", "Conflicted"),
                ("MountTable", "beta", "Warning", "NameserviceNotFound"),
                ("RouterFleet", "main", "Warning", "ApplyFailed"),
                ("Subcluster", "ns2", "Normal", "Declared"),
            ],
        )
        .await;
        site.apply("RouterFleet", "main", json!({})).await;
        site.store().mount("/mine", "/mine").await;
        site.store().mount("/a", "/theirs").await;
        recorded(
            &site,
            &[
                ("MountTable", "alpha", "Warning", "ChangedInStore"),
                ("RouterFleet", "main", "Normal", "AsExpected"),
                ("RouterFleet", "main", "Warning", "Undeclared"),
            ],
        )
        .await;
    });
}

/// Waits for events, each of kind and name of its object, its type and its reason.
async fn recorded(site: &Site, expected: &[(&str, &str, &str, &str)]) {
    let events: Api<Event> = Api::namespaced(site.client.clone(), &site.namespace);
    until("events", async || {
        let all = events.list(&ListParams::default()).await.unwrap();
        let found: Vec<[String; 4]> = all
            .into_iter()
            .map(|event| {
                let about = event.regarding.unwrap_or_default();
                [about.kind, about.name, event.type_, event.reason].map(Option::unwrap_or_default)
            })
            .collect();
        let missing = expected
            .iter()
            .find(|(kind, name, of, reason)| !found.contains(&[kind, name, of, reason].map(|it| (*it).to_string())));
        missing.map_or(Ok(()), |missing| Err(format!("{missing:?} is not among {found:?}")))
    })
    .await;
}
