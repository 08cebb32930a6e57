//! Who may do what. The rules and the words are those of a NameNode without ACLs.

use std::fmt;
use std::sync::Arc;

use smallvec::SmallVec;

use super::record::Inode;
use super::view::{View, join};
use super::{Fault, Kind, resolve::Resolved, tables};

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Short name.
    pub user: Arc<str>,
    /// The groups that the user is in.
    pub groups: SmallVec<[Arc<str>; 4]>,
    /// Whether permissions are not checked.
    pub superuser: bool,
    /// The address that the call came from, as file records and messages show it.
    pub machine: Arc<str>,
}

/// Permission bits that are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Action(u32);

impl Action {
    /// Enter a directory.
    pub const EXECUTE: Self = Self(1);
    /// Change.
    pub const WRITE: Self = Self(2);
    /// Read.
    pub const READ: Self = Self(4);
    /// List a directory.
    pub const READ_EXECUTE: Self = Self(5);
    /// Everything.
    pub const ALL: Self = Self(7);

    /// From the three bits.
    pub fn from_bits(bits: u32) -> Self {
        Self(bits & 7)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NAMES: [&str; 8] =
            ["NONE", "EXECUTE", "WRITE", "WRITE_EXECUTE", "READ", "READ_EXECUTE", "READ_WRITE", "ALL"];
        f.write_str(NAMES[self.0 as usize & 7])
    }
}

/// Nine letters, as `ls` prints them.
pub struct Mode(pub u32);

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = self.0;
        for (shift, letter) in (0..9).rev().zip("rwxrwxrwx".chars()) {
            let set = bits >> shift & 1 == 1;
            let letter = match (shift, bits & 0o1000 != 0, set) {
                (0, true, true) => 't',
                (0, true, false) => 'T',
                (_, _, true) => letter,
                (_, _, false) => '-',
            };
            fmt::Write::write_char(f, letter)?;
        }
        Ok(())
    }
}

/// What an operation needs besides passing through every directory above.
#[derive(Debug, Clone, Copy, Default)]
pub struct Needs {
    /// Of the deepest directory that exists above the target.
    pub ancestor: Option<Action>,
    /// Of the directory that the target is in, if it exists.
    pub parent: Option<Action>,
    /// Of the target, if it exists.
    pub target: Option<Action>,
    /// Whether the caller has to own the target.
    pub owner: bool,
}

impl Caller {
    /// Whether the caller is in this group.
    pub fn is_in(&self, group: &str) -> bool {
        self.groups.iter().any(|g| &**g == group)
    }

    /// Whether the bits of an inode allow an action.
    pub fn may(&self, inode: &Inode, action: Action) -> bool {
        let shift = match inode {
            _ if self.superuser => return true,
            inode if inode.owner == *self.user => 6,
            inode if self.is_in(&inode.group) => 3,
            _ => 0,
        };
        (inode.mode >> shift) & action.0 == action.0
    }

    /// Refuses what [`Caller::may`] denies.
    pub fn require(&self, inode: &Inode, path: impl FnOnce() -> String, action: Action) -> Result<(), Fault> {
        if self.may(inode, action) {
            return Ok(());
        }
        let Inode { owner, group, mode, .. } = inode;
        Err(denied(format!(
            "Permission denied: user={}, access={action}, inode=\"{}\":{owner}:{group}:{}{}",
            self.user,
            path(),
            letter(inode),
            Mode(*mode),
        )))
    }

    /// Checks what an operation needs of a path. Passing through was checked when it was resolved.
    pub fn check(&self, path: &Resolved, needs: Needs) -> Result<(), Fault> {
        if self.superuser {
            return Ok(());
        }
        let last = path.names.len();
        if needs.parent == Some(Action::WRITE) {
            self.check_sticky(path)?;
        }
        if let (Some(action), true) = (needs.ancestor, last > 0) {
            let at = path.deepest_ancestor();
            self.require(&path.inodes[at], || path.prefix(at), action)?;
        }
        if let (Some(action), Some(parent)) = (needs.parent, path.parent()) {
            self.require(parent, || path.prefix(last - 1), action)?;
        }
        let Some(target) = path.target() else { return Ok(()) };
        if let Some(action) = needs.target {
            self.require(target, || path.prefix(last), action)?;
        }
        if needs.owner && target.owner != *self.user {
            let (user, path) = (&self.user, path.prefix(last));
            return Err(denied(format!("Permission denied. user={user} is not the owner of inode={path}")));
        }
        Ok(())
    }

