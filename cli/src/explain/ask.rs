//! The answer of a router, over HTTP.

use anabranch_federation::MountPath;
use anabranch_router::explain::Answer;
use anabranch_telemetry::http;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::Who;
use crate::failure::Failure;

/// A directory above many mounts names them all.
const MAX_BODY: usize = 64 << 20;
const PORT: u16 = 50071;

/// `host:port` of a router's HTTP side, from what somebody typed.
pub(super) fn address(url: &str) -> Result<String, String> {
    let wrong = || format!("--router {url:?}: expected the HTTP address of a router, such as http://127.0.0.1:{PORT}");
    let rest = url.strip_prefix("http://").unwrap_or(url);
    let address = rest.strip_suffix('/').unwrap_or(rest);
    if address.is_empty() || address.contains('/') || address.contains(char::is_whitespace) {
        return Err(wrong());
    }
    let port = address.rsplit_once(':').map(|(_, port)| port).filter(|port| !port.ends_with(']'));
    match port {
        Some(port) if port.parse::<u16>().is_ok() => Ok(address.to_owned()),
        Some(_) => Err(wrong()),
        None => Ok(format!("{address}:{PORT}")),
    }
}

pub(super) async fn by_address(router: &str, path: &MountPath, who: &Who) -> Result<Answer, Failure> {
    let stream = TcpStream::connect(router).await.map_err(|error| {
        let advice = "is a router running there? name another one with --router URL, or read manifests with -f DIR";
        Failure::usage(format!("cannot reach http://{router}: {error}; {advice}"))
    })?;
    over(stream, router, path, who).await.map_err(|problem| Failure::usage(format!("http://{router}: {problem}")))
}

/// Asks over a connection to `host`.
///
/// # Errors
/// Why there is no answer, and what may help.
pub(super) async fn over<S>(stream: S, host: &str, path: &MountPath, who: &Who) -> Result<Answer, String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let got = http::get(stream, host, &query(path, who), MAX_BODY).await;
    let (status, body) = got.map_err(|error| format!("no answer over HTTP: {error}"))?;
    understood(status.as_u16(), &body)
}

fn query(path: &MountPath, who: &Who) -> String {
    const PAGE: &str = "/explain?";
    let mut query = form_urlencoded::Serializer::for_suffix(PAGE.to_owned(), PAGE.len());
    query.append_pair("path", path.as_str()).append_pair("user", &who.user);
    if !who.groups.is_empty() {
        query.append_pair("groups", &who.groups.join(","));
    }
    if let Some(client) = who.client {
        query.append_pair("client", &client.to_string());
    }
    query.finish()
}

/// The answer, or why there is none.
fn understood(status: u16, body: &[u8]) -> Result<Answer, String> {
    let told = || {
        let error = serde_json::from_slice::<Value>(body).ok()?;
        Some(error["error"].as_str()?.to_owned())
    };
    match status {
        200 => serde_json::from_slice(body).map_err(|error| {
            format!(
                "its answer has another form than this program knows ({error}); take the one of the router's release"
            )
        }),
        404 => Err(format!("nothing at /explain; is it the HTTP port of an Anabranch router, by default {PORT}?")),
        503 => {
            Err(format!("{}; ask another router, or again later", told().unwrap_or_else(|| "not in service".into())))
        }
        other => Err(told().unwrap_or_else(|| format!("it answers with status {other}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_written_in_many_ways() {
        for (url, expected) in [
            ("http://r1:50071", "r1:50071"),
            ("http://r1/", "r1:50071"),
            ("r1:8", "r1:8"),
            ("r1", "r1:50071"),
            ("[::1]", "[::1]:50071"),
            ("http://[::1]:8/", "[::1]:8"),
        ] {
            assert_eq!(address(url).unwrap(), expected);
        }
        for url in ["", "http://", "https://r1:1", "hdfs://r1:8888", "r1:x", "r1:99999", "http://r1:1/explain", "r 1"] {
            let error = address(url).unwrap_err();
            assert!(error.starts_with(&format!("--router {url:?}: expected")), "{error}");
        }
    }

    #[test]
    fn what_is_asked_survives_as_a_query() {
        let path = MountPath::parse("/a b/ü&c=d+?#%").unwrap();
        let who = |groups: &[&str]| Who {
            user: "ann".into(),
            groups: groups.iter().map(ToString::to_string).collect(),
            client: None,
        };
        assert_eq!(query(&path, &who(&[])), "/explain?path=%2Fa+b%2F%C3%BC%26c%3Dd%2B%3F%23%25&user=ann");
        assert!(query(&path, &who(&["a", "b"])).ends_with("&user=ann&groups=a%2Cb"));
        let from = Who { client: Some("10.0.0.7".parse().unwrap()), ..who(&[]) };
        assert!(query(&path, &from).ends_with("&user=ann&client=10.0.0.7"));
    }

    #[test]
    fn what_is_no_answer_says_what_to_do() {
        let error = |status, body: &str| understood(status, body.as_bytes()).unwrap_err();
        let rows = [
            (200, "{}", "its answer has another form than this program knows (missing field"),
            (404, "<html>", "nothing at /explain; is it the HTTP port of an Anabranch router"),
            (503, "{\"error\": \"no table\"}", "no table; ask another router"),
            (503, "", "not in service; ask another router"),
            (400, "{\"error\": \"bad path\"}", "bad path"),
            (500, "oh", "it answers with status 500"),
        ];
        for (status, body, expected) in rows {
            assert!(error(status, body).starts_with(expected), "{}", error(status, body));
        }
    }
}
