use std::sync::Arc;

use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::ServerCertVerifier;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};

use super::*;

const DAY: u64 = 86_400_000;
const LIFE: Life = Life(Duration::from_secs(90 * 86_400));
const START: u64 = 20_000 * DAY;
const NAME: &str = "hooks.system.svc";

fn names() -> Vec<String> {
    vec![NAME.to_owned()]
}

/// Whether an API server that trusts `bundle` accepts the server at `now`.
fn accepts(bundle: &str, server: &Issued, now: u64) -> bool {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(bundle.as_bytes()) {
        roots.add(certificate.unwrap()).unwrap();
    }
    let provider = Arc::new(default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(roots.into(), provider).build().unwrap();
    let certificate = CertificateDer::from_pem_slice(server.certificate.as_bytes()).unwrap();
    let name = ServerName::try_from(NAME).unwrap();
    let at = UnixTime::since_unix_epoch(Duration::from_millis(now));
    verifier.verify_server_cert(&certificate, &[], &name, &[], at).is_ok()
}

#[test]
fn what_is_served_is_trusted_on_every_day_of_ten_years() {
    let (mut ring, mut announced) = (Keyring::default(), String::new());
    let (mut servers, mut authorities, mut most) = (0, 0, 0);
    for day in 0..3650 {
        let now = START + day * DAY;
        // What API servers trust is what was announced the day before; only before the first day that was nothing.
        if let Some(next) = ring.next(&names(), &announced, LIFE, now).unwrap() {
            servers += u32::from(next.server != ring.server);
            authorities += u32::from(next.authorities.last() != ring.authorities.last());
            ring = next;
        }
        most = most.max(ring.authorities.len());
        let server = ring.server().unwrap();
        if day > 0 {
            assert!(accepts(&announced, server, now), "day {day}");
        }
        announced = ring.bundle();
        // Another operator that still serves what was there a month ago is trusted, too.
        assert!(server.until > now + 29 * DAY, "day {day}");
    }
    assert_eq!((servers, authorities, most), (3650 / 60 + 1, 3650 / 240 + 1, 2));
}

#[test]
fn a_new_authority_signs_only_once_it_is_announced() {
    let first = Keyring::default().next(&names(), "", LIFE, START).unwrap().unwrap();
    let due = START + 240 * DAY;
    // No API server has heard of the second.
    let (mut ring, old) = (first.clone(), first.bundle());
    for day in 0..110 {
        ring = ring.next(&names(), &old, LIFE, due + day * DAY).unwrap().unwrap_or(ring);
        assert!(accepts(&old, ring.server().unwrap(), due + day * DAY), "day {day}");
    }
    let second = ring.bundle();
    assert!(second.starts_with(&old) && second.len() > old.len());
    // Announced, it signs what is due next.
    let later = due + 118 * DAY;
    let renewed = ring.next(&names(), &second, LIFE, later).unwrap().unwrap();
    assert!(!accepts(&old, renewed.server().unwrap(), later) && accepts(&second, renewed.server().unwrap(), later));
}

#[test]
fn nothing_changes_until_it_is_due_or_has_another_name() {
    let ring = Keyring::default().next(&names(), "", LIFE, START).unwrap().unwrap();
    assert_eq!(ring.next(&names(), "", LIFE, START + 59 * DAY).unwrap(), None);
    assert!(ring.next(&names(), "", LIFE, START + 60 * DAY).unwrap().is_some());
    let renamed = ring.next(&["other.svc".to_owned()], "", LIFE, START).unwrap().unwrap();
    assert_eq!(renamed.bundle(), ring.bundle());
    assert!(!accepts(&renamed.bundle(), renamed.server().unwrap(), START));
    let kept: Keyring = serde_json::from_slice(&serde_json::to_vec(&ring).unwrap()).unwrap();
    assert_eq!(kept, ring);
}

#[test]
fn who_was_away_for_years_starts_again() {
    let ring = Keyring::default().next(&names(), "", LIFE, START).unwrap().unwrap();
    let now = START + 2000 * DAY;
    let anew = ring.next(&names(), &ring.bundle(), LIFE, now).unwrap().unwrap();
    assert_eq!(anew.authorities.len(), 1);
    assert!(accepts(&anew.bundle(), anew.server().unwrap(), now));
}
