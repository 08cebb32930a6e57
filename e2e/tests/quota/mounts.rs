//! `hdfs dfsrouteradmin`: quotas in the mount table, and what becomes of them.

use serde_json::Value;

use crate::site::Site;

/// −1.
const NONE: u64 = u64::MAX;

pub fn quotas(site: &Site) {
    site.both_admin("-setQuota /one -nsQuota 10 -ssQuota 100m");
    // Ours has set them when it answers; Java's sets as well, since it is called by a superuser.
    for side in site.sides() {
        let quota = site.quota_at(0, side, "one");
        assert_eq!((&quota["quota"], &quota["spaceQuota"]), (&Value::from(10), &Value::from(100 << 20)), "{quota}");
    }
    site.until_shown("/one", "[NsQuota: 10/1, SsQuota: 100 MB/0 B]");
    let file = site.file(1 << 19);
    for side in site.sides() {
        site.dfs(side, &["-put", &file, "/one/f"]).ok();
    }
    site.until_shown("/one", "[NsQuota: 10/2, SsQuota: 100 MB/512 KB]");
    site.both_admin("-ls /one");

    // Over two subclusters.
    site.both_admin("-setQuota /both -nsQuota 50");
    site.until_shown("/both", "[NsQuota: 50/2, SsQuota: -/-]");
    for side in site.sides() {
        let quotas = [0, 1].map(|at| site.quota_at(at, side, "both")["quota"].clone());
        assert_eq!(quotas, [50, 50]);
    }
    // A mount below has the quota of the one above, which counts both.
    site.both_admin("-setQuota /nest -nsQuota 20");
    site.until_shown("/nest", "[NsQuota: 20/2, SsQuota: -/-]");
    for side in site.sides() {
        site.until("the mount below is limited", |_| site.quota_at(1, side, "in")["quota"] == 20);
    }

    let bean = "/jmx?qry=Hadoop:service=Router,name=FederationState";
    for side in site.sides() {
        let page: Value = serde_json::from_str(&site.page(side, bean)).unwrap();
        let mounts: Value = serde_json::from_str(page["beans"][0]["MountTable"].as_str().unwrap()).unwrap();
        let one = mounts.as_array().unwrap().iter().find(|mount| mount["sourcePath"] == "/one").unwrap();
        assert_eq!(one["quota"], "[NsQuota: 10/2, SsQuota: 100 MB/512 KB]", "{one}");
    }
    let explained: Value = serde_json::from_str(&site.page(site.ours(), "/explain?path=/one/f")).unwrap();
    assert_eq!(explained["mount"]["quotas"]["files"], serde_json::json!({ "quota": 10, "used": 2 }), "{explained}");

    for mount in ["/one", "/both", "/nest"] {
        site.both_admin(&format!("-clrQuota {mount}"));
        site.until_shown(mount, "[NsQuota: -/-, SsQuota: -/-]");
    }
    // Java's router does not take back what it gave to mounts below.
    let ours = site.ours();
    for (at, name) in [(0, "one"), (0, "both"), (1, "both"), (0, "nest"), (1, "in")] {
        let quota = site.quota_at(at, ours, name);
        assert_eq!((&quota["quota"], &quota["spaceQuota"]), (&Value::from(NONE), &Value::from(NONE)), "{name} {quota}");
    }
}

pub fn storage_types(site: &Site) {
    site.both_admin("-setStorageTypeQuota /both -storageType DISK 1048576");
    for side in site.sides() {
        for at in [0, 1] {
            assert_eq!(of_type(&site.quota_at(at, side, "both"), "DISK"), 1 << 20);
        }
    }
    site.both_admin("-setStorageTypeQuota /both -storageType SSD 2097152");
    site.until("both types are limited", |side| {
        let quota = site.quota_at(1, side, "both");
        (of_type(&quota, "DISK"), of_type(&quota, "SSD")) == (1 << 20, 2 << 20)
    });
    site.both_admin("-ls /both");
    site.both_admin("-clrStorageTypeQuota /both");
    // Java's router leaves them on the NameNodes.
    for at in [0, 1] {
        let quota = site.quota_at(at, site.ours(), "both");
        assert_eq!(["DISK", "SSD"].map(|kind| of_type(&quota, kind)), [NONE, NONE]);
    }
}

/// The quota of a type of storage.
fn of_type(usage: &Value, kind: &str) -> u64 {
    let infos = usage["typeQuotaInfos"]["typeQuotaInfo"].as_array();
    let info = infos.into_iter().flatten().find(|info| info["type"] == kind);
    info.map_or(NONE, |info| info["quota"].as_u64().unwrap())
}
