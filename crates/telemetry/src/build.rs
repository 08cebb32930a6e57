//! Which build of which program is running.

use std::fmt;

/// Identity of a build. Programs fill it with [`Build::of`] so that only they, not the libraries below them, are
/// rebuilt when the revision changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Build {
    /// Version of the package, as semantic versioning writes it.
    pub version: &'static str,
    /// Commit that was built, or `unknown` where the build did not say.
    pub revision: &'static str,
    /// `release` or `debug`.
    pub profile: &'static str,
}

impl Build {
    /// Completes the identity: `revision` is usually `option_env!("ANABRANCH_REVISION")` of the program.
    pub const fn of(version: &'static str, revision: Option<&'static str>) -> Self {
        let profile = if cfg!(debug_assertions) { "debug" } else { "release" };
        let revision = match revision {
            Some(revision) => revision,
            None => "unknown",
        };
        Self { version, revision, profile }
    }
}

impl fmt::Display for Build {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (revision {}, {})", self.version, self.revision, self.profile)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_names_its_revision_or_says_that_it_does_not_know() {
        assert_eq!(Build::of("1.2.3", Some("abc")).to_string(), "1.2.3 (revision abc, debug)");
        assert_eq!(Build::of("1.2.3", None).revision, "unknown");
    }
}
