//! How the room for calls in flight is shared out among subclusters and their users.
//!
//! A subcluster that stops answering keeps every call that it is sent until the call's time is over, and would soon hold all
//! that the router can hold. So each may hold as much as is *still free*, a dynamic threshold as memory is shared out among
//! the queues of a switch (Choudhury and Hahne, IEEE/ACM Transactions on Networking 6(2), 1998): one that hangs ends up with
//! half of the room, two with a third each, and the same again is left for the others. Nothing has to be tuned, and nothing
//! is kept from a subcluster that is merely busy while the others are not. Users of one subcluster share in the same way what it
//! may hold.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anabranch_federation::NameserviceId;

use super::users::Users;

/// What a call in flight takes beside the bytes of its request: its state, the identity and the answer that is awaited.
/// Measured as the router's memory over many calls that wait.
pub(super) const CALL: usize = 8 * 1024;

/// What all calls in flight may hold.
#[derive(Debug)]
pub struct Room {
    size: usize,
    /// By those without a reservation.
    held: Arc<AtomicUsize>,
    /// What is reserved, and leaves less for the others.
    reserved: Vec<(NameserviceId, usize)>,
}

impl Room {
    /// `bytes` in all. A reservation is a share of it, from 0 to 1; those without one keep a tenth at least.
    pub fn new(bytes: usize, reservations: &[(NameserviceId, f64)]) -> Self {
        let reserved: Vec<_> = reservations.iter().map(|(id, share)| (id.clone(), part(bytes, *share))).collect();
        let taken = reserved.iter().map(|(_, part)| part).sum();
        Self { size: bytes.saturating_sub(taken).max(bytes / 10), held: Arc::default(), reserved }
    }

    /// The share of a subcluster that comes into being.
    pub(super) fn share(&self, id: &NameserviceId) -> Share {
        let reserved = self.reserved.iter().find(|(name, _)| name == id).map(|(_, part)| *part);
        let (size, common) = match reserved {
            Some(part) => (part, None),
            None => (self.size, Some(self.held.clone())),
        };
        Share { size, common, held: AtomicUsize::new(0), users: Users::default() }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a share of it"
)]
fn part(bytes: usize, share: f64) -> usize {
    (bytes as f64 * share) as usize
}

/// What one subcluster may hold.
#[derive(Debug)]
pub(super) struct Share {
    size: usize,
    /// What all hold that share `size`; none for a reservation.
    common: Option<Arc<AtomicUsize>>,
    held: AtomicUsize,
    users: Users,
}

/// Who holds too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Excess {
    /// The calls to a subcluster.
    Nameservice,
    /// The user's calls to a subcluster.
    User,
}

impl Share {
    /// A place for a call of a user whose request has so many bytes.
    ///
    /// # Errors
    /// Who has to end calls first.
    pub(super) fn admit(&self, user: &Arc<str>, request: usize) -> Result<Place<'_>, Excess> {
        let of_user = self.users.held_by(user);
        let held = self.held.load(Ordering::Relaxed);
        let limit = self.common.as_ref().map_or(self.size, |all| self.size.saturating_sub(all.load(Ordering::Relaxed)));
        if let Some(excess) = excess(limit, held, of_user.load(Ordering::Relaxed)) {
            return Err(excess);
        }
        let place = Place { share: self, of_user, bytes: CALL + request };
        place.counters().for_each(|counter| {
            counter.fetch_add(place.bytes, Ordering::Relaxed);
        });
        Ok(place)
    }
}

/// Whether a subcluster, or a user of it, holds what it may hold. Threads that ask at the same time may each get the last
/// place; a call each is no matter.
fn excess(limit: usize, held: usize, by_user: usize) -> Option<Excess> {
    match limit.checked_sub(held) {
        None | Some(0) => Some(Excess::Nameservice),
        Some(free) => (by_user >= free).then_some(Excess::User),
    }
}

/// Room that a call holds; given back when dropped.
#[derive(Debug)]
pub(super) struct Place<'a> {
    share: &'a Share,
    of_user: Arc<AtomicUsize>,
    bytes: usize,
}

