//! A web server that answers what a test tells it to, or keeps silent.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::{Context, Result};
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::certificates::Issued;

/// A running fake. It ends when it is dropped.
pub struct FakeWeb {
    /// Where it listens.
    pub address: SocketAddr,
    state: Arc<State>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct State {
    /// What is answered to paths that contain a text.
    answers: Mutex<Vec<(String, String)>>,
    silent: watch::Sender<bool>,
}

impl FakeWeb {
    /// On a free port of the loopback interface.
    pub async fn start() -> Result<Self> {
        Self::start_with(None).await
    }

    /// The same with TLS.
    pub async fn start_tls(own: &Issued) -> Result<Self> {
        let certificate = CertificateDer::from_pem_slice(own.certificate.as_bytes())?;
        let key = PrivateKeyDer::from_pem_slice(own.key.as_bytes())?;
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)?;
        Self::start_with(Some(TlsAcceptor::from(Arc::new(config)))).await
    }

    async fn start_with(tls: Option<TlsAcceptor>) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let state = Arc::<State>::default();
        let serving = state.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (state, tls) = (serving.clone(), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, state).await,
                        Some(tls) => serve(tls.accept(stream).await?, state).await,
                    }
                });
            }
        });
        Ok(Self { address, state, task })
    }

    /// From now on, what asks for a path with this text in it gets this body; everything else gets 404.
    pub fn answer(&self, text: &str, body: &str) {
        self.state.answers.lock().insert(0, (text.to_owned(), body.to_owned()));
    }

    /// Whether requests are left without an answer. Those that came meanwhile are answered afterwards.
    pub fn set_silent(&self, silent: bool) {
        self.state.silent.send_replace(silent);
    }
}

impl Drop for FakeWeb {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One request: the client has gone away if anything fails here.
async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, state: Arc<State>) -> Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    state.silent.subscribe().wait_for(|silent| !silent).await?;
    let head = String::from_utf8(head)?;
    let path = head.split(' ').nth(1).context("a request without a path")?;
    let found = state.answers.lock().iter().find(|(text, _)| path.contains(text)).map(|(_, body)| body.clone());
    let (status, body) = found.map_or(("404 Not Found", String::new()), |body| ("200 OK", body));
    let length = body.len();
    let answer = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await?;
    Ok(())
}
