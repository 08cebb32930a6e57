//! One object from one document: envelope and spec, by the rules of the API server's strict validation.

use anabranch_api::{API_VERSION, FieldError, FieldPath, MountTableSpec, RouterFleetSpec, Segment, SubclusterSpec};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// What a document says.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// `metadata.namespace`, or `default`.
    pub namespace: String,
    /// `metadata.name`.
    pub name: String,
    /// Its kind with its spec.
    pub spec: Spec,
}

/// The spec of an object of each kind.
#[derive(Clone, Debug, PartialEq)]
pub enum Spec {
    /// A `MountTable`.
    MountTable(MountTableSpec),
    /// A `RouterFleet`.
    RouterFleet(Box<RouterFleetSpec>),
    /// A `Subcluster`.
    Subcluster(SubclusterSpec),
}

/// A kind that can be read: its name, and how its spec is.
type KindRow = (&'static str, fn(&Value) -> Result<Spec, FieldError>);

const KINDS: [KindRow; 3] = [
    ("MountTable", |value| typed(value).map(Spec::MountTable)),
    ("RouterFleet", |value| typed(value).map(Box::new).map(Spec::RouterFleet)),
    ("Subcluster", |value| typed(value).map(Spec::Subcluster)),
];

/// Fields of an object's root. `status` is what a cluster adds; it is read past.
const ROOT: [&str; 5] = ["apiVersion", "kind", "metadata", "spec", "status"];

/// Fields of `metadata`.
const METADATA: [&str; 15] = [
    "annotations",
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "finalizers",
    "generateName",
    "generation",
    "labels",
    "managedFields",
    "name",
    "namespace",
    "ownerReferences",
    "resourceVersion",
    "selfLink",
    "uid",
];

impl Object {
    /// The name of the kind.
    pub fn kind(&self) -> &'static str {
        match self.spec {
            Spec::MountTable(_) => "MountTable",
            Spec::RouterFleet(_) => "RouterFleet",
            Spec::Subcluster(_) => "Subcluster",
        }
    }

    /// Reads a document.
    ///
    /// # Errors
    /// The first field that an API server would refuse.
    pub fn read(document: &Value) -> Result<Self, FieldError> {
        let root = FieldPath::root();
        let Some(object) = document.as_object() else {
            return Err(FieldError::new(
                root,
                format!("expected an object with apiVersion and kind, found {}", shape(document)),
            ));
        };
        let version = text(object, &root, "apiVersion")?;
        let kind = text(object, &root, "kind")?;
        let read = KINDS.iter().find(|(name, _)| *name == kind && version == API_VERSION);
        let Some((_, read)) = read else { return Err(unknown_kind(version, kind)) };
        only(object, &root, &ROOT)?;
        let (namespace, name) = metadata(object)?;
        let spec = object.get("spec").ok_or_else(|| FieldError::new(FieldPath::spec(), "is missing"))?;
        Ok(Self { namespace, name, spec: read(spec)? })
    }
}

fn unknown_kind(version: &str, kind: &str) -> FieldError {
    let kinds = KINDS.map(|(name, _)| name).join(", ");
    let known = KINDS.iter().any(|(name, _)| *name == kind);
    let (field, found) = if known { ("apiVersion", version) } else { ("kind", kind) };
    let accepted = if known { API_VERSION.to_owned() } else { format!("{kinds} (apiVersion {API_VERSION})") };
    FieldError::new(FieldPath::root().key(field), format!("{found:?} is not known here; expected {accepted}"))
}

fn metadata(object: &Map<String, Value>) -> Result<(String, String), FieldError> {
    let at = FieldPath::root().key("metadata");
    let Some(metadata) = object.get("metadata").and_then(Value::as_object) else {
        return Err(FieldError::new(at.key("name"), "is missing"));
    };
    only(metadata, &at, &METADATA)?;
    let name = text(metadata, &at, "name")?;
    dns_name(name).map_err(|problem| FieldError::new(at.key("name"), problem))?;
    let namespace = match metadata.get("namespace") {
        Some(_) => text(metadata, &at, "namespace")?,
        None => "default",
    };
    dns_name(namespace).map_err(|problem| FieldError::new(at.key("namespace"), problem))?;
    Ok((namespace.to_owned(), name.to_owned()))
}

fn dns_name(name: &str) -> Result<(), String> {
    let edge = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.';
    let bytes = name.as_bytes();
    if name.len() <= 253 && edge(bytes.first().copied()) && edge(bytes.last().copied()) && name.bytes().all(inner) {
        return Ok(());
    }
    Err(format!("{name:?} is not a name; expected lower case letters, digits, `-` and `.`, such as team-a"))
}

