//! The one connection of a client, to one of several servers.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::{Instant, timeout};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};

use super::{ClientError, ClientOptions, ClientTls, status};
use crate::tls::{self, Reloaded};
use crate::{StoreError, TlsError};

/// How many bytes of one call, and of all calls, may be on their way to the client. A watch that is not read keeps its part;
/// the whole is enough for as many as a server accepts.
const WINDOWS: (u32, u32) = (64 << 10, 256 * (64 << 10));

/// A connection that is made when it is needed, and made anew after it was given up.
pub(super) struct Link {
    /// As many as there are addresses.
    endpoints: Reloaded<Vec<Endpoint>>,
    count: usize,
    patience: Duration,
    open: Mutex<Open>,
    /// Held by the caller that connects; the others wait for what comes of it.
    connecting: tokio::sync::Mutex<Failed>,
}

struct Open {
    current: Option<Connection>,
    /// Counts the connections.
    made: u64,
    /// Which endpoint is next.
    next: usize,
}

/// When all servers were tried in vain, and the reasons.
type Failed = Option<(Instant, String)>;

/// A connection.
#[derive(Clone)]
pub(super) struct Connection {
    id: u64,
    channel: Channel,
}

impl Connection {
    pub(super) fn channel(&self) -> Channel {
        self.channel.clone()
    }
}

impl Link {
    pub(super) fn new(options: &ClientOptions) -> Result<Self, ClientError> {
        if options.endpoints.is_empty() {
            return Err(ClientError::NoEndpoints);
        }
        let plain = options.endpoints.iter().map(|text| endpoint(text, options)).collect::<Result<Vec<_>, _>>()?;
        let (count, connect) = (plain.len(), options.connect);
        let endpoints = match options.tls.clone() {
            None => Reloaded::open(Vec::new(), move |_| Ok(plain.clone())),
            Some(settings) => {
                let ClientTls { ca, identity, domain } = settings;
                let files =
                    [ca].into_iter().chain(identity.into_iter().flat_map(|(certificate, key)| [certificate, key]));
                Reloaded::open(files.collect(), move |files| secured(&plain, files, domain.as_deref(), connect))
            }
        }?;
        let open = Mutex::new(Open { current: None, made: 0, next: 0 });
        Ok(Self { endpoints, count, patience: options.connect, open, connecting: tokio::sync::Mutex::new(None) })
    }

    /// How many servers there are.
    pub(super) fn endpoints(&self) -> usize {
        self.count
    }

    /// The connection, made now if there is none.
    pub(super) async fn connect(self: &Arc<Self>) -> Result<Connection, StoreError> {
        if let Some(connection) = self.current() {
            return Ok(connection);
        }
        // A task of its own: a caller that stops waiting, but keeps its future, must not hold up the others.
        let (link, asked) = (self.clone(), Instant::now());
        tokio::spawn(async move { link.make(asked).await }).await?
    }

    fn current(&self) -> Option<Connection> {
        self.open.lock().current.clone()
    }

    async fn make(&self, asked: Instant) -> Result<Connection, StoreError> {
        let mut failed = self.connecting.lock().await;
        if let Some(connection) = self.current() {
            return Ok(connection);
        }
        // Who waited while all servers were tried in vain does not try them again.
        if let Some((when, reasons)) = &*failed
            && *when > asked
        {
            return Err(StoreError::NotDone(reasons.clone()));
        }
        let mut reasons = Vec::new();
        let endpoints = self.endpoints.current().await;
        for _ in 0..self.count {
            let endpoint = &endpoints[self.open.lock().next];
            let reason = match timeout(self.patience, endpoint.connect()).await {
                Ok(Ok(channel)) => return Ok(self.opened(channel)),
                Ok(Err(error)) => {
                    let mut text = error.to_string();
                    status::add_causes(&mut text, &error);
                    text
                }
                Err(_) => format!("no connection in {:?}", self.patience),
            };
            reasons.push(format!("{}: {reason}", endpoint.uri().authority().map_or("", |a| a.as_str())));
            let mut open = self.open.lock();
            open.next = (open.next + 1) % self.count;
        }
        let reasons = reasons.join("; ");
        *failed = Some((Instant::now(), reasons.clone()));
        Err(StoreError::NotDone(reasons))
    }

    fn opened(&self, channel: Channel) -> Connection {
        let mut open = self.open.lock();
        open.made += 1;
        let connection = Connection { id: open.made, channel };
        open.current = Some(connection.clone());
        connection
    }

    /// Who needs a connection from now on gets a new one, to the next server. Calls on this one are not disturbed.
    pub(super) fn give_up(&self, connection: &Connection) {
        let mut open = self.open.lock();
        if open.current.as_ref().is_some_and(|current| current.id == connection.id) {
            open.current = None;
            open.next = (open.next + 1) % self.count;
        }
    }
}

fn endpoint(text: &str, options: &ClientOptions) -> Result<Endpoint, ClientError> {
    let malformed = || ClientError::Endpoint { endpoint: text.to_owned() };
    let (host, port) = text.rsplit_once(':').ok_or_else(malformed)?;
    if host.is_empty() || host.contains(['/', '@', '?']) || port.parse::<u16>().is_err() {
        return Err(malformed());
    }
    let scheme = if options.tls.is_some() { "https" } else { "http" };
    let endpoint = Endpoint::from_shared(format!("{scheme}://{text}")).map_err(|_| malformed())?;
    Ok(endpoint
        .connect_timeout(options.connect)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(options.keep_alive)
        .keep_alive_timeout(options.keep_alive)
        .keep_alive_while_idle(true)
        .initial_stream_window_size(WINDOWS.0)
        .initial_connection_window_size(WINDOWS.1))
}

/// The endpoints with TLS by these files: the authority's, and the client's own two if it has them.
fn secured(
    plain: &[Endpoint],
    files: &[tls::File],
    domain: Option<&str>,
    handshake: Duration,
) -> Result<Vec<Endpoint>, TlsError> {
    // Says which file is wrong, which tonic does not.
    tls::client(files)?;
    let mut config = ClientTlsConfig::new().timeout(handshake);
    config = match files {
        [ca, certificate, key] => config
            .ca_certificate(Certificate::from_pem(&ca.pem))
            .identity(Identity::from_pem(&certificate.pem, &key.pem)),
        others => config.ca_certificates(others.iter().map(|ca| Certificate::from_pem(&ca.pem))),
    };
    if let Some(domain) = domain {
        config = config.domain_name(domain);
    }
    let secured = plain.iter().map(|endpoint| endpoint.clone().tls_config(config.clone()));
    secured.collect::<Result<_, _>>().map_err(|error| {
        let mut reason = error.to_string();
        status::add_causes(&mut reason, &error);
        files[0].unusable(reason)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_hosts_with_ports() {
        for good in ["host:1", "10.0.0.1:8889", "[::1]:8889", "store-0.store.ns.svc:8889"] {
            assert!(Link::new(&ClientOptions::new([good])).is_ok(), "{good}");
        }
        for bad in ["", "host", ":1", "host:", "host:70000", "http://host:1", "a b:1", "host:1/x"] {
            let error = Link::new(&ClientOptions::new(["host:1", bad])).err();
            assert!(matches!(&error, Some(ClientError::Endpoint { endpoint }) if endpoint == bad), "{bad}: {error:?}");
        }
        assert!(matches!(Link::new(&ClientOptions::new([""; 0])).err(), Some(ClientError::NoEndpoints)));
    }
}
