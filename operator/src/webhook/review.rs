//! `AdmissionReview` of `admission.k8s.io/v1`, as far as the webhook needs it.

use json_patch::Patch;
use k8s_openapi::ByteString;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::Error;

/// What an API server asks.
#[derive(Debug, Deserialize)]
pub struct Review {
    /// The question.
    pub request: Request,
}

/// About an object that someone makes.
#[derive(Debug, Deserialize)]
pub struct Request {
    /// What the answer refers to.
    pub uid: String,
    /// The Kubernetes namespace of the object.
    #[serde(default)]
    pub namespace: String,
    /// Its name; empty if the API server makes one up.
    #[serde(default)]
    pub name: String,
    /// The object.
    pub object: Option<Value>,
}

/// What becomes of a pod.
pub enum Verdict {
    /// It stays as it is.
    Leave,
    /// It is changed.
    Inject(Patch),
    /// It cannot have what it asks for. Whoever makes it tries again, and is told why.
    Refuse(String),
}

impl Verdict {
    /// The answer to the request with this id.
    ///
    /// # Errors
    /// Never for patches of JSON.
    pub fn review(&self, uid: &str) -> Result<Value, Error> {
        let mut response = json!({ "uid": uid, "allowed": !matches!(self, Self::Refuse(_)) });
        match self {
            Self::Leave => {}
            Self::Inject(patch) => {
                let json = serde_json::to_vec(patch);
                let json = json.map_err(|source| Error::Json { what: "a patch".to_owned(), source })?;
                response["patchType"] = "JSONPatch".into();
                response["patch"] = json!(ByteString(json));
            }
            Self::Refuse(problem) => {
                response["status"] = json!({ "code": 422, "reason": "Invalid", "message": problem })
            }
        }
        Ok(json!({ "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response }))
    }
}
