//! In which order the runs of a comparison come.

use std::ops::RangeInclusive;

use crate::op::Op;
use crate::record::Shape;

/// An operation, and how much of it is under way at once.
pub type Case = (&'static Op, Shape);

/// One run of a comparison.
#[derive(Debug, Clone)]
pub struct Turn {
    /// From 1; 0 is before the warm-up.
    pub round: usize,
    /// The load.
    pub case: Case,
    /// Index of the server.
    pub server: usize,
}

/// Servers follow each other within one case, so that they meet the same noise; who comes first changes from round to
/// round, so that none is always measured right after the same other one.
pub fn schedule(cases: &[Case], rounds: RangeInclusive<usize>, servers: usize) -> Vec<Turn> {
    let in_round = |round| cases.iter().flat_map(move |&case| (0..servers).map(move |place| (round, case, place)));
    let turn = |(round, case, place)| Turn { round, case, server: (place + round.saturating_sub(1)) % servers };
    rounds.flat_map(in_round).map(turn).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::named;

    #[test]
    fn servers_take_turns_and_rounds_begin_with_another_one() {
        let cases = ["stat", "list"].map(|op| (named(op).unwrap(), "1".parse().unwrap()));
        let turns = schedule(&cases, 1..=2, 3);
        let turns: Vec<_> = turns.iter().map(|turn| (turn.round, turn.case.0.name, turn.server)).collect();
        let expected = [
            [(1, "stat", 0), (1, "stat", 1), (1, "stat", 2), (1, "list", 0), (1, "list", 1), (1, "list", 2)],
            [(2, "stat", 1), (2, "stat", 2), (2, "stat", 0), (2, "list", 1), (2, "list", 2), (2, "list", 0)],
        ];
        assert_eq!(turns, expected.concat());
    }
}
