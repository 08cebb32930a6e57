//! The HTTP side of a program: `/isActive`, `/metrics`, and what the program adds; and a request of such a side.
//!
//! The server belongs on a runtime of its own, apart from the one that carries calls, so that a busy data plane does not make a
//! healthy program look dead. Connections are bounded in number and in time.

mod client;
mod jmx;
mod listener;
mod log_level;
mod stacks;
mod statistics;

use std::future::Future;
use std::net::SocketAddr;

use axum::extract::State;
use axum::extract::connect_info::Connected;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing;
use axum::serve::IncomingStream;
use axum::{Json, Router, middleware};
use serde_json::json;
use tokio::net::TcpListener;

pub use self::client::{GetError, get};
pub use self::jmx::{jmx, options};
use self::listener::BoundedListener;
pub use self::listener::Bounds;
pub use self::log_level::log_level;
pub use self::stacks::stacks;
pub use self::statistics::{Statistics, Totals, counted};
use crate::metrics::Metrics;
use crate::readiness::Readiness;

/// What the HTTP server answers.
#[derive(Clone, Debug)]
pub struct Routes {
    /// Behind `/isActive`: 200 when ready, 503 with the names of what is pending.
    pub readiness: Readiness,
    /// Behind `/metrics`, and `/prom` as Hadoop calls it.
    pub metrics: Metrics,
    /// Anything else the program serves.
    pub more: Router,
}

impl From<Routes> for Router {
    fn from(routes: Routes) -> Self {
        let own = Router::new().route("/isActive", routing::get(is_active)).with_state(routes.readiness);
        let metrics = Router::new().route("/metrics", routing::get(metrics)).route("/prom", routing::get(metrics));
        own.merge(metrics.with_state(routes.metrics)).merge(routes.more)
    }
}

/// Who asks: `ConnectInfo<Peer>` in a handler of [`Routes::more`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

impl Connected<IncomingStream<'_, BoundedListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, BoundedListener>) -> Self {
        Self(*stream.remote_addr())
    }
}

/// What Hadoop's daemons tell browsers about every page: not to keep it, guess its type, or show it in another's frame.
const GUARDS: [(HeaderName, HeaderValue); 4] = [
    (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN")),
    (header::X_XSS_PROTECTION, HeaderValue::from_static("1; mode=block")),
];

async fn guarded(mut response: Response) -> Response {
    for (name, value) in GUARDS {
        response.headers_mut().entry(name).or_insert(value);
    }
    response
}

/// Serves until `stop` completes, then lets requests in progress finish; [`Bounds::life`] limits how long that takes.
///
/// # Errors
/// When the listener fails for good.
pub async fn serve<S>(listener: TcpListener, routes: impl Into<Router>, bounds: Bounds, stop: S) -> std::io::Result<()>
where
    S: Future<Output = ()> + Send + 'static,
{
    let service = routes.into().layer(middleware::map_response(guarded)).into_make_service_with_connect_info::<Peer>();
    axum::serve(BoundedListener::new(listener, bounds), service).with_graceful_shutdown(stop).await
}

async fn is_active(State(readiness): State<Readiness>) -> Response {
    let pending = readiness.pending();
    let status = if pending.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let pending: Vec<&str> = pending.iter().map(AsRef::as_ref).collect();
    (status, Json(json!({ "active": pending.is_empty(), "pending": pending }))).into_response()
}

async fn metrics(State(metrics): State<Metrics>) -> Response {
    match metrics.render() {
        Ok(text) => ([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
