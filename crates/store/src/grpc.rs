//! The state store over gRPC: a [`server`] in front of any driver, and a [`client`] that is a driver itself.
//!
//! The definition is `proto/state_store.proto`. Revisions are comparable only within one *history*, which the server
//! makes up anew each time it starts: a watcher that comes with a position of another history, be it from before a
//! restart, from another server or from another store, is told that it fell behind and gets a snapshot.

pub mod client;
mod history;
pub mod server;
mod status;
mod wire;

pub use client::{ClientError, ClientOptions, ClientTls, GrpcStore};
pub use server::{Health, ServeError, ServerOptions, ServerTls, StoreServer};

/// Generated from `proto/state_store.proto` by `cargo xtask proto`.
#[allow(missing_docs, unreachable_pub, clippy::all)]
mod proto {
    include!("grpc/gen/anabranch.store.v1.rs");
}

#[cfg(test)]
mod tests;
