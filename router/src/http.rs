//! What the router serves over HTTP besides `/isActive` and `/metrics`.

mod admin;
mod conf;
mod explain;
mod redact;

use std::sync::Arc;

use anabranch_telemetry::http::{self, jmx};
use anabranch_telemetry::jmx::Beans;
use axum::Router;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

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
        .merge(jmx(beans))
        .merge(Router::new().route("/conf", get(conf::conf).options(http::options)).with_state(conf))
        .merge(Router::new().route("/explain", get(explain::explain).options(http::options)).with_state(core.clone()))
        .merge(admin::routes(Guard::new(config.http_admins.clone()), runtimes))
}

const PAGE_PATH: &str = "/federationhealth.html";

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
