//! A GET request of a NameNode's web server.

use anabranch_telemetry::http::{self, GetError};
use axum::http::StatusCode;
use bytes::Bytes;
use tokio::net::TcpStream;

/// The largest answer that is read. Those that are asked for have some kilobytes.
const MAX_BODY: usize = 4 << 20;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum WebError {
    #[error("cannot connect: {0}")]
    Connect(#[from] std::io::Error),
    #[error(transparent)]
    Get(#[from] GetError),
    #[error("the answer has status {0}")]
    Status(StatusCode),
}

/// The body of the answer. Waits for as long as it takes.
pub(super) async fn get(address: &str, path_and_query: &str) -> Result<Bytes, WebError> {
    let stream = TcpStream::connect(address).await?;
    match http::get(stream, address, path_and_query, MAX_BODY).await? {
        (StatusCode::OK, body) => Ok(body),
        (status, _) => Err(WebError::Status(status)),
    }
}
