//! Who may connect, and who may do what.

use std::fs;
use std::path::{Path, PathBuf};

use anabranch_store::suite::entry;
use anabranch_store::zookeeper::{Acl, Auth, Sasl, Tls, ZooKeeperError};
use anabranch_store::{Reader, StoreError, Version, Writer};
use anabranch_testkit::certificates::Authority;
use anabranch_testkit::net::free_address;

use super::*;

/// `keeper:secret` as ZooKeeper's `digest` scheme writes it into ACLs.
const DIGEST: &str = "keeper:fVdK2HwI35pFaNBBBjXpQ3fU3iQ=";

/// What came of reading the mounts: their number, or the error.
pub(crate) async fn read(options: &ZooKeeperOptions) -> Result<usize, ZooKeeperError> {
    let store = ZooKeeperStore::open(options.clone())?;
    match Reader::<anabranch_federation::MountEntry>::list(&store).await {
        Ok(list) => Ok(list.records.len()),
        Err(StoreError::ZooKeeper(error)) => Err(error),
        Err(error) => panic!("{error}"),
    }
}

pub(crate) async fn write(options: &ZooKeeperOptions) {
    let store = ZooKeeperStore::open(options.clone()).expect("a store");
    store.put(entry("/a", 1), Version::ABSENT).await.expect("a write");
}

pub(crate) fn directories_have_the_acl_and_records_are_open(site: &Site) {
    let dir = site.scratch.path();
    fs::write(dir.join("zk-auth"), "digest:keeper:secret\n").expect("a file");
    let mut options = site.options();
    options.acl = Acl::parse(&format!("digest:{DIGEST}:rwcda")).expect("an ACL");
    options.auth = Auth::parse(&format!("@{}", dir.join("zk-auth").display())).expect("credentials");
    block_on(async {
        write(&options).await;
        assert_eq!(read(&options).await, Ok(1));
        for auth in [vec![], Auth::parse("digest:keeper:wrong").expect("credentials")] {
            let stranger = ZooKeeperOptions { auth, session_timeout: PATIENCE, ..options.clone() };
            let error = read(&stranger).await.expect_err("no permission");
            assert!(matches!(error, ZooKeeperError::Refused { code: -102, .. }), "{error}");
            assert!(error.to_string().contains("/hdfs-federation"), "{error}");
        }
    });
    let auth = format!("hadoop.zk.auth=@{}", dir.join("zk-auth").display());
    let acl = format!("hadoop.zk.acl=digest:{DIGEST}:rwcda");
    let connect = format!("{}{}", site.server.connect_string(), options.chroot);
    assert_eq!(service::mounts(["--zookeeper", &connect, "-D", &auth, "-D", &acl]), Ok(1));
    let stranger = service::mounts(["--zookeeper", &connect, "-D", &acl]).expect_err("no permission");
    assert!(stranger.contains("no permission"), "{stranger}");
    let mut java =
        java::Java::start(&Jars::get().expect("jars"), dir, &connect, &[&auth, &acl]).expect("a Java driver");
    assert_eq!(java.list::<anabranch_federation::MountEntry>().len(), 1);
    assert_eq!(java.acl("/hdfs-federation/MountTable/0SLASH0a"), "[31,s{'world,'anyone}\n]");
    let directory = java.ask(&serde_json::json!({ "do": "acl", "path": "/hdfs-federation/MountTable" }));
    assert!(directory.expect_err("no permission").to_string().contains("NoAuth"));
}

/// How long a store waits that cannot get what it wants.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(2);

