//! A server that knows its clients by Kerberos, as the ensembles of secure Hadoop clusters do.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anabranch_federation::MountEntry;
use anabranch_store::zookeeper::{Acl, Kerberos, Sasl, ZooKeeperError};
use anabranch_store::{Reader, StoreError};
use anabranch_testkit::kdc::{Kdc, REALM};
use tokio::time::Instant;

use super::security::{read, write};
use super::*;

/// Who the stores are, and who owns what they make.
const ROUTER: &str = "router/localhost";

/// A realm, and a server in it.
pub(crate) struct Secured {
    server: ZooKeeper,
    /// The key of [`ROUTER`].
    keytab: PathBuf,
    kdc: parking_lot::Mutex<Kdc>,
}

impl Secured {
    fn start(site: &Site) -> Result<Self> {
        let dir = site.realm.path();
        let kdc = Kdc::start(dir)?;
        let (keytab, own) = (kdc.keytab(ROUTER, "router.keytab")?, kdc.keytab("zookeeper/localhost", "server.keytab")?);
        let jaas = dir.join("jaas.conf");
        let (module, own) = ("com.sun.security.auth.module.Krb5LoginModule", own.display());
        let login = format!("useKeyTab=true storeKey=true keyTab=\"{own}\" principal=\"zookeeper/localhost@{REALM}\"");
        fs::write(&jaas, format!("Server {{\n  {module} required {login};\n}};\n"))?;
        let plan = Plan::members(1)
            .property("java.security.krb5.conf", &kdc.config().display().to_string())
            .property("java.security.auth.login.config", &jaas.display().to_string())
            .property("zookeeper.authProvider.sasl", "org.apache.zookeeper.server.auth.SASLAuthenticationProvider")
            .property("zookeeper.sessionRequireClientSASLAuth", "true");
        let server = ZooKeeper::start(&Jars::get()?, dir, &plan)?;
        Ok(Self { server, keytab, kdc: parking_lot::Mutex::new(kdc) })
    }

    /// Options of a store below `root`, by this principal and keytab.
    fn options(&self, root: &str, principal: &str, keytab: &Path) -> ZooKeeperOptions {
        let connect = format!("localhost:{}{root}", self.server.address(0).port());
        let (principal, keytab) = (principal.to_owned(), keytab.to_owned());
        let kerberos = Kerberos { principal, keytab, server: Kerberos::SERVER.to_owned() };
        ZooKeeperOptions {
            sasl: Some(Sasl::Gssapi(kerberos)),
            acl: Acl::parse(&format!("sasl:{ROUTER}@{REALM}:rwcda")).expect("an ACL"),
            history: HISTORY,
            ..ZooKeeperOptions::new(&connect).expect("a connect string")
        }
    }
}

fn secured(site: &Site) -> &Secured {
    site.secured.get_or_init(|| Secured::start(site).unwrap_or_else(|error| panic!("{error:#}")))
}

pub(crate) fn conforms(site: &Site) {
    let secured = secured(site);
    block_on(anabranch_store::suite::conformance::<MountEntry, _>(|| async {
        let options = secured.options(&site.root(), ROUTER, &secured.keytab);
        Arc::new(ZooKeeperStore::open(options).expect("a store")) as _
    }));
}

pub(crate) fn is_shared_with_java(site: &Site) {
    let secured = secured(site);
    let options = secured.options(&site.root(), &format!("{ROUTER}@{REALM}"), &secured.keytab);
    block_on(write(&options));
    let settings = [
        format!("java.security.krb5.conf={}", secured.kdc.lock().config().display()),
        format!("hadoop.zk.kerberos.principal={ROUTER}@{REALM}"),
        format!("hadoop.zk.kerberos.keytab={}", secured.keytab.display()),
        format!("hadoop.zk.acl=sasl:{ROUTER}@{REALM}:rwcda"),
    ];
    let [_, principal, keytab, acl] = &settings;
    let connect = format!("localhost:{}{}", secured.server.address(0).port(), options.chroot);
    let jars = Jars::get().expect("jars");
    let mut java = java::Java::start(&jars, site.realm.path(), &connect, &settings.each_ref().map(String::as_str))
        .expect("a Java driver");
    assert_eq!(java.list::<MountEntry>().len(), 1);
    let options = ["--zookeeper", &connect, "-D", principal, "-D", keytab, "-D", acl];
    assert_eq!(service::mounts(options), Ok(1));
}

pub(crate) fn says_what_is_wrong(site: &Site) {
    let secured = secured(site);
    let (root, mut kdc) = (site.root(), secured.kdc.lock());
    // A key that was replaced since.
    let old = kdc.keytab("other/localhost", "old.keytab").expect("a keytab");
    kdc.keytab("other/localhost", "new.keytab").expect("a keytab");
    let gone = kdc.keytab("gone/localhost", "gone.keytab").expect("a keytab");
    kdc.forget("gone/localhost").expect("a principal less");
    let options = |principal: &str, keytab: &Path| ZooKeeperOptions {
        session_timeout: Duration::from_secs(5),
        retry_interval: Duration::from_millis(100),
        ..secured.options(&root, principal, keytab)
    };
    let good = options(ROUTER, &secured.keytab);
    let called = |server: &str| {
        let Some(Sasl::Gssapi(kerberos)) = good.sasl.clone() else { panic!("no Kerberos") };
        ZooKeeperOptions {
            sasl: Some(Sasl::Gssapi(Kerberos { server: server.to_owned(), ..kerberos })),
            ..good.clone()
        }
    };
    block_on(async {
        assert_eq!(read(&good).await, Ok(0));
        for server in ["zookeeper/_HOST", &format!("zookeeper/_HOST@{REALM}")] {
            assert_eq!(read(&called(server)).await, Ok(0), "{server}");
        }
        for (what, wrong, expected) in [
            ("a key of the past", options("other/localhost", &old), "Decrypt integrity check failed"),
            ("an unknown principal", options("gone/localhost", &gone), "not found in Kerberos database"),
            ("a principal without a key", options("nobody/localhost", &secured.keytab), "no key of this principal"),
            ("no keytab", options(ROUTER, Path::new("/nowhere/x.keytab")), "/nowhere/x.keytab: cannot read the keytab"),
            ("an unknown service", called("keeper"), "keeper/localhost@ANABRANCH.TEST not found"),
        ] {
            let start = Instant::now();
            let error = read(&wrong).await.expect_err(what);
            assert!(matches!(error, ZooKeeperError::Authentication(_)), "{what}: {error}");
            assert!(error.to_string().contains(expected), "{what}: {error}");
            assert!(start.elapsed() < Duration::from_secs(3), "{what}: waited in vain");
        }
        let nobody = read(&ZooKeeperOptions { sasl: None, ..good.clone() }).await.expect_err("no name");
        assert!(matches!(nobody, ZooKeeperError::Authentication(_)), "{nobody}");

        // A KDC that is away may come back, and what waits for it goes on by itself.
        kdc.stop();
        let store = ZooKeeperStore::open(good.clone()).expect("a store");
        let list = || Reader::<MountEntry>::list(&store);
        let error = list().await.expect_err("no KDC");
        assert!(matches!(error, StoreError::ZooKeeper(ZooKeeperError::Unavailable(_))), "{error}");
        assert!(error.to_string().contains("Cannot contact any KDC"), "{error}");
        kdc.resume().expect("the KDC");
        assert_eq!(list().await.expect("a list").records.len(), 0);
    });
}
