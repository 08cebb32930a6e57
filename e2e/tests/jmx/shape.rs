//! The form of JSON: which fields there are, and of which types.

use std::collections::BTreeMap;

use serde_json::Value;

/// The type of a value. Whole numbers and others differ, as Java's types do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shape {
    Null,
    Flag,
    Int,
    Float,
    Text,
    List(Option<Box<Shape>>),
    Object(BTreeMap<String, Shape>),
}

impl Shape {
    /// Whether it is a number.
    pub(super) fn is_number(&self) -> bool {
        matches!(self, Self::Int | Self::Float)
    }
}

/// The shape of a value; a list has that of its first item.
pub(super) fn shape(value: &Value) -> Shape {
    match value {
        Value::Null => Shape::Null,
        Value::Bool(_) => Shape::Flag,
        Value::Number(number) if number.is_f64() => Shape::Float,
        Value::Number(_) => Shape::Int,
        Value::String(_) => Shape::Text,
        Value::Array(items) => Shape::List(items.first().map(|first| Box::new(shape(first)))),
        Value::Object(fields) => Shape::Object(fields.iter().map(|(key, value)| (key.clone(), shape(value))).collect()),
    }
}

/// The shape of the JSON in a text, if that is what the text is.
pub(super) fn inner(value: &Value) -> Option<Shape> {
    let text = value.as_str().filter(|text| text.starts_with(['{', '[']))?;
    serde_json::from_str(text).ok().map(|inner: Value| shape(&inner))
}

/// Whether there is nothing in it.
pub(super) fn is_empty(shape: &Shape) -> bool {
    matches!(shape, Shape::List(None)) || matches!(shape, Shape::Object(fields) if fields.is_empty())
}

/// Whether two are alike. Objects that are keyed by what there is (nameservices, routers) have other keys, but alike values.
pub(super) fn same(a: &Shape, b: &Shape) -> bool {
    match (a, b) {
        (Shape::Object(a), Shape::Object(b)) => {
            let by_key = a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)));
            let tables = || match (a.values().next(), b.values().next()) {
                (Some(a @ Shape::Object(_)), Some(b @ Shape::Object(_))) => same(a, b),
                (Some(Shape::Text), Some(Shape::Text)) => a.keys().chain(b.keys()).any(|key| key.contains("->")),
                _ => false,
            };
            by_key || tables()
        }
        (Shape::List(Some(a)), Shape::List(Some(b))) => same(a, b),
        // A list in which there is nothing does not say what would be in it.
        (Shape::List(_), Shape::List(_)) => true,
        _ => a == b,
    }
}
