//! What someone else writes into a state store, under each policy: a record of their own, and one of ours that they change.

use anabranch_federation::MountEntry;
use serde_json::{Value, json};

use crate::cut::Cut;
use crate::objects::{fleet, mounts};
use crate::operator::Operator;
use crate::rig::Rig;
use crate::site::{Site, until};

/// A fleet with this policy, a table, and someone who writes beside it.
async fn drifted(rig: &Rig, policy: &str) -> (Site, Operator) {
    let site = Site::new(rig, "drift").await;
    fleet(&site, json!({ "driftPolicy": policy })).await;
    site.apply("MountTable", "alpha", mounts(&[("/a", "ns0/a"), ("/b", "ns0/b")])).await;
    site.store().mount("/before", "/before").await;
    let operator = Operator::start(rig, &site, Cut::never());
    until("the table is stored", async || {
        let found = site.store().mounts().await;
        if found.iter().any(|mount| mount == "/b -> ns0/b") { Ok(()) } else { Err(format!("{found:?}")) }
    })
    .await;
    site.store().mount("/mine", "/mine").await;
    site.store().mount("/a", "/theirs").await;
    (site, operator)
}

/// The paths of a MountTable and where they lead.
async fn declared(site: &Site, table: &str) -> Vec<String> {
    let table = site.get("MountTable", table).await.unwrap_or_default();
    let entries = table["spec"]["entries"].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let shown = |entry: &Value| format!("{} -> {}", text(&entry["path"]), text(&entry["destinations"][0]["path"]));
    let mut shown: Vec<String> = entries.iter().map(shown).collect();
    shown.sort();
    shown
}

/// It stays, and is told of.
pub fn observed(rig: &Rig) {
    rig.runtime.block_on(async {
        let (site, operator) = drifted(rig, "Observe").await;
        site.condition("RouterFleet", "main", "Drifted", "True/Undeclared").await;
        site.condition("MountTable", "alpha", "Drifted", "True/ChangedInStore").await;
        operator.quiet().await;
        site.mounts(&["/a -> ns0/theirs", "/b -> ns0/b", "/before -> ns0/before", "/mine -> ns0/mine"]).await;
        assert_eq!(declared(&site, "alpha").await, ["/a -> /a", "/b -> /b"]);
        // An edit of the table counts, where nobody else changed it since.
        site.apply("MountTable", "alpha", mounts(&[("/b", "ns0/edited")])).await;
        site.mounts(&["/a -> ns0/theirs", "/b -> ns0/edited", "/before -> ns0/before", "/mine -> ns0/mine"]).await;
        site.condition("MountTable", "alpha", "Drifted", "True/ChangedInStore").await;
    });
}

/// It becomes declared.
pub fn adopted(rig: &Rig) {
    rig.runtime.block_on(async {
        let (site, operator) = drifted(rig, "Adopt").await;
        for (table, expected) in
            [("alpha", ["/a -> /theirs", "/b -> /b"]), ("main-adopted", ["/before -> /before", "/mine -> /mine"])]
        {
            until(table, async || {
                let found = declared(&site, table).await;
                if found == expected { Ok(()) } else { Err(format!("{found:?}")) }
            })
            .await;
        }
        site.condition("RouterFleet", "main", "Drifted", "False/AsDeclared").await;
        site.condition("MountTable", "alpha", "Drifted", "False/AsDeclared").await;
        operator.quiet().await;
        site.mounts(&["/a -> ns0/theirs", "/b -> ns0/b", "/before -> ns0/before", "/mine -> ns0/mine"]).await;
        site.delete("MountTable", "main-adopted").await;
        site.mounts(&["/a -> ns0/theirs", "/b -> ns0/b"]).await;
    });
}

/// It is undone.
pub fn enforced(rig: &Rig) {
    rig.runtime.block_on(async {
        let (site, operator) = drifted(rig, "Enforce").await;
        site.mounts(&["/a -> ns0/a", "/b -> ns0/b"]).await;
        site.condition("RouterFleet", "main", "Drifted", "False/AsDeclared").await;
        operator.quiet().await;
        assert_eq!(declared(&site, "alpha").await, ["/a -> /a", "/b -> /b"]);
    });
}

/// What no table can declare stays as it is, is told of, and keeps nothing else from being adopted.
pub fn left(rig: &Rig) {
    rig.runtime.block_on(async {
        let site = Site::new(rig, "left").await;
        fleet(&site, json!({ "driftPolicy": "Adopt" })).await;
        site.apply("MountTable", "alpha", mounts(&[("/a", "ns0/a"), ("/b", "ns0/b")])).await;
        let operator = Operator::start(rig, &site, Cut::never());
        site.mounts(&["/a -> ns0/a", "/b -> ns0/b"]).await;
        let twice = |path: &str| MountEntry::parse(path, [("ns0", "/x"), ("ns0", "/y")]).unwrap();
        site.store().put(twice("/twice")).await;
        site.store().put(twice("/b")).await;
        site.store().mount("/mine", "/mine").await;
        site.condition("RouterFleet", "main", "Drifted", "True/Undeclared").await;
        site.condition("MountTable", "alpha", "Drifted", "True/ChangedInStore").await;
        until("the other one is adopted", async || {
            let found = declared(&site, "main-adopted").await;
            if found == ["/mine -> /mine"] { Ok(()) } else { Err(format!("{found:?}")) }
        })
        .await;
        operator.quiet().await;
        let problem = r#"destinations[1].nameservice: "ns0" is a destination already"#;
        for (kind, name, told) in [
            ("RouterFleet", "main", format!("no MountTable declares /twice (cannot be adopted: {problem}")),
            ("MountTable", "alpha", format!("which cannot be adopted: {problem}")),
        ] {
            let object = site.get(kind, name).await.unwrap();
            let mut conditions = object["status"]["conditions"].as_array().unwrap().iter();
            let drifted = conditions.find(|it| it["type"] == "Drifted").unwrap();
            assert!(drifted["message"].as_str().unwrap().contains(&told), "{drifted}");
        }
        site.mounts(&["/a -> ns0/a", "/b -> ns0/x,ns0/y", "/mine -> ns0/mine", "/twice -> ns0/x,ns0/y"]).await;
        site.apply("MountTable", "alpha", mounts(&[("/a", "ns0/edited"), ("/b", "ns0/b")])).await;
        site.mounts(&["/a -> ns0/edited", "/b -> ns0/x,ns0/y", "/mine -> ns0/mine", "/twice -> ns0/x,ns0/y"]).await;
    });
}
