//! The methods that are served, as a table.

use anabranch_hrpc::{Call, Protocol};

use super::{Admin, Answer, destination, listing, mounts, nameservices, refresh, safe_mode};

const ROUTER: Protocol = Protocol { name: "org.apache.hadoop.hdfs.protocolPB.RouterAdminProtocol", version: 1 };
const GENERIC_REFRESH: Protocol = Protocol { name: "org.apache.hadoop.ipc.GenericRefreshProtocol", version: 1 };
const CALL_QUEUE: Protocol = Protocol { name: "org.apache.hadoop.ipc.RefreshCallQueueProtocol", version: 1 };

/// What the port serves.
pub(super) const PROTOCOLS: &[Protocol] = &[ROUTER, GENERIC_REFRESH, CALL_QUEUE];

/// One method.
pub(crate) struct Method {
    /// Which protocol declares it.
    pub(super) protocol: Protocol,
    /// Its name.
    pub(crate) name: &'static str,
    /// Whether it changes something; such calls are logged.
    pub(super) changes: bool,
    /// What it does.
    pub(super) call: for<'a> fn(&'a Admin, &'a Call) -> Answer<'a>,
}

macro_rules! methods {
    ($($protocol:ident $name:literal $kind:ident $call:path;)*) => {
        &[$(Method { protocol: $protocol, name: $name, changes: methods!($kind), call: $call }),*]
    };
    (changes) => { true };
    (looks) => { false };
}

/// All of them.
pub(crate) const METHODS: &[Method] = methods! {
    ROUTER "addMountTableEntry" changes mounts::add;
    ROUTER "addMountTableEntries" changes mounts::add_all;
    ROUTER "updateMountTableEntry" changes mounts::update;
    ROUTER "removeMountTableEntry" changes mounts::remove;
    ROUTER "getMountTableEntries" looks listing::entries;
    ROUTER "getDestination" looks destination::of;
    ROUTER "refreshMountTableEntries" looks refresh::mounts;
    ROUTER "enterSafeMode" changes safe_mode::enter;
    ROUTER "leaveSafeMode" changes safe_mode::leave;
    ROUTER "getSafeMode" looks safe_mode::get;
    ROUTER "disableNameservice" changes nameservices::disable;
    ROUTER "enableNameservice" changes nameservices::enable;
    ROUTER "getDisabledNameservices" looks nameservices::disabled;
    ROUTER "refreshSuperUserGroupsConfiguration" changes refresh::proxy_users;
    GENERIC_REFRESH "refresh" looks refresh::generic;
    CALL_QUEUE "refreshCallQueue" looks refresh::call_queue;
};

#[cfg(test)]
mod tests {
    use anabranch_hdfs_proto::{common, hdfs};

    use super::*;

    #[test]
    fn every_method_of_the_protocols_has_one_row() {
        let declared = [
            (ROUTER, hdfs::router::ROUTER_ADMIN_PROTOCOL_SERVICE),
            (GENERIC_REFRESH, common::GENERIC_REFRESH_PROTOCOL_SERVICE),
            (CALL_QUEUE, common::REFRESH_CALL_QUEUE_PROTOCOL_SERVICE),
        ];
        for (protocol, methods) in declared {
            let mut rows: Vec<_> = METHODS.iter().filter(|row| row.protocol == protocol).map(|row| row.name).collect();
            let mut names: Vec<_> = methods.iter().map(|method| method.name).collect();
            rows.sort_unstable();
            names.sort_unstable();
            assert_eq!(rows, names);
        }
    }
}
