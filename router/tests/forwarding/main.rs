//! The router between a client and NameNodes that do as they are told.
#![allow(clippy::unwrap_used)]

mod calls;
mod datanodes;
mod directives;
mod failures;
mod fleet;
mod heartbeats;
mod members;
mod numbered;
mod orders;
mod rig;
mod room;
mod several;
mod wide;
