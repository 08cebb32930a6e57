//! What our router answers otherwise, on purpose: the entries of `docs/differences.md` that these calls can show.

use std::collections::BTreeMap;

use anabranch_e2e::json::{self, Answer};
use serde_json::{Value, json};

use crate::answers::{
    OF_DIRECTORIES, in_safe_mode, is_answered, is_away, is_beyond, is_false, is_made_or_parentless, is_not_let, listed,
    message, same_words, timeless, unwrapped,
};
use crate::difference::{Difference, INTO, ONTO, PARENTS};
use crate::places::MOUNTS;
use crate::recognised::{
    ALL, BYTES, DEEP, NAMES, NESTED, NO_LEASE, OF_NS1, ONE, Sum, counted, is_missing, is_virtual, quota_of,
    snapshottable,
};

/// See the module.
pub const KNOWN: &[Difference] = &[
    Difference {
        row: "exceptions that are not IOExceptions",
        methods: &[],
        shows: |_, java, ours| unwrapped(java, ours),
    },
    Difference { row: "remote paths in error messages", methods: &[], shows: |_, java, ours| same_words(java, ours) },
    Difference {
        row: "an overlap of names in a merged listing",
        methods: &["getListing"],
        shows: |_, java, ours| {
            let entries = |answer| listed(answer, &[]);
            entries(java).is_some_and(|java| entries(ours) == Some(java))
        },
    },
    Difference {
        row: "attributes of a mount point in a listing",
        methods: &["getListing"],
        shows: |_, java, ours| {
            let entries = |answer| listed(answer, OF_DIRECTORIES);
            entries(java).is_some_and(|java| entries(ours) == Some(java))
        },
    },
    Difference {
        row: "a page of a virtual directory's listing",
        methods: &["getListing"],
        shows: |call, java, ours| {
            let after = json::text(&call.parameters["startAfter"]);
            let entries = |answer| listed(answer, OF_DIRECTORIES);
            let behind = |mut all: BTreeMap<String, Value>| {
                all.retain(|name, _| *name > after);
                all
            };
            !after.is_empty() && entries(java).map(behind).is_some_and(|java| entries(ours) == Some(java))
        },
    },
    Difference {
        row: "times of a virtual directory",
        methods: &["getFileInfo"],
        shows: |_, java, ours| timeless(java).is_some_and(|java| timeless(ours) == Some(java)),
    },
    Difference {
        row: "getContentSummary",
        methods: &["getContentSummary"],
        shows: |_, java, ours| {
            message(java).contains("Cannot locate a registered namenode") && matches!(ours, Answer::Result(_))
        },
    },
    Difference {
        row: "createSymlink, getBatchedListing",
        methods: &["createSymlink", "getBatchedListing"],
        shows: |_, java, ours| matches!(java, Answer::Exception(..)) && message(ours).contains("is not supported"),
    },
    Difference {
        row: "mkdirs where a file is, or below one, several destinations",
        methods: &["mkdirs"],
        shows: |_, java, ours| {
            (is_made_or_parentless(java) || is_not_let(java)) && message(ours).contains("is not a directory")
        },
    },
    Difference {
        row: "delete, setReplication and mkdirs that one destination refuses",
        methods: &["delete", "setReplication"],
        shows: |_, java, ours| matches!(java, Answer::Result(_)) && is_not_let(ours),
    },
    Difference {
        row: "setReplication of a file on several destinations",
        methods: &["setReplication"],
        shows: |_, java, ours| is_false(java) && *ours == Answer::Result(json!({ "result": true })),
    },
    Difference {
        row: ONTO,
        methods: &["rename", "rename2"],
        shows: |call, java, ours| match call.method {
            _ if java == ours => true,
            "rename" => is_false(ours),
            _ => message(ours).starts_with("rename destination /") && message(ours).ends_with(" already exists"),
        },
    },
    Difference {
        row: "concat, satisfyStoragePolicy",
        methods: &["satisfyStoragePolicy"],
        shows: |_, _, ours| message(ours).ends_with("is in a read only mount point") || in_safe_mode(ours),
    },
    Difference {
        row: "getSnapshottableDirListing where there are none",
        methods: &["getSnapshottableDirListing"],
        shows: |_, java, ours| {
            *java == Answer::Result(json!({ "snapshottableDirList": {} })) && *ours == Answer::Result(json!({}))
        },
    },
    Difference {
        row: "getSnapshottableDirListing of directories",
        methods: &["getSnapshottableDirListing"],
        shows: |_, java, ours| {
            let mounts = MOUNTS.iter().filter_map(|mount| mount.split(' ').next()).collect::<Vec<_>>();
            let by_clients = |(path, entry): (String, Value)| {
                let path = path.strip_prefix("/d")?.to_owned();
                mounts.contains(&&*path).then_some((path, entry))
            };
            let mut all = snapshottable(java).into_iter().filter_map(by_clients).collect::<Vec<_>>();
            // Of equal ones, the first stays.
            all.sort_by(|(path, _), (other, _)| path.cmp(other));
            all.dedup_by(|(path, _), (first, _)| path == first);
            !all.is_empty() && snapshottable(ours) == all
        },
    },
    Difference {
        row: "listOpenFiles, listEncryptionZones, listReencryptionStatus",
        methods: &["listOpenFiles", "listEncryptionZones", "listReencryptionStatus"],
        shows: |_, java, ours| is_answered(java, ours),
    },
    Difference {
        row: "reencryptEncryptionZone",
        methods: &["reencryptEncryptionZone"],
        shows: |_, java, ours| is_answered(java, ours),
    },
    Difference {
        row: "snapshot diffs of a directory in several subclusters",
        methods: &["getSnapshotDiffReportListing"],
        shows: |call, _, ours| {
            let spread = ["/all", "/ft", "/rnd", "/space", "/half", "/names"];
            let root = call.parameters["snapshotRoot"].as_str().unwrap_or_default();
            let refused = message(ours).ends_with("is in several; ask for the whole report");
            refused && spread.iter().any(|mount| root.starts_with(mount))
        },
    },
    Difference {
        row: "getDataEncryptionKey",
        methods: &["getDataEncryptionKey"],
        shows: |_, java, ours| is_answered(java, ours),
    },
    Difference {
        row: "rename of a directory, and delete, on several destinations while one is away",
        methods: &["delete"],
        shows: |_, java, ours| matches!(java, Answer::Result(_)) && is_away(ours),
    },
    Difference {
        row: "mkdirs while one destination is away",
        methods: &["mkdirs"],
        shows: |_, java, ours| matches!(java, Answer::Result(_)) && is_away(ours),
    },
    Difference {
        row: "a rename to where a destination is away",
        methods: &["rename", "rename2"],
        shows: |_, _, ours| is_away(ours),
    },
    Difference {
        row: "changes of owners, permissions, ACLs, attributes, policies and snapshots of directories",
        methods: &[
            "setPermission",
            "setOwner",
            "setStoragePolicy",
            "unsetStoragePolicy",
            "setErasureCodingPolicy",
            "unsetErasureCodingPolicy",
            "modifyAclEntries",
            "removeAclEntries",
            "removeDefaultAcl",
            "removeAcl",
            "setAcl",
            "setXAttr",
            "removeXAttr",
        ],
        shows: |_, java, ours| match java {
            Answer::Exception(class, _) => {
                class.ends_with(".FileNotFoundException") && matches!(ours, Answer::Exception(..))
            }
            _ => is_away(ours),
        },
    },
    Difference {
        row: "a listing or summary that one destination refuses, and no other has",
        methods: &["getListing", "getContentSummary"],
        shows: |_, java, ours| {
            let empty = matches!(java, Answer::Result(said) if *said == json!({ "summary": {} }));
            (empty || is_false(java) || message(java).starts_with("File does not exist: ")) && is_not_let(ours)
        },
    },
    Difference {
        row: "creating a mount point with several destinations, and its parents",
        methods: &["create"],
        shows: |_, java, ours| {
            message(java).contains("Can not create a Path") && message(ours).ends_with(" is a mount point")
        },
    },
    Difference { row: INTO, methods: &["rename"], shows: |_, java, ours| java == ours },
    Difference {
        row: "rename of a directory onto a file of one destination",
        methods: &["rename2"],
        shows: |_, java, ours| is_false(java) && message(ours).ends_with(" must both be directories"),
    },
    Difference {
        row: "a rename that the source's destination refuses",
        methods: &["rename", "rename2"],
        shows: |_, java, ours| {
            let refused = is_not_let(ours) || message(ours).starts_with("rename destination parent ");
            (is_false(java) || matches!(java, Answer::Exception(..))) && refused
        },
    },
    Difference {
        row: "getContentSummary of an empty path",
        methods: &["getContentSummary"],
        shows: |call, java, ours| {
            call.parameters["path"] == "" && matches!((java, ours), (Answer::Exception(..), Answer::Exception(..)))
        },
    },
    Difference {
        row: "HASH_ALL, RANDOM: \"not found\" while a location did not answer",
        methods: &["getFileInfo", "delete", "setReplication"],
        shows: |_, java, ours| is_false(java) && is_away(ours),
    },
    Difference {
        row: "a listing or summary of a directory that those who answered do not have",
        methods: &["getListing", "getContentSummary"],
        shows: |_, java, ours| (is_false(java) || message(java).starts_with("File does not exist: ")) && is_away(ours),
    },
    Difference {
        row: "creating a file, or a directory, where another location has a file, while one is away",
        methods: &["create", "mkdirs"],
        shows: |_, java, ours| {
            let there = message(ours).ends_with("already exists") || message(ours).contains("is not a directory");
            message(java).contains("NoNamenodesAvailable") && there
        },
    },
    Difference {
        row: "creating a file below a file, several destinations",
        methods: &["create"],
        shows: |_, java, ours| {
            matches!(ours, Answer::Exception(class, _) if class.ends_with(".ParentNotDirectoryException"))
                && (is_made_or_parentless(java) || is_not_let(java))
        },
    },
    Difference {
        row: "creating a file elsewhere, as the mount is fault tolerant",
        methods: &["create"],
        shows: |_, java, ours| {
            let (Answer::Result(java), Answer::Result(mut ours)) = (java, ours.clone()) else { return false };
            ours["fs"].as_object_mut().is_some_and(|status| status.remove("namespace").is_some()) && *java == ours
        },
    },
    Difference {
        row: "renaming a file that lies where the destination has no location",
        methods: &["rename", "rename2"],
        shows: |_, java, ours| {
            let missing =
                matches!(java, Answer::Result(found) if *found == json!({})) || message(java).contains("is not found");
            missing && message(ours).contains("no eligible destination in the same namespace was found")
        },
    },
    Difference {
        row: "a nameservice none of whose NameNodes answers",
        methods: &[],
        shows: |_, java, ours| {
            let Answer::Exception(class, _) = ours else { return false };
            let known = "org.apache.hadoop.hdfs.server.federation.router.NoNamenodesAvailableException: ";
            let said = message(java).strip_prefix(known);
            class.ends_with(".RetriableException") && said.is_some_and(|said| message(ours).starts_with(said))
        },
    },
    Difference {
        row: "a block pool that nobody reported",
        methods: &["abandonBlock", "getAdditionalDatanode", "updateBlockForPipeline", "updatePipeline"],
        shows: |_, java, ours| {
            message(java).starts_with("Cannot locate a registered namenode for BP-none")
                && matches!(ours, Answer::Exception(..))
        },
    },
    Difference {
        row: "renewing and cancelling delegation tokens without security",
        methods: &["renewDelegationToken", "cancelDelegationToken"],
        shows: |_, java, ours| {
            message(java).contains("dtSecretManager") && message(ours).contains("issued only with security on")
        },
    },
    Difference {
        row: "getSnapshotDiffReport of a path below the snapshottable directory",
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
    Difference {
        row: "setQuota at a mount point, in safe mode",
        methods: &["setQuota"],
        shows: |_, java, ours| message(java).contains("is not allowed to change quota of") && in_safe_mode(ours),
    },
    Difference {
        row: "status of a mount point whose subclusters are all disabled",
        methods: &["getFileInfo", "getListing"],
        shows: |call, java, ours| {
            let src = call.parameters["src"].as_str().unwrap_or_default();
            if call.method == "getFileInfo" {
                let (Answer::Result(java), Answer::Result(ours)) = (java, ours) else { return false };
                return OF_NS1.contains(&src) && java["fs"]["owner"] == "at-ns1" && is_virtual(&ours["fs"], "");
            }
            let after = json::text(&call.parameters["startAfter"]);
            let names: Vec<_> = OF_NS1.iter().filter_map(|mount| mount.rsplit_once('/')).collect();
            let names = names.iter().filter(|(parent, _)| *parent == src.trim_end_matches('/')).map(|(_, name)| *name);
            let split = |answer| {
                let mut all = listed(answer, OF_DIRECTORIES)?;
                all.retain(|name, _| *name > after);
                let mounts = names.clone().filter(|mount| all.remove(*mount).is_some()).collect::<Vec<_>>();
                Some((all, mounts))
            };
            let Some((all, mounts)) = split(java) else { return false };
            let shown = listed(ours, &[]).unwrap_or_default();
            let disabled = mounts.iter().all(|mount| shown.get(*mount).is_some_and(|entry| is_virtual(entry, mount)));
            !mounts.is_empty() && disabled && split(ours) == Some((all, mounts))
        },
    },
    Difference {
        row: "a directory that several mounts show, in sums",
        methods: &["getContentSummary", "getQuotaUsage"],
        shows: |call, java, ours| {
            let again: &[&[Sum]] = match call.method {
                // Or ns1 is disabled.
                "getContentSummary" => &[&[ONE, ALL, NESTED, NESTED, DEEP, DEEP, NAMES, BYTES], &[ONE]],
                _ => &[&[ALL, NESTED, DEEP, NAMES, BYTES]],
            };
            let Answer::Result(mut java) = java.clone() else { return false };
            // The row of getContentSummary: it has the limit of a NameNode's root.
            if let Some(quota) = java.pointer_mut("/summary/quota").filter(|quota| **quota == i64::MAX) {
                *quota = u64::MAX.into();
            }
            call.parameters["path"] == "/" && again.iter().any(|again| counted(ours, again).as_ref() == Some(&java))
        },
    },
    Difference {
        row: "a listing of what only disabled subclusters have",
        methods: &["getListing"],
        shows: |call, java, ours| {
            let src = call.parameters["src"].as_str().unwrap_or_default();
            let words = format!("Cannot find locations for {src} in MultipleDestinationMountTableResolver");
            is_false(java) && message(ours) == words
        },
    },
    Difference {
        row: "a block pool of a disabled nameservice, with a path in it",
        methods: &["abandonBlock", "getAdditionalDatanode"],
        shows: |_, java, ours| {
            message(java).starts_with("Cannot find locations for ") && message(ours).contains("(inode 0) Holder t")
        },
    },
    Difference {
        row: PARENTS,
        methods: &["create"],
        shows: |call, java, ours| java == ours && call.parameters["createParent"] == true,
    },
    Difference {
        row: "messages |",
        methods: &[],
        shows: |call, java, ours| {
            let (Answer::Exception(class, _), Answer::Exception(other, _)) = (java, ours) else { return false };
            let named = |mount: &&str| {
                let said = ["of", "of directory"].map(|of| format!(" {of} {mount} is exceeded: "));
                said.iter().any(|said| message(ours).contains(said))
            };
            is_beyond(java) && class == other && quota_of(call).as_ref().is_some_and(named)
        },
    },
    Difference {
        row: "truncate, complete, abandonBlock",
        methods: &["truncate", "complete", "abandonBlock"],
        shows: |call, java, ours| {
            let src = call.parameters["src"].as_str().unwrap_or_default();
            let lease = if call.method == "truncate" { "" } else { NO_LEASE };
            is_beyond(java) && is_missing(ours, &format!("File does not exist: {src}{lease}"))
        },
    },
    Difference {
        row: "mkdirs; append, addBlock, setReplication",
        methods: &["mkdirs", "append", "addBlock", "setReplication"],
        shows: |call, java, ours| {
            let src = call.parameters["src"].as_str().unwrap_or_default();
            let as_namenodes = match call.method {
                "append" => {
                    is_missing(ours, &format!("Failed to append to non-existent file {src} for client 127.0.0.1"))
                }
                "addBlock" => is_missing(ours, &format!("File does not exist: {src}{NO_LEASE}")),
                _ => *ours == Answer::Result(json!({ "result": true })),
            };
            let unlimited = if call.method == "mkdirs" { "/bytes" } else { "/names" };
            is_beyond(java) && quota_of(call) == Some(unlimited) && as_namenodes
        },
    },
    Difference {
        row: "rename | not checked",
        methods: &["rename", "rename2"],
        shows: |_, java, ours| !is_beyond(java) && is_beyond(ours),
    },
    // No difference: any location may be asked last, and each has a reason of its own.
    Difference {
        row: "(what was asked last told why)",
        methods: &[],
        shows: |call, java, ours| {
            let drawn = ["/rnd/", "/space/", "/local/"].iter().any(|mount| call.parameters.to_string().contains(mount));
            drawn && matches!((java, ours), (Answer::Exception(..), Answer::Exception(..)))
        },
    },
    Difference {
        row: "concat of files that are empty, or to a directory",
        methods: &["concat"],
        shows: |_, java, ours| matches!((java, ours), (Answer::Exception(..), Answer::Exception(..))),
    },
];
