//! Sizes in bytes, as Kubernetes writes quantities.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A number of bytes: `134217728`, `128Mi` or `10G`. Kept as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ByteSize(String);

/// Suffixes with their factors; those of two letters are powers of 1024.
const SUFFIXES: [(&str, u64); 10] = [
    ("Ki", 1 << 10),
    ("Mi", 1 << 20),
    ("Gi", 1 << 30),
    ("Ti", 1 << 40),
    ("Pi", 1 << 50),
    ("k", 1_000),
    ("M", 1_000_000),
    ("G", 1_000_000_000),
    ("T", 1_000_000_000_000),
    ("P", 1_000_000_000_000_000),
];

const PATTERN: &str = "^[0-9]+(Ki|Mi|Gi|Ti|Pi|k|M|G|T|P)?$";

impl ByteSize {
    /// The number of bytes.
    ///
    /// # Errors
    /// Says what was found and what is accepted.
    pub fn bytes(&self) -> Result<u64, String> {
        let find = |(suffix, factor)| self.0.strip_suffix(suffix).map(|digits| (digits, factor));
        let (digits, factor) = SUFFIXES.into_iter().find_map(find).unwrap_or((&self.0, 1));
        let count = if digits.bytes().all(|b| b.is_ascii_digit()) { digits.parse::<u64>().ok() } else { None };
        // The limit is what the protocol's signed 64-bit numbers hold.
        count.and_then(|count| count.checked_mul(factor)).filter(|&bytes| i64::try_from(bytes).is_ok()).ok_or_else(
            || format!("{:?} is not a size; expected bytes such as 134217728, 128Mi or 10G, below 8Ei", self.0),
        )
    }
}

impl From<u64> for ByteSize {
    /// A size with the largest suffix that fits without a rest.
    fn from(bytes: u64) -> Self {
        let fits =
            |&&(suffix, factor): &&(&str, u64)| suffix.len() == 2 && bytes >= factor && bytes.is_multiple_of(factor);
        match SUFFIXES.iter().rev().find(fits) {
            Some((suffix, factor)) => Self(format!("{}{suffix}", bytes / factor)),
            None => Self(bytes.to_string()),
        }
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for ByteSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Written)
    }
}

struct Written;

impl Visitor<'_> for Written {
    type Value = ByteSize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a size such as 134217728 or 128Mi")
    }

    fn visit_u64<E: de::Error>(self, bytes: u64) -> Result<ByteSize, E> {
        Ok(ByteSize(bytes.to_string()))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<ByteSize, E> {
        Ok(ByteSize(text.to_owned()))
    }
}

impl JsonSchema for ByteSize {
    fn schema_name() -> Cow<'static, str> {
        "ByteSize".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "x-kubernetes-int-or-string": true,
            "pattern": PATTERN,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> Result<u64, String> {
        ByteSize(text.to_owned()).bytes()
    }

    #[test]
    fn suffixes_multiply() {
        for (text, expected) in [("0", 0), ("512", 512), ("1Ki", 1024), ("128Mi", 128 << 20), ("10G", 10_000_000_000)] {
            assert_eq!(bytes(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for text in ["", "Mi", "-1", "1.5Gi", "1MB", "+1", "8192Pi", "99999999999999999999"] {
            assert!(bytes(text).unwrap_err().contains("is not a size"), "{text}");
        }
    }

    #[test]
    fn sizes_are_shown_with_the_largest_suffix_that_leaves_no_rest() {
        for (bytes, shown) in [(134_217_728, "128Mi"), (1_000, "1000"), (0, "0"), (1 << 40, "1Ti")] {
            assert_eq!(ByteSize::from(bytes).to_string(), shown);
        }
    }

    #[test]
    fn numbers_and_strings_are_read() {
        assert_eq!(serde_json::from_str::<ByteSize>("7").unwrap().bytes(), Ok(7));
        assert_eq!(serde_json::from_str::<ByteSize>(r#""7Ki""#).unwrap().bytes(), Ok(7168));
        assert!(serde_json::from_str::<ByteSize>("1.5").unwrap_err().to_string().contains("expected a size such as"));
    }
}