fn text<'a>(object: &'a Map<String, Value>, at: &FieldPath, field: &str) -> Result<&'a str, FieldError> {
    match object.get(field) {
        Some(Value::String(text)) => Ok(text),
        Some(other) => Err(FieldError::new(at.key(field), format!("expected a string, found {}", shape(other)))),
        None => Err(FieldError::new(at.key(field), "is missing")),
    }
}

fn only(object: &Map<String, Value>, at: &FieldPath, known: &[&str]) -> Result<(), FieldError> {
    match object.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(FieldError::new(at.key(key), format!("unknown field; expected one of {}", known.join(", ")))),
        None => Ok(()),
    }
}

fn shape(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// A spec from its value, with the field that does not fit.
fn typed<S: DeserializeOwned>(spec: &Value) -> Result<S, FieldError> {
    serde_path_to_error::deserialize(spec).map_err(|error| {
        let said = error.inner().to_string();
        let mut segments = vec![Segment::Key("spec".to_owned())];
        segments.extend(error.path().iter().filter_map(|segment| match segment {
            serde_path_to_error::Segment::Seq { index } => Some(Segment::Index(*index)),
            serde_path_to_error::Segment::Map { key } => Some(Segment::Key(key.clone())),
            serde_path_to_error::Segment::Enum { .. } | serde_path_to_error::Segment::Unknown => None,
        }));
        FieldError::new(segments.into_iter().collect(), said)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refusal(document: Value) -> String {
        Object::read(&document).unwrap_err().to_string()
    }

    fn mounts(spec: Value) -> Value {
        json!({ "apiVersion": API_VERSION, "kind": "MountTable", "metadata": { "name": "a" }, "spec": spec })
    }

    #[test]
    fn an_object_is_read_with_its_defaults() {
        let object = Object::read(&mounts(json!({ "entries": [] }))).unwrap();
        assert_eq!((object.kind(), object.namespace.as_str(), object.name.as_str()), ("MountTable", "default", "a"));
        assert_eq!(object.spec, Spec::MountTable(MountTableSpec { fleet_ref: None, entries: Vec::new() }));
    }

    #[test]
    fn what_an_api_server_refuses_is_refused() {
        let cases = [
            (json!([1]), ": expected an object with apiVersion and kind, found a list"),
            (json!({ "kind": "MountTable" }), "apiVersion: is missing"),
            (json!({ "apiVersion": API_VERSION }), "kind: is missing"),
            (
                json!({ "apiVersion": "v1", "kind": "ConfigMap" }),
                "kind: \"ConfigMap\" is not known here; expected MountTable, RouterFleet, Subcluster (apiVersion \
                 anabranch.io/v1alpha1)",
            ),
            (
                json!({ "apiVersion": "anabranch.io/v1", "kind": "MountTable" }),
                "apiVersion: \"anabranch.io/v1\" is not known here; expected anabranch.io/v1alpha1",
            ),
            (json!({ "apiVersion": API_VERSION, "kind": "MountTable", "spec": {} }), "metadata.name: is missing"),
            (
                json!({ "apiVersion": API_VERSION, "kind": "MountTable", "metadata": { "name": "A_b" }, "spec": {} }),
                "metadata.name: \"A_b\" is not a name; expected lower case letters, digits, `-` and `.`, such as team-a",
            ),
            (
                json!({ "apiVersion": API_VERSION, "kind": "MountTable", "metadata": { "name": "a", "label": {} } }),
                "metadata.label: unknown field; expected one of annotations, creationTimestamp, \
                 deletionGracePeriodSeconds, deletionTimestamp, finalizers, generateName, generation, labels, \
                 managedFields, name, namespace, ownerReferences, resourceVersion, selfLink, uid",
            ),
            (
                json!({ "apiVersion": API_VERSION, "kind": "MountTable", "metadata": { "name": "a" }, "data": 1 }),
                "data: unknown field; expected one of apiVersion, kind, metadata, spec, status",
            ),
            (mounts(json!({})), "spec: missing field `entries`"),
            (
                mounts(json!({ "entries": [{ "path": 5 }] })),
                "spec.entries[0].path: invalid type: integer `5`, expected a string",
            ),
            (mounts(json!({ "entries": [{ "path": "/a" }] })), "spec.entries[0]: missing field `destinations`"),
            (
                mounts(json!({ "entries": [{ "path": "/a", "destinations": [{ "ns": "a" }] }] })),
                "spec.entries[0].destinations[0].ns: unknown field `ns`, expected `nameservice` or `path`",
            ),
            (
                mounts(json!({ "entries": [{ "path": "/a", "destinations": [], "order": "HASH" }] })),
                "spec.entries[0].order: unknown variant `HASH`, expected one of `Hash`, `Local`, `Random`, `HashAll`, \
                 `Space`, `LeaderFollower`",
            ),
        ];
        for (document, expected) in cases {
            assert_eq!(refusal(document), expected);
        }
    }
}
