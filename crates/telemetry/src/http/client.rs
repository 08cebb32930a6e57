use axum::body::Bytes;
use axum::http::StatusCode;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::Request;
use hyper::header::{CONNECTION, HOST};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum GetError {
    /// The other end does not speak HTTP, or is gone.
    #[error("{0}")]
    Http(#[from] hyper::Error),
    /// What is asked for cannot be written as a request.
    #[error("no valid request: {0}")]
    Request(#[from] hyper::http::Error),
    /// The body breaks off, or is too large.
    #[error("the answer cannot be read: {0}")]
    Body(Box<dyn std::error::Error + Send + Sync>),
}

/// Asks for a page over a connection to `host` that carries nothing else: its status, and its body of at most `max_body`
/// bytes. Waits for as long as it takes.
///
/// # Errors
/// When there is no whole answer.
pub async fn get<S>(
    stream: S,
    host: &str,
    path_and_query: &str,
    max_body: usize,
) -> Result<(StatusCode, Bytes), GetError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let request = Request::get(path_and_query).header(HOST, host).header(CONNECTION, "close");
    let request = request.body(Empty::<Bytes>::new())?;
    let exchange = async {
        let answer = sender.send_request(request).await?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), max_body).collect().await.map_err(GetError::Body)?;
        Ok((status, body.to_bytes()))
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

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    async fn asked(answer: &str, max_body: usize) -> Result<(u16, String), String> {
        let (here, mut there) = duplex(1 << 16);
        let serve = async {
            let mut request = vec![0; 1 << 10];
            let length = there.read(&mut request).await.unwrap();
            there.write_all(answer.as_bytes()).await.unwrap();
            drop(there);
            String::from_utf8_lossy(&request[..length]).into_owned()
        };
        let (got, request) = tokio::join!(get(here, "h:1", "/a?b=c", max_body), serve);
        assert!(request.starts_with("GET /a?b=c HTTP/1.1\r\nhost: h:1\r\n"), "{request}");
        got.map(|(status, body)| (status.as_u16(), String::from_utf8_lossy(&body).into_owned()))
            .map_err(|e| e.to_string())
    }

    #[tokio::test]
    async fn an_answer_is_whole_or_an_error() {
        let counted = "HTTP/1.1 404 Not Found\r\ncontent-length: 4\r\n\r\nnone";
        assert_eq!(asked(counted, 4).await, Ok((404, "none".to_owned())));
        assert_eq!(asked("HTTP/1.1 200 OK\r\n\r\nall", 9).await, Ok((200, "all".to_owned())));
        let too_large = asked(counted, 3).await.unwrap_err();
        assert_eq!(too_large, "the answer cannot be read: length limit exceeded");
        for broken in ["", "SSH-2.0-OpenSSH\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nnone"] {
            assert!(asked(broken, 9).await.is_err(), "{broken:?}");
        }
    }
}
