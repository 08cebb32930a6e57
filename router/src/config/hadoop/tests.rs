use std::time::Duration;

use super::*;
use crate::config::{
    AddressRange, GrpcConfig, MonitoredNamenode, NamenodeConfig, Names, NameserviceConfig, ProxyRule, SaslConfig,
    StoreConfig, TlsConfig, WebScheme, ZooKeeperConfig,
};

const TWO: [(&str, &str); 4] = [
    ("dfs.nameservices", "ns0, ns1"),
    ("dfs.ha.namenodes.ns0", "nn1,nn2"),
    ("dfs.namenode.rpc-address.ns0.nn1", "a:8020"),
    ("dfs.namenode.rpc-address.ns1", "c:8020"),
];

fn environment() -> Environment {
    Environment { variables: Default::default(), user: "alice".into(), host: "router1".into(), memory: 4 << 30 }
}

fn properties(more: &[(&str, &str)]) -> Properties {
    let mut properties = Properties::new(environment());
    let all = TWO.iter().chain(&[("dfs.namenode.rpc-address.ns0.nn2", "b:8020")]).chain(more);
    for (name, value) in all {
        properties.set(name, value);
    }
    properties
}

fn loaded(more: &[(&str, &str)]) -> Loaded {
    interpret(&properties(more)).unwrap()
}

fn refusal(more: &[(&str, &str)]) -> String {
    interpret(&properties(more)).unwrap_err().to_string()
}

#[test]
fn defaults_are_those_of_the_table() {
    let plain = format!("{:?}", loaded(&[]).config);
    let defaults: Vec<(&str, &str)> =
        keys::all().filter(|key| !key.default.is_empty()).map(|key| (key.name, key.default)).collect();
    assert_eq!(format!("{:?}", loaded(&defaults).config), plain);
}

#[test]
fn subclusters_come_with_and_without_high_availability() {
    let namenode =
        |id: Option<&str>, at: &str| NamenodeConfig { id: id.map(str::to_owned), rpc_address: at.to_owned() };
    let ns0 = vec![namenode(Some("nn1"), "a:8020"), namenode(Some("nn2"), "b:8020")];
    let expected = [
        NameserviceConfig { id: "ns0".into(), namenodes: ns0.clone() },
        NameserviceConfig { id: "ns1".into(), namenodes: vec![namenode(None, "c:8020")] },
    ];
    assert_eq!(loaded(&[]).config.nameservices, expected);
    let monitor = [("dfs.federation.router.monitor.namenode", "ns0.nn2")];
    assert_eq!(loaded(&monitor).config.nameservices[0].namenodes, &ns0[1..]);
    assert_eq!(loaded(&monitor).config.nameservices.len(), 1);
}

#[test]
fn keys_reach_what_they_set() {
    let config = loaded(&[
        ("dfs.federation.router.rpc-address", "127.0.0.1:9999"),
        ("dfs.federation.router.http.enable", "false"),
        ("dfs.federation.router.default.nameserviceId", "ns1"),
        ("dfs.federation.router.connect.timeout", "500ms"),
        ("ipc.maximum.data.length", "67108864"),
        ("hadoop.caller.context.separator", ";"),
        ("anabranch.router.drain.grace", "5"),
        ("anabranch.router.http.admin.hosts", "10.0.0.0/8, ::1"),
    ])
    .config;
    assert_eq!(config.rpc_address.to_string(), "127.0.0.1:9999");
    assert_eq!((config.router_id.as_str(), config.superuser.as_str()), ("router1:9999", "alice"));
    assert_eq!((config.http_address, config.default_nameservice.as_deref()), (None, Some("ns1")));
    assert_eq!(config.upstream.connect_timeout, Duration::from_millis(500));
    assert_eq!((config.limits.max_frame, config.drain_grace), (64 << 20, Duration::from_secs(5)));
    assert_eq!(config.caller_context_separator, ";");
    let admins = ["10.0.0.0/8", "::1"].map(|range| AddressRange::parse(range).unwrap());
    assert_eq!(config.http_admins, admins);
    let off = [
        ("dfs.federation.router.default.nameserviceId", "ns1"),
        ("dfs.federation.router.default.nameservice.enable", "false"),
        ("dfs.federation.router.rpc-address", "router.example.com:8888"),
        ("dfs.federation.router.rpc-bind-host", "127.0.0.1"),
    ];
    let config = loaded(&off).config;
    assert_eq!((config.default_nameservice, config.rpc_address.to_string().as_str()), (None, "127.0.0.1:8888"));
}

