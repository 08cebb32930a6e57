//! What only administrators may use: log levels and threads.

use std::net::IpAddr;
use std::sync::Arc;

use anabranch_telemetry::http::{self, Peer};
use anabranch_telemetry::logging;
use axum::Router;
use axum::extract::{ConnectInfo, Query, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;

use crate::config::AddressRange;
use crate::router::Runtimes;

/// Who is an administrator: whoever asks from this machine, or from one of the configured addresses.
#[derive(Debug, Clone)]
pub(super) struct Guard(Arc<[AddressRange]>);

impl Guard {
    pub(super) fn new(admins: Vec<AddressRange>) -> Self {
        Self(admins.into())
    }

    fn admits(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_loopback() || self.0.iter().any(|range| range.contains(address))
    }
}

pub(super) fn routes(guard: Guard, runtimes: &Runtimes) -> Router {
    Router::new()
        .route("/logLevel", get(log_level).options(http::options))
        .merge(Router::new().route("/stacks", get(stacks).options(http::options)).with_state(runtimes.clone()))
        .layer(middleware::from_fn_with_state(guard, admit))
}

async fn admit(State(guard): State<Guard>, peer: ConnectInfo<Peer>, request: Request, next: Next) -> Response {
    let ConnectInfo(Peer(address)) = peer;
    if guard.admits(address.ip()) {
        return next.run(request).await;
    }
    let path = request.uri().path();
    tracing::warn!(%address, path, "refused: only for administrators");
    let reason = "Only for administrators: from this machine, or from anabranch.router.http.admin.hosts\n";
    (StatusCode::FORBIDDEN, reason).into_response()
}

#[derive(Deserialize)]
struct Asked {
    log: Option<String>,
    level: Option<String>,
}

async fn log_level(Query(asked): Query<Asked>) -> Response {
    let page = http::log_level(logging::levels(), asked.log.as_deref(), asked.level.as_deref());
    ([(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"))], page).into_response()
}

async fn stacks(State(runtimes): State<Runtimes>) -> Response {
    let look = move || http::stacks(&[("data", &runtimes.data), ("control", &runtimes.control)]);
    match tokio::task::spawn_blocking(look).await {
        Ok(page) => page.into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_and_those_that_are_named_are_admitted() {
        let guard = Guard::new(vec![AddressRange::parse("10.1.0.0/16").unwrap()]);
        let rows = [
            ("127.0.0.1", true),
            ("127.8.8.8", true),
            ("::1", true),
            ("::ffff:127.0.0.1", true),
            ("::ffff:10.1.2.3", true),
            ("10.1.2.3", true),
            ("10.2.2.3", false),
            ("192.168.0.1", false),
            ("fe80::1", false),
        ];
        for (address, expected) in rows {
            assert_eq!(guard.admits(address.parse().unwrap()), expected, "{address}");
        }
    }
}