impl Place<'_> {
    fn counters(&self) -> impl Iterator<Item = &AtomicUsize> {
        [&self.share.held, &*self.of_user].into_iter().chain(self.share.common.as_deref())
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.counters().for_each(|counter| {
            counter.fetch_sub(self.bytes, Ordering::Relaxed);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: &str) -> NameserviceId {
        NameserviceId::parse(name).unwrap()
    }

    /// Room for so many calls without a payload.
    fn room(calls: usize, reservations: &[(&str, f64)]) -> Room {
        let reservations: Vec<_> = reservations.iter().map(|(name, share)| (id(name), *share)).collect();
        Room::new(calls * CALL, &reservations)
    }

    /// As many calls of a user as are let in.
    fn fill<'a>(share: &'a Share, user: &str) -> Vec<Place<'a>> {
        let user = Arc::from(user);
        std::iter::from_fn(|| share.admit(&user, 0).ok()).collect()
    }

    /// As many calls as are let in when each comes from a user of its own.
    fn crowd(share: &Share) -> Vec<Place<'_>> {
        (0..).map_while(|user: u32| share.admit(&Arc::from(user.to_string()), 0).ok()).collect()
    }

    #[test]
    fn what_hangs_leaves_as_much_as_it_has() {
        for hanging in 1..10 {
            let room = room(27_720, &[]);
            let shares: Vec<_> = (0..=hanging).map(|_| room.share(&id("ns"))).collect();
            let mut places: Vec<Vec<Place<'_>>> = shares[1..].iter().map(|_| Vec::new()).collect();
            // They come by turns, each until it is refused.
            let mut user = 0_u32;
            let mut refused = 0;
            while refused < hanging {
                refused = 0;
                for (share, places) in shares[1..].iter().zip(&mut places) {
                    user += 1;
                    match share.admit(&Arc::from(user.to_string()), 0) {
                        Ok(place) => places.push(place),
                        Err(excess) => {
                            assert_eq!(excess, Excess::Nameservice);
                            refused += 1;
                        }
                    }
                }
            }
            let part = 27_720 / (hanging + 1);
            assert!(places.iter().all(|places| places.len().abs_diff(part) <= 1), "{hanging}");
            // Half of what is free, for it takes from that itself.
            assert!(crowd(&shares[0]).len().abs_diff(part / 2) <= hanging, "{hanging}");
        }
    }

    #[test]
    fn a_user_leaves_room_to_the_others() {
        let room = room(3_000, &[]);
        let (hangs, serves) = (room.share(&id("ns0")), room.share(&id("ns1")));
        let alice = fill(&hangs, "alice");
        assert_eq!(alice.len(), 1_000);
        assert_eq!(hangs.admit(&Arc::from("alice"), 0).unwrap_err(), Excess::User);
        assert!(hangs.admit(&Arc::from("bob"), 0).is_ok());
        assert!(serves.admit(&Arc::from("alice"), 0).is_ok(), "another subcluster is not hers to wait for");
        drop(alice);
        assert_eq!(crowd(&hangs).len(), 1_500);
    }

    #[test]
    fn large_requests_count_by_their_bytes() {
        let room = room(300, &[]);
        let share = room.share(&id("ns0"));
        let alice = Arc::from("alice");
        let _large = share.admit(&alice, 99 * CALL).unwrap();
        assert_eq!(share.admit(&alice, 0).unwrap_err(), Excess::User);
    }

    #[test]
    fn what_is_reserved_is_nobody_elses() {
        let room = room(1_000, &[("ns0", 0.5), ("ns1", 0.3)]);
        let (first, second, other) = (room.share(&id("ns0")), room.share(&id("ns1")), room.share(&id("ns2")));
        let _others = crowd(&other);
        assert_eq!(crowd(&first).len(), 500);
        assert_eq!(crowd(&second).len(), 300);
        assert_eq!(fill(&first, "alice").len(), 250);
        drop(_others);
        assert_eq!(crowd(&other).len(), 100);
        // Over-committed: the others are not shut out.
        let full = self::room(1_000, &[("ns0", 1.0), ("ns1", 1.0)]);
        assert_eq!(crowd(&full.share(&id("ns2"))).len(), 50);
    }
}
