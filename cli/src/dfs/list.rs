//! Commands that move no data.

use hdfs_native::client::FileStatus;
use serde_json::{Value, json};

use super::output::{Output, mode, time};
use super::remote::{Error, Remote};
use crate::human::bytes as human;

pub(super) async fn ls(remote: &Remote, path: &str, recursive: bool, out: &Output) -> Result<(), Error> {
    let status = remote.status(path).await?;
    if !status.isdir {
        return out.print(|| status_json(&status), || row(&status));
    }
    let entries = remote.client.list_status_iter(path, recursive);
    while let Some(entry) = entries.next().await {
        let entry = entry.map_err(|error| Error::of(path, error))?;
        out.print(|| status_json(&entry), || row(&entry))?;
    }
    Ok(())
}

pub(super) async fn stat(remote: &Remote, paths: &[String], out: &Output) -> Result<(), Error> {
    for path in paths {
        let status = remote.status(path).await?;
        out.print(|| status_json(&status), || sheet(&status))?;
    }
    Ok(())
}

pub(super) async fn du(remote: &Remote, paths: &[String], out: &Output) -> Result<(), Error> {
    if !out.is_json() {
        out.print(
            || Value::Null,
            || format!("{:>10}  {:>10}  {:>8}  {:>8}  PATH", "BYTES", "ON DISK", "FILES", "DIRS"),
        )?;
    }
    for path in paths {
        let sum = remote.client.get_content_summary(path).await.map_err(|error| Error::of(path, error))?;
        out.print(
            || {
                json!({ "path": path, "bytes": sum.length, "bytesOnDisk": sum.space_consumed,
                        "files": sum.file_count, "directories": sum.directory_count })
            },
            || {
                let (bytes, disk) = (human(sum.length), human(sum.space_consumed));
                format!("{bytes:>10}  {disk:>10}  {:>8}  {:>8}  {path}", sum.file_count, sum.directory_count)
            },
        )?;
    }
    Ok(())
}

pub(super) async fn mkdir(remote: &Remote, paths: &[String], parents: bool) -> Result<(), Error> {
    for path in paths {
        if !parents && remote.find(path).await?.is_some() {
            return Err(Error::about(path, "exists already").advise("-p makes that no error"));
        }
        remote.client.mkdirs(path, 0o755, parents).await.map_err(|error| Error::of(path, error))?;
    }
    Ok(())
}

pub(super) async fn rm(remote: &Remote, paths: &[String], recursive: bool, force: bool) -> Result<(), Error> {
    for path in paths {
        let Some(status) = remote.find(path).await? else {
            if force {
                continue;
            }
            return Err(Error::about(path, "no such file or directory"));
        };
        if status.isdir && !recursive {
            return Err(Error::about(path, "is a directory").advise("delete it with -r"));
        }
        let deleted = remote.client.delete(path, recursive).await.map_err(|error| Error::of(path, error))?;
        // Someone else may have been faster.
        if !deleted && !force {
            return Err(Error::about(path, "was not deleted: it is gone already, or it is the root"));
        }
    }
    Ok(())
}

/// Moves `from` to `to`, or into it when it is a directory.
pub(super) async fn mv(remote: &Remote, from: &str, to: &str) -> Result<(), Error> {
    let target = match remote.find(to).await? {
        Some(status) if status.isdir => below(to, name_of(from)),
        Some(_) => return Err(Error::about(to, "exists already").advise("delete it first, or choose another name")),
        None => to.to_owned(),
    };
    remote.client.rename(from, &target, false).await.map_err(|error| Error::of(from, error))
}

/// The last component of a path.
pub(super) fn name_of(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or(path)
}

/// The path of `name` in the directory `path`.
pub(super) fn below(path: &str, name: &str) -> String {
    format!("{}/{name}", path.trim_end_matches('/'))
}

fn row(status: &FileStatus) -> String {
    format!(
        "{}  {:<10} {:<12} {:>10}  {}  {}",
        mode(status.isdir, status.permission),
        status.owner,
        status.group,
        if status.isdir { "-".to_owned() } else { human(status.length as u64) },
        time(status.modification_time),
        status.path
    )
}

fn sheet(status: &FileStatus) -> String {
    let mut lines = vec![
        ("path", status.path.clone()),
        ("type", if status.isdir { "directory" } else { "file" }.to_owned()),
        ("mode", mode(status.isdir, status.permission)),
        ("owner", format!("{}:{}", status.owner, status.group)),
        ("modified", time(status.modification_time)),
    ];
    if !status.isdir {
        lines.push(("accessed", time(status.access_time)));
        lines.push(("size", format!("{} ({} bytes)", human(status.length as u64), status.length)));
        lines.push(("block size", status.blocksize.map_or("-".to_owned(), human)));
        lines.push(("replication", status.replication.map_or("-".to_owned(), |n| n.to_string())));
    }
    lines.iter().map(|(name, value)| format!("{name:<12}{value}")).collect::<Vec<_>>().join("\n")
}

fn status_json(status: &FileStatus) -> Value {
    json!({
        "path": status.path,
        "type": if status.isdir { "directory" } else { "file" },
        "length": status.length,
        "permission": format!("{:04o}", status.permission),
        "owner": status.owner,
        "group": status.group,
        "modified": status.modification_time,
        "accessed": status.access_time,
        "replication": status.replication,
        "blockSize": status.blocksize,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_children() {
        assert_eq!(name_of("/a/b/"), "b");
        assert_eq!(name_of("b"), "b");
        assert_eq!(below("/", "x"), "/x");
        assert_eq!(below("/a/", "x"), "/a/x");
    }
}
