//! How a connection to a member is made: TCP, TLS, the session's handshake, credentials.

use std::time::Duration;

use anabranch_gssapi::Step;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

use super::ZooKeeperError;
use super::kerberos::{self, Login};
use super::options::{Sasl, ZooKeeperOptions};
use super::protocol::code;
use super::sasl::Exchange;
use super::session::Identity;
use super::wire::{In, MAX_FRAME, Out};
use crate::tls::{self, Reloaded};

const AUTH: i32 = 100;
const SASL: i32 = 102;
const XID_AUTH: i32 = -4;

/// A stream to a member.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A connection on which the session is open.
pub(super) struct Connected {
    pub(super) stream: Box<dyn Stream>,
    pub(super) input: Input,
    /// After how long without contact the server gives the session up.
    pub(super) timeout: Duration,
}

/// What was read and not yet used.
#[derive(Default)]
pub(super) struct Input(pub(super) bytes::BytesMut);

impl Input {
    /// Takes a whole frame off, if there is one.
    pub(super) fn frame(&mut self) -> Result<Option<bytes::Bytes>, ZooKeeperError> {
        let Some((length, rest)) = self.0.split_first_chunk::<4>() else { return Ok(None) };
        let length = u32::from_be_bytes(*length) as usize;
        if length > MAX_FRAME {
            return Err(ZooKeeperError::Malformed);
        }
        if rest.len() < length {
            return Ok(None);
        }
        let mut frame = self.0.split_to(4 + length).freeze();
        bytes::Buf::advance(&mut frame, 4);
        Ok(Some(frame))
    }
}

/// Makes connections, and remembers the session between them.
pub(super) struct Dialer {
    options: ZooKeeperOptions,
    tls: Option<Reloaded<ClientConfig>>,
    login: Option<Login>,
    identity: Identity,
    /// The newest transaction of which an answer told.
    seen: u64,
    last_contact: Instant,
    next: usize,
}

impl Dialer {
    pub(super) fn new(options: ZooKeeperOptions) -> Result<Self, ZooKeeperError> {
        let login = match &options.sasl {
            Some(Sasl::Gssapi(kerberos)) => Some(Login::new(kerberos.clone())?),
            _ => None,
        };
        let tls = options.tls.as_ref().map(|tls| Reloaded::open(tls.files(), tls::client)).transpose();
        let tls = tls.map_err(|error| ZooKeeperError::Tls(error.to_string()))?;
        let next = rand::random_range(0..options.members.len().max(1));
        Ok(Self { options, tls, login, identity: Identity::default(), seen: 0, last_contact: Instant::now(), next })
    }

    pub(super) fn retry_interval(&self) -> Duration {
        self.options.retry_interval
    }

    pub(super) fn identity(&self) -> Identity {
        self.identity
    }

    /// No later connection is to a member that knows less.
    pub(super) fn saw(&mut self, zxid: u64) {
        self.seen = self.seen.max(zxid);
    }

    pub(super) fn lost_contact(&mut self) {
        self.last_contact = Instant::now();
        // Another member first: this one may have gone.
        self.next = self.next.wrapping_add(1);
    }

    /// Tries each member once.
    pub(super) async fn connect(&mut self) -> Result<Connected, ZooKeeperError> {
        let members = self.options.members.len();
        let patience =
            (self.options.session_timeout / u32::try_from(members).unwrap_or(1).max(1)).max(Duration::from_millis(500));
        let mut last = ZooKeeperError::Unavailable("no server is configured".to_owned());
        // Once more than there are members: a session that expired has cost one attempt.
        for _ in 0..=members {
            if self.last_contact.elapsed() > self.options.session_timeout {
                // It is gone by now. A new one may begin where an ensemble that was set up anew is.
                (self.identity, self.seen) = (Identity::default(), 0);
            }
            let Some((host, port)) = self.options.members.get(self.next % members.max(1)).cloned() else { break };
            let error = match self.open(&host, port, patience).await {
                Ok(connected) => return Ok(connected),
                Err(ZooKeeperError::Expired) => {
                    tracing::info!("the session with ZooKeeper has expired; a new one begins");
                    self.identity = Identity::default();
                    last = ZooKeeperError::Expired;
                    continue;
                }
                Err(error) => error,
            };
            self.next = self.next.wrapping_add(1);
            last = error.at(&format!("{host}:{port}"));
        }
        Err(last)
    }

    /// Both the login and what follows may take so long.
    async fn open(&mut self, host: &str, port: u16, patience: Duration) -> Result<Connected, ZooKeeperError> {
        let late = |what: &str| ZooKeeperError::Unavailable(format!("no answer {what}in {patience:?}"));
        let ticket = match &self.login {
            None => None,
            Some(login) => {
                let begun = tokio::time::timeout(patience, login.begin(host)).await;
                Some(begun.unwrap_or_else(|_| Err(late("of a KDC ")))?)
            }
        };
        let reached = tokio::time::timeout(patience, self.reach(host, port, ticket)).await;
        reached.unwrap_or_else(|_| Err(late("")))
    }

