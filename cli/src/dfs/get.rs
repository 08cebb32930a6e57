//! From the federation to here.

use std::path::{Path, PathBuf};

use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::io::AsyncWriteExt;

use super::list::name_of;
use super::output::Output;
use super::progress::Progress;
use super::remote::{Error, Remote};
use super::tree::{File, Options, Plan};

pub(super) async fn cat(remote: &Remote, paths: &[String], out: &Output) -> Result<(), Error> {
    for path in paths {
        let reader = remote.client.read(path).await.map_err(|error| Error::of(path, error))?;
        let mut chunks = Box::pin(reader.read_range_stream(0, reader.file_length()));
        while let Some(chunk) = chunks.next().await {
            out.write(&chunk.map_err(|error| Error::of(path, error))?)?;
        }
    }
    Ok(())
}

pub(super) async fn get(remote: &Remote, from: &str, to: &Path, options: Options, out: &Output) -> Result<(), Error> {
    let target = if to.is_dir() { to.join(name_of(from)) } else { to.to_owned() };
    let plan = plan(remote, from, &target).await?;
    for directory in &plan.directories {
        std::fs::create_dir_all(directory).map_err(|error| Error::local(directory, &error))?;
    }
    {
        let progress = Progress::new(plan.files.len(), plan.bytes());
        let copies = plan.files.iter().map(|file| fetch(remote, file, options.force, &progress));
        stream::iter(copies).buffer_unordered(options.parallel).try_collect::<()>().await?;
    }
    plan.report("got", &target.display().to_string(), out)
}

async fn plan(remote: &Remote, from: &str, target: &Path) -> Result<Plan<String, PathBuf>, Error> {
    let root = remote.status(from).await?;
    let mut plan = Plan::new();
    if !root.isdir {
        plan.files.push(File { from: from.to_owned(), to: target.to_owned(), length: root.length as u64 });
        return Ok(plan);
    }
    plan.directories.push(target.to_owned());
    let prefix = format!("{}/", from.trim_end_matches('/'));
    let entries = remote.client.list_status_iter(from, true);
    while let Some(entry) = entries.next().await {
        let entry = entry.map_err(|error| Error::of(from, error))?;
        let Some(relative) = entry.path.strip_prefix(&prefix) else {
            return Err(Error::about(&entry.path, format!("was listed below {from}, where it is not")));
        };
        let to = target.join(relative);
        if entry.isdir {
            plan.directories.push(to);
        } else {
            plan.files.push(File { from: entry.path, to, length: entry.length as u64 });
        }
    }
    Ok(plan)
}

/// Writes beside the target and renames, so that a broken transfer leaves nothing that looks whole.
async fn fetch(remote: &Remote, file: &File<String, PathBuf>, force: bool, progress: &Progress) -> Result<(), Error> {
    if !force && file.to.exists() {
        return Err(Error::about(file.to.display().to_string(), "exists already").advise("replace it with -f"));
    }
    let mut name = file.to.file_name().unwrap_or_default().to_owned();
    name.push("._COPYING_");
    let temporary = file.to.with_file_name(name);
    let here = |error| Error::local(&temporary, &error);
    let written = async {
        let mut local = tokio::fs::File::create(&temporary).await.map_err(here)?;
        let reader = remote.client.read(&file.from).await.map_err(|error| Error::of(&file.from, error))?;
        let mut chunks = Box::pin(reader.read_range_stream(0, reader.file_length()));
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|error| Error::of(&file.from, error))?;
            local.write_all(&chunk).await.map_err(here)?;
            progress.add(chunk.len());
        }
        local.flush().await.map_err(here)?;
        tokio::fs::rename(&temporary, &file.to).await.map_err(here)
    }
    .await;
    if written.is_err() {
        // The first error is the one to report.
        let _ = tokio::fs::remove_file(&temporary).await;
    }
    written
}