#[test]
fn host_names_of_several_namenodes_are_told_by_nameservice() {
    let enabled = "dfs.federation.router.monitor.namenode.nameservice.resolution-enabled.";
    let heartbeat = loaded(&[(&format!("{enabled}ns0"), "true"), (&format!("{enabled}ns1"), "true")]).config.heartbeat;
    let names = |all: &[MonitoredNamenode]| -> Vec<_> {
        all.iter().map(|one| (one.nameservice.clone(), one.namenode.clone())).collect()
    };
    let (nn1, nn2) = (Some("nn1".to_owned()), Some("nn2".to_owned()));
    assert_eq!(names(&heartbeat.resolved), [("ns0".to_owned(), nn1), ("ns0".to_owned(), nn2)]);
    assert_eq!(names(&heartbeat.namenodes), [("ns1".to_owned(), None)], "it has no id");
    let resolver = "dfs.federation.router.monitor.namenode.nameservice.resolver.impl.ns0";
    assert!(loaded(&[(resolver, "org.apache.hadoop.net.DNSDomainNameResolver")]).not_implemented.is_empty());
    for (key, value) in [(resolver, "com.example.Resolver"), (&format!("{enabled}ns0"), "perhaps")] {
        let refusal = refusal(&[(key, value)]);
        assert!(refusal.starts_with(&format!("{key} = {value:?}")), "{refusal}");
    }
}

#[test]
fn watched_namenodes_have_all_their_addresses() {
    let plain = loaded(&[]).config.heartbeat.namenodes;
    let names: Vec<_> = plain.iter().map(|one| (one.nameservice.as_str(), one.namenode.as_deref())).collect();
    assert_eq!(names, [("ns0", Some("nn1")), ("ns0", Some("nn2")), ("ns1", None)]);
    let expected = MonitoredNamenode {
        nameservice: "ns1".into(),
        namenode: None,
        rpc_address: "c:8020".into(),
        service_address: "c:8020".into(),
        lifeline_address: "c:8020".into(),
        web_address: "c:9870".into(),
        web_scheme: WebScheme::Http,
    };
    assert_eq!(plain[2], expected);
    let all = [
        ("dfs.federation.router.monitor.namenode", "ns0.nn1"),
        ("dfs.namenode.servicerpc-address.ns0.nn1", "a:8021"),
        ("dfs.namenode.https-address.ns0.nn1", "a:443"),
        ("dfs.http.policy", "HTTPS_ONLY"),
    ];
    let watched = loaded(&all).config.heartbeat.namenodes;
    let shown: Vec<_> = watched.iter().map(|one| format!("{} {}", one.lifeline_address, one.web_address)).collect();
    assert_eq!(shown, ["a:8021 a:443"]);
    let local = [all[0], ("dfs.namenode.rpc-address.ns1", "router1.example.com:8020")];
    let local_too = loaded(&local).config.heartbeat.namenodes;
    assert_eq!(local_too.iter().map(|one| &*one.nameservice).collect::<Vec<_>>(), ["ns0", "ns1"]);
    let without = [local[0], local[1], ("dfs.federation.router.monitor.localnamenode.enable", "false")];
    assert_eq!(loaded(&without).config.heartbeat.namenodes.len(), 1);
    let off = loaded(&[("dfs.federation.router.heartbeat.enable", "false")]).config.heartbeat;
    assert!(!off.router && off.namenodes.is_empty());
    let only = [
        ("dfs.federation.router.heartbeat.enable", "false"),
        ("dfs.federation.router.namenode.heartbeat.enable", "true"),
        ("dfs.federation.router.store.membership.expiration.deletion", "1m"),
    ];
    let only = loaded(&only).config.heartbeat;
    assert_eq!((only.router, only.namenodes.len(), only.membership_lifetime.deletion_ms), (false, 3, Some(60_000)));
}

