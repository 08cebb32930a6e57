//! Which NameNodes there are and what they are, as the routers of a fleet report it.
//!
//! Each router reports each NameNode that it watches, and its [`Report`] stands in the state store under its own name.
//! [`Roster`] merges the reports of all routers into one [`Registration`] for each NameNode, and [`order`] says which of a
//! nameservice is asked first. Time is passed in, as milliseconds since 1970.

mod lifetime;
mod report;
mod roster;
mod state;

pub use lifetime::{Age, Lifetime};
pub use report::{NamenodeName, Registration, Report, Vote, merge, order, speaker};
pub use roster::Roster;
pub use state::NamenodeState;

#[cfg(test)]
mod tests;
