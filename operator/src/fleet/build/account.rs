//! The identity of the routers' pods.

use serde_json::json;

use super::super::validate::Validated;
use super::{child, kind};
use crate::child::Child;
use crate::error::Error;
use crate::names::{self, ROUTER};

/// A ServiceAccount without any right, and without a token in the pods: routers and store never call the API server.
pub(super) fn account(fleet: &Validated) -> Result<Child, Error> {
    let content = json!({ "automountServiceAccountToken": false });
    child(fleet, &kind::SERVICE_ACCOUNT, ROUTER, names::router(&fleet.name), content)
}
