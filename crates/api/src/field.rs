//! Where in an object something is wrong.

use std::fmt;

/// The way to a field from the root of an object, shown as `spec.entries[2].path`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct FieldPath(Vec<Segment>);

/// One step of a [`FieldPath`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Segment {
    /// A field of an object, or a key of a map.
    Key(String),
    /// An element of a list, counted from 0.
    Index(usize),
}

impl FieldPath {
    /// The root of an object.
    pub const fn root() -> Self {
        Self(Vec::new())
    }

    /// The field `spec`.
    pub fn spec() -> Self {
        Self::root().key("spec")
    }

    /// The way on to a field or key.
    #[must_use]
    pub fn key(&self, name: impl Into<String>) -> Self {
        self.then(Segment::Key(name.into()))
    }

    /// The way on to an element.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        self.then(Segment::Index(index))
    }

    /// The steps from the root.
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    fn then(&self, segment: Segment) -> Self {
        let mut segments = self.0.clone();
        segments.push(segment);
        Self(segments)
    }
}

impl FromIterator<Segment> for FieldPath {
    fn from_iter<I: IntoIterator<Item = Segment>>(segments: I) -> Self {
        Self(segments.into_iter().collect())
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Key(name) if position == 0 => f.write_str(name)?,
                // A key that holds dots, as annotations and configuration keys do, would read as several fields.
                Segment::Key(name) if name.contains('.') => write!(f, "[{name:?}]")?,
                Segment::Key(name) => write!(f, ".{name}")?,
                Segment::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// Something wrong with one field of an object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct FieldError {
    /// The field.
    pub path: FieldPath,
    /// What was found and what is accepted.
    pub problem: String,
}

impl FieldError {
    /// An error at a field.
    pub fn new(path: FieldPath, problem: impl fmt::Display) -> Self {
        Self { path, problem: problem.to_string() }
    }
}

/// Gathers the errors of an object, so that all of them are told at once.
#[derive(Debug, Default)]
pub(crate) struct Findings(Vec<FieldError>);

impl Findings {
    /// Notes a problem.
    pub(crate) fn add(&mut self, path: FieldPath, problem: impl fmt::Display) {
        self.0.push(FieldError::new(path, problem));
    }

    /// The value, or its problem noted at the field.
    pub(crate) fn check<T, E: fmt::Display>(&mut self, path: FieldPath, result: Result<T, E>) -> Option<T> {
        result.map_err(|problem| self.add(path, problem)).ok()
    }

    /// What was noted.
    pub(crate) fn into_errors(self) -> Vec<FieldError> {
        self.0
    }

    /// The value if nothing was noted.
    pub(crate) fn settle<T>(self, value: impl FnOnce() -> T) -> Result<T, Vec<FieldError>> {
        if self.0.is_empty() { Ok(value()) } else { Err(self.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_read_as_kubectl_writes_them() {
        let path = FieldPath::spec().key("entries").index(2).key("destinations").index(0).key("path");
        assert_eq!(path.to_string(), "spec.entries[2].destinations[0].path");
        let key = FieldPath::spec().key("configuration").key("dfs.blocksize");
        assert_eq!(key.to_string(), r#"spec.configuration["dfs.blocksize"]"#);
    }
}
