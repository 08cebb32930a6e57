use std::borrow::Cow;

use anabranch_federation::EntryError;

use crate::Version;

mod disabled;
mod membership;
mod mount;
mod router;
mod unknown;

pub use anabranch_federation::membership::NamenodeState;
pub use disabled::DisabledNameservice;
pub use membership::Membership;
pub use mount::{mount_from_proto, mount_to_proto};
pub use router::{RouterState, RouterStatus};

/// The largest encoded record.
pub const MAX_RECORD_BYTES: usize = 1 << 20;

const FORMAT: u8 = 1;
const HEADER: usize = 9;

/// Something that the store keeps under a key.
pub trait Record: Clone + std::fmt::Debug + PartialEq + Send + Sync + 'static {
    /// The kind's name; that of the Java router's class.
    const KIND: &'static str;

    /// What identifies the record among its kind.
    fn key(&self) -> &str;

    /// The protobuf bytes that the Java router stores (before base64).
    fn encode(&self) -> Vec<u8>;

    /// Reads what [`Record::encode`], or the Java router, wrote.
    fn decode(bytes: &[u8]) -> Result<Self, DecodeError>;

    /// Whether it may be stored. Kinds that can't be made wrong have nothing to check.
    fn validate(&self) -> Result<(), DecodeError> {
        Ok(())
    }
}

/// Why a stored record cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Too short for its version.
    #[error("{0} bytes, expected at least {HEADER}")]
    Truncated(usize),
    /// Larger than any record that a writer may store.
    #[error("{0} bytes, at most {MAX_RECORD_BYTES} are accepted")]
    TooLarge(usize),
    /// Written by another program.
    #[error("format {0}, expected {FORMAT}")]
    Format(u8),
    /// No base64.
    #[error("no base64: {0}")]
    Base64(String),
    /// No protobuf message of this kind.
    #[error("{0}")]
    Protobuf(#[from] prost::DecodeError),
    /// A field has a value without a meaning.
    #[error("field {field} is {value}; expected {expected}")]
    Field {
        /// The field.
        field: &'static str,
        /// What it holds.
        value: i64,
        /// What it may hold.
        expected: &'static str,
    },
    /// A field has a word without a meaning.
    #[error("field {field} is `{}`; expected one of {expected}", cut(found))]
    Word {
        /// The field.
        field: &'static str,
        /// What it holds.
        found: String,
        /// What it may hold.
        expected: String,
    },
    /// A field that identifies the record, or without which it is of no use, is absent or empty.
    #[error("field {0} is missing")]
    Missing(&'static str),
    /// The message is no valid entry.
    #[error("{}", cut(&.0.to_string()))]
    Entry(#[from] EntryError),
    /// Another process can't read it, and says so.
    #[error("{0}")]
    Told(String),
    /// The record is stored under another key than its own.
    #[error("the record is that of {}", cut(.0))]
    OtherKey(String),
}

/// The most characters of a record's own words that an error quotes: a record may have a megabyte.
const QUOTED: usize = 200;

fn cut(words: &str) -> Cow<'_, str> {
    match words.char_indices().nth(QUOTED) {
        None => words.into(),
        Some((at, _)) => format!("{}… ({} bytes)", &words[..at], words.len()).into(),
    }
}

impl DecodeError {
    /// The most bytes of [`DecodeError::short`].
    pub const SHORT: usize = 1000;

    /// What is wrong in few words: records say whatever they like, and errors quote them.
    pub fn short(&self) -> String {
        shortened(self.to_string(), Self::SHORT)
    }
}

/// As much of a text as fits into so many bytes.
pub(crate) fn shortened(mut text: String, bytes: usize) -> String {
    text.truncate(text.floor_char_boundary(bytes));
    text
}

/// Refuses what no writer may have stored: it would be larger than the messages that carry records.
pub(crate) fn check_size(message: &[u8]) -> Result<(), DecodeError> {
    let bytes = message.len();
    if bytes > MAX_RECORD_BYTES { Err(DecodeError::TooLarge(bytes)) } else { Ok(()) }
}

/// A record as it is kept: a format byte and the version (eight bytes, big endian), in every format, then the message.
pub(crate) fn seal(version: Version, message: &[u8]) -> Vec<u8> {
    [&[FORMAT][..], &version.0.to_be_bytes(), message].concat()
}

/// The version of what is kept; [`Version::ABSENT`] if that cannot be told.
pub(crate) fn version_of(kept: &[u8]) -> Version {
    let version = kept.get(1..HEADER).and_then(|bytes| bytes.try_into().ok());
    version.map_or(Version::ABSENT, |bytes| Version(u64::from_be_bytes(bytes)))
}

/// Reads what is kept under `key`.
pub(crate) fn open<R: Record>(key: &[u8], kept: &[u8]) -> Result<R, DecodeError> {
    let message = kept.get(HEADER..).ok_or(DecodeError::Truncated(kept.len()))?;
    if kept[0] != FORMAT {
        return Err(DecodeError::Format(kept[0]));
    }
    check_size(message)?;
    let record = R::decode(message)?;
    if record.key().as_bytes() != key {
        return Err(DecodeError::OtherKey(record.key().to_owned()));
    }
    Ok(record)
}

/// The text of a field that must be there.
fn required<'a>(field: &'static str, text: &'a Option<String>) -> Result<&'a str, DecodeError> {
    text.as_deref().filter(|text| !text.is_empty()).ok_or(DecodeError::Missing(field))
}

/// Words and what they mean, as the Java router writes them.
type Words<T> = [(&'static str, T)];

fn meaning<T: Copy>(field: &'static str, word: &str, words: &Words<T>) -> Result<T, DecodeError> {
    words.iter().find(|(known, _)| *known == word).map(|(_, meaning)| *meaning).ok_or_else(|| DecodeError::Word {
        field,
        found: word.to_owned(),
        expected: words.iter().map(|(known, _)| *known).collect::<Vec<_>>().join(", "),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_quote_the_beginning_of_long_words() {
        let word = |found: &str| DecodeError::Word { field: "state", found: found.to_owned(), expected: "A, B".into() };
        assert_eq!(word("C").to_string(), "field state is `C`; expected one of A, B");
        let long = "ü".repeat(500_000);
        let entry = anabranch_federation::MountEntry::parse(&long, []).unwrap_err();
        for error in [word(&long), DecodeError::OtherKey(long.clone()), DecodeError::Entry(entry)] {
            let text = error.to_string();
            assert!(text.len() < 600 && text.contains("ü… (10000"), "{text}");
        }
    }
}
