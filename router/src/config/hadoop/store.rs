//! Which state store: Java's class names and our own short ones.

use std::path::PathBuf;
use std::time::Duration;

use super::properties::Properties;
use super::value::{self, Unit};
use super::{Error, keys};
use crate::config::{GrpcConfig, SaslConfig, StoreChoice, StoreConfig, TlsConfig, ZooKeeperConfig};

const ENABLE: &str = "dfs.federation.router.store.enable";
const DRIVER: &str = "dfs.federation.router.store.driver.class";
const DIRECTORY: &str = "dfs.federation.router.store.driver.file.directory";
const CLASSES: &str = "org.apache.hadoop.hdfs.server.federation.store.driver.impl.";
/// The ensemble of the state store alone, and that of all Hadoop.
const OWN_ENSEMBLE: &str = "dfs.federation.router.store.driver.zk.address";
const ENSEMBLE: &str = "hadoop.zk.address";
const PARENT: &str = "dfs.federation.router.store.driver.zk.parent-path";
const SESSION_TIMEOUT: &str = "hadoop.zk.timeout-ms";
const RETRY_INTERVAL: &str = "hadoop.zk.retry-interval-ms";
const ACL: &str = "hadoop.zk.acl";
const AUTH: &str = "hadoop.zk.auth";
const PRINCIPAL: &str = "hadoop.zk.kerberos.principal";
const KEYTAB: &str = "hadoop.zk.kerberos.keytab";
const SERVER_PRINCIPAL: &str = "hadoop.zk.server.principal";
const SASL_USER: &str = "anabranch.store.zk.sasl.user";
const SASL_PASSWORD: &str = "anabranch.store.zk.sasl.password-file";
const ENDPOINTS: &str = "anabranch.store.grpc.endpoints";
const CA: &str = "anabranch.store.tls.ca";
const CERTIFICATE: &str = "anabranch.store.tls.cert";
const KEY: &str = "anabranch.store.tls.key";
const DOMAIN: &str = "anabranch.store.tls.domain";

/// Every key that says how a ZooKeeper ensemble is used.
pub const ENSEMBLE_KEYS: &[&str] = &[
    OWN_ENSEMBLE,
    ENSEMBLE,
    PARENT,
    SESSION_TIMEOUT,
    RETRY_INTERVAL,
    ACL,
    AUTH,
    SASL_USER,
    SASL_PASSWORD,
    PRINCIPAL,
    KEYTAB,
    SERVER_PRINCIPAL,
    CA,
    CERTIFICATE,
    KEY,
];

/// What is accepted as a driver.
pub(super) const DRIVERS: &str = "memory, rocksdb, zookeeper, grpc, or of Java's classes StateStoreZooKeeperImpl \
    (zookeeper) or StateStoreFileImpl (rocksdb), with their package";

/// What the properties say of the store.
pub(super) fn read(properties: &Properties) -> Result<StoreChoice, Error> {
    let settings = Settings(properties);
    if settings.get(ENABLE)?.is_some_and(|enabled| value::flag(&enabled) == Some(false)) {
        return Ok(StoreChoice::Off);
    }
    let Some(driver) = settings.get(DRIVER)? else {
        return Ok(match settings.ensemble()? {
            Some(address) => StoreChoice::Implied(StoreConfig::Zookeeper(settings.zookeeper(address)?)),
            None => StoreChoice::Unset,
        });
    };
    let missing = |key: &str, accepted: &str| Error::Missing {
        key: key.to_owned(),
        accepted: accepted.to_owned(),
        reason: format!("{DRIVER} is {driver}"),
    };
    let store = match driver.strip_prefix(CLASSES).unwrap_or(&driver) {
        "memory" => StoreConfig::Memory,
        "rocksdb" | "StateStoreFileImpl" => {
            let directory =
                settings.get(DIRECTORY)?.ok_or_else(|| missing(DIRECTORY, "a directory of this machine"))?;
            StoreConfig::Rocksdb { directory: directory.into() }
        }
        "zookeeper" | "StateStoreZooKeeperImpl" => {
            let address = settings.ensemble()?.ok_or_else(|| missing(ENSEMBLE, "host:port,host:port/chroot"))?;
            StoreConfig::Zookeeper(settings.zookeeper(address)?)
        }
        "grpc" => {
            let endpoints = settings.get(ENDPOINTS)?.ok_or_else(|| missing(ENDPOINTS, "host:port,host:port"))?;
            let endpoints = endpoints.split(',').map(|endpoint| endpoint.trim().to_owned()).collect();
            StoreConfig::Grpc(GrpcConfig { endpoints, tls: settings.tls()? })
        }
        _ => return Err(properties.refused(DRIVER, &driver, DRIVERS)),
    };
    Ok(StoreChoice::Driver(store))
}

