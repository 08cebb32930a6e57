//! What the router serves over HTTP besides `/isActive` and `/metrics`.

mod admin;
mod conf;
mod explain;
mod redact;

use std::sync::Arc;

use anabranch_telemetry::jmx::{self, Beans};
use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;

use self::admin::Guard;
use self::conf::Conf;
use crate::core::Core;
use crate::router::Runtimes;

/// The status page: our own, self-contained; it reads `/jmx`.
const PAGE: &str = include_str!("http/federationhealth.html");

/// Nothing from elsewhere, whatever a mount or a subcluster is called.
const PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'self'",
);

/// The routes of a router.
pub fn routes(core: &Arc<Core>, beans: Beans, runtimes: &Runtimes) -> Router {
    let config = &core.config;
    let conf = Arc::new(Conf::new(config.effective.clone()));
    Router::new()
        .route("/", get(root))
        .route("/index.html", get(root))
        .route(PAGE_PATH, get(page))
        .merge(Router::new().route("/jmx", get(jmx).options(options)).with_state(beans))
        .merge(Router::new().route("/conf", get(conf::conf).options(options)).with_state(conf))
        .merge(Router::new().route("/explain", get(explain::explain).options(options)).with_state(core.clone()))
        .merge(admin::routes(Guard::new(config.http_admins.clone()), runtimes))
}

const PAGE_PATH: &str = "/federationhealth.html";

/// Hadoop's clients ask so before they send anything to log in with; who need not log in is told to go on.
async fn options() -> Response {
    [(header::ALLOW, HeaderValue::from_static("GET, HEAD, OPTIONS"))].into_response()
}

async fn root() -> Response {
    (StatusCode::FOUND, [(header::LOCATION, PAGE_PATH)]).into_response()
}

async fn page() -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CONTENT_SECURITY_POLICY, PAGE_POLICY),
    ];
    (headers, PAGE).into_response()
}

#[derive(Deserialize)]
struct Asked {
    qry: Option<String>,
    get: Option<String>,
}

/// `callback`, with which older daemons made a script of the answer, is ignored: the answer is always JSON.
async fn jmx(State(beans): State<Beans>, Query(asked): Query<Asked>) -> Response {
    let query = jmx::Query { qry: asked.qry, get: asked.get };
    // Beans look into /proc, and format all there is to know: not on a thread that answers others.
    let body = tokio::task::spawn_blocking(move || jmx::answer(&beans, &query)).await;
    let Ok(body) = body else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf8")),
        (header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET")),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
    ];
    (headers, body).into_response()
}
