//! What every driver must do.

use std::sync::Arc;

use anabranch_federation::MountEntry;
use anabranch_store::{Membership, RouterState, suite};

use super::*;

pub(crate) fn mounts(site: &Site) {
    block_on(suite::conformance::<MountEntry, _>(|| async { Arc::new(site.store()) as _ }));
}

pub(crate) fn memberships(site: &Site) {
    block_on(suite::conformance::<Membership, _>(|| async { Arc::new(site.store()) as _ }));
}

pub(crate) fn routers(site: &Site) {
    block_on(suite::conformance::<RouterState, _>(|| async { Arc::new(site.store()) as _ }));
}

pub(crate) fn kinds(site: &Site) {
    block_on(suite::kinds(|| async { Arc::new(site.store()) as _ }));
}

pub(crate) fn restart(site: &Site) {
    let options = site.options();
    block_on(suite::restart(|| async { Arc::new(ZooKeeperStore::open(options.clone()).expect("a store")) as _ }));
}
