use std::time::Duration;

use anabranch_e2e::dfs::dfs;
use anabranch_testkit::net;

use super::{Site, mount};

const EFFECT: Duration = Duration::from_secs(20);

fn shows(uri: &str, path: &str) -> bool {
    dfs(uri, &["ls", "/"]).stdout.contains(path)
}

#[test]
fn an_edit_takes_effect_while_it_runs() {
    let site = Site::new("edit");
    let router = site.start(&[]);
    let uri = router.uri();
    assert!(shows(&uri, "/data0") && !shows(&uri, "/late"));

    let good = site.mounts_text();
    site.save_mounts(&(good.clone() + &mount("/late", "ns1")));
    net::wait_until("the new mount is listed", EFFECT, || shows(&uri, "/late")).expect("an effect");
    dfs(&uri, &["mkdir", "-p", "/late/dir"]).ok();

    site.save_mounts(&good);
    net::wait_until("the mount is gone", EFFECT, || !shows(&uri, "/late")).expect("an effect");

    // A file more, and a file less.
    let manifest = "apiVersion: anabranch.io/v1alpha1\nkind: MountTable\nmetadata:\n  name: more\nspec:\n  entries:\n";
    let file = site.manifests.join("more.yaml");
    std::fs::write(&file, manifest.to_owned() + &mount("/late", "ns1")).expect("a new file");
    net::wait_until("the mount is back", EFFECT, || shows(&uri, "/late/") || shows(&uri, "/late")).expect("an effect");
    assert!(dfs(&uri, &["ls", "/late"]).ok().contains("/late/dir"));
    std::fs::remove_file(&file).expect("removal");
    net::wait_until("the mount is gone again", EFFECT, || !shows(&uri, "/late")).expect("an effect");
}

#[test]
fn an_invalid_edit_is_refused_and_the_last_good_table_stays() {
    let site = Site::new("invalid-edit");
    let mut router = site.start(&["mounts.yaml"]);
    let uri = router.uri();
    let good = site.mounts_text();

    site.save_mounts(&good.replacen("- path: /data1", "- path: data1", 1));
    let said = router
        .program
        .wait_for("the refusal", EFFECT, |line| line.contains("mounts.yaml:") && line.contains("entries[1].path"));
    said.expect("a refusal that names file, line and field");
    assert!(shows(&uri, "/data0") && shows(&uri, "/data1"));
    dfs(&uri, &["mkdir", "-p", "/data1/still/writable"]).ok();

    site.save_mounts(&(good + &mount("/repaired", "ns0")));
    net::wait_until("the repaired table is served", EFFECT, || shows(&uri, "/repaired")).expect("an effect");
}
