//! From here into the federation.

use std::path::{Path, PathBuf};

use bytes::BytesMut;
use futures_util::{StreamExt, TryStreamExt, stream};
use hdfs_native::WriteOptions;
use tokio::io::AsyncReadExt;

use super::list::below;
use super::output::Output;
use super::progress::Progress;
use super::remote::{Error, Remote};
use super::tree::{File, Options, Plan};

/// What a file is called until it is whole; Hadoop's own clients use the name, and the hash orders know it.
const COPYING: &str = "._COPYING_";
const CHUNK: usize = 1 << 20;

pub(super) async fn put(
    remote: &Remote,
    sources: &[PathBuf],
    to: &str,
    options: Options,
    out: &Output,
) -> Result<(), Error> {
    let into = remote.find(to).await?.is_some_and(|status| status.isdir);
    if !into && sources.len() > 1 {
        return Err(Error::about(to, "is not a directory, so it takes one source").advise("make it with `dfs mkdir`"));
    }
    let mut plan = Plan::new();
    for source in sources {
        let target = if into { below(to, &local_name(source)?) } else { to.to_owned() };
        add(&mut plan, source, target)?;
    }
    for directory in &plan.directories {
        remote.client.mkdirs(directory, 0o755, true).await.map_err(|error| Error::of(directory, error))?;
    }
    {
        let progress = Progress::new(plan.files.len(), plan.bytes());
        let copies = plan.files.iter().map(|file| send(remote, file, options.force, &progress));
        stream::iter(copies).buffer_unordered(options.parallel).try_collect::<()>().await?;
    }
    plan.report("put", to, out)
}

/// Plans a file, or a directory and what it holds.
fn add(plan: &mut Plan<PathBuf, String>, source: &Path, target: String) -> Result<(), Error> {
    let fail = |error| Error::local(source, &error);
    let metadata = std::fs::metadata(source).map_err(fail)?;
    if !metadata.is_dir() {
        plan.files.push(File { from: source.to_owned(), to: target, length: metadata.len() });
        return Ok(());
    }
    let mut entries: Vec<_> = std::fs::read_dir(source).and_then(Iterator::collect).map_err(fail)?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    plan.directories.push(target.clone());
    for entry in entries {
        add(plan, &entry.path(), below(&target, &local_name(&entry.path())?))?;
    }
    Ok(())
}

fn local_name(path: &Path) -> Result<String, Error> {
    let absolute = path.canonicalize().map_err(|error| Error::local(path, &error))?;
    let name = path.file_name().or(absolute.file_name()).unwrap_or_default();
    name.to_str().map(str::to_owned).ok_or_else(|| Error::about(path.display().to_string(), "its name is not UTF-8"))
}

/// Writes beside the target and renames, so that nobody sees half a file.
async fn send(remote: &Remote, file: &File<PathBuf, String>, force: bool, progress: &Progress) -> Result<(), Error> {
    let of = |error| Error::of(&file.to, error);
    if !force && remote.find(&file.to).await?.is_some() {
        return Err(Error::about(&file.to, "exists already").advise("replace it with -f"));
    }
    let temporary = format!("{}{COPYING}", file.to);
    let mut local = tokio::fs::File::open(&file.from).await.map_err(|error| Error::local(&file.from, &error))?;
    let written = async {
        let options = WriteOptions::default().overwrite(true).create_parent(false);
        let mut writer = remote.client.create(&temporary, options).await.map_err(of)?;
        loop {
            let mut chunk = BytesMut::with_capacity(CHUNK);
            let read = local.read_buf(&mut chunk).await.map_err(|error| Error::local(&file.from, &error))?;
            if read == 0 {
                break;
            }
            writer.write_bytes(chunk.freeze()).await.map_err(of)?;
            progress.add(read);
        }
        writer.close().await.map_err(of)?;
        remote.client.rename(&temporary, &file.to, force).await.map_err(of)
    }
    .await;
    if written.is_err() {
        // The first error is the one to report.
        let _ = remote.client.delete(&temporary, false).await;
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_planned_before_what_it_holds() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("sub")).unwrap();
        std::fs::write(dir.path().join("sub/b"), b"22").unwrap();
        std::fs::write(dir.path().join("a"), b"1").unwrap();
        let mut plan = Plan::new();
        add(&mut plan, dir.path(), "/t".to_owned()).unwrap();
        assert_eq!(plan.directories, ["/t", "/t/sub"]);
        assert_eq!(plan.files.iter().map(|file| &*file.to).collect::<Vec<_>>(), ["/t/a", "/t/sub/b"]);
        assert_eq!(plan.bytes(), 3);
    }
}
