//! What our router answers otherwise, on purpose: the entries of `docs/differences.md` that these calls can show.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::calls::Call;
use crate::site::Outcome;
use crate::wire::Answer;

/// A difference and how it is recognised.
pub struct Difference {
    /// In a few words.
    pub what: &'static str,
    /// Its methods; empty for all.
    methods: &'static [&'static str],
    shows: fn(&Call, &Answer, &Answer) -> bool,
}

impl Difference {
    /// Whether two outcomes of a call (Java's, ours) differ in this way, and in no other.
    pub fn is(&self, call: &Call, java: &Outcome, ours: &Outcome) -> bool {
        let concerned = self.methods.is_empty() || self.methods.contains(&call.method);
        // Java's router makes directories beside a file of their name, and for files that it can't make.
        let fewer = ["mkdirs", "create"].contains(&call.method) && ours.trees.is_empty();
        let same_trees = java.trees == ours.trees || (fewer && matches!(ours.answer, Answer::Exception(..)));
        concerned && same_trees && (self.shows)(call, &java.answer, &ours.answer)
    }
}

/// See the module.
pub const KNOWN: &[Difference] = &[
    Difference { what: "exceptions keep their class", methods: &[], shows: |_, java, ours| unwrapped(java, ours) },
    Difference {
        what: "paths in messages are the client's",
        methods: &[],
        shows: |_, java, ours| same_words(java, ours),
    },
    Difference {
        what: "the first of several destinations has a name in a listing",
        methods: &["getListing"],
        shows: |_, java, ours| names(java).is_some_and(|java| names(ours) == Some(java)),
    },
    Difference {
        what: "a page of a virtual directory begins where the last one ended",
        methods: &["getListing"],
        shows: |call, java, ours| {
            call.parameters["startAfter"] != ""
                && names(ours).is_some_and(|ours| ours.len() < names(java).unwrap_or_default().len())
        },
    },
    Difference {
        what: "virtual directories have times",
        methods: &["getFileInfo"],
        shows: |_, java, ours| timeless(java).is_some_and(|java| timeless(ours) == Some(java)),
    },
    Difference {
        what: "a summary leaves out what nobody knows",
        methods: &["getContentSummary"],
        shows: |_, java, ours| {
            message(java).contains("Cannot locate a registered namenode") && matches!(ours, Answer::Result(_))
        },
    },
    Difference {
        what: "what is not supported is refused before its path is looked at",
        methods: &["createSymlink"],
        shows: |_, java, ours| matches!(java, Answer::Exception(..)) && message(ours).contains("is not supported"),
    },
    Difference {
        what: "nothing is made, changed or deleted where a file is in the way",
        methods: &["mkdirs", "delete", "setReplication"],
        shows: |_, java, ours| matches!(java, Answer::Result(_)) && message(ours).contains("is not a directory"),
    },
    Difference {
        what: "what moves blocks is a write",
        methods: &["satisfyStoragePolicy"],
        shows: |_, _, ours| message(ours).contains("read only mount point"),
    },
    Difference {
        what: "no list of snapshottable directories is none, as from NameNodes",
        methods: &["getSnapshottableDirListing"],
        shows: |_, java, ours| matches!((java, ours), (Answer::Result(_), Answer::Result(ours)) if *ours == json!({})),
    },
    Difference {
        what: "what is not supported is refused by its name",
        methods: &["getBatchedListing"],
        shows: |_, java, ours| matches!(java, Answer::Exception(..)) && message(ours).contains("is not supported"),
    },
    Difference {
        what: "what can be told of several nameservices is",
        methods: &[
            "listOpenFiles",
            "listEncryptionZones",
            "listReencryptionStatus",
            "reencryptEncryptionZone",
            "getDataEncryptionKey",
        ],
        shows: |_, java, ours| {
            message(java).contains("is not supported") && !message(ours).contains("is not supported")
        },
    },
    Difference {
        what: "nothing is deleted or made for good while a destination is away",
        methods: &["delete", "mkdirs"],
        shows: |_, java, ours| {
            matches!(java, Answer::Result(_))
                && message(ours).starts_with("No namenodes available under nameservice ns2")
        },
    },
    Difference {
        what: "an empty path is refused as everywhere",
        methods: &["getContentSummary"],
        shows: |call, java, ours| {
            call.parameters["path"] == "" && matches!((java, ours), (Answer::Exception(..), Answer::Exception(..)))
        },
    },
    Difference {
        what: "what is not found may be where nobody answered",
        methods: &["getFileInfo", "delete", "setReplication"],
        shows: |_, java, ours| {
            matches!(java, Answer::Result(found) if *found == json!({}))
                && message(ours).starts_with("No namenodes available under nameservice ns2")
        },
    },
    Difference {
        what: "what is found exists, though somebody did not answer",
        methods: &["create", "mkdirs"],
        shows: |_, java, ours| {
            let there = message(ours).ends_with("already exists") || message(ours).contains("is not a directory");
            message(java).contains("NoNamenodesAvailable") && there
        },
    },
    Difference {
        what: "what is below a file is refused as by a NameNode",
        methods: &["create"],
        shows: |_, java, ours| {
            matches!(ours, Answer::Exception(class, _) if class.ends_with(".ParentNotDirectoryException"))
                && message(java).contains("is not a directory")
        },
    },
    Difference {
        what: "a file that was made elsewhere names its nameservice",
        methods: &["create"],
        shows: |_, java, ours| {
            let (Answer::Result(java), Answer::Result(mut ours)) = (java, ours.clone()) else { return false };
            ours["fs"].as_object_mut().is_some_and(|status| status.remove("namespace").is_some()) && *java == ours
        },
    },
    Difference {
        what: "a rename whose source lies elsewhere is said to go across",
        methods: &["rename", "rename2"],
        shows: |_, java, ours| {
            let missing =
                matches!(java, Answer::Result(found) if *found == json!({})) || message(java).contains("is not found");
            missing && message(ours).contains("no eligible destination in the same namespace was found")
        },
    },
    Difference {
        what: "why a nameservice is away is told",
        methods: &[],
        shows: |_, java, ours| {
            let Answer::Exception(class, _) = ours else { return false };
            let known = "org.apache.hadoop.hdfs.server.federation.router.NoNamenodesAvailableException: ";
            let said = message(java).strip_prefix(known);
            class.ends_with(".RetriableException") && said.is_some_and(|said| message(ours).starts_with(said))
        },
    },
    Difference {
        what: "a block of a pool that nobody reported is looked for",
        methods: &["abandonBlock", "getAdditionalDatanode", "updateBlockForPipeline", "updatePipeline"],
        shows: |_, java, ours| {
            message(java).starts_with("Cannot locate a registered namenode for BP-none")
                && matches!(ours, Answer::Exception(..))
        },
    },
    Difference {
        what: "tokens are refused with a reason",
        methods: &["renewDelegationToken", "cancelDelegationToken"],
        shows: |_, java, ours| {
            message(java).contains("dtSecretManager") && message(ours).contains("issued only with security on")
        },
    },
    Difference {
        what: "the root of a snapshot's differences is the client's path",
        methods: &["getSnapshotDiffReport"],
        shows: |call, java, ours| {
            let root = call.parameters["snapshotRoot"].as_str().unwrap_or_default();
            let of = |answer: &Answer| match answer {
                Answer::Result(value) => value["diffReport"]["snapshotRoot"].as_str().unwrap_or_default().to_owned(),
                _ => String::new(),
            };
            !of(ours).is_empty() && root.starts_with(&of(ours)) && of(java) == format!("/d{}", of(ours))
        },
    },
    // No difference: any location may be asked last, and each has a reason of its own.
    Difference {
        what: "(what was asked last told why)",
        methods: &[],
        shows: |call, java, ours| {
            let drawn = ["/rnd/", "/space/", "/local/"].iter().any(|mount| call.parameters.to_string().contains(mount));
            drawn && matches!((java, ours), (Answer::Exception(..), Answer::Exception(..)))
        },
    },
    Difference {
        what: "concat says what is wrong with files that are empty, or with the path",
        methods: &["concat"],
        shows: |_, java, ours| matches!((java, ours), (Answer::Exception(..), Answer::Exception(..))),
    },
];

