//! Java's own driver of the state store, and ZooKeeper's own client.

use std::path::Path;
use std::time::Duration;

use anabranch_store::Record;
use anabranch_testkit::hadoop::{Jars, Jvm, Tuning};
use anyhow::{Result, bail};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(60);

/// A Java process with both.
pub(crate) struct Java {
    jvm: Jvm,
}

impl Java {
    /// Connects both to `connect`, with Hadoop settings `key=value`.
    pub(crate) fn start(jars: &Jars, dir: &Path, connect: &str, settings: &[&str]) -> Result<Self> {
        let args = [connect].into_iter().chain(settings.iter().copied());
        let mut jvm = Jvm::start(jars, Tuning::Start, "StateStore", args, "WARN", &dir.join("state-store.log"))?;
        jvm.receive(PATIENCE)?;
        Ok(Self { jvm })
    }

    pub(crate) fn ask(&mut self, request: &Value) -> Result<Value> {
        self.jvm.send(request)?;
        let answer = self.jvm.receive(PATIENCE)?;
        if let Some(error) = answer["error"].as_str() {
            bail!("{request}: {error}");
        }
        Ok(answer)
    }

    fn must(&mut self, request: &Value) -> Value {
        self.ask(request).unwrap_or_else(|e| panic!("{e:#}"))
    }

    /// Writes a record as a Java router does.
    pub(crate) fn put<R: Record>(&mut self, message: &str) {
        let answer = self.must(&json!({ "do": "put", "kind": R::KIND, "message": message }));
        assert_eq!(answer["done"], true, "{message}");
    }

    /// Removes a record as a Java router does.
    pub(crate) fn remove<R: Record>(&mut self, message: &str) {
        let answer = self.must(&json!({ "do": "remove", "kind": R::KIND, "message": message }));
        assert_eq!(answer["done"], true, "{message}");
    }

    /// Keys and messages of all records, as a Java router reads them.
    pub(crate) fn list<R: Record>(&mut self) -> Vec<(String, String)> {
        let answer = self.must(&json!({ "do": "list", "kind": R::KIND }));
        let records = answer["records"].as_object().expect("records");
        records.iter().map(|(key, message)| (key.clone(), message.as_str().expect("text").to_owned())).collect()
    }

    pub(crate) fn create(&mut self, path: &str, data: &str) {
        self.must(&json!({ "do": "create", "path": path, "data": data }));
    }

    pub(crate) fn set(&mut self, path: &str, data: &str) {
        self.must(&json!({ "do": "set", "path": path, "data": data }));
    }

    pub(crate) fn delete(&mut self, path: &str) {
        self.must(&json!({ "do": "delete", "path": path }));
    }

    pub(crate) fn get(&mut self, path: &str) -> String {
        self.must(&json!({ "do": "get", "path": path }))["data"].as_str().expect("data").to_owned()
    }

    pub(crate) fn children(&mut self, path: &str) -> Vec<String> {
        let answer = self.must(&json!({ "do": "children", "path": path }));
        let mut children: Vec<String> = serde_json::from_value(answer["children"].clone()).expect("names");
        children.sort();
        children
    }

    pub(crate) fn acl(&mut self, path: &str) -> String {
        self.must(&json!({ "do": "acl", "path": path }))["acl"].as_str().expect("an ACL").to_owned()
    }
}
