//! Who is served, and who is believed.

use anabranch_testkit::certificates::{Authority, Issued};

use super::super::{ClientError, ClientTls, ServerTls};
use super::*;
use crate::{Reader, StoreError};

/// A server with a certificate for `name` that serves clients of its authority only, if `mutual`.
async fn serve(authority: &Authority, name: &str, mutual: bool) -> Served {
    let Issued { certificate, key } = authority.issue(name).unwrap();
    let client_ca = mutual.then(|| authority.pem().into_bytes());
    let tls = ServerTls { certificate: certificate.into(), key: key.into(), client_ca };
    let options = ServerOptions { tls: Some(tls), ..ServerOptions::default() };
    Served::with(journal_store(), options, "127.0.0.1:0".parse().unwrap()).await
}

/// What comes of a list over TLS.
async fn list(served: &Served, tls: ClientTls) -> Result<usize, StoreError> {
    let options = ClientOptions { tls: Some(tls), ..ClientOptions::new([served.address.to_string()]) };
    let store = GrpcStore::new(&options).unwrap();
    Ok(Reader::<MountEntry>::list(&store).await?.records.len())
}

fn trusting(authority: &Authority, own: Option<Issued>) -> ClientTls {
    let identity = own.map(|issued| (issued.certificate.into(), issued.key.into()));
    ClientTls { ca: authority.pem().into(), identity, domain: None }
}

#[tokio::test]
async fn strangers_are_not_served_and_not_believed() {
    let (ours, theirs) = (Authority::new("ours").unwrap(), Authority::new("theirs").unwrap());
    let served = serve(&ours, "127.0.0.1", true).await;
    let own = || Some(ours.issue("router").unwrap());
    assert_eq!(list(&served, trusting(&ours, own())).await.unwrap(), 0);
    for (what, tls) in [
        ("no certificate", trusting(&ours, None)),
        ("a certificate of another authority", trusting(&ours, Some(theirs.issue("router").unwrap()))),
        ("trust in another authority", trusting(&theirs, own())),
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
    let served = serve(&authority, "store.example", false).await;
    let tls = trusting(&authority, None);
    let error = list(&served, tls.clone()).await.unwrap_err();
    assert!(error.to_string().contains("not valid for name"), "{error}");
    assert_eq!(list(&served, ClientTls { domain: Some("store.example".into()), ..tls }).await.unwrap(), 0);
}

#[test]
fn what_is_no_certificate_is_told_before_anything_is_done() {
    let tls = ServerTls { certificate: b"x".to_vec(), key: b"y".to_vec(), client_ca: None };
    let options = ServerOptions { tls: Some(tls), ..ServerOptions::default() };
    let (registry, stop) = (prometheus::Registry::new(), CancellationToken::new());
    let error = StoreServer::new(Arc::new(journal_store()), options, &registry, stop).err();
    assert!(matches!(error, Some(ServeError::Tls(_))), "{error:?}");

    let authority = Authority::new("ours").unwrap();
    let tls = ClientTls { identity: Some((b"x".to_vec(), b"y".to_vec())), ..trusting(&authority, None) };
    let options = ClientOptions { tls: Some(tls), ..ClientOptions::new(["127.0.0.1:1"]) };
    assert!(matches!(GrpcStore::new(&options).err(), Some(ClientError::Tls(_))));
}
