//! Readiness: a named set of conditions that must all hold before a program takes work.

use std::sync::Arc;

use tokio::sync::watch;

/// The set. Clones share it. With no condition registered the program is ready; once [`Readiness::close`] was called
/// it never is again.
#[derive(Clone, Debug)]
pub struct Readiness {
    state: Arc<watch::Sender<State>>,
}

#[derive(Clone, Debug, Default)]
struct State {
    conditions: Vec<(Arc<str>, bool)>,
    closed: Option<Arc<str>>,
}

impl State {
    fn ready(&self) -> bool {
        self.closed.is_none() && self.conditions.iter().all(|(_, holds)| *holds)
    }
}

impl Default for Readiness {
    fn default() -> Self {
        Self::new()
    }
}

impl Readiness {
    /// An empty set.
    pub fn new() -> Self {
        Self { state: Arc::new(watch::Sender::new(State::default())) }
    }

    /// Adds a condition that does not hold yet. The name is shown to people: `mount table`, `subcluster a`.
    pub fn register(&self, name: impl Into<Arc<str>>) -> Condition {
        let mut index = 0;
        self.state.send_modify(|state| {
            index = state.conditions.len();
            state.conditions.push((name.into(), false));
        });
        Condition { readiness: self.clone(), index }
    }

    /// True while every condition holds and the set is not closed.
    pub fn ready(&self) -> bool {
        self.state.borrow().ready()
    }

    /// Names of the conditions that do not hold, in the order of registration, after the reason of [`Self::close`].
    pub fn pending(&self) -> Vec<Arc<str>> {
        let state = self.state.borrow();
        let open = state.conditions.iter().filter(|(_, holds)| !holds).map(|(name, _)| name);
        state.closed.iter().chain(open).cloned().collect()
    }

    /// Ends readiness for good, with a reason such as `draining`. The first reason stays.
    pub fn close(&self, reason: impl Into<Arc<str>>) {
        self.state.send_modify(|state| {
            state.closed.get_or_insert_with(|| reason.into());
        });
    }

    /// Whether [`Self::close`] was called.
    pub fn is_closed(&self) -> bool {
        self.state.borrow().closed.is_some()
    }

    /// Waits until [`Self::ready`].
    pub async fn wait_ready(&self) {
        // The sender lives in self, so the channel cannot close while this waits.
        let _ = self.state.subscribe().wait_for(State::ready).await;
    }

    /// A receiver that wakes whenever a condition changes; read the set with [`Self::pending`].
    pub fn changes(&self) -> Changes {
        Changes(self.state.subscribe())
    }
}

/// Wakes its owner when readiness changes.
#[derive(Debug)]
pub struct Changes(watch::Receiver<State>);

impl Changes {
    /// Returns after the next change; false when the set is gone.
    pub async fn next(&mut self) -> bool {
        self.0.changed().await.is_ok()
    }
}

/// One named condition, held by the part of the program that answers for it. Dropping it means that this part is
/// gone: the condition stops holding.
#[derive(Debug)]
pub struct Condition {
    readiness: Readiness,
    index: usize,
}

impl Condition {
    /// The condition holds from now on.
    pub fn ready(&self) {
        self.set(true);
    }

    /// The condition does not hold any more.
    pub fn pending(&self) {
        self.set(false);
    }

    fn set(&self, holds: bool) {
        self.readiness.state.send_if_modified(|state| {
            let slot = &mut state.conditions[self.index].1;
            std::mem::replace(slot, holds) != holds
        });
    }
}

impl Drop for Condition {
    fn drop(&mut self) {
        self.pending();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(readiness: &Readiness) -> Vec<String> {
        readiness.pending().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn ready_means_that_every_condition_holds() {
        let readiness = Readiness::new();
        assert!(readiness.ready());
        let mounts = readiness.register("mount table");
        let rpc = readiness.register("rpc listener");
        assert_eq!(names(&readiness), ["mount table", "rpc listener"]);
        mounts.ready();
        assert_eq!(names(&readiness), ["rpc listener"]);
        rpc.ready();
        assert!(readiness.ready());
        mounts.pending();
        assert_eq!(names(&readiness), ["mount table"]);
    }

    #[test]
    fn a_dropped_condition_no_longer_holds() {
        let readiness = Readiness::new();
        let rpc = readiness.register("rpc listener");
        rpc.ready();
        drop(rpc);
        assert_eq!(names(&readiness), ["rpc listener"]);
    }

    #[test]
    fn a_closed_set_stays_closed_and_keeps_its_first_reason() {
        let readiness = Readiness::new();
        assert!(!readiness.is_closed());
        readiness.close("draining");
        readiness.close("later");
        assert!(!readiness.ready() && readiness.is_closed());
        assert_eq!(names(&readiness), ["draining"]);
    }

    #[tokio::test]
    async fn waiting_ends_when_the_last_condition_holds() {
        let readiness = Readiness::new();
        let mounts = readiness.register("mount table");
        let mut changes = readiness.changes();
        let waiter = tokio::spawn({
            let readiness = readiness.clone();
            async move { readiness.wait_ready().await }
        });
        mounts.ready();
        assert!(changes.next().await);
        waiter.await.unwrap();
    }
}
