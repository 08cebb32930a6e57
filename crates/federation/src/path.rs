use std::borrow::{Borrow, Cow};
use std::fmt;
use std::str::FromStr;

use smol_str::SmolStr;

/// A path of a mount table: absolute, with single slashes, none at the end (but for `/` itself), and without `.` and `..`.
/// Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MountPath(SmolStr);

/// A path that cannot be part of a mount table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// There is nothing.
    #[error("the path is empty; expected an absolute path such as /data")]
    Empty,
    /// It does not start at the root.
    #[error("path {0:?} must start with /")]
    NotAbsolute(String),
    /// Longer or deeper than any NameNode accepts.
    #[error(
        "the path has {bytes} bytes and {depth} components; expected at most {} and {}",
        MountPath::MAX_BYTES,
        MountPath::MAX_DEPTH
    )]
    TooLong {
        /// Its length.
        bytes: usize,
        /// How many components it has.
        depth: usize,
    },
    /// `.` or `..`, which clients resolve before they call: such a mount could never be reached.
    #[error("path {path:?} has the component {component:?}, which no client asks for; write the path without it")]
    Relative {
        /// The whole path.
        path: String,
        /// `.` or `..`.
        component: &'static str,
    },
}

impl MountPath {
    /// The longest path that a NameNode accepts.
    pub const MAX_BYTES: usize = 8000;
    /// The deepest path that a NameNode accepts.
    pub const MAX_DEPTH: usize = 1000;

    /// Normalises and checks a path.
    pub fn parse(path: &str) -> Result<Self, PathError> {
        if path.is_empty() {
            return Err(PathError::Empty);
        }
        if !path.starts_with('/') {
            return Err(PathError::NotAbsolute(path.to_owned()));
        }
        if let Some(component) = [".", ".."].into_iter().find(|&dots| path.split('/').any(|part| part == dots)) {
            return Err(PathError::Relative { path: path.to_owned(), component });
        }
        let path = normalise(path);
        let (bytes, depth) = (path.len(), components(&path).count());
        if bytes > Self::MAX_BYTES || depth > Self::MAX_DEPTH {
            return Err(PathError::TooLong { bytes, depth });
        }
        Ok(Self(path.into()))
    }

    /// `/`.
    pub fn root() -> Self {
        Self("/".into())
    }

    /// The path.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this path is `ancestor` or lies in the tree below it.
    pub fn is_at_or_below(&self, ancestor: &Self) -> bool {
        ancestor.covers(&self.0)
    }

    /// Whether a normalised path is this path or lies in the tree below it.
    pub fn covers(&self, path: &str) -> bool {
        let rest = path.strip_prefix(self.prefix());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// The path as a prefix of others: `/a` as it is, `/` as the empty string.
    pub(crate) fn prefix(&self) -> &str {
        if &*self.0 == "/" { "" } else { &self.0 }
    }
}

/// The form in which a path is looked up: repeated slashes collapsed, trailing ones dropped. Nothing else changes: `.` and
/// `..` are components like any other, as they are to a NameNode. Borrows when there is nothing to do.
pub fn normalise(path: &str) -> Cow<'_, str> {
    let trailing = path.len() > 1 && path.ends_with('/');
    if !trailing && !path.contains("//") {
        return Cow::Borrowed(path);
    }
    let mut out = String::with_capacity(path.len());
    for letter in path.chars() {
        if letter != '/' || !out.ends_with('/') {
            out.push(letter);
        }
    }
    if out.len() > 1 && out.ends_with('/') {
        out.pop();
    }
    Cow::Owned(out)
}

/// The components of a path, each with the offset at which it ends.
pub(crate) fn components(path: &str) -> impl Iterator<Item = (&str, usize)> {
    let mut end = 0;
    path.split('/').filter_map(move |part| {
        let stop = end + part.len();
        end = stop + 1;
        (!part.is_empty()).then_some((part, stop))
    })
}

impl FromStr for MountPath {
    type Err = PathError;

    fn from_str(path: &str) -> Result<Self, Self::Err> {
        Self::parse(path)
    }
}

impl fmt::Display for MountPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for MountPath {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for MountPath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for MountPath {
    fn eq(&self, other: &str) -> bool {
        &*self.0 == other
    }
}

impl PartialEq<&str> for MountPath {
    fn eq(&self, other: &&str) -> bool {
        &*self.0 == *other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slashes_are_collapsed() {
        for (path, expected) in
            [("/", "/"), ("//", "/"), ("///a", "/a"), ("/a//b/", "/a/b"), ("/a/./..", "/a/./.."), ("a/", "a"), ("", "")]
        {
            assert_eq!(normalise(path), expected, "{path}");
        }
        assert!(matches!(normalise("/a/b"), Cow::Borrowed(_)));
    }

    #[test]
    fn mount_paths_are_checked() {
        assert_eq!(MountPath::parse("//a/b//").unwrap(), "/a/b");
        assert_eq!(MountPath::parse("/").unwrap(), MountPath::root());
        assert_eq!(MountPath::parse("/.a/..b/c.").unwrap(), "/.a/..b/c.");
        assert_eq!(MountPath::parse(""), Err(PathError::Empty));
        assert_eq!(MountPath::parse("a"), Err(PathError::NotAbsolute("a".into())));
        for (path, component) in [("/a/..", ".."), ("/./a", "."), ("/..", "..")] {
            assert_eq!(MountPath::parse(path), Err(PathError::Relative { path: path.into(), component }));
        }
    }

    #[test]
    fn mount_paths_are_bounded() {
        assert!(MountPath::parse(&"/a".repeat(1000)).is_ok());
        let deep = MountPath::parse(&"/a".repeat(1001));
        assert_eq!(deep, Err(PathError::TooLong { bytes: 2002, depth: 1001 }));
        assert!(MountPath::parse(&format!("/{}", "a".repeat(7999))).is_ok());
        assert!(MountPath::parse(&format!("/{}", "a".repeat(8000))).is_err());
    }

    #[test]
    fn components_know_where_they_end() {
        assert_eq!(components("/a/bc").collect::<Vec<_>>(), [("a", 2), ("bc", 5)]);
        assert_eq!(components("/").count(), 0);
        assert_eq!(components("").count(), 0);
    }
}