    async fn reach(&mut self, host: &str, port: u16, ticket: Option<Step>) -> Result<Connected, ZooKeeperError> {
        let stream = TcpStream::connect((host, port)).await?;
        stream.set_nodelay(true)?;
        let mut stream: Box<dyn Stream> = match &self.tls {
            None => Box::new(stream),
            Some(tls) => {
                let name = ServerName::try_from(host.to_owned()).map_err(|e| ZooKeeperError::Tls(e.to_string()))?;
                let tls = TlsConnector::from(tls.current().await);
                Box::new(tls.connect(name, stream).await.map_err(|e| ZooKeeperError::Tls(e.to_string()))?)
            }
        };
        let mut input = Input::default();
        let timeout = self.greet(&mut stream, &mut input).await?;
        if let Some(Sasl::DigestMd5 { user, password }) = &self.options.sasl {
            let mut exchange = Exchange::new(user, password);
            let challenge = sasl(&mut stream, &mut input, &[]).await?;
            let last = sasl(&mut stream, &mut input, &exchange.answer(&challenge)?).await?;
            exchange.confirm(&last)?;
        }
        if let Some(mut step) = ticket {
            let (mut context, token) = loop {
                match step {
                    Step::Send(initiator, token) => {
                        let answer = sasl(&mut stream, &mut input, &token).await?;
                        step = initiator.step(&answer).map_err(kerberos::failed)?;
                    }
                    Step::Established(context, token) => break (context, token),
                }
            };
            let offer = sasl(&mut stream, &mut input, &token).await?;
            let choice = kerberos::choose(&mut context, &offer)?;
            sasl(&mut stream, &mut input, &choice).await?;
        }
        for auth in &self.options.auth {
            let mut out = Out::default();
            out.int(XID_AUTH).int(AUTH).int(0).text(&auth.scheme).bytes(auth.secret.as_bytes());
            write(&mut stream, &out.0).await?;
            answer(&mut stream, &mut input).await?;
        }
        Ok(Connected { stream, input, timeout })
    }

    /// Opens the session, or takes it up again: the timeout that the server grants.
    async fn greet(&mut self, stream: &mut Box<dyn Stream>, input: &mut Input) -> Result<Duration, ZooKeeperError> {
        let millis = i32::try_from(self.options.session_timeout.as_millis()).unwrap_or(i32::MAX);
        let mut out = Out::default();
        out.int(0).long(self.seen.cast_signed()).int(millis).long(self.identity.id);
        out.bytes(&self.identity.password).flag(false);
        write(stream, &out.0).await?;
        let frame = read(stream, input).await?;
        let mut from = In(&frame);
        let (_version, granted, id) = (from.int()?, from.int()?, from.long()?);
        let password = from.bytes()?;
        if granted <= 0 {
            return Err(ZooKeeperError::Expired);
        }
        self.identity = Identity { id, password: password.try_into().map_err(|_| ZooKeeperError::Malformed)? };
        Ok(Duration::from_millis(u64::from(granted.unsigned_abs())))
    }
}

async fn sasl(stream: &mut Box<dyn Stream>, input: &mut Input, token: &[u8]) -> Result<Vec<u8>, ZooKeeperError> {
    let mut out = Out::default();
    out.int(0).int(SASL).bytes(token);
    write(stream, &out.0).await?;
    let frame = answer(stream, input).await?;
    Ok(In(&frame).bytes()?.to_vec())
}

/// Reads an answer that tells whether the server knows us.
async fn answer(stream: &mut Box<dyn Stream>, input: &mut Input) -> Result<Vec<u8>, ZooKeeperError> {
    let frame = read(stream, input).await?;
    let mut from = In(&frame);
    let (_xid, _zxid, error) = (from.int()?, from.long()?, from.int()?);
    match error {
        0 => Ok(from.0.to_vec()),
        code::AUTH_FAILED | code::MUST_AUTHENTICATE => {
            Err(ZooKeeperError::Authentication("the server does not accept the credentials".to_owned()))
        }
        code => Err(ZooKeeperError::Refused { code, path: "authentication".to_owned() }),
    }
}

async fn write(stream: &mut Box<dyn Stream>, message: &[u8]) -> Result<(), ZooKeeperError> {
    let mut out = Out::default();
    out.bytes(message);
    stream.write_all(&out.0).await?;
    Ok(stream.flush().await?)
}

async fn read(stream: &mut Box<dyn Stream>, input: &mut Input) -> Result<bytes::Bytes, ZooKeeperError> {
    loop {
        if let Some(frame) = input.frame()? {
            return Ok(frame);
        }
        if stream.read_buf(&mut input.0).await? == 0 {
            return Err(ZooKeeperError::Unavailable("the server closed the connection".to_owned()));
        }
    }
}
