//! Which state store: Java's class names and our own short ones.

use super::Error;
use super::properties::Properties;
use super::value;
use crate::config::{StoreChoice, StoreConfig};

const ENABLE: &str = "dfs.federation.router.store.enable";
const DRIVER: &str = "dfs.federation.router.store.driver.class";
const DIRECTORY: &str = "dfs.federation.router.store.driver.file.directory";
const CLASSES: &str = "org.apache.hadoop.hdfs.server.federation.store.driver.impl.";

/// What is accepted as a driver.
pub(super) const DRIVERS: &str = "memory, rocksdb, zookeeper, grpc, or of Java's classes StateStoreZooKeeperImpl \
    (zookeeper) or StateStoreFileImpl (rocksdb), with their package";

/// What the properties say of the store.
pub(super) fn read(properties: &Properties) -> Result<StoreChoice, Error> {
    let set = |key| Ok::<_, Error>(properties.get(key)?.filter(|value| !value.is_empty()));
    if set(ENABLE)?.is_some_and(|enabled| value::flag(&enabled) == Some(false)) {
        return Ok(StoreChoice::Off);
    }
    let Some(driver) = set(DRIVER)? else { return Ok(StoreChoice::Unset) };
    let store = match driver.strip_prefix(CLASSES).unwrap_or(&driver) {
        "memory" => StoreConfig::Memory,
        "rocksdb" | "StateStoreFileImpl" => {
            let directory = set(DIRECTORY)?.ok_or_else(|| Error::Missing {
                key: DIRECTORY.to_owned(),
                accepted: "a directory of this machine".to_owned(),
                reason: format!("{DRIVER} is {driver}"),
            })?;
            StoreConfig::Rocksdb { directory: directory.into() }
        }
        "zookeeper" | "StateStoreZooKeeperImpl" => StoreConfig::Zookeeper,
        "grpc" => StoreConfig::Grpc,
        _ => return Err(properties.refused(DRIVER, &driver, DRIVERS)),
    };
    Ok(StoreChoice::Driver(store))
}
