//! The namespace service: a NameNode for those who have none, with its own block gateway.

pub mod block;
pub mod state;
