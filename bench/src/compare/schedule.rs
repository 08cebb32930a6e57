//! In which order the runs of a comparison come.

use super::Plan;
use crate::op::Op;
use crate::record::Shape;

/// One run of a comparison.
#[derive(Debug, Clone)]
pub struct Turn {
    /// From 1.
    pub round: usize,
    /// The operation.
    pub op: &'static Op,
    /// How much is under way at once.
    pub shape: Shape,
    /// Index of the server.
    pub server: usize,
}

/// Servers follow each other within one operation and shape, so that they meet the same noise; who comes first changes
/// from round to round, so that none is always measured right after the same other one.
pub fn schedule(plan: &Plan, servers: usize) -> Vec<Turn> {
    let mut turns = Vec::new();
    for round in 1..=plan.rounds {
        for &op in &plan.ops {
            for &shape in &plan.shapes {
                turns.extend((0..servers).map(|place| Turn {
                    round,
                    op,
                    shape,
                    server: (place + round - 1) % servers,
                }));
            }
        }
    }
    turns
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::op::named;

    #[test]
    fn servers_take_turns_and_rounds_begin_with_another_one() {
        let plan = Plan {
            ops: vec![named("stat").unwrap(), named("list").unwrap()],
            shapes: vec!["1".parse().unwrap()],
            rounds: 2,
            warmup: Duration::ZERO,
            measure: Duration::ZERO,
            user: "u".to_owned(),
            users: 1,
            separate: false,
        };
        let turns: Vec<_> = schedule(&plan, 3).iter().map(|turn| (turn.round, turn.op.name, turn.server)).collect();
        let expected = [
            [(1, "stat", 0), (1, "stat", 1), (1, "stat", 2), (1, "list", 0), (1, "list", 1), (1, "list", 2)],
            [(2, "stat", 1), (2, "stat", 2), (2, "stat", 0), (2, "list", 1), (2, "list", 2), (2, "list", 0)],
        ];
        assert_eq!(turns, expected.concat());
    }
}
