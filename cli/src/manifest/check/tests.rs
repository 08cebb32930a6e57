use super::*;

const HEAD: &str = "apiVersion: anabranch.io/v1alpha1\n";

fn subcluster(name: &str, id: &str) -> String {
    format!("{HEAD}kind: Subcluster\nmetadata: {{name: {name}}}\nspec: {{nameserviceId: {id}, type: Embedded}}\n")
}

/// A MountTable whose entries start in line 6.
fn mounts(name: &str, entries: &str) -> String {
    format!("{HEAD}kind: MountTable\nmetadata: {{name: {name}}}\nspec:\n  entries:\n{entries}")
}

fn files(texts: &[(&str, String)]) -> Vec<SourceFile> {
    texts.iter().map(|(name, text)| SourceFile { name: (*name).to_owned(), text: text.clone() }).collect()
}

fn problems(texts: &[(&str, String)]) -> Vec<String> {
    let problems = Federation::parse(&files(texts), &Scope::Federation).unwrap_err();
    problems.list().iter().map(ToString::to_string).collect()
}

/// The one problem of a MountTable beside the Subcluster `ns0`.
fn problem(entries: &str) -> String {
    let found = problems(&[("m.yaml", mounts("m", entries)), ("s.yaml", subcluster("s", "ns0"))]);
    let [one] = found.as_slice() else { panic!("{found:?}") };
    one.clone()
}

#[test]
fn files_make_a_federation() {
    let fleet = format!("{HEAD}kind: RouterFleet\nmetadata: {{name: main}}\nspec: {{defaultNameservice: ns0}}\n");
    let entries = "  - {path: /b, destinations: [{nameservice: ns1, path: /}]}\n  - {path: /a, destinations: [{nameservice: ns0, path: /}]}\n";
    let all = format!("{}---\n{}---\n{}", subcluster("a", "ns0"), subcluster("b", "ns1"), fleet);
    let federation =
        Federation::parse(&files(&[("a.yaml", all), ("b.yaml", mounts("m", entries))]), &Scope::Federation).unwrap();
    assert_eq!(federation.subclusters.len(), 2);
    assert_eq!(federation.mounts.iter().map(|m| m.source.as_str()).collect::<Vec<_>>(), ["/a", "/b"]);
    assert_eq!(federation.fleet.unwrap().default_nameservice.unwrap(), "ns0");
}

#[test]
fn each_mistake_names_file_line_and_field() {
    let cases = [
        (
            "  - path: data\n    destinations:\n    - {nameservice: ns0, path: /}\n",
            "m.yaml:6:5: spec.entries[0].path: \"data\" is not absolute; expected a path such as /data/logs",
        ),
        (
            "  - path: /data\n    destinations:\n    - nameservice: ns0\n      path: x\n",
            "m.yaml:9:7: spec.entries[0].destinations[0].path: \"x\" is not absolute; expected a path such as /data/logs",
        ),
        (
            "  - path: /data\n    destinations: []\n",
            "m.yaml:7:5: spec.entries[0].destinations: is empty; a mount needs at least one destination",
        ),
        ("  - path: /data\n    readOnly: true\n", "m.yaml:6:5: spec.entries[0]: missing field `destinations`"),
        (
            "  - path: /data\n    destinations: [{nameservice: ns0, path: /}]\n    readonly: true\n",
            "m.yaml:8:5: spec.entries[0].readonly: unknown field `readonly`, expected one of `path`, `destinations`, \
             `order`, `readOnly`, `faultTolerant`, `owner`, `group`, `mode`, `quota`",
        ),
        (
            "  - path: /data\n    destinations:\n    - nameservice: ns9\n      path: /\n",
            "m.yaml:8:7: spec.entries[0].destinations[0].nameservice: \"ns9\" is not a known nameservice; known are: ns0",
        ),
        (
            "  - path: /data\n    destinations: [{nameservice: ns0, path: /}]\n  - path: /data\n    destinations: \
             [{nameservice: ns0, path: /x}]\n",
            "m.yaml:8:5: spec.entries[1].path: \"/data\" is mounted already, by entries[0]",
        ),
        (
            "  - path: /data\n    mode: 0755\n    destinations: [{nameservice: ns0, path: /}]\n",
            "m.yaml:7:5: spec.entries[0].mode: 0755 without quotes is a number to kubectl; write \"0755\"",
        ),
        (
            "  - path: /data\n    owner: yes\n    destinations: [{nameservice: ns0, path: /}]\n",
            "m.yaml:7:5: spec.entries[0].owner: yes without quotes is a boolean to kubectl; write \"yes\"",
        ),
        (
            "  - path: /data\n    owner: 7\n    destinations: [{nameservice: ns0, path: /}]\n",
            "m.yaml:7:5: spec.entries[0].owner: invalid type: integer `7`, expected a string",
        ),
    ];
    for (entries, expected) in cases {
        assert_eq!(problem(entries), expected);
    }
    let colon = problem("  - path: /data\n    destinations: [{nameservice: ns0, path: /}\n");
    assert!(colon.starts_with("m.yaml:8:1: did not find expected ',' or ']'"), "{colon}");
}

