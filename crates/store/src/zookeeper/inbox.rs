use std::collections::HashSet;

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::protocol::Happened;

/// What a follower must look at. The names of changed nodes are noted once each, however often they change, so that there
/// are never more than nodes.
#[derive(Debug)]
pub(super) struct Inbox {
    directory: String,
    noted: Mutex<Noted>,
    news: Notify,
}

#[derive(Debug, Default)]
struct Noted {
    /// The connection from which it all came; 0: there is none.
    connection: u64,
    /// The events of all transactions up to this one have come.
    complete: u64,
    changed: Vec<String>,
    known: HashSet<String>,
    directory_removed: bool,
}

/// What was noted since the last time.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Notes {
    /// The nodes with these names have changed, in order of their first changes; nothing else did up to this transaction.
    Changed(Vec<String>, u64),
    /// The connection is lost, or the directory was removed: what happened since isn't known.
    Interrupted,
}

impl Inbox {
    pub(super) fn new(directory: String) -> Self {
        Self { directory, noted: Mutex::default(), news: Notify::new() }
    }

    pub(super) fn directory(&self) -> &str {
        &self.directory
    }

    /// All that comes from now on is from this connection.
    pub(super) fn connected(&self, connection: u64) {
        *self.noted.lock() = Noted { connection, ..Noted::default() };
    }

    pub(super) fn lost(&self) {
        *self.noted.lock() = Noted::default();
        self.news.notify_one();
    }

    /// The follower starts over on this connection, and has seen nothing yet.
    pub(super) fn begin(&self, connection: u64) {
        let mut noted = self.noted.lock();
        if noted.connection == connection {
            *noted = Noted { connection, complete: noted.complete, ..Noted::default() };
        }
    }

    pub(super) fn happened(&self, happened: &Happened<'_>) {
        let Some(below) = happened.path.strip_prefix(&self.directory) else { return };
        match below.strip_prefix('/') {
            Some(name) if !name.contains('/') => self.note(name),
            None if below.is_empty() && happened.removed => self.noted.lock().directory_removed = true,
            _ => return,
        }
        self.news.notify_one();
    }

    /// Notes a name as changed.
    pub(super) fn note(&self, name: &str) {
        let mut noted = self.noted.lock();
        if noted.known.insert(name.to_owned()) {
            noted.changed.push(name.to_owned());
        }
    }

    /// The answers tell how far the events are.
    pub(super) fn arrived(&self, zxid: u64) {
        let mut noted = self.noted.lock();
        noted.complete = noted.complete.max(zxid);
    }

    /// Makes the follower look, though nothing may have changed.
    pub(super) fn poke(&self) {
        self.news.notify_one();
    }

    /// Waits until there may be something.
    pub(super) async fn news(&self) {
        self.news.notified().await;
    }

    /// Takes what was noted.
    pub(super) fn take(&self, connection: u64) -> Notes {
        let mut noted = self.noted.lock();
        if noted.connection != connection || noted.directory_removed {
            return Notes::Interrupted;
        }
        noted.known.clear();
        Notes::Changed(std::mem::take(&mut noted.changed), noted.complete)
    }

    /// How far all is known, if nothing has changed since the last time.
    pub(super) fn settled(&self, connection: u64) -> Option<u64> {
        let noted = self.noted.lock();
        (noted.connection == connection && noted.changed.is_empty()).then_some(noted.complete)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_noted_once_and_others_not_at_all() {
        let inbox = Inbox::new("/p/K".to_owned());
        let happened = |path, removed| inbox.happened(&Happened { path, removed });
        inbox.connected(1);
        for path in ["/p/K/a", "/p/K/b", "/p/K/a", "/p/K/c/d", "/p/K", "/p/Kind/x", "/p/KK", "/q"] {
            happened(path, false);
        }
        inbox.arrived(7);
        inbox.arrived(5);
        assert_eq!(inbox.settled(1), None);
        assert_eq!(inbox.take(1), Notes::Changed(vec!["a".to_owned(), "b".to_owned()], 7));
        assert_eq!((inbox.settled(1), inbox.settled(2)), (Some(7), None));
        happened("/p/K/a", true);
        assert_eq!(inbox.take(1), Notes::Changed(vec!["a".to_owned()], 7));
        happened("/p/K", true);
        assert_eq!(inbox.take(1), Notes::Interrupted);
        inbox.begin(1);
        assert_eq!(inbox.take(1), Notes::Changed(Vec::new(), 7));
        inbox.connected(2);
        assert_eq!(inbox.take(1), Notes::Interrupted);
        inbox.lost();
        assert_eq!(inbox.take(2), Notes::Interrupted);
    }
}
