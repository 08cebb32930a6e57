//! `anabranch-store` before an ensemble.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use anabranch_federation::MountEntry;
use anabranch_store::grpc::ClientOptions;
use anabranch_store::{GrpcStore, Reader, Version, Writer, suite};
use anabranch_testkit::hadoop::Jars;
use anabranch_testkit::process::{Launch, Program};

use anabranch_testkit::scratch::Scratch;
use anabranch_testkit::zookeeper::{Plan, ZooKeeper};
use tonic::transport::Channel;
use tonic::{Code, Streaming};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use super::{Site, block_on};

const PATIENCE: Duration = Duration::from_secs(60);

/// The service before an ensemble, by these options.
fn launch<'a>(options: impl IntoIterator<Item = &'a str>) -> Launch {
    store(["--driver", "zookeeper"]).args(options)
}

/// The service, by these options.
pub(crate) fn store<'a>(options: impl IntoIterator<Item = &'a str>) -> Launch {
    Launch::new("anabranch-store").args(["--listen", "127.0.0.1:0"]).args(options)
}

/// Starts it, and waits until it listens: where.
pub(crate) fn listening(launch: &Launch) -> (Program, String) {
    let mut program = launch.start().expect("anabranch-store");
    let line = program.wait_for("an address", PATIENCE, |line| line.contains("is listening")).expect("an address");
    let address = line.split_once("rpc=").expect("an address").1.split(' ').next().expect("an address").to_owned();
    (program, address)
}

fn start(connect: &str) -> (Program, GrpcStore) {
    let (program, address) = listening(&launch(["--zookeeper", connect]));
    (program, GrpcStore::new(&ClientOptions::new([address])).expect("a client"))
}

/// How many mounts a client of the service finds, which has these options; or why it finds none.
pub(crate) fn mounts<'a>(options: impl IntoIterator<Item = &'a str>) -> Result<usize, String> {
    let (_program, address) = listening(&launch(options).expect_log("the store does not answer"));
    let store = GrpcStore::new(&ClientOptions::new([address])).expect("a client");
    let list = block_on(async { Reader::<MountEntry>::list(&store).await });
    list.map(|list| list.records.len()).map_err(|error| error.to_string())
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

/// What the service says of its health, to who asks once.
async fn check(client: &mut HealthClient<Channel>, service: &str) -> ServingStatus {
    let asked = client.check(HealthCheckRequest { service: service.to_owned() }).await.expect("an answer");
    asked.into_inner().status()
}

/// Waits until a stream of health tells this.
async fn until(stream: &mut Streaming<HealthCheckResponse>, expected: ServingStatus) {
    let told = async { while stream.message().await.expect("a message").expect("no end").status() != expected {} };
    tokio::time::timeout(PATIENCE, told).await.unwrap_or_else(|_| panic!("not {expected:?} in {PATIENCE:?}"));
}

pub(crate) fn its_health_is_the_ensembles(_: &Site) {
    const SERVICE: &str = "anabranch.store.v1.StateStore";
    let scratch = Scratch::new("zookeeper-health").expect("a directory");
    let jars = Jars::get().expect("jars");
    let mut ensemble = ZooKeeper::start(&jars, scratch.path(), &Plan::members(1)).expect("a server");
    let connect = ensemble.connect_string();
    let options = ["--zookeeper", &connect, "-D", "hadoop.zk.timeout-ms=2s", "-D", "hadoop.zk.retry-interval-ms=100ms"];
    let (program, address) = listening(&launch(options).expect_log("the store does not answer"));
    block_on(async {
        let channel = Channel::from_shared(format!("http://{address}")).expect("an address").connect().await;
        let mut client = HealthClient::new(channel.expect("a connection"));
        let mut streams = Vec::new();
        for name in ["", SERVICE] {
            assert_eq!(check(&mut client, name).await, ServingStatus::Serving, "{name:?}");
            let request = HealthCheckRequest { service: name.to_owned() };
            let mut stream = client.watch(request).await.expect("a stream").into_inner();
            until(&mut stream, ServingStatus::Serving).await;
            streams.push((name, stream));
        }
        let unknown = client.check(HealthCheckRequest { service: "none".to_owned() }).await;
        assert_eq!(unknown.expect_err("no such service").code(), Code::NotFound);

        for _ in 0..2 {
            ensemble.kill(0);
            for (name, stream) in &mut streams {
                until(stream, ServingStatus::NotServing).await;
                assert_eq!(check(&mut client, name).await, ServingStatus::NotServing, "{name:?}");
            }
            ensemble.restart(0).expect("the server");
            for (name, stream) in &mut streams {
                until(stream, ServingStatus::Serving).await;
                assert_eq!(check(&mut client, name).await, ServingStatus::Serving, "{name:?}");
            }
        }
        // Who balances load by it learns of a stop before the connection ends.
        program.terminate().expect("a signal");
        until(&mut streams[0].1, ServingStatus::NotServing).await;
    });
}