#[test]
fn a_mode_in_quotes_is_fine() {
    let entries = "  - path: /data\n    mode: \"0700\"\n    destinations: [{nameservice: ns0, path: /}]\n";
    let all = files(&[("m.yaml", mounts("m", entries)), ("s.yaml", subcluster("s", "ns0"))]);
    assert_eq!(Federation::parse(&all, &Scope::Federation).unwrap().mounts[0].mode, 0o700);
}

#[test]
fn objects_that_claim_the_same_name_the_other() {
    let entry = "  - {path: /a, destinations: [{nameservice: ns0, path: /}]}\n";
    let s = ("s.yaml", subcluster("s", "ns0"));
    let two = problems(&[("a.yaml", mounts("a", entry)), ("b.yaml", mounts("b", entry)), s.clone()]);
    assert_eq!(two, ["b.yaml:6:6: spec.entries[0].path: \"/a\" is mounted already, at a.yaml:6"]);
    let name = problems(&[("a.yaml", mounts("a", "    []\n")), ("b.yaml", mounts("a", "    []\n")), s.clone()]);
    assert_eq!(name, ["b.yaml:3:12: metadata.name: MountTable \"a\" is described already, at a.yaml:3"]);
    let id = problems(&[s, ("t.yaml", subcluster("t", "ns0"))]);
    assert_eq!(id, ["t.yaml:4:8: spec.nameserviceId: \"ns0\" is the id of another Subcluster already, at s.yaml:4"]);
}

#[test]
fn fleets_are_one_and_known() {
    let fleet = |name: &str, spec: &str| format!("{HEAD}kind: RouterFleet\nmetadata: {{name: {name}}}\nspec: {spec}\n");
    let two = problems(&[("a.yaml", fleet("a", "{}")), ("b.yaml", fleet("b", "{}"))]);
    assert_eq!(two, ["b.yaml:3:12: metadata.name: a second RouterFleet; only one can run here, and a.yaml:3 has one"]);
    let default = problems(&[("a.yaml", fleet("a", "{defaultNameservice: x}"))]);
    assert_eq!(default, ["a.yaml:4:8: spec.defaultNameservice: \"x\" is not a known nameservice; known are: none"]);
    let table =
        format!("{HEAD}kind: MountTable\nmetadata: {{name: m}}\nspec: {{fleetRef: {{name: x}}, entries: []}}\n");
    let reference = problems(&[("a.yaml", fleet("a", "{}")), ("b.yaml", table)]);
    assert_eq!(reference, ["b.yaml:4:19: spec.fleetRef.name: \"x\" is not a known RouterFleet; known are: a"]);
}

#[test]
fn several_mistakes_are_told_together_in_order() {
    let entries = "  - {path: b, destinations: []}\n  - {path: c, destinations: []}\n";
    let found = problems(&[("b.yaml", "x: 1\n".to_owned()), ("a.yaml", mounts("m", entries))]);
    assert_eq!(found.len(), 5);
    assert!(
        found[0].starts_with("a.yaml:6:6") && found[4].starts_with("b.yaml:1:1: apiVersion: is missing"),
        "{found:?}"
    );
}

#[test]
fn beside_hadoop_files_only_mounts_count() {
    let scope = Scope::Mounts(vec![NameserviceId::parse("ns7").unwrap()]);
    let entry = "  - {path: /a, destinations: [{nameservice: ns7, path: /}]}\n";
    let good = Federation::parse(&files(&[("m.yaml", mounts("m", entry))]), &scope).unwrap();
    assert_eq!(good.mounts.len(), 1);
    let bad = Federation::parse(&files(&[("s.yaml", subcluster("s", "ns0"))]), &scope).unwrap_err();
    assert_eq!(bad.to_string(), "s.yaml:2:1: kind: Subcluster has no place here; expected MountTable only");
}
