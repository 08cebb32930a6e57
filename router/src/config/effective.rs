use std::fmt;
use std::sync::Arc;

/// A property in effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Property {
    /// Its name.
    pub name: String,
    /// Its value, references resolved.
    pub value: String,
    /// Whether later files could not change it.
    pub is_final: bool,
    /// The file that it comes from; `programmatically` for the command line, and the defaults' name for defaults.
    pub source: String,
}

/// All properties in effect, by name. May hold secrets: it is redacted where it is shown, and never printed.
#[derive(Clone, Default)]
pub struct Effective(Arc<[Property]>);

impl Effective {
    /// From properties in the order of their names.
    pub fn new(properties: Vec<Property>) -> Self {
        Self(properties.into())
    }

    /// All.
    pub fn properties(&self) -> &[Property] {
        &self.0
    }
}

impl fmt::Debug for Effective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Effective")
    }
}
