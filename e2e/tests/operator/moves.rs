//! Several fleets: tables of others, and tables that move from one to another.

use serde_json::json;

use crate::cut::Cut;
use crate::objects::{fleet, mounts, mounts_of};
use crate::operator::Operator;
use crate::rig::Rig;
use crate::routers::Routers;
use crate::site::{Site, has, until};

/// A table that the fleet of another namespace serves says nothing about this fleet, not even while that fleet's store is
/// away: drift is judged here, and tables are deleted here.
pub fn foreign_tables(rig: &Rig) {
    rig.runtime.block_on(async {
        let mut site = Site::new(rig, "here").await;
        let there = rig.fresh("there");
        site.namespace(&there, json!({})).await;
        site.add_store("main", &there);
        site.store_of("main", &there).kill();
        fleet(&site, json!({ "driftPolicy": "Enforce" })).await;
        site.apply_in(&there, "RouterFleet", "main", json!({})).await;
        site.apply_in(&there, "MountTable", "theirs", mounts(&[("/theirs", "ns0/theirs")])).await;
        site.apply("MountTable", "ours", mounts(&[("/ours", "ns0/ours")])).await;
        site.store().mount("/nobodys", "/nobodys").await;
        let _operator = Operator::everywhere(rig, &site);
        site.mounts(&["/ours -> ns0/ours"]).await;
        site.delete("MountTable", "ours").await;
        until("it goes", async || match site.get("MountTable", "ours").await {
            None => Ok(()),
            Some(table) => Err(table["metadata"].to_string()),
        })
        .await;
        site.mounts(&[]).await;
    });
}

/// Two fleets in one namespace, and a table of the first.
async fn two_fleets(rig: &Rig, name: &str) -> (Site, Operator) {
    let mut site = Site::new(rig, name).await;
    let namespace = site.namespace.clone();
    site.add_store("other", &namespace);
    fleet(&site, json!({})).await;
    site.apply("RouterFleet", "other", json!({})).await;
    let of_main = mounts_of(json!({ "name": "main" }), &[("/a", "ns0/a"), ("/b", "ns0/b"), ("/both", "ns0/mover")]);
    site.apply("MountTable", "mover", of_main).await;
    let stays = mounts_of(json!({ "name": "main" }), &[("/both", "ns0/stays"), ("/stays", "ns0/stays")]);
    site.apply("MountTable", "stays", stays).await;
    let operator = Operator::start(rig, &site, Cut::never());
    site.mounts(&["/a -> ns0/a", "/b -> ns0/b", "/both -> ns0/mover", "/stays -> ns0/stays"]).await;
    operator.quiet().await;
    (site, operator)
}

/// Its entries leave the old store, but for those that someone changed, and come to the new one; the paths are free for
/// others.
pub fn moved(rig: &Rig) {
    rig.runtime.block_on(async {
        let (site, _operator) = two_fleets(rig, "moving").await;
        let _routers = Routers::start(site.store_of("other", &site.namespace).open(), 1);
        site.store().mount("/b", "/changed").await;
        site.condition("MountTable", "mover", "Drifted", "True/ChangedInStore").await;
        let entries = [("/a", "ns0/a"), ("/b", "ns0/b"), ("/both", "ns0/mover")];
        site.apply("MountTable", "mover", mounts_of(json!({ "name": "other" }), &entries)).await;
        has(site.store_of("other", &site.namespace), &["/a -> ns0/a", "/b -> ns0/b", "/both -> ns0/mover"]).await;
        site.mounts(&["/b -> ns0/changed", "/both -> ns0/stays", "/stays -> ns0/stays"]).await;
        site.condition("MountTable", "mover", "Programmed", "True/Programmed").await;
        site.condition("MountTable", "stays", "Accepted", "True/Accepted").await;
        // It is nobody's by now.
        site.condition("RouterFleet", "main", "Drifted", "True/Undeclared").await;
    });
}

/// The old store is away while a table moves, and the operator is another one when it comes back.
pub fn moved_while_away(rig: &Rig) {
    rig.runtime.block_on(async {
        let (site, operator) = two_fleets(rig, "moving-away").await;
        site.store().kill();
        let entries = [("/a", "ns0/a"), ("/b", "ns0/b"), ("/both", "ns0/mover")];
        site.apply("MountTable", "mover", mounts_of(json!({ "name": "other" }), &entries)).await;
        has(site.store_of("other", &site.namespace), &["/a -> ns0/a", "/b -> ns0/b", "/both -> ns0/mover"]).await;
        operator.kill().await;
        let _operator = Operator::start(rig, &site, Cut::never());
        // The new one knows of the trouble, and of nothing that was there.
        site.condition("RouterFleet", "main", "Degraded", "True/StoreUnavailable").await;
        site.store().restart();
        site.mounts(&["/both -> ns0/stays", "/stays -> ns0/stays"]).await;
        has(site.store_of("other", &site.namespace), &["/a -> ns0/a", "/b -> ns0/b", "/both -> ns0/mover"]).await;
    });
}

/// A table that breaks a rule when it moves leaves the old store only when it is put right, whoever is the operator by then.
pub fn moved_amiss(rig: &Rig) {
    rig.runtime.block_on(async {
        let (site, operator) = two_fleets(rig, "moving-amiss").await;
        let entries = [("/a", "ns0/a"), ("/b", "ns0/b"), ("/both", "ns0/mover")];
        let right = mounts_of(json!({ "name": "other" }), &entries);
        let mut amiss = right.clone();
        // A limit of nothing is one that a schema takes.
        amiss["entries"][0]["quota"] = json!({ "space": "0" });
        site.apply("MountTable", "mover", amiss).await;
        site.condition("MountTable", "mover", "Accepted", "False/Invalid").await;
        operator.kill().await;
        let operator = Operator::start(rig, &site, Cut::never());
        // The fleet looks at what is nobody's, and the other table at what it may have.
        site.apply("RouterFleet", "main", json!({ "drainSeconds": 31 })).await;
        site.observed().await;
        operator.quiet().await;
        site.mounts(&["/a -> ns0/a", "/b -> ns0/b", "/both -> ns0/mover", "/stays -> ns0/stays"]).await;
        site.apply("MountTable", "mover", right).await;
        has(site.store_of("other", &site.namespace), &["/a -> ns0/a", "/b -> ns0/b", "/both -> ns0/mover"]).await;
        site.mounts(&["/both -> ns0/stays", "/stays -> ns0/stays"]).await;
    });
}
