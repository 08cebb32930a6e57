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

/// A bean.
#[derive(Clone)]
pub struct Bean {
    name: Arc<ObjectName>,
    modeler_type: Arc<str>,
    read: Arc<Read>,
}

impl Bean {
    /// `modeler_type` is what Java would call its class.
    pub fn new(
        name: ObjectName,
        modeler_type: impl Into<Arc<str>>,
        read: impl Fn() -> Result<Attributes, String> + Send + Sync + 'static,
    ) -> Self {
        Self { name: Arc::new(name), modeler_type: modeler_type.into(), read: Arc::new(read) }
    }
}

/// What is registered: a bean, or those that there are at a moment.
#[derive(Clone)]
enum Entry {
    One(Bean),
    Family(Arc<dyn Fn() -> Vec<Bean> + Send + Sync>),
}

/// The beans of one program, in the order of their registration. Clones share them.
#[derive(Clone, Default)]
pub struct Beans {
    entries: Arc<RwLock<Vec<Entry>>>,
}

impl Beans {
    /// No beans.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a bean, or replaces the one of this name.
    pub fn register(&self, bean: Bean) {
        let mut entries = self.entries.write();
        let same = |entry: &&mut Entry| matches!(entry, Entry::One(known) if *known.name == *bean.name);
        match entries.iter_mut().find(same) {
            Some(known) => *known = Entry::One(bean),
            None => entries.push(Entry::One(bean)),
        }
    }

    /// Adds beans that come and go: whoever looks sees those that there are then.
    pub fn register_family(&self, family: impl Fn() -> Vec<Bean> + Send + Sync + 'static) {
        self.entries.write().push(Entry::Family(Arc::new(family)));
    }

    /// The beans that a pattern matches. Nothing is locked while their attributes are read.
    fn matching(&self, pattern: &ObjectName) -> Vec<Bean> {
        let mut found = self.all();
        found.retain(|bean| pattern.matches(&bean.name));
        found
    }

    fn all(&self) -> Vec<Bean> {
        let entries = self.entries.read().clone();
        let beans = entries.into_iter().flat_map(|entry| match entry {
            Entry::One(bean) => vec![bean],
            Entry::Family(family) => family(),
        });
        beans.collect()
    }
}

impl fmt::Debug for Beans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.all().iter().map(|bean| bean.name.to_string()).collect();
        f.debug_tuple("Beans").field(&names).finish()
    }
}

/// A number as Java's `float` is written: its few digits, not those of the `double` next to it.
pub fn float(value: f32) -> Value {
    value.to_string().parse::<f64>().map_or(Value::Null, Value::from)
}