#[test]
fn the_effective_properties_are_those_that_are_set_and_the_defaults_of_others() {
    let config = loaded(&[("dfs.federation.router.connect.timeout", "500ms")]).config;
    let shown = |name: &str| {
        let found: Vec<_> = config.effective.properties().iter().filter(|property| property.name == name).collect();
        found.iter().map(|property| (property.value.clone(), property.source.clone())).collect::<Vec<_>>()
    };
    let set = ("500ms".to_owned(), "from command line".to_owned());
    assert_eq!(shown("dfs.federation.router.connect.timeout"), [set]);
    let default = ("true".to_owned(), "anabranch-default".to_owned());
    assert_eq!(shown("dfs.federation.router.http.enable"), [default]);
    assert_eq!(shown("dfs.federation.router.rpc-bind-host"), []);
    let names: Vec<_> = config.effective.properties().iter().map(|property| &property.name).collect();
    assert!(names.is_sorted(), "{names:?}");
}

#[test]
fn proxy_users_are_gathered() {
    let users = loaded(&[
        ("hadoop.proxyuser.hive.hosts", "*"),
        ("hadoop.proxyuser.hive.groups", "etl, bi"),
        ("hadoop.user.group.static.mapping.overrides", "bob=etl,dev;carol=etl;"),
    ])
    .config
    .proxy_users;
    let rule = ProxyRule {
        real_user: "hive".into(),
        users: Names::Of(vec![]),
        groups: Names::Of(vec!["etl".into(), "bi".into()]),
        hosts: Names::Any,
    };
    assert_eq!(users.rules, [rule]);
    let groups = |groups: &[&str]| groups.iter().map(ToString::to_string).collect();
    assert_eq!(users.groups, [("bob".into(), groups(&["etl", "dev"])), ("carol".into(), groups(&["etl"]))]);
    assert!(!users.allow_all);
}

#[test]
fn the_router_acts_for_its_clients_if_namenodes_are_said_to_believe_anybody() {
    let acts_as = |users| loaded(&[("dfs.namenode.ip-proxy-users", users)]).config.acts_as;
    assert_eq!((acts_as("hdfs, alice").as_deref(), acts_as("")), (Some("alice"), None));
}

#[test]
fn the_store_is_chosen_by_javas_names_and_by_short_ones() {
    const DRIVER: &str = "dfs.federation.router.store.driver.class";
    const DIRECTORY: &str = "dfs.federation.router.store.driver.file.directory";
    let java = |class: &str| format!("org.apache.hadoop.hdfs.server.federation.store.driver.impl.{class}");
    let ensemble = ("hadoop.zk.address", "z1:2181,z2:2181/chroot");
    let endpoints = ("anabranch.store.grpc.endpoints", "s0:8890, s1:8890");
    let store = |driver: &str| loaded(&[(DRIVER, driver), (DIRECTORY, "/s"), ensemble, endpoints]).store;
    let zookeeper = StoreConfig::Zookeeper(ZooKeeperConfig {
        address: "z1:2181,z2:2181/chroot".into(),
        parent: "/hdfs-federation".into(),
        session_timeout: Duration::from_secs(10),
        retry_interval: Duration::from_secs(1),
        acl: "world:anyone:rwcda".into(),
        auth: String::new(),
        sasl: None,
        tls: None,
    });
    let grpc = StoreConfig::Grpc(GrpcConfig { endpoints: vec!["s0:8890".into(), "s1:8890".into()], tls: None });
    let rocksdb = StoreConfig::Rocksdb { directory: "/s".into() };
    let rows = [
        ("memory".to_owned(), StoreConfig::Memory),
        ("rocksdb".to_owned(), rocksdb.clone()),
        (java("StateStoreFileImpl"), rocksdb),
        ("zookeeper".to_owned(), zookeeper.clone()),
        (java("StateStoreZooKeeperImpl"), zookeeper.clone()),
        ("grpc".to_owned(), grpc),
    ];
    for (driver, expected) in rows {
        assert_eq!(store(&driver), StoreChoice::Driver(expected), "{driver}");
    }
    assert_eq!(loaded(&[]).store, StoreChoice::Unset);
    assert_eq!(loaded(&[ensemble]).store, StoreChoice::Implied(zookeeper));
    let secured = [
        (DRIVER, "zookeeper"),
        ("dfs.federation.router.store.driver.zk.address", "own:2181"),
        ensemble,
        ("anabranch.store.zk.sasl.user", "router"),
        ("anabranch.store.zk.sasl.password-file", "/p"),
        ("anabranch.store.tls.ca", "/ca.pem"),
        ("anabranch.store.tls.cert", "/cert.pem"),
        ("anabranch.store.tls.key", "/key.pem"),
    ];
    let StoreChoice::Driver(StoreConfig::Zookeeper(found)) = loaded(&secured).store else { panic!("no ensemble") };
    let password = SaslConfig::Password { user: "router".into(), file: "/p".into() };
    assert_eq!((&*found.address, found.sasl), ("own:2181", Some(password)));
    let identity = Some(("/cert.pem".into(), "/key.pem".into()));
    assert_eq!(found.tls, Some(TlsConfig { ca: "/ca.pem".into(), identity, domain: None }));
    for (incomplete, missing) in [
        (&[(DRIVER, "grpc")][..], "anabranch.store.grpc.endpoints"),
        (&[(DRIVER, "zookeeper")], "hadoop.zk.address"),
        (&[(DRIVER, "zookeeper"), ensemble, secured[3]], secured[4].0),
        (&[(DRIVER, "zookeeper"), ensemble, ("hadoop.zk.kerberos.keytab", "/k")], "hadoop.zk.kerberos.principal"),
        (&[(DRIVER, "grpc"), endpoints, secured[5], secured[7]], secured[6].0),
        (&[(DRIVER, "grpc"), endpoints, secured[6], secured[7]], secured[5].0),
    ] {
        let refused = refusal(incomplete);
        assert!(refused.contains(missing), "{refused}");
    }
    let off = [("dfs.federation.router.store.enable", "false"), (DRIVER, "memory")];
    assert_eq!(loaded(&off).store, StoreChoice::Off);
    for class in ["StateStoreFileSystemImpl", "StateStoreMySQLImpl"] {
        let refused = refusal(&[(DRIVER, &java(class))]);
        assert!(
            refused.contains(class) && refused.contains("expected memory, rocksdb, zookeeper, grpc, or"),
            "{refused}"
        );
    }
    let missing = refusal(&[(DRIVER, "rocksdb")]);
    assert!(missing.starts_with(&format!("{DIRECTORY} is not set; expected a directory")), "{missing}");
}

