//! Keys of administration, safe mode and the state store.

use super::super::store::DRIVERS;
use super::{Key, Set, Unit, size};

/// Every one of them.
pub const KEYS: &[Key] = &[
    Key {
        name: "dfs.federation.router.admin.enable",
        default: "true",
        about: "Whether `hdfs dfsrouteradmin` is served.",
        set: Set::Flag(|draft, flag| draft.admin_enabled = flag),
    },
    Key {
        name: "dfs.federation.router.admin-address",
        default: "0.0.0.0:8111",
        about: "Where `hdfs dfsrouteradmin` is served.",
        set: Set::Address(|draft, address| draft.admin = address),
    },
    Key {
        name: "dfs.federation.router.admin-bind-host",
        default: "",
        about: "The host to listen on for administration, if it is not that of admin-address.",
        set: Set::Text("a host of this machine", |draft, text| draft.admin_bind_host = Some(text.to_owned())),
    },
    Key {
        name: "dfs.federation.router.admin.mount.check.enable",
        default: "false",
        about: "Whether a mount is refused whose destinations do not exist.",
        set: Set::Flag(|draft, flag| draft.config.admin.check_mounts = flag),
    },
    Key {
        name: "dfs.federation.router.fs-limits.max-component-length",
        default: "0",
        about: "The longest component of a mount's destination; 0 for any.",
        set: Set::Count(0, 1_000_000, |draft, count| draft.config.admin.max_component_length = size(count)),
    },
    Key {
        name: "dfs.permissions.enabled",
        default: "true",
        about: "Whether the permissions of mounts bind those who change them.",
        set: Set::Flag(|draft, flag| draft.config.admin.permissions = flag),
    },
    Key {
        name: "dfs.federation.router.safemode.enable",
        default: "true",
        about: "Whether the router goes into safe mode when it does not know the state store; with false it goes on with what it knew last.",
        set: Set::Flag(|draft, flag| draft.config.safe_mode.enabled = flag),
    },
    Key {
        name: "dfs.federation.router.safemode.extension",
        default: "0s",
        about: "How long safe mode lasts at least after the start; 0, since it ends as soon as the state store is read.",
        set: Set::Time(Unit::Milliseconds, |draft, time| draft.config.safe_mode.extension = time),
    },
    Key {
        name: "dfs.federation.router.safemode.expiration",
        default: "3m",
        about: "How long the state store may be away before safe mode begins.",
        set: Set::Time(Unit::Milliseconds, |draft, time| draft.config.safe_mode.expiration = time),
    },
    Key {
        name: "dfs.federation.router.store.enable",
        default: "true",
        about: "Whether mounts are kept in a state store; with false they come from files.",
        set: Set::Flag(|_, _| {}),
    },
    Key {
        name: "dfs.federation.router.store.driver.class",
        default: "",
        about: "The state store. Where it is not set, it is ZooKeeper if an ensemble is named, else mounts come from files.",
        set: Set::Together(DRIVERS),
    },
    Key {
        name: "dfs.federation.router.store.driver.file.directory",
        default: "",
        about: "Where the driver `rocksdb` keeps its files.",
        set: Set::Together("a directory of this machine"),
    },
    Key {
        name: "dfs.federation.router.store.driver.zk.address",
        default: "",
        about: "The ZooKeeper ensemble of the state store, where it is not that of `hadoop.zk.address`.",
        set: Set::Together("host:port,host:port/chroot"),
    },
    Key {
        name: "hadoop.zk.address",
        default: "",
        about: "The ZooKeeper ensemble.",
        set: Set::Together("host:port,host:port/chroot"),
    },
    Key {
        name: "dfs.federation.router.store.driver.zk.parent-path",
        default: "/hdfs-federation",
        about: "The ZooKeeper node below which the records are.",
        set: Set::Together("a path"),
    },
    Key {
        name: "hadoop.zk.timeout-ms",
        default: "10000",
        about: "How long ZooKeeper keeps the session of a router that is silent.",
        set: Set::Together("a duration such as 500ms, 2s or 1m, or milliseconds"),
    },
    Key {
        name: "hadoop.zk.retry-interval-ms",
        default: "1000",
        about: "How long is waited before the members of the ensemble are tried again.",
        set: Set::Together("a duration such as 500ms, 2s or 1m, or milliseconds"),
    },
    Key {
        name: "hadoop.zk.acl",
        default: "world:anyone:rwcda",
        about: "Who may use the ZooKeeper nodes that hold the records.",
        set: Set::Together("scheme:id:permissions separated by commas, or @file"),
    },
    Key {
        name: "hadoop.zk.auth",
        default: "",
        about: "Who the router is to ZooKeeper, by schemes such as `digest`.",
        set: Set::Together("scheme:secret separated by commas, or @file"),
    },
    Key {
        name: "anabranch.store.zk.sasl.user",
        default: "",
        about: "The user for SASL DIGEST-MD5 to ZooKeeper.",
        set: Set::Together("a name"),
    },
    Key {
        name: "anabranch.store.zk.sasl.password-file",
        default: "",
        about: "The file with the password of that user.",
        set: Set::Together("a file"),
    },
    Key {
        name: "hadoop.zk.kerberos.principal",
        default: "",
        about: "The principal for SASL GSSAPI to ZooKeeper, in which `_HOST` stands for this machine's name.",
        set: Set::Together("name/instance@REALM"),
    },
    Key {
        name: "hadoop.zk.kerberos.keytab",
        default: "",
        about: "The file with the key of that principal; read for each connection.",
        set: Set::Together("a keytab"),
    },
    Key {
        name: "hadoop.zk.server.principal",
        default: "zookeeper",
        about: "What ZooKeeper's servers are called in Kerberos: the name of the service, or a principal in which `_HOST` stands for a server's host.",
        set: Set::Together("a name, or name/_HOST@REALM"),
    },
    Key {
        name: "anabranch.store.grpc.endpoints",
        default: "",
        about: "Where `anabranch-store` serves, for the driver `grpc`.",
        set: Set::Together("host:port,host:port"),
    },
    Key {
        name: "anabranch.store.tls.ca",
        default: "",
        about: "The authority of the state store's certificates; without it, the store is spoken to in plain text.",
        set: Set::Together("a PEM file"),
    },
    Key {
        name: "anabranch.store.tls.cert",
        default: "",
        about: "The router's certificate, for a store that asks for one.",
        set: Set::Together("a PEM file"),
    },
    Key {
        name: "anabranch.store.tls.key",
        default: "",
        about: "The key of that certificate.",
        set: Set::Together("a PEM file"),
    },
    Key {
        name: "anabranch.store.tls.domain",
        default: "",
        about: "The name in the certificates of `anabranch-store`, where it is not the endpoint's host.",
        set: Set::Together("a name"),
    },
];
