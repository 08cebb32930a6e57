//! What a writer that comes back says about the replica it expects. Plain data and plain decisions.

use std::ops::RangeInclusive;

use super::replica::View;
use super::{BlockError, BlockId};

/// Accepted states of a claimed replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Accepts {
    Open,
    Finalized,
    Either,
}

/// A claim on a replica: who makes it takes the replica over in a new generation, if the replica is as they expect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) block: BlockId,
    pub(crate) new_generation: u64,
    generations: RangeInclusive<u64>,
    lengths: RangeInclusive<u64>,
    accepts: Accepts,
}

impl Claim {
    /// Appending to a closed block of exactly this generation and length.
    pub(crate) fn append(block: BlockId, new_generation: u64, len: u64) -> Self {
        let generations = block.generation..=block.generation.min(new_generation);
        Self { block, new_generation, generations, lengths: len..=len, accepts: Accepts::Finalized }
    }

    /// Appending again after an attempt of which it is not known how far it came; closing again likewise.
    pub(crate) fn retry(block: BlockId, new_generation: u64, len: u64) -> Self {
        Self { accepts: Accepts::Either, ..Self::streaming(block, new_generation, len, len) }
    }

    /// Going on with an open block of which `acked` bytes were acknowledged and no more than `sent` were sent.
    pub(crate) fn streaming(block: BlockId, new_generation: u64, acked: u64, sent: u64) -> Self {
        let generations = block.generation..=new_generation;
        Self { block, new_generation, generations, lengths: acked..=sent, accepts: Accepts::Open }
    }

    /// Closing a block without its writer, and cutting it to a length if one is given.
    pub(crate) fn recovery(block: BlockId, new_generation: u64, len: Option<u64>) -> Self {
        Self { accepts: Accepts::Either, ..Self::streaming(block, new_generation, len.unwrap_or(0), u64::MAX) }
    }

    /// Whether the replica's generation fits.
    pub(crate) fn check_generation(&self, view: &View) -> Result<(), BlockError> {
        let (id, found) = (view.block.id, view.block.generation);
        if self.generations.contains(&found) {
            return Ok(());
        }
        Err(BlockError::Generation { id, found, min: *self.generations.start(), max: *self.generations.end() })
    }

    /// Whether the replica is as expected.
    pub(crate) fn check(&self, view: &View) -> Result<(), BlockError> {
        self.check_generation(view)?;
        let id = view.block.id;
        let needed = match (self.accepts, view.finalized) {
            (Accepts::Open, true) => "open",
            (Accepts::Finalized, false) => "finalized",
            _ => {
                let (min, max) = (*self.lengths.start(), *self.lengths.end());
                let fits = self.lengths.contains(&view.len);
                return if fits { Ok(()) } else { Err(BlockError::Length { id, found: view.len, min, max }) };
            }
        };
        Err(BlockError::State { id, found: view.state(), needed })
    }
}

#[cfg(test)]
mod tests {
    use super::super::checksum::{Checksum, Polynomial};
    use super::super::meta::Mark;
    use super::*;

    #[test]
    fn each_claim_accepts_what_it_expects_only() {
        let block = BlockId { id: 7, generation: 10 };
        let view = |generation, finalized, len| View {
            block: BlockId { id: 7, generation },
            finalized,
            checksum: Checksum::new(Polynomial::Crc32c, 512).unwrap(),
            len,
            tail: 0,
            mark: Mark::NONE,
        };
        let (append, retry) = (Claim::append(block, 12, 5), Claim::retry(block, 12, 5));
        let (streaming, recovery) = (Claim::streaming(block, 12, 5, 8), Claim::recovery(block, 12, Some(5)));
        let cases = [
            ("append", &append, view(10, true, 5), true),
            ("append, newer replica", &append, view(11, true, 5), false),
            ("append, open replica", &append, view(10, false, 5), false),
            ("append, longer replica", &append, view(10, true, 6), false),
            ("retry", &retry, view(12, false, 5), true),
            ("retry, finalized", &retry, view(10, true, 5), true),
            ("retry, newer replica", &retry, view(13, false, 5), false),
            ("streaming, some were not acknowledged", &streaming, view(10, false, 8), true),
            ("streaming, acknowledged bytes are missing", &streaming, view(10, false, 4), false),
            ("streaming, more than was sent", &streaming, view(10, false, 9), false),
            ("streaming, finalized", &streaming, view(10, true, 8), false),
            ("streaming, older replica", &streaming, view(9, false, 8), false),
            ("recovery", &recovery, view(11, true, 500), true),
            ("recovery, too short", &recovery, view(11, true, 4), false),
        ];
        for (name, claim, view, accepted) in cases {
            assert_eq!(claim.check(&view).is_ok(), accepted, "{name}: {:?}", claim.check(&view));
        }
    }
}
