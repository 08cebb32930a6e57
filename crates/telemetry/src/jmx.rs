//! Management beans over HTTP, as Hadoop's daemons show theirs at `/jmx`: dashboards and tools that read a daemon's beans
//! read ours.
//!
//! A bean is a name, a type and a function that reads its attributes when they are asked for. What a bean is worth
//! knowing for lives with whoever registers it.

mod answer;
mod json;
mod object_name;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use parking_lot::RwLock;
use serde_json::Value;

pub use answer::{Query, answer};
pub use object_name::{MalformedName, ObjectName};

/// Attributes of a bean, in the order in which they are shown.
pub type Attributes = Vec<(Cow<'static, str>, Value)>;

/// Reads the attributes of a bean; the error says why they cannot be told.
type Read = dyn Fn() -> Result<Attributes, String> + Send + Sync;

#[derive(Clone)]
struct Bean {
    name: Arc<ObjectName>,
    modeler_type: Arc<str>,
    read: Arc<Read>,
}

/// The beans of one program, in the order of their registration. Clones share them.
#[derive(Clone, Default)]
pub struct Beans {
    beans: Arc<RwLock<Vec<Bean>>>,
}

impl Beans {
    /// No beans.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a bean, or replaces the one of this name. `modeler_type` is what Java would call its class.
    pub fn register(
        &self,
        name: ObjectName,
        modeler_type: impl Into<Arc<str>>,
        read: impl Fn() -> Result<Attributes, String> + Send + Sync + 'static,
    ) {
        let bean = Bean { name: Arc::new(name), modeler_type: modeler_type.into(), read: Arc::new(read) };
        let mut beans = self.beans.write();
        match beans.iter_mut().find(|known| *known.name == *bean.name) {
            Some(known) => *known = bean,
            None => beans.push(bean),
        }
    }

    /// The beans that a pattern matches. Nothing is locked while their attributes are read.
    fn matching(&self, pattern: &ObjectName) -> Vec<Bean> {
        self.beans.read().iter().filter(|bean| pattern.matches(&bean.name)).cloned().collect()
    }
}

impl fmt::Debug for Beans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.beans.read().iter().map(|bean| bean.name.to_string()).collect();
        f.debug_tuple("Beans").field(&names).finish()
    }
}

/// A number as Java's `float` is written: its few digits, not those of the `double` next to it.
pub fn float(value: f32) -> Value {
    value.to_string().parse::<f64>().map_or(Value::Null, Value::from)
}
