//! SASL GSSAPI (RFC 4752), the client's side, as ZooKeeper's servers use it.

use std::sync::Arc;

use anabranch_gssapi::{Context, Credentials, Error, Initiator, Service, Step};
use tokio::sync::Mutex;

use super::ZooKeeperError;
use super::options::Kerberos;

/// The bit of "no security layer" among those that a server offers: messages are not wrapped.
const NO_LAYER: u8 = 1;

/// Logs in for each connection anew, so that no ticket is ever too old and a changed keytab counts.
pub(super) struct Login {
    kerberos: Kerberos,
    /// Held by the one login that is under way: a KDC that does not answer must not cost a thread for each attempt.
    turn: Arc<Mutex<()>>,
}

impl Login {
    pub(super) fn new(kerberos: Kerberos) -> Result<Self, ZooKeeperError> {
        anabranch_gssapi::available().map_err(|error| ZooKeeperError::Mechanism(error.to_string()))?;
        Ok(Self { kerberos, turn: Arc::default() })
    }

    /// Gets the tickets for a member: the first token for it.
    pub(super) async fn begin(&self, host: &str) -> Result<Step, ZooKeeperError> {
        let turn = self.turn.clone().lock_owned().await;
        let (kerberos, service) = (self.kerberos.clone(), service(&self.kerberos.server, host));
        let begun = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let Kerberos { principal, keytab, .. } = &kerberos;
            let credentials = Credentials::from_keytab(principal, keytab);
            let credentials =
                credentials.map_err(|error| at(&format!("{principal} by {}", keytab.display()), error))?;
            Initiator::new(credentials, &service).and_then(|initiator| initiator.step(&[])).map_err(failed)
        });
        begun.await.map_err(|error| ZooKeeperError::Unavailable(error.to_string()))?
    }
}

/// Who a member is, by what the configuration says of members.
fn service(server: &str, host: &str) -> Service {
    if server.contains(['/', '@']) {
        return Service::Principal(server.replace("/_HOST", &format!("/{}", host.to_lowercase())));
    }
    Service::OfHost { service: server.to_owned(), host: host.to_owned() }
}

/// What the store makes of a failure.
pub(super) fn failed(error: Error) -> ZooKeeperError {
    at("", error)
}

fn at(whose: &str, error: Error) -> ZooKeeperError {
    let text = if whose.is_empty() { format!("Kerberos: {error}") } else { format!("Kerberos: {whose}: {error}") };
    match error {
        // It may come back.
        Error::Unreachable(_) => ZooKeeperError::Unavailable(text),
        Error::Library(_) | Error::Zero(_) | Error::Refused(_) => ZooKeeperError::Authentication(text),
    }
}

/// Answers the server's offer of security layers, by which the exchange ends.
pub(super) fn choose(context: &mut Context, offer: &[u8]) -> Result<Vec<u8>, ZooKeeperError> {
    accept(&context.unwrap(offer).map_err(failed)?)?;
    // No layer, no messages of any size; and no name, for that of the ticket.
    context.wrap(&[NO_LAYER, 0, 0, 0]).map_err(failed)
}

fn accept(offer: &[u8]) -> Result<(), ZooKeeperError> {
    match offer {
        [layers, _, _, _] if layers & NO_LAYER != 0 => Ok(()),
        [_, _, _, _] => {
            Err(ZooKeeperError::Authentication("the server demands protection that is not supported".into()))
        }
        _ => Err(ZooKeeperError::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_called_by_their_hosts() {
        let of_host = |service: &str| Service::OfHost { service: service.into(), host: "Zk1".into() };
        let principal = |text: &str| Service::Principal(text.into());
        for (server, expected) in [
            ("zookeeper", of_host("zookeeper")),
            ("zk", of_host("zk")),
            ("zookeeper/_HOST@EXAMPLE.COM", principal("zookeeper/zk1@EXAMPLE.COM")),
            ("zookeeper/ensemble", principal("zookeeper/ensemble")),
            ("zookeeper@EXAMPLE.COM", principal("zookeeper@EXAMPLE.COM")),
        ] {
            assert_eq!(service(server, "Zk1"), expected, "{server}");
        }
    }

    #[test]
    fn offers_without_the_plain_layer_are_refused() {
        assert!(accept(&[7, 0, 255, 255]).is_ok());
        assert!(matches!(accept(&[6, 0, 255, 255]), Err(ZooKeeperError::Authentication(_))));
        for offer in [&[][..], &[1], &[1, 0, 0, 0, 0]] {
            assert!(matches!(accept(offer), Err(ZooKeeperError::Malformed)), "{offer:?}");
        }
    }
}
