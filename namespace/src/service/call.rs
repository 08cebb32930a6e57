//! A call with its caller.

use anabranch_hrpc::Call;

use super::Service;
use crate::state::access::Caller;

/// A call, and what its caller may do.
pub struct Context {
    /// As it came.
    pub call: Call,
    /// Who calls.
    pub caller: Caller,
}

impl Context {
    /// Looks up the caller.
    pub fn new(service: &Service, call: Call) -> Self {
        let config = &service.config;
        let user = call.peer.identity.short_name();
        let groups = service.groups.of(user);
        let superuser =
            !config.permissions || user == config.superuser || groups.iter().any(|group| **group == *config.supergroup);
        let machine = call.peer.address.ip().to_canonical().to_string().into();
        let caller = Caller { user: user.into(), groups, superuser, machine };
        Self { call, caller }
    }

    /// Under what a repeated call is known. Clients without an id of 16 bytes do not repeat calls. The method is part of
    /// it, since a router may make several calls out of one.
    pub fn retry_key(&self) -> Option<Vec<u8>> {
        let id = &self.call.id;
        let method = self.call.method.as_str().as_bytes();
        (id.client_id.len() == 16 && id.call_id >= 0)
            .then(|| [&id.client_id[..], &id.call_id.to_be_bytes(), method].concat())
    }
}
