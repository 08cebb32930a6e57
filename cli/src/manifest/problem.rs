//! What is wrong in which file.

use std::fmt;

use anabranch_api::{FieldError, FieldPath};

use super::source::SourceFile;
use super::yaml::{self, Position};

/// Something wrong at a place in a file, shown as `mounts.yaml:12:7: spec.entries[2].path: …`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file, as the user named its directory.
    pub file: String,
    /// Where in it.
    pub position: Position,
    /// The field and what is wrong with it.
    pub text: String,
}

impl Problem {
    /// A problem with a field of a document.
    pub(super) fn at(file: &SourceFile, document: usize, error: &FieldError) -> Self {
        let root = error.path == FieldPath::root();
        Self {
            file: file.name.clone(),
            position: yaml::locate(&file.text, document, &error.path),
            text: if root { error.problem.clone() } else { error.to_string() },
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.position.line, self.position.column, self.text)
    }
}

/// All that is wrong, one line each, in the order of files and lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    pub(super) fn new(mut problems: Vec<Problem>) -> Self {
        problems.sort_by(|a, b| (&a.file, a.position).cmp(&(&b.file, b.position)));
        Self(problems)
    }

    /// The problems.
    pub fn list(&self) -> &[Problem] {
        &self.0
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            write!(f, "{}{problem}", if index == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
