//! The keys that mean something, as a table.

mod admin;
mod datanodes;
mod heartbeat;
mod identity;
mod not_implemented;
mod placement;
mod quota;

use std::time::Duration;

pub use self::not_implemented::NOT_IMPLEMENTED;
use super::draft::Draft;
use super::fairness;
use super::value::{self, HostPort, Unit};
use crate::config::{AddressRange, Property};

/// What the router's own keys begin with.
pub const ROUTER_PREFIX: &str = "dfs.federation.router.";

/// A key of a Hadoop configuration that the router reads.
pub struct Key {
    /// Its name; `<ns>`, `<nn>` and `<user>` stand for one word each.
    pub name: &'static str,
    /// What counts when it is not set; empty for nothing.
    pub default: &'static str,
    /// What it is for, as a sentence.
    pub about: &'static str,
    set: Set,
}

/// The type of a value, and where it goes.
enum Set {
    Flag(fn(&mut Draft, bool)),
    Time(Unit, fn(&mut Draft, Duration)),
    /// A time that is not zero.
    Positive(Unit, fn(&mut Draft, Duration)),
    /// A negative number stands for never.
    TimeOrNever(Unit, fn(&mut Draft, Option<Duration>)),
    /// A number within bounds.
    Count(u64, u64, fn(&mut Draft, u64)),
    /// A number from 0 to 1.
    Fraction(fn(&mut Draft, f64)),
    Address(fn(&mut Draft, HostPort)),
    Ranges(fn(&mut Draft, Vec<AddressRange>)),
    /// Text, with a description of what is accepted.
    Text(&'static str, fn(&mut Draft, &str)),
    /// One of these; nothing depends on which.
    OneOf(&'static [&'static str]),
    /// A family of keys, or one that is read together with such; with a description of what is accepted.
    Together(&'static str),
}

impl Key {
    /// Gives a value to what it is for; the error says only that it is not accepted.
    pub(super) fn apply(&self, draft: &mut Draft, text: &str) -> Result<(), ()> {
        let done = match &self.set {
            Set::Flag(set) => value::flag(text).map(|flag| set(draft, flag)),
            Set::Time(unit, set) => value::duration(text, *unit).map(|time| set(draft, time)),
            Set::Positive(unit, set) => {
                value::duration(text, *unit).filter(|time| !time.is_zero()).map(|time| set(draft, time))
            }
            Set::TimeOrNever(unit, set) => value::duration_or_never(text, *unit).map(|time| set(draft, time)),
            Set::Count(least, most, set) => {
                let count = text.parse().ok().filter(|count| (*least..=*most).contains(count));
                count.map(|count| set(draft, count))
            }
            Set::Fraction(set) => {
                let fraction = text.trim().parse().ok().filter(|fraction| (0.0..=1.0).contains(fraction));
                fraction.map(|fraction| set(draft, fraction))
            }
            Set::Address(set) => HostPort::parse(text).map(|address| set(draft, address)),
            Set::Ranges(set) => value::ranges(text).map(|ranges| set(draft, ranges)),
            Set::Text(_, set) => {
                set(draft, text);
                Some(())
            }
            Set::OneOf(words) => words.iter().any(|word| word.eq_ignore_ascii_case(text)).then_some(()),
            Set::Together(_) => Some(()),
        };
        done.ok_or(())
    }

    /// Its default as a property.
    pub(super) fn default_property(&self) -> Property {
        let (name, value) = (self.name.to_owned(), self.default.to_owned());
        Property { name, value, is_final: false, source: "anabranch-default".to_owned() }
    }

