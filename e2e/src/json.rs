//! Calls of the client protocol as JSON, and their answers, without what differs from call to call.

#![allow(clippy::unwrap_used, reason = "what fails here is the test")]

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicI32, Ordering};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use prost_reflect::prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, MethodDescriptor, SerializeOptions};
use serde_json::Value;

use crate::wire::{CLIENT_PROTOCOL, Raw, call};

static METHODS: LazyLock<DescriptorPool> = LazyLock::new(|| {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/hdfs-proto/proto");
    let file = dir.join("ClientNamenodeProtocol.proto");
    DescriptorPool::from_file_descriptor_set(protox::compile([file], [dir]).unwrap()).unwrap()
});

fn method(name: &str) -> MethodDescriptor {
    let service = METHODS.services().find(|service| service.name() == "ClientNamenodeProtocol").unwrap();
    service.methods().find(|method| method.name() == name).unwrap_or_else(|| panic!("no method {name}"))
}

/// Stands for a name that each router's calls have for themselves.
pub const OWN: &str = "$R";

/// What somebody said to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The result, without what differs from call to call.
    Result(Value),
    /// Class and first line of an exception.
    Exception(String, String),
    /// The connection was closed.
    Closed,
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Result(value) => write!(f, "{value}"),
            Self::Exception(class, message) => {
                write!(f, "{}: {message}", class.rsplit('.').next().unwrap_or_default())
            }
            Self::Closed => f.write_str("(closed)"),
        }
    }
}

impl Answer {
    /// The same with one word for all of these names.
    pub fn without(self, names: &[&str]) -> Self {
        let plain = |text: &str| names.iter().fold(text.to_owned(), |text, name| text.replace(name, OWN));
        match self {
            Self::Result(value) => Self::Result(serde_json::from_str(&plain(&value.to_string())).unwrap()),
            Self::Exception(class, message) => Self::Exception(class, plain(&message)),
            Self::Closed => Self::Closed,
        }
    }
}

/// Every method of the protocol.
pub fn methods() -> Vec<String> {
    let service = METHODS.services().find(|service| service.name() == "ClientNamenodeProtocol").unwrap();
    service.methods().map(|method| method.name().to_owned()).collect()
}

/// A user's connection to a server.
pub struct Client {
    address: SocketAddr,
    user: String,
    raw: Option<Raw>,
}

/// NameNodes take a call of the same number for the same call.
static NEXT: AtomicI32 = AtomicI32::new(1);

impl Client {
    /// Connects at the first call.
    pub fn new(address: &str, user: &str) -> Self {
        Self { address: address.parse().unwrap(), user: user.to_owned(), raw: None }
    }

    /// Makes a call with parameters as JSON.
    pub fn ask(&mut self, name: &str, parameters: &Value) -> Answer {
        let method = method(name);
        let request = DynamicMessage::deserialize(method.input(), parameters)
            .unwrap_or_else(|error| panic!("{name} {parameters}: {error}"));
        let raw = self.raw.get_or_insert_with(|| Raw::ready(self.address, &self.user).unwrap());
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let frame = call(number, name, CLIENT_PROTOCOL, 1, &request.encode_length_delimited_to_vec());
        let answer = raw.send(&frame).and_then(|()| raw.answer());
        let answer = answer.unwrap_or_else(|error| panic!("{name} {parameters} to {}: {error}", self.address));
        let Some(answer) = answer else {
            self.raw = None;
            return Answer::Closed;
        };
        if let Some(class) = answer.header.exception_class_name.clone() {
            let message = answer.header.error_msg().lines().next().unwrap_or_default();
            return Answer::Exception(class, nameless(message));
        }
        let mut body = answer.body;
        let length = prost::decode_length_delimiter(&mut body).unwrap();
        let result = DynamicMessage::decode(method.output(), body.slice(..length)).unwrap();
        let options = SerializeOptions::new().stringify_64_bit_integers(false);
        let mut value = result.serialize_with_options(serde_json::value::Serializer, &options).unwrap();
        settle(&mut value);
        Answer::Result(value)
    }

    /// The entries of a directory, page after page.
    ///
    /// # Errors
    /// Another answer than a page.
    pub fn entries(&mut self, directory: &str) -> Result<Vec<Value>, Answer> {
        let mut entries: Vec<Value> = Vec::new();
        loop {
            let after = entries.last().map_or(Value::from(""), |entry| entry["path"].clone());
            let page = serde_json::json!({ "src": directory, "startAfter": after, "needLocation": false });
            let answer = self.ask("getListing", &page);
            let Answer::Result(Value::Object(found)) = &answer else { return Err(answer) };
            let Some(Value::Object(page)) = found.get("dirList") else { return Err(answer) };
            let count = entries.len();
            entries.extend(page.get("partialListing").and_then(Value::as_array).into_iter().flatten().cloned());
            if !page.contains_key("remainingEntries") {
                return Ok(entries);
            }
            assert!(entries.len() > count, "{directory}: no end is in sight after {count} entries");
        }
    }
}

/// A message of a router without the host and port by which it names itself.
fn nameless(message: &str) -> String {
    let message = message.split_once(" from ").map_or(message, |(message, _)| message);
    match message.strip_prefix("Router ").and_then(|named| named.split_once(' ')) {
        Some((_, rest)) => format!("Router {OWN} {rest}"),
        None => message.to_owned(),
    }
}

/// The name of an entry of a listing: bytes are Base64 in JSON.
pub fn name(entry: &Value) -> String {
    text(&entry["path"])
}

/// Bytes that are text.
pub fn text(bytes: &Value) -> String {
    let bytes = BASE64_STANDARD.decode(bytes.as_str().unwrap_or_default()).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Fields that differ from call to call, or by the clock.
const VOLATILE: &[&str] = &[
    "modificationTime",
    "accessTime",
    "fileId",
    "blockId",
    "generationStamp",
    "numBytesInMemory",
    "lastUpdate",
    "lastUpdateMonotonic",
    "lastBlockReportTime",
    "lastBlockReportMonotonic",
    "xceiverCount",
    "remaining",
    "dfsUsed",
    "capacity",
    "blockPoolUsed",
    "nonDfsUsed",
    "used",
    "cacheUsed",
    "password",
    "identifier",
    "storageUuid",
    "directives",
    "snapshotID",
    "mtime",
    "txid",
    "newSegmentTxId",
];

/// Takes away what differs from call to call; where DataNodes stand in a list does not count.
fn settle(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            // A field that is not there has its default.
            let is_default = |field: &Value| *field == false || *field == 0 || *field == "";
            // A DataNode counts blocks of the nameservice that heard of it last.
            fields.retain(|key, field| !is_default(field) && key != "numBlocks");
            for (key, field) in fields.iter_mut() {
                if VOLATILE.contains(&key.as_str()) || key == "id" && field.is_number() {
                    *field = Value::from("*")
                } else if let ("location", Some(rack)) = (key.as_str(), field.as_str()) {
                    // Of a DataNode of several nameservices, the one that heard of it last tells.
                    *field = Value::from(rack.replace("/ns1/", "/ns0/"))
                } else {
                    settle(field)
                }
            }
            let order = |list: &mut Value| {
                if let Some(list) = list.as_array_mut() {
                    list.sort_by_key(ToString::to_string);
                }
            };
            for key in ["locs", "storageIDs", "di", "datanodeStorageReports", "codec"] {
                fields.get_mut(key).map(order);
            }
        }
        Value::Array(values) => values.iter_mut().for_each(settle),
        _ => {}
    }
}
