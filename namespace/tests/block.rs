//! The block gateway over loopback, spoken to in the protocol's own bytes.

#![expect(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

#[path = "block/client.rs"]
mod client;
#[path = "block/crash.rs"]
mod crash;
#[path = "block/damage.rs"]
mod damage;
#[path = "block/full.rs"]
mod full;
#[path = "block/hostile.rs"]
mod hostile;
#[path = "block/read.rs"]
mod read;
#[path = "block/recover.rs"]
mod recover;
#[path = "block/speed.rs"]
mod speed;
#[path = "block/write.rs"]
mod write;
