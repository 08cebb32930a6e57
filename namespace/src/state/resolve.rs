//! From a path to the inodes along it.

use super::access::{Action, Caller};
use super::record::Inode;
use super::view::{View, join};
use super::{Fault, Kind, tables};

/// Limits of a NameNode's own RPC server.
const MAX_PATH_LENGTH: usize = 8_000;
const MAX_PATH_DEPTH: usize = 1_000;
/// Longest path that is looked at. Renaming makes paths that are longer than those that may be created, but no real tree
/// has this one; a frame has room for paths whose parts would take gigabytes.
const MAX_PATH_BYTES: usize = 1 << 20;

/// What a path is resolved for. Only methods that create something may say that a parent is not a directory; for the
/// others it is an access error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Something that may not be there yet.
    Create,
    /// Everything else.
    Use,
}

/// A path, and as many inodes along it as exist.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// Its components.
    pub names: Vec<String>,
    /// The root, and what the first components lead to; `names.len() + 1` of them when the target exists.
    pub inodes: Vec<Inode>,
}

impl Resolved {
    /// What the whole path leads to.
    pub fn target(&self) -> Option<&Inode> {
        self.inodes.get(self.names.len())
    }

    /// The directory that the target is or would be in; `None` when it does not exist, or for the root.
    pub fn parent(&self) -> Option<&Inode> {
        self.names.len().checked_sub(1).and_then(|at| self.inodes.get(at))
    }

    /// The last component; empty for the root.
    pub fn name(&self) -> &str {
        self.names.last().map_or("", String::as_str)
    }

    /// The path of the first `count` components.
    pub fn prefix(&self, count: usize) -> String {
        join(self.names[..count].iter().map(String::as_str))
    }

    /// The whole path, normalised.
    pub fn path(&self) -> String {
        self.prefix(self.names.len())
    }

    /// The path of the directory that the target is in.
    pub fn parent_path(&self) -> String {
        self.prefix(self.names.len().saturating_sub(1))
    }

    /// Index in `inodes` of the deepest one strictly above the target.
    pub fn deepest_ancestor(&self) -> usize {
        (self.inodes.len() - 1).min(self.names.len().saturating_sub(1))
    }

    /// The target, which has to be a file. `path` is what messages name.
    pub fn file(&self, path: &str) -> Result<&Inode, Fault> {
        let inode = self.target().ok_or_else(|| Fault::no_file(path))?;
        match inode.is_dir() {
            true => Err(Fault::new(Kind::FileNotFound, format!("Path is not a file: {path}"))),
            false => Ok(inode),
        }
    }
}

/// Walks along a path, checking that the caller may.
pub fn resolve(view: &impl View, caller: &Caller, path: &str, purpose: Purpose) -> Result<Resolved, Fault> {
    let names = real_names(view, path)?;
    let mut inodes = vec![view.inode(tables::ROOT)?];
    for (at, name) in names.iter().enumerate() {
        let dir = &inodes[at];
        let shown = || join(names[..at].iter().map(String::as_str));
        if !dir.is_dir() {
            let kind = if purpose == Purpose::Create { Kind::ParentNotDirectory } else { Kind::AccessControl };
            return Err(Fault::new(kind, format!("{} (is not a directory)", shown())));
        }
        caller.require(dir, shown, Action::EXECUTE)?;
        match view.child(dir.id, name)? {
            Some(inode) => inodes.push(inode),
            None => break,
        }
    }
    Ok(Resolved { names, inodes })
}

/// Resolves by number when the client knows one (it survives renames), otherwise by path.
pub fn resolve_open(view: &impl View, caller: &Caller, path: &str, id: u64) -> Result<Resolved, Fault> {
    if id == 0 {
        return resolve(view, caller, path, Purpose::Use);
    }
    let found = view.find_inode(id)?;
    let real = found.map(|inode| view.path_of(&inode)).transpose()?.flatten();
    match real {
        // The lease decides who may write an open file, not the directories on the way.
        Some(real) => resolve(view, &Caller { superuser: true, ..caller.clone() }, &real, Purpose::Use),
        None => Ok(Resolved {
            names: components(path).map(str::to_owned).collect(),
            inodes: vec![view.inode(tables::ROOT)?],
        }),
    }
}

