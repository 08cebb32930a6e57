//! Operators that come and go, and what users delete.

use std::time::{Duration, Instant};

use anabranch_federation::MountEntry;
use anabranch_store::DisabledNameservice;
use serde_json::json;

use crate::cut::Cut;
use crate::objects::{external, fleet, mounts};
use crate::operator::Operator;
use crate::rig::Rig;
use crate::routers::Routers;
use crate::site::{KINDS, Site, until};

/// Everything that there can be, settled.
async fn settled(rig: &Rig, name: &str) -> (Site, Operator, Routers) {
    let site = Site::new(rig, name).await;
    let routers = Routers::start(site.store().open(), 2);
    fleet(&site, json!({ "autoscaling": { "maxReplicas": 3 } })).await;
    let embedded =
        json!({ "nameserviceId": "ns1", "type": "Embedded", "embedded": { "volume": { "ephemeral": true } } });
    site.apply("Subcluster", "ns1", embedded).await;
    let mut disabled = external("ns2");
    disabled["disabled"] = true.into();
    site.apply("Subcluster", "ns2", disabled).await;
    site.apply("MountTable", "alpha", mounts(&[("/a", "ns0/a"), ("/both", "ns1/alpha")])).await;
    site.apply("MountTable", "beta", mounts(&[("/b", "ns0/b"), ("/both", "ns0/beta")])).await;
    let operator = Operator::start(rig, &site, Cut::never());
    site.condition("MountTable", "alpha", "Programmed", "True/Programmed").await;
    site.condition("Subcluster", "ns2", "Disabled", "True/Declared").await;
    operator.quiet().await;
    (site, operator, routers)
}

/// An operator that starts anew writes nothing where all is as it should be, and neither does a third.
pub fn applied_twice(rig: &Rig) {
    rig.runtime.block_on(async {
        let (site, operator, _routers) = settled(rig, "twice").await;
        assert_ne!(operator.cut.take_writes(), Vec::<String>::new());
        operator.kill().await;
        for _ in 0..2 {
            let again = Operator::start(rig, &site, Cut::never());
            until("it has looked at everything", async || {
                if again.cut.idle() > Duration::from_secs(4) { Ok(()) } else { Err("it looks") }
            })
            .await;
            assert_eq!(again.cut.take_writes(), Vec::<String>::new());
            again.stop().await;
        }
    });
}

/// Reconciliations that have begun end; there is nothing else to wait for.
pub fn stops(rig: &Rig) {
    rig.runtime.block_on(async {
        let (_site, operator, _routers) = settled(rig, "stops").await;
        let begin = Instant::now();
        operator.stop().await;
        assert!(begin.elapsed() < Duration::from_secs(1), "it took {:?}", begin.elapsed());
    });
}

/// Tables, subclusters and fleets go with all that was made for them, and with their records.
pub fn deleted(rig: &Rig) {
    rig.runtime.block_on(async {
        let (site, _operator, _routers) = settled(rig, "deleted").await;
        site.store().mount("/mine", "/mine").await;
        for (kind, names) in [("MountTable", &["alpha", "beta"][..]), ("Subcluster", &["ns0", "ns1", "ns2"][..])] {
            for name in names {
                site.delete(kind, name).await;
            }
        }
        // What someone else wrote is no one's to delete.
        site.mounts(&["/mine -> ns0/mine"]).await;
        until("every nameservice is back", async || match site.store().all::<DisabledNameservice>().await.len() {
            0 => Ok(()),
            some => Err(format!("{some} are out of service")),
        })
        .await;
        site.delete("RouterFleet", "main").await;
        nothing(&site).await;
        let records = site.store().all::<MountEntry>().await;
        assert!(records.iter().all(|stored| stored.record.declared.is_none()), "{records:?}");
    });
}

/// Fleets, tables and stores that go together do not wait for each other.
pub fn namespace(rig: &Rig) {
    rig.runtime.block_on(async {
        let (site, _operator, _routers) = settled(rig, "namespace").await;
        site.delete("RouterFleet", "main").await;
        site.store().kill();
        for kind in ["MountTable", "Subcluster"] {
            for object in site.list(kind, "").await {
                site.delete(kind, object["metadata"]["name"].as_str().unwrap()).await;
            }
        }
        nothing(&site).await;
    });
}

/// Waits until nothing of ours, and nothing that was made for it, is left.
async fn nothing(site: &Site) {
    until("nothing is left", async || {
        for (kind, group, _) in KINDS {
            let selector =
                if group.starts_with("anabranch.io") { "" } else { "app.kubernetes.io/managed-by=anabranch-operator" };
            if let Some(left) = site.list(kind, selector).await.first() {
                return Err(format!("{kind} {} is left", left["metadata"]));
            }
        }
        Ok(())
    })
    .await;
}
