//! The HTTP side of a program: `/isActive`, `/metrics`, and what the program adds.
//!
//! It belongs on a runtime of its own, apart from the one that carries calls, so that a busy data plane does not make a
//! healthy program look dead. Connections are bounded in number and in time.

mod listener;

use std::future::Future;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;
use tokio::net::TcpListener;

use self::listener::BoundedListener;
pub use self::listener::Bounds;
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

impl Routes {
    fn into_router(self) -> Router {
        let own = Router::new()
            .route("/isActive", get(is_active))
            .with_state(self.readiness)
            .merge(Router::new().route("/metrics", get(metrics)).route("/prom", get(metrics)).with_state(self.metrics));
        own.merge(self.more)
    }
}

/// Serves until `stop` completes, then lets requests in progress finish; [`Bounds::life`] limits how long that takes.
///
/// # Errors
/// When the listener fails for good.
pub async fn serve<S>(listener: TcpListener, routes: Routes, bounds: Bounds, stop: S) -> std::io::Result<()>
where
    S: Future<Output = ()> + Send + 'static,
{
    axum::serve(BoundedListener::new(listener, bounds), routes.into_router()).with_graceful_shutdown(stop).await
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
