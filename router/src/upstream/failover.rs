//! The failover decision: data in, data out.

/// What came of one attempt at one NameNode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// A result, or an exception that another NameNode would throw as well.
    Answered,
    /// It is not the active one; nothing ran.
    Standby,
    /// There is no connection to it; nothing ran.
    NotReached,
    /// The connection ended before the call went out; nothing ran.
    NotSent,
    /// The connection ended before the answer came; the call may have run.
    Lost,
    /// It did not answer before another was said to be the active one; the call may have run.
    Superseded,
    /// The call's time is over.
    TimedOut,
}

impl Outcome {
    /// How many there are.
    pub const COUNT: usize = 7;
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// This is the answer.
    Finish,
    /// Once more there, over a new connection.
    Same,
    /// At the next NameNode.
    Next,
    /// Nothing more can be done.
    GiveUp,
}

/// The way of one call through the NameNodes of a subcluster. It begins at the one that was active last and visits each
/// once; a connection that broke gets a second try, since it may have been idle for long.
#[derive(Debug)]
pub struct Journey {
    namenodes: usize,
    first: usize,
    visited: usize,
    tries_here: u32,
    attempts: u32,
    max_attempts: u32,
}

impl Journey {
    /// Starts at `first` of `namenodes`, which are at least one.
    pub fn new(namenodes: usize, first: usize, max_attempts: u32) -> Self {
        Self { namenodes, first, visited: 0, tries_here: 0, attempts: 0, max_attempts }
    }

    /// Index of the NameNode to try now.
    pub fn namenode(&self) -> usize {
        (self.first + self.visited) % self.namenodes.max(1)
    }

    /// Decides after an attempt. `repeatable`: the call does no harm if it runs twice, or cannot run twice.
    pub fn step(&mut self, outcome: Outcome, repeatable: bool) -> Step {
        self.attempts += 1;
        self.tries_here += 1;
        let wish = match outcome {
            Outcome::Answered => return Step::Finish,
            Outcome::TimedOut => return Step::GiveUp,
            Outcome::Lost | Outcome::Superseded if !repeatable => return Step::GiveUp,
            Outcome::Lost | Outcome::NotSent if self.tries_here == 1 => Step::Same,
            _ => Step::Next,
        };
        if self.attempts >= self.max_attempts {
            return Step::GiveUp;
        }
        if wish == Step::Next {
            self.visited += 1;
            self.tries_here = 0;
            if self.visited >= self.namenodes {
                return Step::GiveUp;
            }
        }
        wish
    }
}

#[cfg(test)]
mod tests {
    use super::Outcome::*;
    use super::*;

    /// The steps after each of these outcomes, and where the last one leads.
    fn walk(namenodes: usize, first: usize, repeatable: bool, outcomes: &[Outcome]) -> (Vec<Step>, usize) {
        let mut journey = Journey::new(namenodes, first, 15);
        let steps = outcomes.iter().map(|outcome| journey.step(*outcome, repeatable)).collect();
        (steps, journey.namenode())
    }

    #[test]
    fn decisions() {
        type Row = (&'static str, usize, usize, bool, &'static [Outcome], &'static [Step], usize);
        let rows: &[Row] = &[
            ("an answer ends it", 2, 0, false, &[Answered], &[Step::Finish], 0),
            ("standby leads on, whatever the call is", 2, 0, false, &[Standby], &[Step::Next], 1),
            ("the search wraps around", 2, 1, false, &[Standby], &[Step::Next], 0),
            ("all are standby", 2, 0, false, &[Standby, Standby], &[Step::Next, Step::GiveUp], 0),
            ("a dead one leads on", 3, 1, false, &[NotReached, NotReached], &[Step::Next, Step::Next], 0),
            ("the only one is dead", 1, 0, true, &[NotReached], &[Step::GiveUp], 0),
            ("an unsent call tries the same again", 2, 0, false, &[NotSent], &[Step::Same], 0),
            ("and then the next", 2, 0, false, &[NotSent, NotReached], &[Step::Same, Step::Next], 1),
            ("a lost call that may repeat", 2, 0, true, &[Lost, Lost], &[Step::Same, Step::Next], 1),
            ("a lost call that may not", 2, 0, false, &[Lost], &[Step::GiveUp], 0),
            ("a call that waited for a NameNode of the past", 2, 0, true, &[Superseded], &[Step::Next], 1),
            ("and may not repeat", 2, 0, false, &[Superseded], &[Step::GiveUp], 0),
            ("time is over", 2, 0, true, &[TimedOut], &[Step::GiveUp], 0),
            (
                "the second NameNode gets its own second try",
                2,
                0,
                true,
                &[Standby, NotSent],
                &[Step::Next, Step::Same],
                1,
            ),
        ];
        for (name, namenodes, first, repeatable, outcomes, steps, at) in rows {
            assert_eq!(walk(*namenodes, *first, *repeatable, outcomes), (steps.to_vec(), *at), "{name}");
        }
    }

    #[test]
    fn attempts_are_bounded() {
        let mut journey = Journey::new(10, 0, 3);
        let steps: Vec<_> = (0..3).map(|_| journey.step(Standby, true)).collect();
        assert_eq!(steps, [Step::Next, Step::Next, Step::GiveUp]);
    }
}