#[test]
fn kerberos_towards_zookeeper_has_hadoops_keys() {
    let ensemble = ("hadoop.zk.address", "z1:2181");
    let keytab = ("hadoop.zk.kerberos.keytab", "/k");
    let principal = ("hadoop.zk.kerberos.principal", "router/_HOST@R");
    let sasl = |pairs: &[(&str, &str)]| match loaded(pairs).store {
        StoreChoice::Implied(StoreConfig::Zookeeper(config)) => config.sasl,
        other => panic!("{other:?}"),
    };
    let kerberos = |principal: &str, server: &str| {
        Some(SaslConfig::Kerberos { principal: principal.into(), keytab: "/k".into(), server: server.into() })
    };
    let host = environment().host.to_lowercase();
    assert_eq!(sasl(&[ensemble, keytab, principal]), kerberos(&format!("router/{host}@R"), "zookeeper"));
    let server = ("hadoop.zk.server.principal", "zk/_HOST@R");
    assert_eq!(
        sasl(&[ensemble, keytab, ("hadoop.zk.kerberos.principal", "router"), server]),
        kerberos("router", server.1)
    );
    let user = ("anabranch.store.zk.sasl.user", "u");
    let both = refusal(&[ensemble, keytab, principal, user, ("anabranch.store.zk.sasl.password-file", "/p")]);
    assert!(both.contains("anabranch.store.zk.sasl.user = \"u\"") && both.contains(principal.0), "{both}");
    assert_eq!(super::ensemble(None, &[], environment()).unwrap(), None);
    for key in ENSEMBLE_KEYS {
        assert!(keys::all().any(|known| known.name == *key), "{key}");
    }
}