fn message(answer: &Answer) -> &str {
    match answer {
        Answer::Exception(_, message) => message,
        _ => "",
    }
}

/// Java's says in words what the class of ours is.
fn unwrapped(java: &Answer, ours: &Answer) -> bool {
    let Answer::Exception(class, _) = ours else { return false };
    let inner = message(java).strip_prefix(&format!("org.apache.hadoop.ipc.RemoteException({class}): "));
    inner.is_some_and(|inner| inner == message(ours))
}

/// The same exception, but for paths; some say all several times when Java's router has replaced one.
fn same_words(java: &Answer, ours: &Answer) -> bool {
    let (Answer::Exception(class, _), Answer::Exception(other, _)) = (java, ours) else { return false };
    let words = |answer| message(answer).split_whitespace().filter(|word| !word.contains('/')).collect::<Vec<_>>();
    class == other && (words(java) == words(ours) || message(java).starts_with("```"))
}

/// The names in a listing.
fn names(answer: &Answer) -> Option<BTreeSet<String>> {
    let Answer::Result(value) = answer else { return None };
    let entries = value["dirList"]["partialListing"].as_array().into_iter().flatten();
    Some(entries.map(|entry| entry["path"].to_string()).collect())
}

/// A status without its times.
fn timeless(answer: &Answer) -> Option<Value> {
    let Answer::Result(mut value) = answer.clone() else { return None };
    let status = value["fs"].as_object_mut()?;
    status.retain(|key, _| !key.ends_with("Time"));
    Some(value)
}
