//! `getQuotaUsage` and `setQuota` of clients.

use serde_json::{Value, json};

use crate::site::Site;
use anabranch_e2e::json::Answer;

/// Long.MAX_VALUE: as it is.
const UNCHANGED: u64 = i64::MAX as u64;

pub fn usage(site: &Site) {
    site.both_admin("-setQuota /one -nsQuota 10 -ssQuota 100m");
    site.both_admin("-setQuota /both -nsQuota 50");
    site.both_admin("-setQuota /nest -nsQuota 20");
    site.until_shown("/nest", "[NsQuota: 20/2, SsQuota: -/-]");
    for side in site.sides() {
        site.dfs(side, &["-mkdir", "-p", "/one/d", "/both/d", "/nest/d", "/nest/in/d", "/v/low/d"]).ok();
        site.until("all NameNodes have the quotas", |_| site.quota_at(1, side, "in")["quota"] == 20);
    }
    let paths = [
        "/one",
        "/one/d",
        "/both",
        "/both/d",
        "/nest",
        "/nest/d",
        "/nest/in",
        "/nest/in/d",
        "/v",
        "/v/low",
        "/v/low/d",
        "/free",
        "/free/none",
        "/none",
    ];
    for path in paths {
        let [java, ours] = site.sides().map(|side| settled(site.ask(side, "getQuotaUsage", &json!({ "path": path }))));
        assert_eq!(ours, java, "{path}");
    }
    for args in [&["-count", "-q", "/one", "/both/d"][..], &["-count", "-u", "/both", "/nest", "/v/low"]] {
        let [java, ours] = site.sides().map(|side| site.dfs(side, args).ok());
        assert_eq!(ours, java, "{args:?}");
    }
    let counted = site.dfs(site.ours(), &["-count", "-u", "/both"]).ok();
    let counted: Vec<&str> = counted.split_whitespace().collect();
    assert_eq!(counted[..2], ["50", "46"], "{counted:?}");
    for mount in ["/one", "/both", "/nest"] {
        site.both_admin(&format!("-clrQuota {mount}"));
    }
}

/// Without where a path leads to, and without types of storage that nothing is said of.
fn settled(answer: Answer) -> Value {
    match answer {
        Answer::Result(mut value) => {
            if let Some(usage) = value["usage"].as_object_mut() {
                let told = |info: &Value| info["quota"] != u64::MAX || info["consumed"].as_u64() > Some(0);
                let types = usage.remove("typeQuotaInfos").unwrap_or_default();
                let types = types["typeQuotaInfo"].as_array().into_iter().flatten().filter(|info| told(info));
                let types: Vec<Value> = types.cloned().collect();
                usage.insert("types".to_owned(), types.into());
            }
            value
        }
        Answer::Exception(class, _) => class.into(),
        Answer::Closed => Value::Null,
    }
}

pub fn quotas(site: &Site) {
    let set = |path: &str, files: u64| json!({ "path": path, "namespaceQuota": files, "storagespaceQuota": UNCHANGED });
    for path in ["/one", "/both", "/v/low", "/nest"] {
        let [java, ours] = site.sides().map(|side| site.ask(side, "setQuota", &set(path, 7)));
        assert_eq!(ours, java, "{path}");
        assert!(ours.to_string().contains(&format!("is not allowed to change quota of {path}")), "{ours}");
    }
    for side in site.sides() {
        site.dfs(side, &["-mkdir", "-p", "/one/q", "/both/q", "/nest/q"]).ok();
        site.dfsadmin(side, &["-setQuota", "7", "/one/q", "/both/q", "/nest/q"]).ok();
        site.dfsadmin(side, &["-setSpaceQuota", "5m", "/both/q"]).ok();
        for (at, name) in [(0, "one/q"), (0, "both/q"), (1, "both/q"), (0, "nest/q")] {
            assert_eq!(site.quota_at(at, side, name)["quota"], 7, "{name}");
        }
        assert_eq!(site.quota_at(1, side, "both/q")["spaceQuota"], 5 << 20);
    }
    let [java, ours] = site.sides().map(|side| site.dfs(side, &["-count", "-q", "-v", "/one/q", "/both/q"]).ok());
    assert_eq!(ours, java);
    for side in site.sides() {
        site.dfsadmin(side, &["-clrQuota", "/one/q", "/both/q", "/nest/q"]).ok();
        assert_eq!(site.quota_at(1, side, "both/q")["quota"], u64::MAX);
        // Above mounts: of each of them.
        site.dfsadmin(side, &["-setQuota", "30", "/v"]).ok();
        assert_eq!(
            [site.quota_at(0, side, "low")["quota"].clone(), site.quota_at(1, side, "high")["quota"].clone()],
            [30, 30]
        );
        site.dfsadmin(side, &["-clrQuota", "/v"]).ok();
        assert_eq!(site.quota_at(1, side, "high")["quota"], u64::MAX);
    }
    let [java, ours] = site.sides().map(|side| site.ask(side, "setQuota", &set("/one/none", 7)));
    assert_eq!(settled(ours), settled(java));
}
