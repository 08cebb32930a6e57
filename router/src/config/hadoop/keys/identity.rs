//! The keys of who calls, and for whom.

use super::{Key, Set, Unit};

/// Every one of them.
pub const KEYS: &[Key] = &[
    Key {
        name: "hadoop.caller.context.separator",
        default: ",",
        about: "What separates the pieces of a caller context.",
        set: Set::Text("text", |draft, text| draft.config.caller_context_separator = text.to_owned()),
    },
    Key {
        name: "hadoop.security.authentication",
        default: "simple",
        about: "How clients prove who they are.",
        set: Set::OneOf(&["simple"]),
    },
    Key {
        name: "dfs.namenode.ip-proxy-users",
        default: "",
        about: "If set, the router speaks to NameNodes as its own user that acts for the client: those that have its user in their list of this name go by the client's address, and their `hadoop.proxyuser.<router's user>` must let it act for all its clients.",
        set: Set::Text("users separated by commas", |draft, _| {
            draft.config.acts_as = Some(draft.config.superuser.as_str().into());
        }),
    },
    Key {
        name: "hadoop.proxyuser.<user>.hosts",
        default: "",
        about: "From where a user may act for others.",
        set: Set::Together("hosts, addresses or CIDR ranges separated by commas, or *"),
    },
    Key {
        name: "hadoop.proxyuser.<user>.users",
        default: "",
        about: "For which users a user may act.",
        set: Set::Together("users separated by commas, or *"),
    },
    Key {
        name: "hadoop.proxyuser.<user>.groups",
        default: "",
        about: "For the members of which groups a user may act.",
        set: Set::Together("groups separated by commas, or *"),
    },
    Key {
        name: "hadoop.user.group.static.mapping.overrides",
        default: "",
        about: "Who is in which group, for `hadoop.proxyuser.<user>.groups` and for administration; users that are not listed are in the groups of this machine.",
        set: Set::Together("user=group,group;user=group"),
    },
    Key {
        name: "hadoop.security.groups.cache.secs",
        default: "300s",
        about: "How long it counts what this machine says of a user's groups; if it knows none, 30 s at the most.",
        set: Set::Time(Unit::Seconds, |draft, time| draft.config.groups_fresh = time),
    },
];
