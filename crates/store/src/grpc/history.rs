//! Which revisions may be compared with which.

use bytes::Bytes;
use parking_lot::Mutex;

use super::proto::Position;
use crate::Revision;

/// A new history: random, so that no other server has it.
pub(super) fn new() -> Bytes {
    Bytes::copy_from_slice(&rand::random::<[u8; 16]>())
}

/// What a client knows about the revisions that its callers hold, which are bare numbers.
#[derive(Debug, Default)]
pub(super) struct Histories {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The history that was seen last.
    current: Bytes,
    /// The highest revision of it that a caller may hold.
    highest: Revision,
    /// The highest revision of any other history that a caller may hold.
    others: Option<Revision>,
}

impl Histories {
    /// Notes a revision before a caller gets it.
    pub(super) fn saw(&self, history: &Bytes, revision: Revision) {
        let mut state = self.state.lock();
        if state.current != *history {
            let others = if state.current.is_empty() { None } else { state.others.max(Some(state.highest)) };
            *state = State { current: history.clone(), highest: 0, others };
        }
        state.highest = state.highest.max(revision);
    }

    /// The position that a bare revision stands for; `None` when it may be one of another history.
    pub(super) fn position(&self, revision: Revision) -> Option<Position> {
        let state = self.state.lock();
        let known = !state.current.is_empty() && state.others < Some(revision);
        known.then(|| Position { history: state.current.clone(), revision })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_revision_belongs_to_a_history_only_if_it_can_be_of_no_other() {
        let (a, b) = (new(), new());
        assert_ne!(a, b);
        let histories = Histories::default();
        let of = |revision| histories.position(revision).map(|position| position.history);
        assert_eq!(of(1), None, "nobody has been asked yet");
        histories.saw(&a, 7);
        histories.saw(&a, 5);
        assert!([0, 5, 7, 8].map(of).iter().all(|history| history.as_ref() == Some(&a)));

        // The server came back: what was seen of its former life is not comparable any more.
        histories.saw(&b, 3);
        assert_eq!([3, 7, 8].map(of), [None, None, Some(b.clone())]);
        // A late answer of the former one changes nothing for the better.
        histories.saw(&a, 9);
        histories.saw(&b, 12);
        assert_eq!([8, 9, 10, 12].map(of), [None, None, Some(b.clone()), Some(b.clone())]);
    }
}
