//! A GET request of a NameNode's web server.

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::header::{CONNECTION, HOST};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// The largest answer that is read. Those that are asked for have some kilobytes.
const MAX_BODY: usize = 4 << 20;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum WebError {
    #[error("cannot connect: {0}")]
    Connect(#[from] std::io::Error),
    #[error("{0}")]
    Http(#[from] hyper::Error),
    #[error("no valid request: {0}")]
    Request(#[from] hyper::http::Error),
    #[error("the answer has status {0}")]
    Status(StatusCode),
    #[error("the answer cannot be read: {0}")]
    Body(Box<dyn std::error::Error + Send + Sync>),
}

/// The body of the answer. Waits for as long as it takes.
pub(super) async fn get(address: &str, path_and_query: &str) -> Result<Bytes, WebError> {
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let request = Request::get(path_and_query).header(HOST, address).header(CONNECTION, "close");
    let request = request.body(Empty::<Bytes>::new())?;
    let exchange = async {
        let answer = sender.send_request(request).await?;
        if answer.status() != StatusCode::OK {
            return Err(WebError::Status(answer.status()));
        }
        let body = Limited::new(answer.into_body(), MAX_BODY).collect().await.map_err(WebError::Body)?;
        Ok(body.to_bytes())
    };
    let mut exchange = std::pin::pin!(exchange);
    // The connection works while it is polled; when it has ended, what it brought is still to be taken.
    tokio::select! {
        biased;
        answer = &mut exchange => return answer,
        _ended = connection => {}
    }
    exchange.await
}
