//! Directories behind mounts: a new federation should not greet its user with paths that do not exist.

use anabranch_federation::{Destination, MountEntry};
use hdfs_native::{Client, ClientBuilder, HdfsError};

use super::boot::RunningSubcluster;

/// Makes the directories that mounts lead to in embedded subclusters, with owner, group and mode of the mount, where
/// there is nothing yet. What fails is told and left: the mount then shows its own attributes.
pub(super) async fn destinations(mounts: &[MountEntry], subclusters: &[RunningSubcluster], user: &str) {
    for subcluster in subclusters {
        let here = |destination: &&Destination| destination.nameservice == subcluster.nameservice;
        let wanted: Vec<(&MountEntry, &Destination)> =
            mounts.iter().flat_map(|mount| mount.destinations.iter().filter(here).map(move |to| (mount, to))).collect();
        if wanted.is_empty() {
            continue;
        }
        let client = ClientBuilder::new().with_url(format!("hdfs://{}", subcluster.rpc_addr)).with_user(user).build();
        for (mount, destination) in wanted {
            let made = match &client {
                Ok(client) => directory(client, mount, destination.path.as_str()).await.map_err(|e| e.to_string()),
                Err(error) => Err(error.to_string()),
            };
            if let Err(error) = made {
                let nameservice = &subcluster.nameservice;
                tracing::warn!(%nameservice, path = %destination.path, error, "cannot make the directory of a mount");
            }
        }
    }
}

async fn directory(client: &Client, mount: &MountEntry, path: &str) -> Result<(), HdfsError> {
    match client.get_file_info(path).await {
        Ok(_) => return Ok(()),
        Err(HdfsError::FileNotFound(_)) => {}
        Err(error) => return Err(error),
    }
    client.mkdirs(path, MountEntry::DEFAULT_MODE.into(), true).await?;
    // Apart from making it, since a mask takes bits from what is made.
    client.set_permission(path, mount.mode.into()).await?;
    let named = |name: &str| (!name.is_empty()).then(|| name.to_owned());
    let (owner, group) = (named(&mount.owner), named(&mount.group));
    if owner.is_some() || group.is_some() {
        client.set_owner(path, owner.as_deref(), group.as_deref()).await?;
    }
    Ok(())
}
