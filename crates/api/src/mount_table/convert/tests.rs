use serde_json::{Value, json};

use super::*;

/// The messages that a list of entries gives.
fn problems(entries: Value) -> Vec<String> {
    let spec: MountTableSpec = serde_json::from_value(json!({ "entries": entries })).unwrap();
    spec.to_entries().unwrap_err().iter().map(ToString::to_string).collect()
}

fn entries(entries: Value) -> Vec<MountEntry> {
    let spec: MountTableSpec = serde_json::from_value(json!({ "entries": entries })).unwrap();
    spec.to_entries().unwrap()
}

#[test]
fn an_entry_with_every_field_is_converted() {
    let converted = entries(json!([{
        "path": "/data",
        "destinations": [{ "nameservice": "ns0", "path": "/a" }, { "nameservice": "ns1", "path": "/" }],
        "order": "HashAll", "readOnly": true, "faultTolerant": true,
        "owner": "alice", "group": "staff", "mode": "1770", "quota": { "files": 10, "space": "1Gi" },
    }]));
    let [entry] = converted.as_slice() else { panic!("{converted:?}") };
    assert_eq!(
        entry.to_string(),
        "/data->[ns0->/a, ns1->/][HASH_ALL][RO][FT][owner:alice][group:staff][mode:rwxrwx--T]\
         [quota:[NsQuota: 10/0, SsQuota: 1073741824/0]]"
    );
}

#[test]
fn what_is_left_out_has_its_default() {
    let converted = entries(json!([{ "path": "/", "destinations": [{ "nameservice": "ns0", "path": "/" }] }]));
    assert_eq!(converted[0], MountEntry::parse("/", [("ns0", "/")]).unwrap());
}

#[test]
fn every_order_has_its_counterpart() {
    for (_, word) in Order::NAMES {
        let camel: String = word.split('_').map(|part| format!("{}{}", &part[..1], part[1..].to_lowercase())).collect();
        let order: MountOrder = serde_json::from_value(json!(camel)).unwrap();
        assert_eq!(Order::from(order).to_string(), word);
    }
}

#[test]
fn each_rule_names_its_field() {
    let one = json!([{ "nameservice": "ns0", "path": "/a" }]);
    let two = json!([{ "nameservice": "ns0", "path": "/a" }, { "nameservice": "ns1", "path": "/a" }]);
    let many: Vec<Value> = (0..17).map(|number| json!({ "nameservice": format!("ns{number}"), "path": "/" })).collect();
    let cases = [
        (
            json!({ "path": "/".repeat(4097), "destinations": one }),
            "spec.entries[0].path: has 4097 characters; expected at most 4096",
        ),
        (
            json!({ "path": "/data", "destinations": many }),
            "spec.entries[0].destinations: has 17 elements; expected at most 16",
        ),
        (
            json!({ "path": "/data", "destinations": one, "group": "g".repeat(254) }),
            "spec.entries[0].group: has 254 characters; expected at most 253",
        ),
        (
            json!({ "path": "data", "destinations": one }),
            r#"spec.entries[0].path: "data" is not absolute; expected a path such as /data/logs"#,
        ),
        (
            json!({ "path": "/data", "destinations": [{ "nameservice": "ns0", "path": "x" }] }),
            r#"spec.entries[0].destinations[0].path: "x" is not absolute; expected a path such as /data/logs"#,
        ),
        (
            json!({ "path": "/data", "destinations": [] }),
            "spec.entries[0].destinations: is empty; a mount needs at least one destination",
        ),
        (
            json!({ "path": "/data", "destinations": [{ "nameservice": "n/s", "path": "/" }] }),
            "spec.entries[0].destinations[0].nameservice: \"n/s\" is not a nameservice id; expected letters, digits, `.`, \
             `_` and `-`, such as ns0",
        ),
        (
            json!({ "path": "/data", "destinations": [one[0], one[0]] }),
            r#"spec.entries[0].destinations[1].nameservice: "ns0" is a destination already; each nameservice may be one once"#,
        ),
        (
            json!({ "path": "/data", "destinations": one, "order": "Space" }),
            "spec.entries[0].order: Space chooses among destinations; with one destination leave it out",
        ),
        (
            json!({ "path": "/data", "destinations": one, "faultTolerant": true }),
            "spec.entries[0].faultTolerant: needs two destinations or more",
        ),
        (
            json!({ "path": "/data", "destinations": two, "faultTolerant": true, "order": "Local" }),
            "spec.entries[0].faultTolerant: needs an order that spreads files: HashAll, Random or Space, not Local",
        ),
        (
            json!({ "path": "/data", "destinations": one, "mode": "999" }),
            "spec.entries[0].mode: \"999\" is not a mode; expected three octal digits such as \"755\", or \"1777\" with \
             the sticky bit",
        ),
        (
            json!({ "path": "/data", "destinations": one, "owner": "" }),
            "spec.entries[0].owner: is empty; leave it out for the router's own",
        ),
        (
            json!({ "path": "/data", "destinations": one, "quota": { "files": -1 } }),
            "spec.entries[0].quota.files: -1 is negative; expected 1 or more",
        ),
        (
            json!({ "path": "/data", "destinations": one, "quota": { "space": 0 } }),
            "spec.entries[0].quota.space: 0 would allow nothing; expected 1 or more, or no such field for no limit",
        ),
    ];
    for (entry, expected) in cases {
        assert_eq!(problems(json!([entry])), [expected]);
    }
}

#[test]
fn all_problems_are_told_at_once() {
    let found = problems(json!([
        { "path": "/a", "destinations": [{ "nameservice": "ns0", "path": "a" }] },
        { "path": "/b", "destinations": [] },
        { "path": "/a", "destinations": [{ "nameservice": "ns0", "path": "/a" }] },
    ]));
    assert_eq!(found.len(), 3);
    assert_eq!(found[2], r#"spec.entries[2].path: "/a" is mounted already, by entries[0]"#);
}
