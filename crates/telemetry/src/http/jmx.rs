use std::collections::HashMap;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::jmx::{self, Beans};

/// `/jmx`, over these beans.
pub fn jmx(beans: Beans) -> Router {
    Router::new().route("/jmx", get(answer).options(options)).with_state(beans)
}

/// Hadoop's clients ask so before they send anything to log in with; who need not log in is told to go on.
pub async fn options() -> Response {
    [(header::ALLOW, HeaderValue::from_static("GET, HEAD, OPTIONS"))].into_response()
}

/// `callback`, with which older daemons made a script of the answer, is ignored: the answer is always JSON.
async fn answer(State(beans): State<Beans>, Query(mut asked): Query<HashMap<String, String>>) -> Response {
    let query = jmx::Query { qry: asked.remove("qry"), get: asked.remove("get") };
    // Beans look into /proc, ask NameNodes, and format all there is to know: not on a thread that answers others.
    let body = tokio::task::spawn_blocking(move || jmx::answer(&beans, &query)).await;
    let Ok(body) = body else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf8")),
        (header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET")),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
    ];
    (headers, body).into_response()
}
