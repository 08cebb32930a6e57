//! When the router refuses changes, and why.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use anabranch_store::RouterStatus;
use anabranch_telemetry::{Condition, Readiness};
use tokio::sync::watch;

/// Why safe mode is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// An administrator turned it on; only one turns it off.
    ByHand,
    /// The mount table has not been read yet, or the extension after the start is not over.
    Starting,
    /// The state store has been away for too long.
    StoreAway,
}

impl Cause {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::ByHand, Self::Starting, Self::StoreAway];

    /// As a label of metrics.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::ByHand => "by_hand",
            Self::Starting => "starting",
            Self::StoreAway => "store_away",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ByHand => "it was turned on by an administrator",
            Self::Starting => "the router is starting",
            Self::StoreAway => "the state store has been away for too long",
        })
    }
}

/// What safe mode depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State {
    by_hand: bool,
    /// The extension after the start runs.
    extended: bool,
    store: Store,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Store {
    Unread,
    Known,
    Away,
}

/// What happens to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// There is a mount table that can be trusted.
    Known,
    /// There is none.
    Unknown,
    /// The extension after the start is over.
    Extended,
    /// An administrator turns it on.
    Enter,
    /// An administrator turns it off.
    Leave,
}

impl State {
    /// At the start.
    pub fn new(extended: bool) -> Self {
        Self { by_hand: false, extended, store: Store::Unread }
    }

    /// What an event makes of it.
    #[must_use]
    pub fn after(self, event: Event) -> Self {
        match event {
            Event::Known => Self { store: Store::Known, ..self },
            Event::Unknown if self.store == Store::Unread => self,
            Event::Unknown => Self { store: Store::Away, ..self },
            Event::Extended => Self { extended: false, ..self },
            Event::Enter => Self { by_hand: true, ..self },
            // Whoever wants the router to serve does not want it to wait either.
            Event::Leave => Self { by_hand: false, extended: false, ..self },
        }
    }

    /// Why it is on; none: it is off.
    pub fn cause(self) -> Option<Cause> {
        match self {
            Self { by_hand: true, .. } => Some(Cause::ByHand),
            Self { store: Store::Unread, .. } | Self { extended: true, .. } => Some(Cause::Starting),
            Self { store: Store::Away, .. } => Some(Cause::StoreAway),
            Self { store: Store::Known, .. } => None,
        }
    }

    /// As records of routers say it.
    pub fn status(self) -> RouterStatus {
        if self.cause().is_some() { RouterStatus::SafeMode } else { RouterStatus::Running }
    }
}

/// The safe mode of a router.
pub struct SafeMode {
    /// Whether administrators may turn it on and off.
    enabled: bool,
    state: watch::Sender<State>,
    status: watch::Sender<RouterStatus>,
    /// The same for calls, which ask often.
    on: AtomicBool,
    /// Who asks `/isActive` is told the cause.
    loaded: Condition,
    store: Condition,
    by_hand: Condition,
}

impl SafeMode {
    /// On until the mount table is known, and the extension over if there is one.
    pub fn new(enabled: bool, extended: bool, readiness: &Readiness) -> Self {
        let state = State::new(extended && enabled);
        let safe_mode = Self {
            enabled,
            state: watch::Sender::new(state),
            status: watch::Sender::new(state.status()),
            on: AtomicBool::new(true),
            loaded: readiness.register("mount table"),
            store: readiness.register("state store"),
            by_hand: readiness.register("safe mode by hand"),
        };
        safe_mode.show(state);
        safe_mode
    }

    /// Whether changes are refused.
    pub fn is_on(&self) -> bool {
        self.on.load(Ordering::Relaxed)
    }

    /// Turns it on by hand; false where there is no safe mode.
    pub fn enter(&self) -> bool {
        self.enabled && self.take(Event::Enter).is_some()
    }

    /// Turns it off; the cause if it stays on all the same.
    pub fn leave(&self) -> Option<Cause> {
        self.take(Event::Leave)
    }

    /// Whether there is a safe mode that administrators may turn on and off.
    pub fn is_enabled(&self) -> bool {
        self.enabled
    }

