//! Both ends over real sockets.
#![allow(clippy::unwrap_used)]

mod calls;
mod client;
mod drain;
mod golden;
mod limits;
mod support;
