//! Fleets that are made anew over records that were kept.

use anabranch_federation::{Declared, MountEntry};
use anabranch_store::{Version, Writer};
use serde_json::json;

use crate::cut::Cut;
use crate::objects::{fleet, mounts};
use crate::operator::Operator;
use crate::rig::Rig;
use crate::site::{Site, until};

/// A fleet that was deleted and made anew has the records of its tables: they are edited and deleted as before.
pub fn taken_over(rig: &Rig) {
    rig.runtime.block_on(async {
        let site = Site::new(rig, "remade").await;
        fleet(&site, json!({})).await;
        site.apply("MountTable", "alpha", mounts(&[("/a", "ns0/a"), ("/b", "ns0/b")])).await;
        let operator = Operator::start(rig, &site, Cut::never());
        site.mounts(&["/a -> ns0/a", "/b -> ns0/b"]).await;
        operator.quiet().await;
        let uid = async || site.get("RouterFleet", "main").await.map(|fleet| fleet["metadata"]["uid"].clone());
        let before = uid().await;
        site.delete("RouterFleet", "main").await;
        until("the fleet is gone", async || uid().await.map_or(Ok(()), |uid| Err(uid.to_string()))).await;
        // The store stays, as a volume or an ensemble does.
        site.apply("RouterFleet", "main", json!({})).await;
        assert_ne!(uid().await, before);
        site.apply("MountTable", "alpha", mounts(&[("/a", "ns0/edited")])).await;
        site.mounts(&["/a -> ns0/edited"]).await;
        site.condition("MountTable", "alpha", "Drifted", "False/AsDeclared").await;
        site.condition("RouterFleet", "main", "Drifted", "False/AsDeclared").await;
        site.delete("MountTable", "alpha").await;
        site.mounts(&[]).await;
    });
}

/// Records that the operator marked when it told fleets by their uid are its own, too, and are marked anew.
pub fn marked_at_first(rig: &Rig) {
    rig.runtime.block_on(async {
        let site = Site::new(rig, "marked").await;
        let store = site.store().open();
        for (path, table) in [("/a", "alpha"), ("/gone", "gone")] {
            let entry = MountEntry::parse(path, [("ns0", "/old")]).unwrap();
            let by = format!("2f1c3e9a-0000-4000-8000-000000000000/{}/{table}", site.namespace);
            let declared = Declared { by, digest: entry.digest() };
            let entry = MountEntry { declared: Some(Box::new(declared)), ..entry };
            Writer::<MountEntry>::put(&*store, entry, Version::ABSENT).await.unwrap();
        }
        fleet(&site, json!({})).await;
        site.apply("MountTable", "alpha", mounts(&[("/a", "ns0/old")])).await;
        let _operator = Operator::start(rig, &site, Cut::never());
        let tail = format!("/{0}/main/{0}/alpha", site.namespace);
        until("the record is marked anew, and that of no table is gone", async || {
            let all = site.store().all::<MountEntry>().await;
            let marks: Vec<String> = all
                .iter()
                .filter_map(|stored| stored.record.declared.as_ref())
                .map(|declared| declared.by.clone())
                .collect();
            if marks.len() == 1 && marks[0].ends_with(&tail) { Ok(()) } else { Err(format!("{marks:?}")) }
        })
        .await;
        site.apply("MountTable", "alpha", mounts(&[("/a", "ns0/new")])).await;
        site.mounts(&["/a -> ns0/new"]).await;
    });
}
