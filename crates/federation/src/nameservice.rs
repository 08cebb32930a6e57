use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use smol_str::SmolStr;

/// The name of a nameservice (a subcluster), such as `ns0`. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NameserviceId(SmolStr);

/// A name that no nameservice can have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("nameservice {0:?}: expected one or more of A-Z a-z 0-9 . _ -")]
pub struct NameserviceError(pub String);

impl NameserviceId {
    /// Checks the name: one or more of `A-Z a-z 0-9 . _ -`, so that it can be part of a configuration key and of a
    /// host name.
    pub fn parse(name: &str) -> Result<Self, NameserviceError> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        if name.is_empty() || !name.bytes().all(allowed) {
            return Err(NameserviceError(name.to_owned()));
        }
        Ok(Self(name.into()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for NameserviceId {
    type Err = NameserviceError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::parse(name)
    }
}

impl fmt::Display for NameserviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for NameserviceId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for NameserviceId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for NameserviceId {
    fn eq(&self, other: &str) -> bool {
        &*self.0 == other
    }
}

impl PartialEq<&str> for NameserviceId {
    fn eq(&self, other: &&str) -> bool {
        &*self.0 == *other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        for good in ["ns0", "a.b_c-D9"] {
            assert_eq!(NameserviceId::parse(good).unwrap(), good);
        }
        for bad in ["", "a/b", "a b", "é", "a:1"] {
            assert_eq!(NameserviceId::parse(bad), Err(NameserviceError(bad.to_owned())));
        }
    }
}
