//! Which NameNodes the router watches, and where they can be asked.

use std::net::{IpAddr, UdpSocket};

use super::properties::Properties;
use super::value::{self, HostPort};
use super::{Error, topology};
use crate::config::{MonitoredNamenode, NamenodeConfig, NameserviceConfig, WEB_PORT, WebScheme};

const HTTP_POLICY: &str = "dfs.http.policy";
const WEB_PORTS: [(WebScheme, &str, u16); 2] =
    [(WebScheme::Http, "dfs.namenode.http-address", WEB_PORT), (WebScheme::Https, "dfs.namenode.https-address", 9871)];

const RESOLUTION: &str = "dfs.federation.router.monitor.namenode.nameservice.resolution-enabled";
const RESOLVER: &str = "dfs.federation.router.monitor.namenode.nameservice.resolver.impl";
/// The one resolver that Hadoop has.
pub(super) const RESOLVERS: &str = "org.apache.hadoop.net.DNSDomainNameResolver";

/// Whether several NameNodes are behind the host name of one. As in the Java router, one without an id stands for itself.
pub(super) fn stands_for_several(properties: &Properties, namenode: &MonitoredNamenode) -> Result<bool, Error> {
    let said = |key: &str| -> Result<Option<(String, String)>, Error> {
        let key = format!("{key}.{}", namenode.nameservice);
        Ok(properties.get(&key)?.filter(|value| !value.is_empty()).map(|value| (key, value)))
    };
    if let Some((key, resolver)) = said(RESOLVER)?.filter(|(_, resolver)| resolver != RESOLVERS) {
        return Err(properties.refused(&key, &resolver, RESOLVERS));
    }
    let Some((key, enabled)) = said(RESOLUTION)? else { return Ok(false) };
    let enabled = value::flag(&enabled).ok_or_else(|| properties.refused(&key, &enabled, "true or false"))?;
    Ok(enabled && namenode.namenode.is_some())
}

/// The NameNodes of the nameservices that the router serves, and with `local` those of this machine, too.
pub(super) fn namenodes(
    properties: &Properties,
    served: &[NameserviceConfig],
    local: bool,
) -> Result<Vec<MonitoredNamenode>, Error> {
    let scheme = scheme(properties)?;
    let mut all = Vec::new();
    for nameservice in served {
        for namenode in &nameservice.namenodes {
            all.push(monitored(properties, &nameservice.id, namenode, scheme)?);
        }
    }
    let declared = if local { topology::declared(properties)? } else { Vec::new() };
    for nameservice in declared {
        for namenode in &nameservice.namenodes {
            if is_of_this_machine(properties, &nameservice.id, namenode)? {
                let here = monitored(properties, &nameservice.id, namenode, scheme)?;
                if !all.contains(&here) {
                    all.push(here);
                }
            }
        }
    }
    Ok(all)
}

fn scheme(properties: &Properties) -> Result<WebScheme, Error> {
    match properties.get(HTTP_POLICY)?.as_deref() {
        None | Some("" | "HTTP_ONLY" | "HTTP_AND_HTTPS") => Ok(WebScheme::Http),
        Some("HTTPS_ONLY") => Ok(WebScheme::Https),
        Some(other) => Err(properties.refused(HTTP_POLICY, other, "HTTP_ONLY, HTTPS_ONLY or HTTP_AND_HTTPS")),
    }
}

fn monitored(
    properties: &Properties,
    nameservice: &str,
    namenode: &NamenodeConfig,
    web_scheme: WebScheme,
) -> Result<MonitoredNamenode, Error> {
    let suffix = match &namenode.id {
        Some(id) => format!("{nameservice}.{id}"),
        None => nameservice.to_owned(),
    };
    let address = |key: &str, or: &str| -> Result<String, Error> {
        let key = format!("{key}.{suffix}");
        match properties.get(&key)?.filter(|value| !value.is_empty()) {
            None => Ok(or.to_owned()),
            Some(value) if HostPort::parse(&value).is_some() => Ok(value),
            Some(value) => Err(properties.refused(&key, &value, "host:port of a NameNode")),
        }
    };
    let rpc_address = namenode.rpc_address.clone();
    let service_address = address("dfs.namenode.servicerpc-address", &rpc_address)?;
    let lifeline_address = address("dfs.namenode.lifeline.rpc-address", &service_address)?;
    let host = rpc_address.rsplit_once(':').map_or(rpc_address.as_str(), |(host, _)| host);
    let (_, key, port) = WEB_PORTS[usize::from(web_scheme == WebScheme::Https)];
    let web_address = address(key, &format!("{host}:{port}"))?;
    let (nameservice, namenode) = (nameservice.to_owned(), namenode.id.clone());
    Ok(MonitoredNamenode {
        nameservice,
        namenode,
        rpc_address,
        service_address,
        lifeline_address,
        web_address,
        web_scheme,
    })
}

/// Whether the configuration says so, or else the address.
fn is_of_this_machine(properties: &Properties, nameservice: &str, namenode: &NamenodeConfig) -> Result<bool, Error> {
    let said = |key| -> Result<Option<String>, Error> { Ok(properties.get(key)?.filter(|value| !value.is_empty())) };
    if said("dfs.nameservice.id")?.is_some_and(|here| here != nameservice) {
        return Ok(false);
    }
    if let (Some(here), Some(id)) = (said("dfs.ha.namenode.id")?, &namenode.id) {
        return Ok(here == *id);
    }
    let Some(address) = HostPort::parse(&namenode.rpc_address) else { return Ok(false) };
    Ok(is_here(&address.host, &properties.environment().host))
}

/// Whether a host is this machine: by its name, without asking anybody, or by an address that can be bound here.
fn is_here(host: &str, machine: &str) -> bool {
    let first = |name: &str| name.split('.').next().unwrap_or_default().to_ascii_lowercase();
    match host.trim_matches(['[', ']']).parse::<IpAddr>() {
        Ok(address) if address.is_unspecified() => false,
        Ok(address) => address.is_loopback() || UdpSocket::bind((address, 0)).is_ok(),
        Err(_) if host.eq_ignore_ascii_case("localhost") || host.eq_ignore_ascii_case(machine) => true,
        // One of the two may be written without its domain.
        Err(_) => (!host.contains('.') || !machine.contains('.')) && first(host) == first(machine),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_known_by_name_and_by_address() {
        let cases = [
            ("router1", "router1", true),
            ("ROUTER1", "router1", true),
            ("router1.example.com", "router1", true),
            ("router1", "router1.example.com", true),
            ("router1.other.com", "router1.example.com", false),
            ("router2", "router1", false),
            ("localhost", "router1", true),
            ("127.0.0.1", "router1", true),
            ("[::1]", "router1", true),
            ("192.0.2.1", "router1", false),
            ("0.0.0.0", "router1", false),
        ];
        for (host, machine, expected) in cases {
            assert_eq!(is_here(host, machine), expected, "{host} on {machine}");
        }
    }
}
