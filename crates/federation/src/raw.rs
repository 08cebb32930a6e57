//! Raw paths, the second view that a NameNode gives of its tree.

use std::borrow::Cow;

/// Below this a NameNode shows its whole tree a second time, with the bytes of encrypted files as they are stored.
const RAW: &str = "/.reserved/raw";

/// The path that a raw path shows. What holds for a mount holds for the raw view of it as well.
pub fn shown(path: &str) -> Option<&str> {
    match path.strip_prefix(RAW)? {
        "" => Some("/"),
        rest => rest.starts_with('/').then_some(rest),
    }
}

/// The raw path that shows a path.
pub(crate) fn of(path: &str) -> Cow<'static, str> {
    Cow::Owned([RAW, path.strip_suffix('/').unwrap_or(path)].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_paths_go_both_ways() {
        for (raw, path) in [("/.reserved/raw", "/"), ("/.reserved/raw/a/b", "/a/b")] {
            assert_eq!(shown(raw), Some(path));
            assert_eq!(of(path), raw);
        }
        for path in ["/", "/.reserved", "/.reserved/rawest", "/a/.reserved/raw/b"] {
            assert_eq!(shown(path), None);
        }
    }
}
