//! Measures servers of Hadoop's ClientProtocol: a NameNode, a router before it, or several of them side by side.
//!
//! [`load`] drives one server from one thread with requests encoded by hand, so that the generator takes little of the
//! machine it shares with what it measures. [`compare`] runs several servers in turns, [`table`] shows what came out,

pub mod compare;
pub mod histogram;
pub mod lane;
pub mod load;
pub mod op;
pub mod process;
pub mod protobuf;
pub mod record;
pub mod rig;
pub mod rpc;
pub mod session;
pub mod table;
pub mod tree;
pub mod verdict;