fn components(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|name| !name.is_empty())
}

/// The components, with `/.reserved/.inodes/<number>` replaced by where that inode is.
fn real_names(view: &impl View, path: &str) -> Result<Vec<String>, Fault> {
    if !path.starts_with('/') {
        let words = format!("Absolute path required, but got '{path}'");
        return Err(Fault::new(Kind::Assertion, words));
    }
    if path.len() > MAX_PATH_BYTES {
        let words = format!("a path of {} bytes; accepted are up to {MAX_PATH_BYTES}", path.len());
        return Err(Fault::new(Kind::InvalidPath, words));
    }
    let mut names: Vec<String> = components(path).map(str::to_owned).collect();
    if names.len() < 3 || names[0] != ".reserved" || names[1] != ".inodes" {
        return Ok(names);
    }
    let absent = || {
        let words = format!("File for given inode path does not exist: {path}");
        Fault::new(Kind::FileNotFound, words)
    };
    let id = names[2].parse().map_err(|_| Fault::new(Kind::FileNotFound, format!("Invalid inode path: {path}")))?;
    let inode = view.find_inode(id)?.ok_or_else(absent)?;
    let real = view.path_of(&inode)?.ok_or_else(absent)?;
    let mut found: Vec<String> = components(&real).map(str::to_owned).collect();
    for name in names.split_off(3) {
        // The one place where a client means the directory above.
        if name == ".." { drop(found.pop()) } else { found.push(name) }
    }
    Ok(found)
}

/// Whether a name may be created, by HDFS' rules: absolute, no `.`, no `..`, no `:`, no empty component inside.
pub fn is_valid_name(path: &str) -> bool {
    let Some(rest) = path.strip_prefix('/') else { return false };
    let last = rest.split('/').count() - 1;
    let by_number = rest.starts_with(".reserved/.inodes/");
    rest.split('/').enumerate().all(|(at, name)| match name {
        "" => at == last,
        "." => false,
        ".." => by_number && at >= 3,
        name => !name.contains(':'),
    })
}

/// Whether it lies in the part of the tree that HDFS keeps for itself.
pub fn is_reserved(path: &str) -> bool {
    path == "/.reserved" || path.starts_with("/.reserved/")
}

/// Refuses paths beyond what a NameNode takes.
pub fn check_path_length(method: &str, path: &str) -> Result<(), Fault> {
    if path.encode_utf16().count() <= MAX_PATH_LENGTH && components(path).count() <= MAX_PATH_DEPTH {
        return Ok(());
    }
    Err(Fault::io(format!(
        "{method}: Pathname too long.  Limit {MAX_PATH_LENGTH} characters, {MAX_PATH_DEPTH} levels."
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_may_be_created() {
        for good in ["/", "/a", "/a/", "/a/b.c", "/.reserved/.inodes/5/.."] {
            assert!(is_valid_name(good), "{good}");
        }
        for bad in ["", "a", "/a//b", "//a", "/a/./b", "/a/../b", "/..", "/a:b"] {
            assert!(!is_valid_name(bad), "{bad}");
        }
    }

    #[test]
    fn too_long_and_too_deep_paths_are_refused() {
        assert!(check_path_length("mkdirs", &format!("/{}", "a".repeat(7_999))).is_ok());
        assert!(check_path_length("mkdirs", &format!("/{}", "a".repeat(8_000))).is_err());
        assert!(check_path_length("mkdirs", &"/a".repeat(1_000)).is_ok());
        assert!(check_path_length("mkdirs", &"/a".repeat(1_001)).is_err());
    }
}
