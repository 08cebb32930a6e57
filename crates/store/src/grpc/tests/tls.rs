//! Who is served, and who is believed.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use anabranch_testkit::certificates::{Authority, Issued};

use super::super::{ClientError, ClientTls, ServerTls};
use super::*;
use crate::{Reader, StoreError};

/// Where files of certificates are kept, and counted.
pub(super) struct Files(tempfile::TempDir, AtomicU32);

impl Files {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().unwrap(), AtomicU32::new(0))
    }

    pub(super) fn text(&self, text: &str) -> PathBuf {
        let number = self.1.fetch_add(1, Ordering::Relaxed);
        let path = self.0.path().join(number.to_string());
        std::fs::write(&path, text).unwrap();
        path
    }

    pub(super) fn pair(&self, issued: &Issued) -> (PathBuf, PathBuf) {
        (self.text(&issued.certificate), self.text(&issued.key))
    }

    pub(super) fn trusting(&self, authority: &Authority, own: Option<Issued>) -> ClientTls {
        let identity = own.map(|issued| self.pair(&issued));
        ClientTls { ca: self.text(&authority.pem()), identity, domain: None }
    }
}

/// A server with a certificate for `name` that serves clients of its authority only, if `mutual`.
async fn serve(files: &Files, authority: &Authority, name: &str, mutual: bool) -> Served {
    let (certificate, key) = files.pair(&authority.issue(name).unwrap());
    let client_ca = mutual.then(|| files.text(&authority.pem()));
    let options = ServerOptions { tls: Some(ServerTls { certificate, key, client_ca }), ..ServerOptions::default() };
    Served::with(journal_store(), options, "127.0.0.1:0".parse().unwrap()).await
}

/// What comes of a list over TLS.
async fn list(served: &Served, tls: ClientTls) -> Result<usize, StoreError> {
    let options = ClientOptions { tls: Some(tls), ..ClientOptions::new([served.address.to_string()]) };
    let store = GrpcStore::new(&options).unwrap();
    Ok(Reader::<MountEntry>::list(&store).await?.records.len())
}

#[tokio::test]
async fn strangers_are_not_served_and_not_believed() {
    let (ours, theirs) = (Authority::new("ours").unwrap(), Authority::new("theirs").unwrap());
    let files = Files::new();
    let served = serve(&files, &ours, "127.0.0.1", true).await;
    let own = || Some(ours.issue("router").unwrap());
    assert_eq!(list(&served, files.trusting(&ours, own())).await.unwrap(), 0);
    for (what, tls) in [
        ("no certificate", files.trusting(&ours, None)),
        ("a certificate of another authority", files.trusting(&ours, Some(theirs.issue("router").unwrap()))),
        ("trust in another authority", files.trusting(&theirs, own())),
    ] {
        let error = list(&served, tls).await.unwrap_err();
        assert!(matches!(error, StoreError::NotDone(_) | StoreError::Unknown(_)), "{what}: {error}");
    }
    // Who speaks plain text gets nothing, either.
    assert!(Reader::<MountEntry>::list(&hasty(served.address)).await.is_err());
}

#[tokio::test]
async fn the_name_in_the_certificate_counts() {
    let authority = Authority::new("ours").unwrap();
    let files = Files::new();
    let served = serve(&files, &authority, "store.example", false).await;
    let tls = files.trusting(&authority, None);
    let error = list(&served, tls.clone()).await.unwrap_err();
    assert!(error.to_string().contains("not valid for name"), "{error}");
    assert_eq!(list(&served, ClientTls { domain: Some("store.example".into()), ..tls }).await.unwrap(), 0);
}

#[test]
fn what_is_no_certificate_is_told_before_anything_is_done() {
    let files = Files::new();
    let tls = ServerTls { certificate: files.text("x"), key: files.text("y"), client_ca: None };
    let options = ServerOptions { tls: Some(tls), ..ServerOptions::default() };
    let (registry, stop) = (prometheus::Registry::new(), CancellationToken::new());
    let error = StoreServer::new(Arc::new(journal_store()), options, &registry, stop).err();
    assert!(matches!(error, Some(ServeError::Tls(_))), "{error:?}");

    let authority = Authority::new("ours").unwrap();
    let tls = ClientTls { identity: Some((files.text("x"), files.text("y"))), ..files.trusting(&authority, None) };
    let options = ClientOptions { tls: Some(tls), ..ClientOptions::new(["127.0.0.1:1"]) };
    assert!(matches!(GrpcStore::new(&options).err(), Some(ClientError::Tls(_))));
}
