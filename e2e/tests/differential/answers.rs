//! What two answers to a call say.

use std::collections::BTreeMap;

use anabranch_e2e::json::{self, Answer};
use serde_json::{Value, json};

/// What an exception says.
pub fn message(answer: &Answer) -> &str {
    match answer {
        Answer::Exception(_, message) => message,
        _ => "",
    }
}

/// Java's says in words what the class of ours is.
pub fn unwrapped(java: &Answer, ours: &Answer) -> bool {
    let Answer::Exception(class, _) = ours else { return false };
    let inner = message(java).strip_prefix(&format!("org.apache.hadoop.ipc.RemoteException({class}): "));
    inner.is_some_and(|inner| inner == message(ours))
}

/// The same exception, but for paths; some say all several times when Java's router has replaced one.
pub fn same_words(java: &Answer, ours: &Answer) -> bool {
    let (Answer::Exception(class, _), Answer::Exception(other, _)) = (java, ours) else { return false };
    let words = |answer| message(answer).split_whitespace().filter(|word| !word.contains('/')).collect::<Vec<_>>();
    class == other && (words(java) == words(ours) || message(java).starts_with("```"))
}

/// `null`, or false.
pub fn is_false(answer: &Answer) -> bool {
    *answer == Answer::Result(json!({}))
}

/// Something was made, or what is above it is missing.
pub fn is_made_or_parentless(java: &Answer) -> bool {
    matches!(java, Answer::Result(_)) || message(java).starts_with("Parent directory doesn't exist: ")
}

/// Below a file, or where the caller must not go.
pub fn is_not_let(answer: &Answer) -> bool {
    message(answer).contains("is not a directory") || message(answer).starts_with("Permission denied")
}

/// Refused, as the router is in safe mode.
pub fn in_safe_mode(ours: &Answer) -> bool {
    message(ours).ends_with(" is in safe mode and cannot handle WRITE requests")
}

/// Whether a quota refuses it.
pub fn is_beyond(answer: &Answer) -> bool {
    matches!(answer, Answer::Exception(class, _) if class.ends_with("QuotaExceededException"))
}

/// Refused, as a subcluster is away.
pub fn is_away(ours: &Answer) -> bool {
    message(ours).starts_with("No namenodes available under nameservice ns2: ")
}

/// Ours knows how to answer.
pub fn is_answered(java: &Answer, ours: &Answer) -> bool {
    message(java).contains("is not supported") && !message(ours).contains("is not supported")
}

/// What only NameNodes, or only the mount table, say of a directory.
pub const OF_DIRECTORIES: &[&str] = &["accessTime", "fileId", "childrenNum"];

/// The entries of a listing by their names, as if both NameNodes had one owner of all, without some fields of directories.
pub fn listed(answer: &Answer, without: &[&str]) -> Option<BTreeMap<String, Value>> {
    let Answer::Result(value) = answer else { return None };
    let entries = value["dirList"]["partialListing"].as_array().into_iter().flatten();
    let plain = |entry: &Value| {
        let mut entry = entry.clone();
        let is_directory = entry["fileType"] == "IS_DIR";
        let fields = entry.as_object_mut()?;
        if let Some(owner) =
            fields.get_mut("owner").filter(|owner| owner.as_str().unwrap_or_default().starts_with("at-ns"))
        {
            *owner = "at-either".into();
        }
        fields.retain(|key, _| !(is_directory && without.contains(&key.as_str())));
        Some((json::name(&entry), entry))
    };
    entries.map(plain).collect()
}

/// A status without its times.
pub fn timeless(answer: &Answer) -> Option<Value> {
    let Answer::Result(mut value) = answer.clone() else { return None };
    let status = value["fs"].as_object_mut()?;
    status.retain(|key, _| !key.ends_with("Time"));
    Some(value)
}