    /// In a directory with the sticky bit, only its owner and the entry's own remove or rename an entry.
    fn check_sticky(&self, path: &Resolved) -> Result<(), Fault> {
        let (Some(parent), Some(target)) = (path.parent(), path.target()) else { return Ok(()) };
        if parent.mode & 0o1000 == 0 || parent.owner == *self.user || target.owner == *self.user {
            return Ok(());
        }
        let last = path.names.len();
        let shown = |inode: &Inode, at: usize| {
            let Inode { owner, group, mode, .. } = inode;
            format!("\"{}\":{owner}:{group}:{}{}", path.prefix(at), letter(inode), Mode(*mode))
        };
        Err(denied(format!(
            "Permission denied by sticky bit: user={}, path={}, parent={}",
            self.user,
            shown(target, last),
            shown(parent, last - 1),
        )))
    }

    /// Checks every non-empty directory at and below a target: what removing or measuring a tree needs. Costs one visit
    /// of each entry, so it runs on a snapshot before the operation is queued.
    pub fn check_tree(&self, view: &impl View, path: &Resolved, action: Action, skip_empty: bool) -> Result<(), Fault> {
        let Some(target) = path.target().filter(|t| t.is_dir() && !self.superuser) else { return Ok(()) };
        let mut waiting = vec![(target.id, path.names.clone())];
        while let Some((id, names)) = waiting.pop() {
            let dir = view.inode(id)?;
            if skip_empty && dir.children == 0 {
                continue;
            }
            self.require(&dir, || join(names.iter().map(String::as_str)), action)?;
            let mut after = String::new();
            loop {
                let page = view.children(id, after.as_bytes(), 1_000)?;
                for entry in page.iter().filter(|e| e.is_dir) {
                    waiting.push((entry.inode, [&names[..], std::slice::from_ref(&entry.name)].concat()));
                }
                match page.last() {
                    Some(last) if page.len() == 1_000 => after.clone_from(&last.name),
                    _ => break,
                }
            }
        }
        Ok(())
    }

    /// Refuses everybody but superusers.
    pub fn require_superuser(&self, operation: &str) -> Result<(), Fault> {
        if self.superuser {
            return Ok(());
        }
        let user = &self.user;
        Err(denied(format!("Access denied for user {user}. Superuser privilege is required for operation {operation}")))
    }
}

/// An `AccessControlException`.
pub fn denied(message: String) -> Fault {
    Fault::new(Kind::AccessControl, message)
}

fn letter(inode: &Inode) -> char {
    if inode.is_dir() { 'd' } else { '-' }
}

/// Whether an inode is the root directory.
pub fn is_root(inode: &Inode) -> bool {
    inode.id == tables::ROOT
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inode(mode: u32) -> Inode {
        Inode { owner: "o".into(), group: "g".into(), mode, ..Inode::default() }
    }

    fn caller(user: &str, groups: &[&str]) -> Caller {
        let groups = groups.iter().map(|g| Arc::from(*g)).collect();
        Caller { user: user.into(), groups, superuser: false, machine: "127.0.0.1".into() }
    }

    #[test]
    fn the_first_class_that_fits_decides() {
        assert!(!caller("o", &["g"]).may(&inode(0o077), Action::READ));
        assert!(caller("x", &["g"]).may(&inode(0o040), Action::READ));
        assert!(!caller("x", &["g"]).may(&inode(0o007), Action::READ));
        assert!(caller("x", &[]).may(&inode(0o005), Action::READ_EXECUTE));
        assert!(!caller("x", &[]).may(&inode(0o004), Action::READ_EXECUTE));
    }

    #[test]
    fn a_denial_reads_as_a_namenode_writes_it() {
        let fault = caller("u", &[]).require(&inode(0o755), || "/x".into(), Action::WRITE).unwrap_err();
        assert_eq!(fault.to_string(), "Permission denied: user=u, access=WRITE, inode=\"/x\":o:g:drwxr-xr-x");
        assert_eq!(Mode(0o1777).to_string(), "rwxrwxrwt");
        assert_eq!(Mode(0o1770).to_string(), "rwxrwx--T");
    }
}
