//! YAML: the only module that knows the parser.
//!
//! Documents become JSON values, as `kubectl apply` would send them. Positions are found by a second walk over the same
//! text with the same parser, so that the line of a nested field is right even for errors that have nothing to do with
//! syntax.

use anabranch_api::{FieldPath, Segment};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// A place in a text, counted from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

/// Text that is not YAML, or not YAML that JSON can say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// Where.
    pub position: Position,
    /// What.
    pub problem: String,
}

/// One document of a text; the number is its place in the text, empty documents counted.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// Counted from 0.
    pub number: usize,
    /// Its content.
    pub value: Value,
}

/// The documents of a text, without those that are empty.
///
/// # Errors
/// The first thing that is not YAML, has a key twice, or cannot be said in JSON.
pub fn documents(text: &str) -> Result<Vec<Document>, SyntaxError> {
    let mut documents = Vec::new();
    for (number, parser) in serde_yaml::Deserializer::from_str(text).enumerate() {
        let tree = serde_yaml::Value::deserialize(parser).map_err(|error| syntax_error(&error))?;
        let value = json(&tree, &FieldPath::root()).map_err(|(path, problem)| SyntaxError {
            position: locate(text, number, &path),
            problem: if path.segments().is_empty() { problem } else { format!("{path}: {problem}") },
        })?;
        if !value.is_null() {
            documents.push(Document { number, value });
        }
    }
    Ok(documents)
}

fn syntax_error(error: &serde_yaml::Error) -> SyntaxError {
    let position = error.location().map(|at| Position { line: at.line(), column: at.column() }).unwrap_or_default();
    let said = error.to_string();
    // The parser repeats the position in what it says.
    let place = format!(" at line {} column {}", position.line, position.column);
    SyntaxError { position, problem: said.replace(&place, "") }
}

fn json(tree: &serde_yaml::Value, at: &FieldPath) -> Result<Value, (FieldPath, String)> {
    use serde_yaml::Value as Yaml;
    let refused = |problem: String| Err((at.clone(), problem));
    Ok(match tree {
        Yaml::Null => Value::Null,
        Yaml::Bool(value) => Value::Bool(*value),
        Yaml::String(text) => Value::String(text.clone()),
        Yaml::Number(number) => match json_number(number) {
            Some(number) => Value::Number(number),
            None => return refused(format!("{number} is not a number that JSON has")),
        },
        Yaml::Sequence(items) => {
            let items = items.iter().enumerate().map(|(index, item)| json(item, &at.index(index)));
            Value::Array(items.collect::<Result<_, _>>()?)
        }
        Yaml::Mapping(pairs) => {
            let mut object = Map::new();
            for (key, value) in pairs {
                let Some(key) = key.as_str() else { return refused("has a key that is not a string".to_owned()) };
                object.insert(key.to_owned(), json(value, &at.key(key))?);
            }
            Value::Object(object)
        }
        Yaml::Tagged(tagged) => return refused(format!("has the tag {}; objects have none", tagged.tag)),
    })
}

fn json_number(number: &serde_yaml::Number) -> Option<Number> {
    let integer = number.as_u64().map(Number::from).or_else(|| number.as_i64().map(Number::from));
    integer.or_else(|| number.as_f64().and_then(Number::from_f64))
}

/// Where a field is written: the key of a field, or the start of an element. Of a field that is not there, the deepest
/// of its parents that is.
pub fn locate(text: &str, document: usize, path: &FieldPath) -> Position {
    let mut rest = path.segments();
    loop {
        if let Some(position) = probe(text, document, rest, Aim::Key) {
            return position;
        }
        let Some((_, parents)) = rest.split_last() else { return Position::default() };
        rest = parents;
    }
}

/// Whether a scalar is written without quotes.
pub fn is_plain(text: &str, document: usize, path: &FieldPath) -> bool {
    let start = probe(text, document, path.segments(), Aim::Value);
    let letter = start.and_then(|at| text.lines().nth(at.line - 1)?.chars().nth(at.column - 1));
    letter.is_some_and(|letter| !['"', '\'', '|', '>'].contains(&letter))
}

/// What of the last field is looked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Aim {
    Key,
    Value,
}

/// Walks to a field and fails there, on purpose: the parser then says where it was.
fn probe(text: &str, document: usize, path: &[Segment], aim: Aim) -> Option<Position> {
    let parser = serde_yaml::Deserializer::from_str(text).nth(document)?;
    let error = Walk { rest: path, aim }.deserialize(parser).err()?;
    if !error.to_string().contains(ARRIVED) {
        return None;
    }
    error.location().map(|at| Position { line: at.line(), column: at.column() })
}

/// What the walk fails with; no text of a user can pass for it, since keys and values never get into its errors.
const ARRIVED: &str = "\u{1}arrived\u{1}";

struct Walk<'a> {
    rest: &'a [Segment],
    aim: Aim,
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Walk<'_> {
    fn scalar<E: serde::de::Error>(&self) -> Result<(), E> {
        if self.rest.is_empty() { Err(E::custom(ARRIVED)) } else { Ok(()) }
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<(), E> {
        self.scalar()
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<(), E> {
        self.scalar()
    }

    fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<(), E> {
        self.scalar()
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<(), E> {
        self.scalar()
    }

    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<(), E> {
        self.scalar()
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        self.scalar()
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Some((first, rest)) = self.rest.split_first() else { return Err(A::Error::custom(ARRIVED)) };
        let mut index = 0;
        let wanted = |index| matches!(first, Segment::Index(wanted) if *wanted == index);
        loop {
            let more = match wanted(index) {
                true => items.next_element_seed(Walk { rest, aim: self.aim })?.is_some(),
                false => items.next_element::<IgnoredAny>()?.is_some(),
            };
            if !more {
                return Ok(());
            }
            index += 1;
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut pairs: A) -> Result<(), A::Error> {
        let Some((first, rest)) = self.rest.split_first() else { return Err(A::Error::custom(ARRIVED)) };
        let name = match first {
            Segment::Key(name) => name.as_str(),
            Segment::Index(_) => "",
        };
        let stop = rest.is_empty() && self.aim == Aim::Key;
        while let Some(found) = pairs.next_key_seed(KeyNamed { name, stop })? {
            if found {
                pairs.next_value_seed(Walk { rest, aim: self.aim })?;
            } else {
                pairs.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

/// Compares a key, and fails at it if it is the end of the walk.
struct KeyNamed<'a> {
    name: &'a str,
    stop: bool,
}

impl<'de> DeserializeSeed<'de> for KeyNamed<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeyNamed<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: serde::de::Error>(self, key: &str) -> Result<bool, E> {
        match key == self.name {
            true if self.stop => Err(E::custom(ARRIVED)),
            found => Ok(found),
        }
    }
}

#[cfg(test)]
mod tests;
