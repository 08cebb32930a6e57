//! `StateStore` and `StateStoreActivity`: how the state store is used, and what is known from it.

use anabranch_telemetry::jmx::Attributes;

use super::{Sources, attributes, process_tags, rate, unknown};
use crate::federation_view::{KINDS, Operation};

pub(super) fn attributes(sources: &Sources) -> Attributes {
    let of = |operation| sources.view.operations().of(operation);
    let (reads, writes) = (of(Operation::Read), of(Operation::Write));
    let (failures, removes) = (of(Operation::Failure), of(Operation::Remove));
    attributes![
        "ReadOps" => reads.0,
        "ReadAvg" => reads.1,
        "WriteOps" => writes.0,
        "WriteAvg" => writes.1,
        "FailureOps" => failures.0,
        "FailureAvg" => failures.1,
        "RemoveOps" => removes.0,
        "RemoveAvg" => removes.1,
    ]
}

pub(super) fn activity(sources: &Sources) -> Attributes {
    let operations = sources.view.operations();
    let mut attributes = process_tags(sources, "dfs", Some("RouterSession"));
    let counted = [
        ("Failures", Operation::Failure),
        ("Reads", Operation::Read),
        ("Removes", Operation::Remove),
        ("Writes", Operation::Write),
    ];
    for (name, operation) in counted {
        let (number, mean_ms) = operations.of(operation);
        attributes.extend(rate(name, number, mean_ms));
    }
    for kind in KINDS {
        let size = match kind {
            "MembershipState" => sources.view.memberships().borrow().len(),
            "MountTable" => sources.mounts().len(),
            "RouterState" => sources.view.routers().borrow().len(),
            _ => sources.view.disabled().borrow().len(),
        };
        // Taking records over means to exchange a pointer.
        attributes.extend(rate(&format!("Cache{kind}Load"), operations.loads(kind), 0.0));
        attributes.push((format!("Cache{kind}Size").into(), size.into()));
    }
    attributes.extend(unknown::of("StateStoreActivity"));
    attributes
}
