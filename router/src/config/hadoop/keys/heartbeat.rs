//! The keys of heartbeats: what the router tells its fleet, and how long it believes what it hears.

use super::{Key, Set, Unit};
use crate::config::hadoop::draft::Draft;
use crate::config::hadoop::monitored::RESOLVERS;

/// As milliseconds, the most that fit.
fn ms(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

pub(super) const SERVICE_ADDRESS: Key = Key {
    name: "dfs.namenode.servicerpc-address.<ns>",
    default: "",
    about: "Where a NameNode serves other servers, if not where it serves clients; `<ns>.<nn>` where a nameservice has several.",
    set: Set::Together("host:port"),
};

pub(super) const LIFELINE_ADDRESS: Key = Key {
    name: "dfs.namenode.lifeline.rpc-address.<ns>",
    default: "",
    about: "Where a NameNode answers health checks, if not where it serves other servers.",
    set: Set::Together("host:port"),
};

pub(super) const HTTP_ADDRESS: Key = Key {
    name: "dfs.namenode.http-address.<ns>",
    default: "",
    about: "A NameNode's web server; port 9870 of its RPC host if not set.",
    set: Set::Together("host:port"),
};

pub(super) const HTTPS_ADDRESS: Key = Key {
    name: "dfs.namenode.https-address.<ns>",
    default: "",
    about: "The same with TLS, for `dfs.http.policy` HTTPS_ONLY; port 9871 of its RPC host if not set.",
    set: Set::Together("host:port"),
};

pub(super) const HTTP_POLICY: Key = Key {
    name: "dfs.http.policy",
    default: "HTTP_ONLY",
    about: "Which web server of a NameNode is reported, and asked for statistics: the one with TLS if there is no other.",
    set: Set::Together("HTTP_ONLY, HTTPS_ONLY or HTTP_AND_HTTPS"),
};

pub(super) const HTTPS_CA: Key = Key {
    name: "anabranch.router.namenode.https.ca",
    default: "",
    about: "The authorities that certificates of NameNodes' web servers are checked against, for `dfs.http.policy` HTTPS_ONLY; those of this machine if not set.",
    set: Set::Text("a PEM file", |draft, text| draft.config.heartbeat.https_ca = Some(text.into())),
};

pub(super) const RESOLUTION: Key = Key {
    name: "dfs.federation.router.monitor.namenode.nameservice.resolution-enabled.<ns>",
    default: "",
    about: "Whether several NameNodes are behind the host name of each NameNode id of this nameservice; false if not set. Each is then watched, as `<nn>-<host>`, also those that come later.",
    set: Set::Together("true or false"),
};

pub(super) const RESOLVER: Key = Key {
    name: "dfs.federation.router.monitor.namenode.nameservice.resolver.impl.<ns>",
    default: "",
    about: "What finds them: DNS.",
    set: Set::Together(RESOLVERS),
};

pub(super) const NAMESERVICE_ID: Key = Key {
    name: "dfs.nameservice.id",
    default: "",
    about: "The nameservice of the NameNode on this machine.",
    set: Set::Together("a nameservice id"),
};

pub(super) const NAMENODE_ID: Key = Key {
    name: "dfs.ha.namenode.id",
    default: "",
    about: "The id of the NameNode on this machine.",
    set: Set::Together("a NameNode id"),
};

pub(super) const LOCAL_NAMENODE: Key = Key {
    name: "dfs.federation.router.monitor.localnamenode.enable",
    default: "true",
    about: "Whether a NameNode on this machine is watched even if monitor.namenode does not name it.",
    set: Set::Flag(|draft: &mut Draft, flag| draft.local_namenode = flag),
};

pub(super) const ENABLE: Key = Key {
    name: "dfs.federation.router.heartbeat.enable",
    default: "true",
    about: "Whether the router tells the state store of itself.",
    set: Set::Flag(|draft, flag| draft.config.heartbeat.router = flag),
};

pub(super) const NAMENODE_ENABLE: Key = Key {
    name: "dfs.federation.router.namenode.heartbeat.enable",
    default: "",
    about: "Whether the router watches NameNodes and tells the state store of them; as heartbeat.enable if not set.",
    set: Set::Flag(|draft, flag| draft.namenode_heartbeat = Some(flag)),
};

pub(super) const INTERVAL: Key = Key {
    name: "dfs.federation.router.heartbeat.interval",
    default: "5000",
    about: "How often the router looks at each NameNode that it watches.",
    set: Set::Positive(Unit::Milliseconds, |draft, time| draft.config.heartbeat.interval = time),
};

pub(super) const STATISTICS_INTERVAL: Key = Key {
    name: "dfs.federation.router.namenode.heartbeat.jmx.interval",
    default: "0",
    about: "How often it reads a NameNode's statistics; 0 for each time.",
    set: Set::TimeOrNever(Unit::Milliseconds, |draft, time| draft.config.heartbeat.statistics_interval = time),
};

pub(super) const HEALTH_TIMEOUT: Key = Key {
    name: "dfs.federation.router.health.monitor.timeout",
    default: "30s",
    about: "How long a NameNode may take to tell its high availability state.",
    set: Set::Positive(Unit::Milliseconds, |draft, time| draft.config.heartbeat.health_timeout = time),
};

pub(super) const STATE_INTERVAL: Key = Key {
    name: "dfs.federation.router.heartbeat-state.interval",
    default: "5s",
    about: "How often the router tells the state store of itself.",
    set: Set::Positive(Unit::Milliseconds, |draft, time| draft.config.heartbeat.state_interval = time),
};

pub(super) const MEMBERSHIP_EXPIRATION: Key = Key {
    name: "dfs.federation.router.store.membership.expiration",
    default: "300000",
    about: "How long what a router told of a NameNode counts; 0 for ever.",
    set: Set::Time(Unit::Milliseconds, |draft, time| {
        draft.config.heartbeat.membership_lifetime.expiration_ms = ms(time);
    }),
};

pub(super) const MEMBERSHIP_DELETION: Key = Key {
    name: "dfs.federation.router.store.membership.expiration.deletion",
    default: "-1",
    about: "How long it is kept when it no longer counts.",
    set: Set::TimeOrNever(Unit::Milliseconds, |draft, time| {
        draft.config.heartbeat.membership_lifetime.deletion_ms = time.map(ms);
    }),
};

pub(super) const ROUTER_EXPIRATION: Key = Key {
    name: "dfs.federation.router.store.router.expiration",
    default: "5m",
    about: "How long what a router told of itself counts; 0 for ever.",
    set: Set::Time(Unit::Milliseconds, |draft, time| draft.config.heartbeat.router_lifetime.expiration_ms = ms(time)),
};

pub(super) const ROUTER_DELETION: Key = Key {
    name: "dfs.federation.router.store.router.expiration.deletion",
    default: "-1",
    about: "How long it is kept when it no longer counts.",
    set: Set::TimeOrNever(Unit::Milliseconds, |draft, time| {
        draft.config.heartbeat.router_lifetime.deletion_ms = time.map(ms);
    }),
};
