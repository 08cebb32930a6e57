//! Follows files while a program runs. A bad edit changes nothing but what is told about it.

use std::time::Duration;

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use super::check::{Federation, Scope};
use super::source::{Source, SourceFile};

/// An edit, and what it came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// The files are valid and say something new.
    Applied(Federation),
    /// The files are not valid, or say what only a restart can bring; what ran before still runs.
    Refused(String),
    /// The files say again what runs, after they did not.
    Restored,
}

/// Editors write a file in several steps; files are read when nothing moved for so long.
const QUIET: Duration = Duration::from_millis(150);
/// A directory that never comes to rest is read anyway after so long.
const PATIENCE: Duration = Duration::from_secs(2);
/// Not every file system tells about changes: this often files are looked at unasked.
const PATROL: Duration = Duration::from_secs(5);

/// A source of objects that is followed.
pub struct Watch {
    source: Source,
    scope: Scope,
    /// What runs.
    current: Federation,
    /// What the files held when they were last judged.
    seen: Result<Vec<SourceFile>, String>,
    refused: bool,
    events: mpsc::Receiver<()>,
    /// Kept for its events; none where the system has no way to watch, which the patrol makes up for.
    _watcher: Option<RecommendedWatcher>,
}

impl Watch {
    /// Starts to follow a source whose files were read and made `current`.
    pub fn start(source: Source, scope: Scope, files: Vec<SourceFile>, current: Federation) -> Self {
        let (sender, events) = mpsc::channel(1);
        let heard = move |event: notify::Result<notify::Event>| {
            // Reading files is an event too; to react to it would be to read without end.
            let reading = matches!(&event, Ok(event) if matches!(event.kind, EventKind::Access(_)));
            if !reading {
                // A full channel means that a look at the files is due anyway.
                let _ = sender.try_send(());
            }
        };
        let watcher = notify::recommended_watcher(heard).and_then(|mut watcher| {
            watcher.watch(&source.directory(), RecursiveMode::NonRecursive)?;
            Ok(watcher)
        });
        if let Err(error) = &watcher {
            tracing::info!(%error, "cannot watch files; looking every {} s", PATROL.as_secs());
        }
        Self { source, scope, current, seen: Ok(files), refused: false, events, _watcher: watcher.ok() }
    }

    /// Waits for the next edit that matters.
    pub async fn next(&mut self) -> Change {
        loop {
            self.wait().await;
            let source = self.source.clone();
            let read = tokio::task::spawn_blocking(move || source.read().map_err(|error| error.to_string())).await;
            let read = read.unwrap_or_else(|error| Err(error.to_string()));
            if let Some(change) = self.judge(read) {
                return change;
            }
        }
    }

    /// Waits for an event and the quiet after it, or for the next patrol.
    async fn wait(&mut self) {
        if timeout(PATROL, self.events.recv()).await.is_ok_and(|event| event.is_some()) {
            let patience = Instant::now() + PATIENCE;
            while timeout(QUIET, self.events.recv()).await.is_ok_and(|event| event.is_some())
                && Instant::now() < patience
            {}
        }
    }

    fn judge(&mut self, read: Result<Vec<SourceFile>, String>) -> Option<Change> {
        if read == self.seen {
            return None;
        }
        self.seen = read;
        let change = decide(&self.current, self.refused, &self.seen, &self.scope)?;
        self.refused = matches!(change, Change::Refused(_));
        if let Change::Applied(federation) = &change {
            self.current = federation.clone();
        }
        Some(change)
    }
}

/// What new content comes to; none when it says what runs already.
fn decide(
    current: &Federation,
    refused: bool,
    files: &Result<Vec<SourceFile>, String>,
    scope: &Scope,
) -> Option<Change> {
    let files = match files {
        Ok(files) => files,
        Err(reason) => return Some(Change::Refused(reason.clone())),
    };
    match Federation::parse(files, scope) {
        Err(problems) => Some(Change::Refused(problems.to_string())),
        Ok(new) if new == *current => refused.then_some(Change::Restored),
        Ok(new) if new.needs_restart(current) => Some(Change::Refused(
            "a RouterFleet or Subcluster changed, which takes a restart; mounts stay too".to_owned(),
        )),
        Ok(new) => Some(Change::Applied(new)),
    }
}

#[cfg(test)]
mod tests;
