//! What someone else wrote into a store becomes declared.

use anabranch_api::{
    DestinationSpec, FieldError, FieldPath, MountEntrySpec, MountOrder, MountTable, MountTableSpec, QuotaSpec,
};
use anabranch_federation::MountEntry;
use kube::api::PostParams;
use kube::{Api, ResourceExt};

use crate::context::Context;
use crate::error::{Error, Trying};
use crate::names::MANAGER;

/// Writes entries over those of a MountTable with the same paths, or adds them. Does nothing when the object has changed in
/// the meantime: it is looked at again anyway.
///
/// # Errors
/// When the API server fails.
pub async fn take_over(context: &Context, table: &MountTable, entries: &[MountEntrySpec]) -> Result<(), Error> {
    let (namespace, name) = (table.namespace().unwrap_or_default(), table.name_any());
    let api: Api<MountTable> = Api::namespaced(context.client.clone(), &namespace);
    let mut changed = table.clone();
    // Not a field that the server takes from a client.
    changed.metadata.managed_fields = None;
    merge(&mut changed.spec, entries);
    let parameters = PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() };
    match api.replace(&name, &parameters, &changed).await {
        Err(kube::Error::Api(status)) if status.code == 409 || status.code == 404 => Ok(()),
        replaced => replaced.map(drop).trying(|| format!("adopt entries into MountTable {namespace}/{name}")),
    }
}

/// Puts entries into a spec.
pub fn merge(spec: &mut MountTableSpec, entries: &[MountEntrySpec]) {
    for entry in entries {
        match spec.entries.iter_mut().find(|known| known.path == entry.path) {
            Some(known) => *known = entry.clone(),
            None => spec.entries.push(entry.clone()),
        }
    }
}

/// The entry as a MountTable would declare it, and what it means there: what makes no difference, such as the order of one
/// destination, is lost.
///
/// # Errors
/// What no MountTable can declare, by field.
pub fn declare(entry: &MountEntry) -> Result<(MountEntrySpec, MountEntry), String> {
    let mut table = MountTableSpec { fleet_ref: None, entries: vec![describe(entry)] };
    let shown = |FieldError { path, problem }: FieldError| {
        // Without `spec.entries[0]`, of which there is none.
        let field: FieldPath = path.segments().iter().skip(3).cloned().collect();
        format!("{field}: {problem}")
    };
    let meant = table.to_entries().map_err(|errors| errors.into_iter().map(shown).collect::<Vec<_>>().join("; "))?;
    table.entries.pop().zip(meant.into_iter().next()).ok_or_else(|| "declares nothing".to_owned())
}

fn describe(entry: &MountEntry) -> MountEntrySpec {
    let destination = |to: &anabranch_federation::Destination| DestinationSpec {
        nameservice: to.nameservice.to_string(),
        path: to.path.to_string(),
    };
    let named = |name: &str| (!name.is_empty()).then(|| name.to_owned());
    let several = entry.destinations.len() > 1;
    MountEntrySpec {
        path: entry.source.to_string(),
        destinations: entry.destinations.iter().map(destination).collect(),
        // With one destination the order has no meaning, and the schema takes none.
        order: if several { MountOrder::from(entry.order) } else { MountOrder::default() },
        read_only: entry.read_only,
        fault_tolerant: entry.fault_tolerant,
        owner: named(&entry.owner),
        group: named(&entry.group),
        mode: format!("{:04o}", entry.mode),
        quota: entry.quota.is_set().then(|| QuotaSpec::from(&entry.quota)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_table_can_declare_is_named() {
        let twice = MountEntry::parse("/a", [("ns0", "/x"), ("ns0", "/y")]).unwrap();
        let names: Vec<String> = (0..17).map(|number| format!("ns{number}")).collect();
        let many = MountEntry::parse("/a", names.iter().map(|name| (name.as_str(), "/x"))).unwrap();
        let one = MountEntry::parse("/a", [("ns0", "/x")]).unwrap();
        let long = |length: usize| MountEntry { owner: "o".repeat(length), ..one.clone() };
        let cases = [
            (twice, r#"destinations[1].nameservice: "ns0" is a destination already; each nameservice may be one once"#),
            (many, "destinations: has 17 elements; expected at most 16"),
            (long(254), "owner: has 254 characters; expected at most 253"),
            (MountEntry { fault_tolerant: true, ..one.clone() }, "faultTolerant: needs two destinations or more"),
        ];
        for (entry, expected) in cases {
            assert_eq!(declare(&entry).unwrap_err(), expected);
        }
        assert!(declare(&long(253)).is_ok());
    }

    #[test]
    fn the_order_of_one_destination_means_nothing() {
        let one = MountEntry::parse("/a", [("ns0", "/x")]).unwrap();
        let random = MountEntry { order: anabranch_federation::Order::Random, ..one.clone() };
        assert_eq!(declare(&random).unwrap(), declare(&one).unwrap());
    }
}