    /// What values are accepted.
    pub fn accepted(&self) -> String {
        match &self.set {
            Set::Flag(_) => "true or false".to_owned(),
            Set::TimeOrNever(..) => "a duration such as 500ms, 2s or 1m, milliseconds, or -1 for never".to_owned(),
            Set::Time(Unit::Milliseconds, _) | Set::Positive(Unit::Milliseconds, _) => {
                "a duration such as 500ms, 2s or 1m, or milliseconds".to_owned()
            }
            Set::Time(Unit::Seconds, _) | Set::Positive(Unit::Seconds, _) => {
                "a duration such as 500ms, 2s or 1m, or seconds".to_owned()
            }
            Set::Count(least, most, _) => format!("a number from {least} to {most}"),
            Set::Fraction(_) => "a number from 0 to 1, such as 0.6".to_owned(),
            Set::Address(_) => "host:port".to_owned(),
            Set::Ranges(_) => "addresses or CIDR ranges separated by commas, or *".to_owned(),
            Set::Text(accepted, _) | Set::Together(accepted) => (*accepted).to_owned(),
            Set::OneOf(words) => words.join(" or "),
        }
    }

    /// Whether a name in a file is this key, or of its family.
    pub fn covers(&self, name: &str) -> bool {
        covers(self.name, name)
    }
}

/// Whether a name is of a pattern, in which `<ns>` and the like stand for any text.
pub(super) fn covers(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('<') else { return pattern == name };
    let end = rest.rsplit_once('>').map_or("", |(_, end)| end);
    name.len() > start.len() + end.len() && name.starts_with(start) && name.ends_with(end)
}

/// A count that fits into the pointer size of any machine that this runs on.
fn size(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

const MEBI: u64 = 1 << 20;

/// Every key that means something.
pub fn all() -> impl Iterator<Item = &'static Key> {
    KEYS.iter()
        .chain(identity::KEYS)
        .chain(admin::KEYS)
        .chain(datanodes::KEYS)
        .chain(placement::KEYS)
        .chain(quota::KEYS)
}

/// Those of the data plane.
const KEYS: &[Key] = &[
    Key {
        name: "dfs.nameservices",
        default: "",
        about: "The nameservice ids of the subclusters.",
        set: Set::Together("ids separated by commas"),
    },
    Key {
        name: "dfs.ha.namenodes.<ns>",
        default: "",
        about: "The ids of the NameNodes of a nameservice that has several.",
        set: Set::Together("ids separated by commas"),
    },
    Key {
        name: "dfs.namenode.rpc-address.<ns>",
        default: "",
        about: "Where a NameNode serves ClientProtocol; `dfs.namenode.rpc-address.<ns>.<nn>` where a nameservice has several.",
        set: Set::Together("host:port"),
    },
    Key {
        name: "dfs.federation.router.monitor.namenode",
        default: "",
        about: "The subclusters that this router serves and watches, as nameservices or `nameservice.namenode`; all of dfs.nameservices if not set.",
        set: Set::Text("nameservices, or nameservice.namenode, separated by commas", |draft, text| {
            draft.monitored =
                text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect();
        }),
    },
    heartbeat::SERVICE_ADDRESS,
    heartbeat::LIFELINE_ADDRESS,
    heartbeat::HTTP_ADDRESS,
    heartbeat::HTTPS_ADDRESS,
    heartbeat::HTTP_POLICY,
    heartbeat::HTTPS_CA,
    heartbeat::RESOLUTION,
    heartbeat::RESOLVER,
    heartbeat::LOCAL_NAMENODE,
    heartbeat::NAMESERVICE_ID,
    heartbeat::NAMENODE_ID,
    heartbeat::ENABLE,
    heartbeat::NAMENODE_ENABLE,
    heartbeat::INTERVAL,
    heartbeat::STATISTICS_INTERVAL,
    heartbeat::HEALTH_TIMEOUT,
    heartbeat::STATE_INTERVAL,
    heartbeat::MEMBERSHIP_EXPIRATION,
    heartbeat::MEMBERSHIP_DELETION,
    heartbeat::ROUTER_EXPIRATION,
    heartbeat::ROUTER_DELETION,
    Key {
        name: "dfs.federation.router.default.nameserviceId",
        default: "",
        about: "The nameservice that owns what no mount covers; without one such paths are refused.",
        set: Set::Text("a nameservice id", |draft, text| draft.default_nameservice = Some(text.to_owned())),
    },
    Key {
        name: "dfs.federation.router.default.nameservice.enable",
        default: "true",
        about: "Whether the default nameservice is used.",
        set: Set::Flag(|draft, flag| draft.default_enabled = flag),
    },
    Key {
        name: "dfs.federation.router.rpc-address",
        default: "0.0.0.0:8888",
        about: "Where Hadoop clients call.",
        set: Set::Address(|draft, address| draft.rpc = address),
    },
    Key {
        name: "dfs.federation.router.rpc-bind-host",
        default: "",
        about: "The host to listen on for Hadoop clients, if it is not that of rpc-address.",
        set: Set::Text("a host of this machine", |draft, text| draft.rpc_bind_host = Some(text.to_owned())),
    },
    Key {
        name: "dfs.federation.router.http.enable",
        default: "true",
        about: "Whether HTTP is served: `/isActive`, `/metrics`, `/jmx`, `/conf`, `/explain` and the status page.",
        set: Set::Flag(|draft, flag| draft.http_enabled = flag),
    },
    Key {
        name: "dfs.federation.router.http-address",
        default: "0.0.0.0:50071",
        about: "Where HTTP is served.",
        set: Set::Address(|draft, address| draft.http = address),
    },
    Key {
        name: "dfs.federation.router.http-bind-host",
        default: "",
        about: "The host to listen on for HTTP, if it is not that of http-address.",
        set: Set::Text("a host of this machine", |draft, text| draft.http_bind_host = Some(text.to_owned())),
    },
    Key {
        name: "anabranch.router.http.admin.hosts",
        default: "",
        about: "Who may use `/logLevel` and `/stacks`, besides this machine itself.",
        set: Set::Ranges(|draft, ranges| draft.config.http_admins = ranges),
    },
    Key {
        name: "dfs.federation.router.connect.timeout",
        default: "2s",
        about: "How long a connection to a NameNode may take to open.",
        set: Set::Time(Unit::Milliseconds, |draft, time| draft.config.upstream.connect_timeout = time),
    },
    Key {
        name: "dfs.federation.router.connection.pool.clean.ms",
        default: "60000",
        about: "How long a connection to a NameNode without calls stays open.",
        set: Set::Time(Unit::Milliseconds, |draft, time| draft.config.upstream.idle_close = time),
    },
    Key {
        name: "dfs.client.failover.max.attempts",
        default: "15",
        about: "Attempts at one call over all NameNodes of a subcluster.",
        set: Set::Count(1, 1000, |draft, count| {
            draft.config.upstream.max_attempts = u32::try_from(count).unwrap_or(u32::MAX)
        }),
    },
    Key {
        name: "ipc.maximum.response.length",
        default: "134217728",
        about: "The largest reply that is taken from a NameNode, in bytes.",
        set: Set::Count(MEBI, 2047 * MEBI, |draft, count| {
            draft.config.upstream.max_frame = u32::try_from(count).unwrap_or(u32::MAX)
        }),
    },
    Key {
        name: "ipc.maximum.data.length",
        default: "134217728",
        about: "The largest request that is taken from a client, in bytes.",
        set: Set::Count(MEBI, 2047 * MEBI, |draft, count| {
            draft.config.limits.max_frame = u32::try_from(count).unwrap_or(u32::MAX)
        }),
    },
    Key {
        name: "dfs.federation.router.client.allow-partial-listing",
        default: "true",
        about: "Whether listings leave out subclusters that fail, in place of failing as a whole.",
        set: Set::Flag(|draft, flag| draft.config.allow_partial_listing = flag),
    },
    Key {
        name: "dfs.federation.router.client.mount-status.time-out",
        default: "1s",
        about: "How long a listing waits for the attributes of a mount point.",
        set: Set::Time(Unit::Seconds, |draft, time| draft.config.mount_status_timeout = time),
    },
    Key {
        name: "dfs.federation.router.file.resolver.client.class",
        default: "org.apache.hadoop.hdfs.server.federation.resolver.MultipleDestinationMountTableResolver",
        about: "Read for compatibility: mounts with several destinations always work.",
        set: Set::OneOf(&[
            "org.apache.hadoop.hdfs.server.federation.resolver.MountTableResolver",
            "org.apache.hadoop.hdfs.server.federation.resolver.MultipleDestinationMountTableResolver",
        ]),
    },
    Key {
        name: "dfs.permissions.superusergroup",
        default: "supergroup",
        about: "The group whose members are superusers, and of directories that exist only because of mounts below them.",
        set: Set::Text("a group", |draft, text| draft.config.supergroup = text.to_owned()),
    },
    Key {
        name: "anabranch.router.mounts.dir",
        default: "",
        about: "The directory of MountTable files; `mounts` below the configuration directory if not set.",
        set: Set::Text("a directory", |draft, text| draft.mounts_dir = Some(text.into())),
    },
    Key {
        name: "anabranch.router.drain.grace",
        default: "30s",
        about: "How long calls in flight may still take when the router stops.",
        set: Set::Time(Unit::Seconds, |draft, time| draft.config.drain_grace = time),
    },
    Key {
        name: "anabranch.router.rebalance.within",
        default: "0s",
        about: "When routers are added to the fleet, connections that exist are closed within this time, each while no call is in flight, so that clients connect again and find the new routers; 0s leaves them. For clients with a logical nameservice: one with a plain address may lose a call.",
        set: Set::Time(Unit::Seconds, |draft, time| draft.config.rebalance = time),
    },
    Key {
        name: "anabranch.router.call.timeout",
        default: "120s",
        about: "How long one call to a subcluster may take, all its attempts included.",
        set: Set::Time(Unit::Seconds, |draft, time| draft.config.upstream.call_timeout = time),
    },
    Key {
        name: "anabranch.router.handshake.timeout",
        default: "10s",
        about: "How long the handshake on a new connection to a NameNode may take.",
        set: Set::Time(Unit::Seconds, |draft, time| draft.config.upstream.handshake_timeout = time),
    },
    Key {
        name: "anabranch.router.upstream.max.connections",
        default: "10000",
        about: "Connections to all NameNodes together.",
        set: Set::Count(1, 1_000_000, |draft, count| draft.config.upstream.max_connections = size(count)),
    },
    Key {
        name: "anabranch.router.client.max.connections",
        default: "20000",
        about: "Connections of all clients together.",
        set: Set::Count(1, 1_000_000, |draft, count| draft.config.limits.max_connections = size(count)),
    },
    Key {
        name: "anabranch.router.client.idle.timeout",
        default: "10m",
        about: "How long a client's connection without calls stays open.",
        set: Set::Time(Unit::Seconds, |draft, time| draft.config.limits.idle_timeout = time),
    },
    Key {
        name: fairness::CONTROLLER,
        default: "org.apache.hadoop.hdfs.server.federation.fairness.NoRouterRpcFairnessPolicyController",
        about: "Whether nameservices have a part of the room for calls in flight for themselves; all share it as it is needed \
                otherwise, which leaves the same again to each that another one's hanging calls take.",
        set: Set::Together(fairness::CONTROLLERS),
    },
    Key {
        name: fairness::COUNT,
        default: "",
        about: "The part of a nameservice, of `dfs.federation.router.handler.count`, for the Static controller.",
        set: Set::Together("a number from 1 to 1000000"),
    },
    Key {
        name: fairness::PROPORTION,
        default: "",
        about: "The part of a nameservice, for the Proportion controller.",
        set: Set::Together("a number from 0 to 1"),
    },
    Key {
        name: fairness::HANDLERS,
        default: "10",
        about: "What the Static controller's counts are parts of. There are no handlers here.",
        set: Set::Together("a number from 1 to 1000000"),
    },
    Key {
        name: "anabranch.router.max.bytes.in.flight",
        default: "1073741824",
        about: "Bytes of requests in flight and of replies that clients have not taken, in all. Half of it is for calls that wait \
                for subclusters, each counted with 8 KiB beside its bytes. Half of the container's memory, if that is less.",
        set: Set::Count(MEBI, 1 << 40, |draft, count| draft.config.limits.max_bytes_in_flight = size(count)),
    },
];
