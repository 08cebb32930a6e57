//! `anabranch-store` before an ensemble.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use anabranch_federation::MountEntry;
use anabranch_store::grpc::ClientOptions;
use anabranch_store::{GrpcStore, Reader, Version, Writer, suite};
use anabranch_testkit::process::{Launch, Program};

use super::{Site, block_on};

const PATIENCE: Duration = Duration::from_secs(60);

fn start(connect: &str) -> (Program, GrpcStore) {
    let args = ["--listen", "127.0.0.1:0", "--driver", "zookeeper", "--zookeeper", connect];
    let mut program = Launch::new("anabranch-store").args(args).start().expect("anabranch-store");
    let line = program.wait_for("an address", PATIENCE, |line| line.contains("is listening")).expect("an address");
    let address = line.split_once("rpc=").expect("an address").1.split(' ').next().expect("an address").to_owned();
    (program, GrpcStore::new(&ClientOptions::new([address])).expect("a client"))
}

pub(crate) fn the_service_serves_it(site: &Site) {
    let connect = || {
        let options = site.options();
        format!("{}{}", site.server.connect_string(), options.chroot)
    };
    let programs = RefCell::new(Vec::new());
    block_on(suite::kinds(|| async {
        let (program, store) = start(&connect());
        programs.borrow_mut().push(program);
        Arc::new(store) as _
    }));
    // Who uses the ensemble directly sees the same.
    block_on(async {
        let options = site.options();
        let (_program, served) = start(&format!("{}{}", site.server.connect_string(), options.chroot));
        let direct = anabranch_store::ZooKeeperStore::open(options).expect("a store");
        let version = served.put(suite::entry("/a", 1), Version::ABSENT).await.expect("a version");
        let found = Reader::<MountEntry>::list(&direct).await.expect("a list").records;
        assert_eq!((found.len(), found[0].version), (1, version));
    });
}
