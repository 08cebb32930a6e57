use crate::Table;

/// Changes that become visible and durable together, in the order in which they were added.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    changes: Vec<(Table, Box<[u8]>, Change)>,
}

/// What happens to a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It gets this value.
    Put(Box<[u8]>),
    /// It goes.
    Delete,
}

impl Batch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives `key` a value.
    pub fn put(&mut self, table: Table, key: impl Into<Box<[u8]>>, value: impl Into<Box<[u8]>>) {
        self.changes.push((table, key.into(), Change::Put(value.into())));
    }

    /// Removes `key`, which need not exist.
    pub fn delete(&mut self, table: Table, key: impl Into<Box<[u8]>>) {
        self.changes.push((table, key.into(), Change::Delete));
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// How many changes there are.
    pub fn len(&self) -> usize {
        self.changes.len()
    }

    /// The changes, oldest first.
    pub fn changes(&self) -> impl Iterator<Item = (Table, &[u8], &Change)> {
        self.changes.iter().map(|(table, key, change)| (*table, &**key, change))
    }
}