#[test]
fn administration_and_safe_mode_are_read() {
    let config = loaded(&[
        ("dfs.federation.router.admin-address", "127.0.0.1:9111"),
        ("dfs.federation.router.admin.mount.check.enable", "true"),
        ("dfs.federation.router.fs-limits.max-component-length", "255"),
        ("dfs.permissions.enabled", "false"),
        ("dfs.federation.router.safemode.extension", "30s"),
        ("dfs.federation.router.safemode.expiration", "1m"),
        ("hadoop.user.group.static.mapping.overrides", "ann=a,b;bob="),
    ])
    .config;
    let admin = &config.admin;
    assert_eq!(admin.address, "127.0.0.1:9111".parse().ok());
    assert_eq!((admin.check_mounts, admin.max_component_length, admin.permissions), (true, 255, false));
    let safe_mode = &config.safe_mode;
    assert_eq!((safe_mode.extension, safe_mode.staleness()), (Duration::from_secs(30), Duration::from_secs(60)));
    let groups = [("ann".to_owned(), vec!["a".to_owned(), "b".to_owned()]), ("bob".to_owned(), vec![])];
    assert_eq!(config.proxy_users.groups, groups);
    let off =
        loaded(&[("dfs.federation.router.admin.enable", "false"), ("dfs.federation.router.safemode.enable", "false")])
            .config;
    assert_eq!((off.admin.address, off.safe_mode.staleness()), (None, Duration::MAX));
}

#[test]
fn bad_values_are_told_with_what_is_accepted() {
    let cases = [
        (
            ("dfs.federation.router.rpc-address", "8888"),
            "dfs.federation.router.rpc-address = \"8888\" (-D): expected host:port",
        ),
        (
            ("dfs.federation.router.connect.timeout", "soon"),
            "dfs.federation.router.connect.timeout = \"soon\" (-D): expected a duration such as 500ms, 2s or 1m, or \
             milliseconds",
        ),
        (
            ("dfs.federation.router.http.enable", "yes"),
            "dfs.federation.router.http.enable = \"yes\" (-D): expected true or false",
        ),
        (
            ("ipc.maximum.data.length", "10"),
            "ipc.maximum.data.length = \"10\" (-D): expected a number from 1048576 to 2146435072",
        ),
        (
            ("hadoop.security.authentication", "kerberos"),
            "hadoop.security.authentication = \"kerberos\" (-D): expected simple",
        ),
        (
            ("dfs.federation.router.default.nameserviceId", "ns9"),
            "dfs.federation.router.default.nameserviceId = \"ns9\" (-D): expected one of the nameservices ns0, ns1",
        ),
        (
            ("dfs.namenode.rpc-address.ns1", "c"),
            "dfs.namenode.rpc-address.ns1 = \"c\" (-D): expected host:port of a NameNode's RPC",
        ),
        (
            ("hadoop.proxyuser.hive.host", "*"),
            "hadoop.proxyuser.hive.host = \"*\" (-D): expected a key that ends in .users, .groups or .hosts",
        ),
        (
            ("dfs.nameservices", "ns0,ns2"),
            "dfs.namenode.rpc-address.ns2 is not set; expected host:port of a NameNode's RPC, since ns2 is one of the \
             nameservices of dfs.nameservices or dfs.federation.router.monitor.namenode",
        ),
        (
            ("dfs.nameservices", ""),
            "dfs.nameservices is not set; expected the ids of the subclusters, separated by commas, since a router needs \
             at least one subcluster",
        ),
    ];
    for (setting, expected) in cases {
        assert_eq!(refusal(&[setting]), expected);
    }
}

#[test]
fn what_is_in_flight_fits_into_the_memory() {
    let bytes = |memory: u64, told: &[(&str, &str)]| {
        let mut properties = Properties::new(Environment { memory, ..environment() });
        let all = [("dfs.nameservices", "ns1"), ("dfs.namenode.rpc-address.ns1", "c:8020")];
        all.iter().chain(told).for_each(|(name, value)| properties.set(name, value));
        interpret(&properties).unwrap().config.limits.max_bytes_in_flight
    };
    assert_eq!([64 << 30, 1 << 30, 256 << 20].map(|memory| bytes(memory, &[])), [1 << 30, 512 << 20, 128 << 20]);
    assert_eq!(bytes(256 << 20, &[("anabranch.router.max.bytes.in.flight", "1073741824")]), 1 << 30);
}