    /// Whether it is on and why, from now on.
    pub fn watch(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }

    /// The same as records of routers say it.
    pub fn status(&self) -> watch::Receiver<RouterStatus> {
        self.status.subscribe()
    }

    /// The same at this moment.
    pub fn status_now(&self) -> RouterStatus {
        *self.status.borrow()
    }

    /// Takes note of an event; the cause for which it is on then.
    pub fn take(&self, event: Event) -> Option<Cause> {
        let mut cause = None;
        self.state.send_if_modified(|state| {
            let (before, after) = (*state, state.after(event));
            *state = after;
            cause = after.cause();
            self.show(after);
            match cause.filter(|_| before.cause() != cause) {
                Some(cause) => tracing::info!(%cause, "safe mode is on"),
                None if before.cause().is_some() && cause.is_none() => tracing::info!("safe mode is off"),
                None => {}
            }
            before != after
        });
        cause
    }

    /// Called with the state locked, so that what is shown is always of the last event.
    fn show(&self, state: State) {
        self.on.store(state.cause().is_some(), Ordering::Relaxed);
        let holds = [
            (&self.loaded, state.store != Store::Unread && !state.extended),
            (&self.store, state.store != Store::Away),
            (&self.by_hand, !state.by_hand),
        ];
        for (condition, holds) in holds {
            if holds { condition.ready() } else { condition.pending() }
        }
        self.status.send_if_modified(|status| std::mem::replace(status, state.status()) != state.status());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_leaves_by_itself_what_it_entered_by_itself() {
        use Event::{Enter, Extended, Known, Leave, Unknown};
        let rows: &[(bool, &[Event], Option<Cause>)] = &[
            (false, &[], Some(Cause::Starting)),
            (false, &[Unknown], Some(Cause::Starting)),
            (false, &[Known], None),
            (true, &[Known], Some(Cause::Starting)),
            (true, &[Extended], Some(Cause::Starting)),
            (true, &[Known, Extended], None),
            (true, &[Known, Leave], None),
            (false, &[Known, Unknown], Some(Cause::StoreAway)),
            (false, &[Known, Unknown, Known], None),
            (false, &[Known, Enter], Some(Cause::ByHand)),
            (false, &[Known, Enter, Known], Some(Cause::ByHand)),
            (false, &[Known, Enter, Leave], None),
            (false, &[Enter, Known], Some(Cause::ByHand)),
            (false, &[Known, Unknown, Enter, Known], Some(Cause::ByHand)),
            (false, &[Known, Enter, Unknown, Leave], Some(Cause::StoreAway)),
            (false, &[Known, Unknown, Leave], Some(Cause::StoreAway)),
            (false, &[Leave], Some(Cause::Starting)),
        ];
        for (extended, events, expected) in rows {
            let state = events.iter().fold(State::new(*extended), |state, event| state.after(*event));
            assert_eq!(state.cause(), *expected, "{extended} {events:?}");
        }
    }

    #[test]
    fn who_asks_is_told_the_cause() {
        let readiness = Readiness::new();
        let pending = || readiness.pending().iter().map(ToString::to_string).collect::<Vec<_>>();
        let safe_mode = SafeMode::new(true, false, &readiness);
        let status = safe_mode.status();
        assert_eq!((pending(), safe_mode.is_on()), (vec!["mount table".to_owned()], true));
        assert_eq!(safe_mode.take(Event::Known), None);
        assert_eq!((pending(), safe_mode.is_on(), *status.borrow()), (vec![], false, RouterStatus::Running));
        assert!(safe_mode.enter());
        safe_mode.take(Event::Unknown);
        assert_eq!(pending(), ["state store", "safe mode by hand"]);
        assert_eq!((safe_mode.leave(), *status.borrow()), (Some(Cause::StoreAway), RouterStatus::SafeMode));
        assert_eq!(pending(), ["state store"]);
    }

    #[test]
    fn where_there_is_none_nobody_turns_it_on() {
        let safe_mode = SafeMode::new(false, true, &Readiness::new());
        safe_mode.take(Event::Known);
        assert_eq!((safe_mode.enter(), safe_mode.is_on()), (false, false));
    }
}
