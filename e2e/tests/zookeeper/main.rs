//! The state store in a real ZooKeeper: the suite of all drivers, Java's own reader and writer, and what goes wrong.

mod anew;
mod conformance;
mod ensemble;
mod faults;
mod hostile;
mod interop;
mod java;
mod kerberos;
mod old;
mod security;
mod service;

use std::future::Future;
use std::process::ExitCode;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use anabranch_store::ZooKeeperStore;
use anabranch_store::suite::HISTORY;
use anabranch_store::zookeeper::ZooKeeperOptions;
use anabranch_testkit::hadoop::Jars;
use anabranch_testkit::kdc;
use anabranch_testkit::scratch::Scratch;
use anabranch_testkit::suite::{self, Case};
use anabranch_testkit::zookeeper::{Plan, ZooKeeper};
use anyhow::Result;

const CASES: &[Case<'_, Site>] = &[
    ("mounts_conform", conformance::mounts),
    ("memberships_conform", conformance::memberships),
    ("routers_conform", conformance::routers),
    ("kinds_conform", conformance::kinds),
    ("a_restart_keeps_everything", conformance::restart),
    ("java_and_ours_share_a_store", interop::java_and_ours_share_a_store),
    ("hostile_records_are_named_and_left_alone", interop::hostile_records_are_named_and_left_alone),
    ("a_router_serves_beside_hostile_records", hostile::a_router_serves_beside_them),
    ("what_is_made_anew_is_not_overwritten", anew::what_is_made_anew_is_not_overwritten),
    ("what_java_makes_anew_is_not_overwritten_unnoticed", anew::what_java_makes_anew_is_not_overwritten_unnoticed),
    ("a_directory_that_is_removed_is_made_again", interop::a_directory_that_is_removed_is_made_again),
    ("directories_have_the_acl_and_records_are_open", security::directories_have_the_acl_and_records_are_open),
    ("sasl_and_tls", security::sasl_and_tls),
    ("kerberos_conforms", kerberos::conforms),
    ("kerberos_is_shared_with_java", kerberos::is_shared_with_java),
    ("kerberos_says_what_is_wrong", kerberos::says_what_is_wrong),
    ("the_service_serves_it", service::the_service_serves_it),
    ("its_health_is_the_ensembles", service::its_health_is_the_ensembles),
    ("a_server_that_is_too_old_is_told", old::a_server_that_is_too_old_is_told),
    ("a_connection_may_end_at_any_byte", faults::a_connection_may_end_at_any_byte),
    ("a_write_whose_reply_is_lost_is_made_once", faults::a_write_whose_reply_is_lost_is_made_once),
    ("an_expired_session_is_replaced", faults::an_expired_session_is_replaced),
    ("watchers_are_told_that_zookeeper_is_away", faults::watchers_are_told_that_zookeeper_is_away),
    ("a_feed_heals", faults::a_feed_heals),
    ("ten_thousand_mounts", faults::ten_thousand_mounts),
    ("the_oracle_complains", ensemble::the_oracle_complains),
    ("nothing_acknowledged_is_lost", ensemble::nothing_acknowledged_is_lost),
];

fn main() -> ExitCode {
    let realm = kdc::enter().expect("this program anew");
    suite::run(|| Site::new(realm), CASES)
}

/// One server, which all cases share; each store has a root of its own.
struct Site {
    server: ZooKeeper,
    scratch: Scratch,
    roots: AtomicU32,
    secured: OnceLock<kerberos::Secured>,
    /// Where this process expects a Kerberos realm.
    realm: Scratch,
}

impl Site {
    fn new(realm: Scratch) -> Result<Self> {
        let scratch = Scratch::new("zookeeper")?;
        let server = ZooKeeper::start(&Jars::get()?, scratch.path(), &Plan::members(1))?;
        Ok(Self { server, scratch, roots: AtomicU32::new(0), secured: OnceLock::new(), realm })
    }

    /// Options of a store that nobody has used yet.
    fn options(&self) -> ZooKeeperOptions {
        let connect = format!("{}{}", self.server.connect_string(), self.root());
        let mut options = ZooKeeperOptions::new(&connect).expect("a connect string");
        options.history = HISTORY;
        options
    }

    /// A node that nobody has used yet.
    fn root(&self) -> String {
        format!("/root-{}", self.roots.fetch_add(1, Ordering::Relaxed))
    }

    fn store(&self) -> ZooKeeperStore {
        ZooKeeperStore::open(self.options()).expect("a store")
    }
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(work)
}