#[test]
fn fairness_reserves_what_java_deals_out() {
    let controller = |name: &str| format!("org.apache.hadoop.hdfs.server.federation.fairness.{name}");
    let fixed = controller("StaticRouterRpcFairnessPolicyController");
    let part = controller("ProportionRouterRpcFairnessPolicyController");
    let class = "dfs.federation.router.fairness.policy.controller.class";
    let (count, handlers) = ("dfs.federation.router.fairness.handler.count.", "dfs.federation.router.handler.count");
    let reserved = |settings: &[(&str, &str)]| loaded(settings).config.limits.reserved;
    let (ns0, ns1, fan_outs) = (&*format!("{count}ns0"), &*format!("{count}ns1"), &*format!("{count}concurrent"));
    assert_eq!(reserved(&[(ns0, "5")]), []);
    let counts = [(class, &*fixed), (ns0, "5"), (ns1, "2"), (fan_outs, "9"), (handlers, "20")];
    assert_eq!(reserved(&counts), [("ns0".to_owned(), 0.25), ("ns1".to_owned(), 0.1)]);
    let proportion = "dfs.federation.router.fairness.handler.proportion.ns0";
    assert_eq!(reserved(&[(class, &part), (proportion, "0.8")]), [("ns0".to_owned(), 0.8)]);
    let wrong = [
        ((class, "org.example.Mine"), "ProportionRouterRpcFairnessPolicyController"),
        ((ns0, "11"), "dfs.federation.router.handler.count = \"10\""),
        ((ns0, "0"), "expected a number from 1 to 1000000"),
    ];
    for (setting, expected) in wrong {
        let told = refusal(&[(class, &fixed), setting]);
        assert!(told.contains(expected), "{told}");
    }
}

#[test]
fn keys_without_meaning_are_told() {
    let loaded = loaded(&[
        ("dfs.federation.router.reader.count", "10"),
        ("dfs.federation.router.fairness.acquire.timeout", "1s"),
        ("hadoop.zk.num-retries", "5"),
        ("dfs.federation.router.rpc.adress", "x"),
        ("dfs.replication", "3"),
    ]);
    let known = [
        "dfs.federation.router.fairness.acquire.timeout",
        "dfs.federation.router.reader.count",
        "hadoop.zk.num-retries",
    ];
    assert_eq!(loaded.not_implemented, known);
    assert_eq!(loaded.unknown, ["dfs.federation.router.rpc.adress"]);
}

#[test]
fn a_directory_is_read_in_order_and_named_in_errors() {
    let dir = tempfile::tempdir().unwrap();
    let write = |file: &str, pairs: &[(&str, &str)]| {
        let one = |(n, v): &(&str, &str)| format!("<property>\n<name>{n}</name>\n<value>{v}</value>\n</property>\n");
        let text = format!("<configuration>\n{}</configuration>", pairs.iter().map(one).collect::<String>());
        std::fs::write(dir.path().join(file), text).unwrap();
    };
    let nothing = load(Some(dir.path()), &[], environment()).unwrap_err().to_string();
    assert!(nothing.ends_with("has none of core-site.xml, hdfs-site.xml, hdfs-rbf-site.xml"), "{nothing}");
    write("hdfs-site.xml", &[("dfs.nameservices", "ns1"), ("dfs.namenode.rpc-address.ns1", "${host}:8020")]);
    write("core-site.xml", &[("host", "nn"), ("dfs.nameservices", "other")]);
    let config = load(Some(dir.path()), &[], environment()).unwrap().config;
    assert_eq!(config.nameservices[0].namenodes[0].rpc_address, "nn:8020");
    write("hdfs-rbf-site.xml", &[("a", "b"), ("dfs.federation.router.http-address", "x")]);
    let error = load(Some(dir.path()), &[], environment()).unwrap_err().to_string();
    let file = dir.path().join("hdfs-rbf-site.xml");
    let expected = format!("dfs.federation.router.http-address = \"x\" ({}:6): expected host:port", file.display());
    assert_eq!(error, expected);
    let http = [("dfs.federation.router.http-address".to_owned(), "127.0.0.1:0".to_owned())];
    assert!(load(Some(dir.path()), &http, environment()).is_ok());
    let missing = load(Some(&dir.path().join("none")), &[], environment()).unwrap_err().to_string();
    assert!(missing.starts_with("cannot read ") && missing.contains("/none: No such file"), "{missing}");
}

#[test]
fn settings_alone_are_a_configuration() {
    let set = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let settings = [
        set("dfs.nameservices", "ns1"),
        set("dfs.namenode.rpc-address.ns1", "nn:8020"),
        set("dfs.federation.router.x", ""),
    ];
    let loaded = load(None, &settings, environment()).unwrap();
    assert_eq!(loaded.config.nameservices[0].namenodes[0].rpc_address, "nn:8020");
    assert_eq!(loaded.unknown, ["dfs.federation.router.x"]);
}
