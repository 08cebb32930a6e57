use serde_json::json;

use super::*;

const TEXT: &str = "\
# two documents
---
kind: A
spec:
  entries:
    - path: /a
      destinations: [{nameservice: ns0, path: x}, {nameservice: ns1,
        path: y}]
    -
      path: /b
      mode: 0755
      owner: \"0755\"
---
---
kind: B
";

fn path(steps: &[Value]) -> FieldPath {
    let step = |value: &Value| match value.as_u64() {
        Some(index) => Segment::Index(index as usize),
        None => Segment::Key(value.as_str().unwrap().to_owned()),
    };
    steps.iter().map(step).collect()
}

#[test]
fn documents_are_numbered_with_the_empty_ones() {
    let numbers: Vec<_> = documents(TEXT).unwrap().iter().map(|d| (d.number, d.value["kind"].clone())).collect();
    assert_eq!(numbers, [(0, json!("A")), (2, json!("B"))]);
}

#[test]
fn nested_fields_are_located() {
    let cases = [
        (json!(["kind"]), 0, 3, 1),
        (json!(["spec", "entries", 0]), 0, 6, 7),
        (json!(["spec", "entries", 0, "destinations", 0, "path"]), 0, 7, 41),
        (json!(["spec", "entries", 0, "destinations", 1, "path"]), 0, 8, 9),
        (json!(["spec", "entries", 1, "path"]), 0, 10, 7),
        // What is not there is told at its deepest parent.
        (json!(["spec", "entries", 1, "quota", "files"]), 0, 10, 7),
        (json!(["spec", "entries", 7, "path"]), 0, 5, 3),
        (json!(["kind"]), 2, 15, 1),
        (json!(["metadata", "name"]), 2, 15, 1),
    ];
    for (steps, document, line, column) in cases {
        let found = locate(TEXT, document, &path(steps.as_array().unwrap()));
        assert_eq!(found, Position { line, column }, "{steps}");
    }
}

#[test]
fn quotes_are_seen() {
    let entry = FieldPath::spec().key("entries").index(1);
    assert!(is_plain(TEXT, 0, &entry.key("mode")));
    assert!(!is_plain(TEXT, 0, &entry.key("owner")));
    assert!(!is_plain(TEXT, 0, &entry.key("group")));
}

#[test]
fn what_is_no_yaml_is_told_with_its_place() {
    let cases = [
        ("a: [1, 2\nb: 3\n", 2, 2, "did not find expected ',' or ']'"),
        ("a: 1\na: 2\n", 1, 1, "duplicate entry with key \"a\""),
        ("a: 1\n---\nb:\n  c: !odd 1\n", 4, 3, "b.c: has the tag !odd; objects have none"),
        ("a:\n  1: x\n", 1, 1, "a: has a key that is not a string"),
        ("a: .nan\n", 1, 1, "a: .nan is not a number that JSON has"),
    ];
    for (text, line, column, problem) in cases {
        let error = documents(text).unwrap_err();
        assert_eq!(error.position, Position { line, column }, "{text}");
        assert!(error.problem.starts_with(problem), "{}", error.problem);
    }
}

#[test]
fn scalars_have_the_types_that_kubectl_sends() {
    let text = "a: 1\nb: 1.5\nc: true\nd: text\ne: null\nf: \"1\"\ng: &x [1]\nh: *x\n";
    let value = documents(text).unwrap().remove(0).value;
    assert_eq!(value, json!({ "a": 1, "b": 1.5, "c": true, "d": "text", "e": null, "f": "1", "g": [1], "h": [1] }));
}