/// What the properties say of a ZooKeeper ensemble, if they name one.
pub(super) fn ensemble(properties: &Properties) -> Result<Option<ZooKeeperConfig>, Error> {
    let settings = Settings(properties);
    settings.ensemble()?.map(|address| settings.zookeeper(address)).transpose()
}

struct Settings<'a>(&'a Properties);

impl Settings<'_> {
    fn get(&self, key: &str) -> Result<Option<String>, Error> {
        Ok(self.0.get(key)?.filter(|value| !value.is_empty()))
    }

    /// What is set, or what the table of keys says.
    fn or_default(&self, key: &str) -> Result<String, Error> {
        let default = || keys::all().find(|known| known.name == key).map_or("", |known| known.default).to_owned();
        Ok(self.get(key)?.unwrap_or_else(default))
    }

    fn time(&self, key: &str) -> Result<Duration, Error> {
        let text = self.or_default(key)?;
        let time = value::duration(&text, Unit::Milliseconds);
        time.ok_or_else(|| self.0.refused(key, &text, "a duration such as 500ms, 2s or 1m, or milliseconds"))
    }

    fn file(&self, key: &str) -> Result<Option<PathBuf>, Error> {
        Ok(self.get(key)?.map(PathBuf::from))
    }

    /// Both of two files that make no sense alone.
    fn pair<T>(&self, first: (&str, Option<T>), second: &str) -> Result<Option<(T, PathBuf)>, Error> {
        match (first.1, self.file(second)?) {
            (Some(one), Some(other)) => Ok(Some((one, other))),
            (None, None) => Ok(None),
            (one, _) => {
                let (there, missing) = if one.is_some() { (first.0, second) } else { (second, first.0) };
                let (key, reason) = (missing.to_owned(), format!("{there} is set"));
                Err(Error::Missing { key, accepted: "what belongs to it".to_owned(), reason })
            }
        }
    }

    fn ensemble(&self) -> Result<Option<String>, Error> {
        Ok(match self.get(OWN_ENSEMBLE)? {
            Some(address) => Some(address),
            None => self.get(ENSEMBLE)?,
        })
    }

    fn zookeeper(&self, address: String) -> Result<ZooKeeperConfig, Error> {
        Ok(ZooKeeperConfig {
            address,
            parent: self.or_default(PARENT)?,
            session_timeout: self.time(SESSION_TIMEOUT)?,
            retry_interval: self.time(RETRY_INTERVAL)?,
            acl: self.or_default(ACL)?,
            auth: self.or_default(AUTH)?,
            sasl: self.sasl()?,
            tls: self.tls()?,
        })
    }

    fn sasl(&self) -> Result<Option<SaslConfig>, Error> {
        let password = self.pair((SASL_USER, self.get(SASL_USER)?), SASL_PASSWORD)?;
        let kerberos = self.pair((PRINCIPAL, self.get(PRINCIPAL)?), KEYTAB)?;
        match (password, kerberos) {
            (Some((user, _)), Some(_)) => {
                Err(self.0.refused(SASL_USER, &user, format!("nothing beside {PRINCIPAL}: who connects has one name")))
            }
            (Some((user, file)), None) => Ok(Some(SaslConfig::Password { user, file })),
            (None, Some((principal, keytab))) => {
                let principal = principal.replace("/_HOST", &format!("/{}", self.0.environment().host.to_lowercase()));
                Ok(Some(SaslConfig::Kerberos { principal, keytab, server: self.or_default(SERVER_PRINCIPAL)? }))
            }
            (None, None) => Ok(None),
        }
    }

    fn tls(&self) -> Result<Option<TlsConfig>, Error> {
        let identity = self.pair((CERTIFICATE, self.file(CERTIFICATE)?), KEY)?;
        let domain = self.get(DOMAIN)?;
        match self.file(CA)? {
            Some(ca) => Ok(Some(TlsConfig { ca, identity, domain })),
            None if identity.is_none() && domain.is_none() => Ok(None),
            None => Err(Error::Missing {
                key: CA.to_owned(),
                accepted: "a PEM file".to_owned(),
                reason: format!("{} is set", if identity.is_some() { CERTIFICATE } else { DOMAIN }),
            }),
        }
    }
}
