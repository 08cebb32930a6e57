//! TLS for the HTTP server, with few and short connections.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Sleep, sleep};
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::server::TlsStream;
use tokio_rustls::{Accept, TlsAcceptor};

/// Connections open at a time; more wait in the kernel's backlog.
const CONNECTIONS: usize = 256;
/// No connection lives longer: no API server waits so long for an answer.
const LIFE: Duration = Duration::from_secs(30);

/// A listener whose connections are encrypted.
pub struct TlsListener {
    inner: TcpListener,
    acceptor: TlsAcceptor,
    slots: Arc<Semaphore>,
}

impl TlsListener {
    /// Over a listener.
    pub fn new(inner: TcpListener, config: ServerConfig) -> Self {
        Self { inner, acceptor: Arc::new(config).into(), slots: Arc::new(Semaphore::new(CONNECTIONS)) }
    }
}

impl Listener for TlsListener {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        // The semaphore is never closed; were it, no connection would be accepted any more, which is what closing means.
        let Ok(slot) = Arc::clone(&self.slots).acquire_owned().await else { return std::future::pending().await };
        // axum's own listener deals with accept errors: it waits and tries again when descriptors run out.
        let (stream, address) = Listener::accept(&mut self.inner).await;
        let phase = Phase::Begun(Box::new(self.acceptor.accept(stream)));
        (Connection { phase, end: Box::pin(sleep(LIFE)), _slot: slot }, address)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.inner.local_addr()
    }
}

/// A connection, which ends by itself. It shakes hands when it is first used, on the task that serves it, so that nobody
/// waits for another's.
pub struct Connection {
    phase: Phase,
    end: Pin<Box<Sleep>>,
    _slot: OwnedSemaphorePermit,
}

enum Phase {
    /// Shaking hands.
    Begun(Box<Accept<TcpStream>>),
    /// Encrypted.
    Open(Box<TlsStream<TcpStream>>),
}

impl Connection {
    /// Does something with the encrypted stream, once there is one and unless the connection is too old.
    fn with<T>(
        &mut self,
        cx: &mut Context<'_>,
        act: impl FnOnce(Pin<&mut TlsStream<TcpStream>>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if self.end.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        if let Phase::Begun(handshake) = &mut self.phase {
            let stream = ready!(Pin::new(handshake).poll(cx))?;
            self.phase = Phase::Open(Box::new(stream));
        }
        match &mut self.phase {
            Phase::Open(stream) => act(Pin::new(stream), cx),
            Phase::Begun(_) => Poll::Pending,
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.with(cx, |stream, cx| stream.poll_read(cx, buf))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.with(cx, |stream, cx| stream.poll_write(cx, buf))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.phase {
            Phase::Open(_) => self.with(cx, |stream, cx| stream.poll_flush(cx)),
            // Nothing was written.
            Phase::Begun(_) => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.phase {
            Phase::Open(_) => self.with(cx, |stream, cx| stream.poll_shutdown(cx)),
            // Whoever did not shake hands has no one to take leave of.
            Phase::Begun(_) => Poll::Ready(Ok(())),
        }
    }
}

#[cfg(test)]
mod tests {
    use anabranch_telemetry::Readiness;
    use axum::Router;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio_rustls::TlsConnector;
    use tokio_rustls::rustls::pki_types::ServerName;
    use tokio_rustls::rustls::{ClientConfig, RootCertStore};

    use super::*;
    use crate::webhook::served::Served;

    #[tokio::test]
    async fn who_does_not_shake_hands_keeps_nobody_waiting() {
        let served = Served::new(Readiness::new().register("certificate"));
        let issued = rcgen::generate_simple_self_signed(["hooks.svc".to_owned()]).unwrap();
        let tls = served.tls().unwrap();
        served.show(issued.cert.pem().as_bytes(), issued.signing_key.serialize_pem().as_bytes()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let listener = TlsListener::new(listener, tls);
        tokio::spawn(async { axum::serve(listener, Router::new().route("/", get(|| async { "hello" }))).await });

        let silent = TcpStream::connect(address).await.unwrap();
        let mut noisy = TcpStream::connect(address).await.unwrap();
        noisy.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();

        let mut roots = RootCertStore::empty();
        roots.add(issued.cert.der().clone()).unwrap();
        let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        let client = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let client = client.with_root_certificates(roots).with_no_client_auth();
        let stream = TcpStream::connect(address).await.unwrap();
        let name = ServerName::try_from("hooks.svc").unwrap();
        let mut stream = TlsConnector::from(Arc::new(client)).connect(name, stream).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        // Without a last word of TLS, the end of a stream is an error.
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("hello"), "{answer}");
        drop(silent);
    }
}
