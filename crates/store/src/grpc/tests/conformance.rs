//! The suite of all drivers.

use parking_lot::Mutex;

use super::super::{ClientTls, ServerTls};
use super::tls::Files;
use super::*;
use crate::suite::hostile::{self, Planted};
use crate::{DisabledNameservice, Record, Records};
use anabranch_testkit::certificates::Authority;

/// Servers that live as long as a test.
#[derive(Default)]
struct Fleet {
    servers: Mutex<Vec<Served>>,
    tls: Option<(ServerTls, ClientTls)>,
    /// What both are read from, for each connection.
    _files: Option<Files>,
}

impl Fleet {
    fn mutual() -> Self {
        let authority = Authority::new("test").unwrap();
        let files = Files::new();
        let (certificate, key) = files.pair(&authority.issue("127.0.0.1").unwrap());
        let server = ServerTls { certificate, key, client_ca: Some(files.text(&authority.pem())) };
        let client = files.trusting(&authority, Some(authority.issue("router").unwrap()));
        Self { tls: Some((server, client)), _files: Some(files), ..Self::default() }
    }

    async fn client(&self) -> GrpcStore {
        let (server, client) = self.tls.clone().unzip();
        let options = ServerOptions { tls: server, ..ServerOptions::default() };
        let served = Served::with(journal_store(), options, "127.0.0.1:0".parse().unwrap()).await;
        let options = ClientOptions { tls: client, ..ClientOptions::new([served.address.to_string()]) };
        self.servers.lock().push(served);
        GrpcStore::new(&options).unwrap()
    }

    async fn conforms<R: Sample>(&self)
    where
        GrpcStore: crate::Records<R>,
    {
        suite::conformance::<R, _>(|| async { Arc::new(self.client().await) as Store<R> }).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_conforms_in_plain_text() {
    let fleet = Fleet::default();
    fleet.conforms::<MountEntry>().await;
    fleet.conforms::<Membership>().await;
    fleet.conforms::<RouterState>().await;
    suite::kinds(|| async { Arc::new(fleet.client().await) as Arc<dyn StateStore> }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_conforms_with_mutual_tls() {
    let fleet = Fleet::mutual();
    fleet.conforms::<MountEntry>().await;
    suite::kinds(|| async { Arc::new(fleet.client().await) as Arc<dyn StateStore> }).await;
}

/// What is too large for a message must not keep the watchers from the rest.
#[tokio::test(flavor = "multi_thread")]
async fn hostile_records_are_isolated() {
    async fn isolates<R: Record>(make: impl Fn(&str) -> R, more: Vec<Planted>)
    where
        GrpcStore: Records<R>,
    {
        let journal = MemoryJournal::default();
        let planted = [hostile::planted(&make, 10 << 20), more].concat();
        hostile::plant::<R>(&journal, &planted).await;
        let served =
            Served::start(JournalStore::new(journal, &Options { history: HISTORY, history_bytes: usize::MAX })).await;
        hostile::isolates(&client(served.address), make, &planted).await;
    }
    // An error quotes what it is about.
    let long = (format!("/{}", "\u{1}".repeat(crate::MAX_RECORD_BYTES / 2)), Vec::new());
    isolates(|name| suite::entry(name, 1), [hostile::climbing(), vec![long]].concat()).await;
    isolates(|name| Membership::sample(name, 1), Vec::new()).await;
    isolates(|name| RouterState::sample(name, 1), Vec::new()).await;
    isolates(|name| DisabledNameservice::since(name, 1).unwrap(), Vec::new()).await;
}
