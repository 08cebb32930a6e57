//! Which nameservices there are, and where their NameNodes serve.

use super::Error;
use super::properties::Properties;
use super::value::HostPort;
use crate::config::{NamenodeConfig, NameserviceConfig};

const NAMESERVICES: &str = "dfs.nameservices";
const MONITORED: &str = "dfs.federation.router.monitor.namenode";
const RPC_ADDRESS: &str = "dfs.namenode.rpc-address";
const NAMENODES: &str = "dfs.ha.namenodes";

/// The nameservices that the router serves: those that it monitors, or all.
pub(super) fn nameservices(properties: &Properties, monitored: &[String]) -> Result<Vec<NameserviceConfig>, Error> {
    let declared = properties.list(NAMESERVICES)?;
    let mut ids: Vec<String> = Vec::new();
    let wanted = if monitored.is_empty() { &declared } else { monitored };
    for word in wanted {
        let id = split(word, &declared).0;
        if !ids.iter().any(|known| known == id) {
            ids.push(id.to_owned());
        }
    }
    if ids.is_empty() {
        return Err(Error::Missing {
            key: NAMESERVICES.to_owned(),
            accepted: "the ids of the subclusters, separated by commas".to_owned(),
            reason: "a router needs at least one subcluster".to_owned(),
        });
    }
    ids.into_iter().map(|id| nameservice(properties, id, monitored, &declared)).collect()
}

/// All nameservices of the configuration whose NameNodes it knows.
pub(super) fn declared(properties: &Properties) -> Result<Vec<NameserviceConfig>, Error> {
    let ids = properties.list(NAMESERVICES)?;
    // One that the router does not serve need not be complete.
    let known = |id: &String| nameservice(properties, id.clone(), &[], &ids).ok();
    Ok(ids.iter().filter_map(known).collect())
}

/// `ns.nn` as (ns, nn), `ns` as (ns, none). An id may hold a dot itself, which only the declared ones tell.
fn split<'a>(word: &'a str, declared: &[String]) -> (&'a str, Option<&'a str>) {
    if declared.iter().any(|id| id == word) {
        return (word, None);
    }
    match word.rsplit_once('.') {
        Some((id, namenode)) => (id, Some(namenode)),
        None => (word, None),
    }
}

fn nameservice(
    properties: &Properties,
    id: String,
    monitored: &[String],
    declared: &[String],
) -> Result<NameserviceConfig, Error> {
    let chosen: Vec<&str> = monitored
        .iter()
        .map(|word| split(word, declared))
        .filter(|(ns, _)| *ns == id)
        .filter_map(|(_, nn)| nn)
        .collect();
    let mut names = properties.list(&format!("{NAMENODES}.{id}"))?;
    names.retain(|name| chosen.is_empty() || chosen.contains(&name.as_str()));
    if names.is_empty() {
        names = chosen.iter().map(|name| (*name).to_owned()).collect();
    }
    let namenodes = match names.as_slice() {
        [] => vec![NamenodeConfig { id: None, rpc_address: address(properties, &id, format!("{RPC_ADDRESS}.{id}"))? }],
        names => names.iter().map(|name| namenode(properties, &id, name)).collect::<Result<_, _>>()?,
    };
    Ok(NameserviceConfig { id, namenodes })
}

fn namenode(properties: &Properties, id: &str, name: &str) -> Result<NamenodeConfig, Error> {
    let rpc_address = address(properties, id, format!("{RPC_ADDRESS}.{id}.{name}"))?;
    Ok(NamenodeConfig { id: Some(name.to_owned()), rpc_address })
}

fn address(properties: &Properties, id: &str, key: String) -> Result<String, Error> {
    let accepted = "host:port of a NameNode's RPC";
    match properties.get(&key)? {
        Some(value) if HostPort::parse(&value).is_some() => Ok(value),
        Some(value) => Err(properties.refused(&key, &value, accepted)),
        None => Err(Error::Missing {
            key,
            accepted: accepted.to_owned(),
            reason: format!("{id} is one of the nameservices of {NAMESERVICES} or {MONITORED}"),
        }),
    }
}
