use serde::{Deserialize, Serialize};

use crate::MountEntry;

/// What is to be done with an entry of a mount table, by its permission bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// See it.
    Read = 4,
    /// Change it, or add entries below.
    Write = 2,
    /// Add entries further below.
    Execute = 1,
}

/// Who stands above the permissions of entries, and whether those are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    /// May do everything, and owns the entries that name no owner; none where that is not known.
    pub superuser: Option<String>,
    /// Its members may do everything; the group of the entries that name none; none where that is not known.
    pub supergroup: Option<String>,
    /// Whether permissions bind at all.
    pub enforced: bool,
}

/// What somebody may do with an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Allowed {
    /// [`Action::Read`].
    pub read: bool,
    /// [`Action::Write`].
    pub write: bool,
    /// [`Action::Execute`].
    pub execute: bool,
}

impl Authority {
    /// Whether a user with these groups may do everything.
    pub fn is_above(&self, user: &str, groups: &[String]) -> bool {
        !self.enforced
            || self.superuser.as_deref() == Some(user)
            || self.supergroup.as_ref().is_some_and(|group| groups.contains(group))
    }

    /// The owner of an entry; none when it is the superuser, and that is not known.
    pub fn owner<'a>(&'a self, entry: &'a MountEntry) -> Option<&'a str> {
        named(&entry.owner).or(self.superuser.as_deref())
    }

    /// The group of an entry; none when it is the supergroup, and that is not known.
    pub fn group<'a>(&'a self, entry: &'a MountEntry) -> Option<&'a str> {
        named(&entry.group).or(self.supergroup.as_deref())
    }

    /// Whether an entry lets a user with these groups do something. As the Java router decides, which differs from HDFS:
    /// an owner may also do what the group may.
    pub fn may(&self, user: &str, groups: &[String], entry: &MountEntry, action: Action) -> bool {
        let owns = self.owner(entry) == Some(user);
        let member = self.group(entry).is_some_and(|group| groups.iter().any(|one| one == group));
        let bits = |shift: u16| entry.mode >> shift & action as u16 != 0;
        self.is_above(user, groups) || (owns && bits(6)) || (member && bits(3)) || (!owns && !member && bits(0))
    }

    /// The same for all actions.
    pub fn allowed(&self, user: &str, groups: &[String], entry: &MountEntry) -> Allowed {
        let may = |action| self.may(user, groups, entry, action);
        Allowed { read: may(Action::Read), write: may(Action::Write), execute: may(Action::Execute) }
    }
}

fn named(name: &str) -> Option<&str> {
    Some(name).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn authority() -> Authority {
        Authority { superuser: Some("root".into()), supergroup: Some("supergroup".into()), enforced: true }
    }

    fn entry(owner: &str, group: &str, mode: u16) -> MountEntry {
        let entry = MountEntry::parse("/m", [("ns0", "/m")]).unwrap();
        MountEntry { owner: owner.into(), group: group.into(), mode, ..entry }
    }

    #[test]
    fn bits_decide_by_owner_group_and_others() {
        use Action::{Execute, Read, Write};
        let rows: [(&str, &[&str], u16, Action, bool); 12] = [
            ("ann", &[], 0o200, Write, true),
            ("ann", &[], 0o077, Write, false),
            // Not as in HDFS: the owner is a member too.
            ("ann", &["staff"], 0o070, Write, true),
            ("ann", &["staff"], 0o007, Write, false),
            ("bob", &["staff"], 0o070, Write, true),
            ("bob", &["staff"], 0o707, Write, false),
            ("bob", &["staff"], 0o040, Read, true),
            ("bob", &["staff"], 0o030, Read, false),
            ("eve", &["supers"], 0o772, Write, true),
            ("eve", &["supers"], 0o775, Write, false),
            ("eve", &["supers"], 0o001, Execute, true),
            ("eve", &["supers"], 0o776, Execute, false),
        ];
        for (user, groups, mode, action, expected) in rows {
            let groups: Vec<String> = groups.iter().map(ToString::to_string).collect();
            let may = authority().may(user, &groups, &entry("ann", "staff", mode), action);
            assert_eq!(may, expected, "{user} {groups:?} {mode:o} {action:?}");
        }
    }

    #[test]
    fn superusers_may_everything_and_own_what_nobody_owns() {
        let all = Allowed { read: true, write: true, execute: true };
        let nothing = Allowed { read: false, write: false, execute: false };
        let supergroup = ["supergroup".to_owned()];
        for (user, groups, mode, expected) in [
            ("root", &[][..], 0, all),
            ("eve", &supergroup, 0, all),
            ("eve", &[], 0o770, nothing),
            ("eve", &[], 0o005, Allowed { write: false, ..all }),
        ] {
            assert_eq!(authority().allowed(user, groups, &entry("", "", mode)), expected, "{user} {mode:o}");
        }
        let off = Authority { enforced: false, ..authority() };
        assert_eq!(off.allowed("eve", &[], &entry("ann", "staff", 0)), all);
    }

    #[test]
    fn an_unknown_superuser_is_nobody() {
        let unknown = Authority { superuser: None, supergroup: None, enforced: true };
        let entry = entry("", "", 0o770);
        assert_eq!((unknown.owner(&entry), unknown.group(&entry)), (None, None));
        assert!(!unknown.may("root", &["supergroup".to_owned()], &entry, Action::Read));
        assert_eq!((authority().owner(&entry), authority().group(&entry)), (Some("root"), Some("supergroup")));
    }
}