/// A server that demands SASL, and certificates at its other port.
pub(crate) fn sasl_and_tls(_: &Site) {
    let scratch = Scratch::new("zookeeper-secure").expect("a directory");
    let dir = scratch.path();
    let authority = |name| {
        let (authority, file) = (Authority::new(name).expect("an authority"), dir.join(format!("{name}.pem")));
        fs::write(&file, authority.pem()).expect("a file");
        (authority, file)
    };
    let ((ours, trusted), (others, untrusted)) = (authority("ours"), authority("others"));
    let issue = |by: &Authority, name| {
        by.issue("127.0.0.1").and_then(|issued| issued.write(dir, name)).expect("a certificate and its key")
    };
    let (server, client, stranger) = (issue(&ours, "server"), issue(&ours, "client"), issue(&others, "stranger"));
    let jaas = dir.join("jaas.conf");
    let module = "org.apache.zookeeper.server.auth.DigestLoginModule";
    fs::write(&jaas, format!("Server {{\n  {module} required user_anabranch=\"se,\\\"cret\";\n}};\n")).expect("a file");
    let secure = free_address().expect("a port");
    let both = fs::read_to_string(&server.0).expect("PEM") + &fs::read_to_string(&server.1).expect("PEM");
    fs::write(dir.join("server-both.pem"), both).expect("a file");
    let plan = Plan::members(1)
        .property("java.security.auth.login.config", &jaas.display().to_string())
        .property("zookeeper.authProvider.sasl", "org.apache.zookeeper.server.auth.SASLAuthenticationProvider")
        .property("zookeeper.authProvider.x509", "org.apache.zookeeper.server.auth.X509AuthenticationProvider")
        .property("zookeeper.sessionRequireClientSASLAuth", "true")
        .property("zookeeper.serverCnxnFactory", "org.apache.zookeeper.server.NettyServerCnxnFactory")
        .setting("secureClientPort", &secure.port().to_string())
        .setting("secureClientPortAddress", "127.0.0.1")
        .setting("ssl.keyStore.location", &dir.join("server-both.pem").display().to_string())
        .setting("ssl.trustStore.location", &trusted.display().to_string());
    let server = ZooKeeper::start(&Jars::get().expect("jars"), dir, &plan).expect("a server");

    let connect = |address| {
        let mut options = ZooKeeperOptions::new(&format!("{address}")).expect("a connect string");
        (options.session_timeout, options.retry_interval) = (PATIENCE, PATIENCE / 20);
        options
    };
    let login = |password: &str| Some(Sasl::DigestMd5 { user: "anabranch".into(), password: password.into() });
    let good = ZooKeeperOptions {
        sasl: login("se,\"cret"),
        acl: Acl::parse("sasl:anabranch:rwcda").expect("an ACL"),
        ..connect(server.address(0))
    };
    block_on(async {
        write(&good).await;
        assert_eq!(read(&good).await, Ok(1));
        for sasl in [login("wrong"), None] {
            let error = read(&ZooKeeperOptions { sasl, ..good.clone() }).await.expect_err("a wrong password");
            assert!(matches!(error, ZooKeeperError::Authentication(_)), "{error}");
        }

        let tls = |ca: &Path, identity: Option<&(PathBuf, PathBuf)>| ZooKeeperOptions {
            tls: Some(Tls { ca: ca.to_owned(), identity: identity.cloned() }),
            members: connect(secure).members,
            ..good.clone()
        };
        assert_eq!(read(&tls(&trusted, Some(&client))).await, Ok(1));
        let error = read(&tls(&untrusted, Some(&client))).await.expect_err("an unknown server");
        assert!(matches!(error, ZooKeeperError::Tls(_)), "{error}");
        for identity in [None, Some(&stranger)] {
            assert!(read(&tls(&trusted, identity)).await.is_err(), "an unknown client");
        }
        let plain = ZooKeeperOptions { tls: None, ..tls(&trusted, None) };
        assert!(read(&plain).await.is_err(), "no TLS where it is demanded");
        let missing = tls(&dir.join("nowhere"), None);
        assert!(matches!(read(&missing).await, Err(ZooKeeperError::Tls(_))));
    });

    // The service reads what a router reads.
    fs::write(dir.join("password"), "se,\"cret\n").expect("a file");
    let properties = [
        ("hadoop.zk.address", server.address(0).to_string()),
        ("hadoop.zk.acl", "sasl:anabranch:rwcda".to_owned()),
        ("anabranch.store.zk.sasl.user", "anabranch".to_owned()),
        ("anabranch.store.zk.sasl.password-file", dir.join("password").display().to_string()),
    ];
    let property =
        |(key, value): &(&str, String)| format!("<property><name>{key}</name><value>{value}</value></property>");
    let properties: String = properties.iter().map(property).collect();
    fs::write(dir.join("core-site.xml"), format!("<configuration>{properties}</configuration>")).expect("a file");
    let conf = dir.display().to_string();
    assert_eq!(service::mounts(["--conf", &conf]), Ok(1));
    let files = [("ca", &trusted), ("cert", &client.0), ("key", &client.1)];
    let [ca, cert, key] = files.map(|(what, file)| format!("anabranch.store.tls.{what}={}", file.display()));
    let secure = secure.to_string();
    let trusting = ["--conf", &conf, "--zookeeper", &secure, "-D", &ca];
    assert_eq!(service::mounts(trusting.into_iter().chain(["-D", &cert, "-D", &key])), Ok(1));
    assert!(service::mounts(trusting).is_err(), "no certificate");
    let nobody = service::mounts(["--zookeeper", &server.connect_string()]).expect_err("no name");
    assert!(nobody.contains("authentication"), "{nobody}");
    drop(server);
}
