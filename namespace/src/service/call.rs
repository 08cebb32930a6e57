//! A call with its caller.

use anabranch_hrpc::{Call, Identity};

use super::Service;
use crate::state::access::Caller;

/// A call, and what its caller may do.
pub struct Context {
    /// As it came.
    pub call: Call,
    /// Who calls.
    pub caller: Caller,
    /// Client id and call id of the client, be it the one that is connected or the one behind a router.
    origin: (Vec<u8>, i32),
}

impl Context {
    /// Looks up the caller.
    pub fn new(service: &Service, call: Call) -> Self {
        let config = &service.config;
        let identity = &call.peer.identity;
        let user = identity.short_name();
        let groups = service.groups.of(user);
        let superuser =
            !config.permissions || user == config.superuser || groups.iter().any(|group| **group == *config.supergroup);
        let connected = Identity::simple(identity.real_user.clone().unwrap_or_else(|| identity.user.clone()));
        let is_router = config.ip_proxy_users.iter().any(|router| router == connected.short_name());
        let told = call.caller_context.as_ref().filter(|_| is_router).map(|context| Routed::parse(&context.context));
        let Routed { ip, client_id, call_id } = told.unwrap_or_default();
        let machine = ip.unwrap_or_else(|| call.peer.address.ip().to_canonical().to_string()).into();
        let caller = Caller { user: user.into(), groups, superuser, machine };
        let origin = client_id.zip(call_id).unwrap_or_else(|| (call.id.client_id.to_vec(), call.id.call_id));
        Self { caller, origin, call }
    }

    /// Under what a repeated call is known. Clients without an id of 16 bytes do not repeat calls. The method is part of
    /// it, since a router may make several calls out of one.
    pub fn retry_key(&self) -> Option<Vec<u8>> {
        let (client, call) = &self.origin;
        let method = self.call.method.as_str().as_bytes();
        (client.len() == 16 && *call >= 0).then(|| [&client[..], &call.to_be_bytes(), method].concat())
    }
}

/// What a router says of the client for whom it calls.
#[derive(Debug, Default, PartialEq, Eq)]
struct Routed {
    ip: Option<String>,
    client_id: Option<Vec<u8>>,
    call_id: Option<i32>,
}

impl Routed {
    /// Reads a caller context: `clientIp:…,clientPort:…,clientId:…,clientCallId:…`, in any order, among other pieces. The
    /// first piece of a key counts, since routers put theirs first.
    fn parse(context: &str) -> Self {
        let value = |key: &str| {
            let mut pieces = context.split(',').filter_map(|piece| piece.split_once(':'));
            pieces.find(|(name, _)| *name == key).map(|(_, value)| value)
        };
        Self {
            ip: value("clientIp").filter(|ip| !ip.is_empty()).map(str::to_owned),
            client_id: value("clientId").and_then(from_hex),
            call_id: value("clientCallId").and_then(|id| id.parse().ok()),
        }
    }
}

fn from_hex(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_router_says_who_the_client_is() {
        let context = "clientIp:10.0.0.7,clientPort:40000,clientId:000102030405060708090a0b0c0d0e0f,clientCallId:5,\
                       job_1,clientIp:6.6.6.6";
        let routed = Routed::parse(context);
        assert_eq!(routed.ip.as_deref(), Some("10.0.0.7"));
        assert_eq!(routed.client_id, Some((0..16).collect()));
        assert_eq!(routed.call_id, Some(5));
        assert_eq!(Routed::parse("job_1"), Routed::default());
        assert_eq!(Routed::parse("clientId:zz,clientCallId:x"), Routed::default());
    }
}
