//! `/explain?path=/data/x&user=ann&groups=staff,etl&client=10.0.0.7`: where a path lives and why, as JSON. Without `groups`,
//! the user has those that this router knows; `client` is where the call would come from. What it tells is in `/jmx`, too.

use std::net::IpAddr;
use std::sync::Arc;

use anabranch_federation::MountPath;
use anabranch_hrpc::Identity;
use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use crate::core::Core;
use crate::explain;

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    path: String,
    user: Option<String>,
    groups: Option<String>,
    client: Option<String>,
}

pub(super) async fn explain(State(core): State<Arc<Core>>, Query(asked): Query<Asked>) -> Response {
    let path = match MountPath::parse(&asked.path) {
        Ok(path) => path,
        Err(error) => return refused(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    let client = asked.client.as_deref().map(str::parse::<IpAddr>).transpose();
    let Ok(client) = client else {
        let said = asked.client.unwrap_or_default();
        return refused(StatusCode::BAD_REQUEST, &format!("client {said:?}: expected an IP address such as 10.0.0.7"));
    };
    let user = asked.user.filter(|name| !name.is_empty()).map(|name| Identity::simple(name).short_name().to_owned());
    let groups = match (&user, &asked.groups) {
        (_, Some(listed)) => listed.split(',').filter(|group| !group.is_empty()).map(str::to_owned).collect(),
        (Some(user), None) => core.groups.of(user).await,
        (None, None) => Vec::new(),
    };
    match explain::answer(&core, &path, user.as_deref().map(|user| (user, groups.as_slice())), client) {
        Some(answer) => Json(answer).into_response(),
        None => refused(StatusCode::SERVICE_UNAVAILABLE, "there is no mount table that can be trusted; see /isActive"),
    }
}

/// As `/explain` says no.
fn refused(status: StatusCode, error: &str) -> Response {
    (status, Json(json!({ "error": error }))).into_response()
}
