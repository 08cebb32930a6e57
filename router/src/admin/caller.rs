//! What somebody may do with an entry of the mount table.

use anabranch_federation::MountEntry;
use anabranch_hrpc::Identity;

use super::problem::Problem;
use crate::config::RouterConfig;

/// Who calls.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    /// The name as it came, for messages.
    full_name: String,
    name: String,
    groups: Vec<String>,
    /// May do everything.
    all: bool,
    /// The owner and the group of entries that name none.
    superuser: String,
    supergroup: String,
}

/// What is to be done with an entry, by its bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// See it.
    Read = 4,
    /// Change it, or add entries below.
    Write = 2,
    /// Add entries further below.
    Execute = 1,
}

impl Action {
    fn word(self) -> &'static str {
        match self {
            Self::Read => "READ",
            Self::Write => "WRITE",
            Self::Execute => "EXECUTE",
        }
    }
}

impl Caller {
    /// The superuser and the members of the supergroup may do everything; and everybody may where permissions are off.
    pub(super) fn new(config: &RouterConfig, identity: &Identity, groups: Vec<String>) -> Self {
        let name = identity.short_name().to_owned();
        let superuser = name == config.superuser || groups.contains(&config.supergroup);
        Self {
            full_name: identity.user.to_string(),
            all: superuser || !config.admin.permissions,
            name,
            groups,
            superuser: config.superuser.clone(),
            supergroup: config.supergroup.clone(),
        }
    }

    /// Whether an entry lets the caller do something.
    pub(super) fn may(&self, entry: &MountEntry, action: Action) -> bool {
        self.all || self.bits_allow(&entry.owner, &entry.group, entry.mode, action)
    }

    /// As [`Self::may`], with the error that says no.
    pub(super) fn check(&self, entry: &MountEntry, action: Action) -> Result<(), Problem> {
        match self.may(entry, action) {
            true => Ok(()),
            false => Err(self.denied(entry.source.as_str(), action)),
        }
    }

    /// Where no entry says who may: only superusers.
    pub(super) fn check_super_at(&self, source: &str) -> Result<(), Problem> {
        if self.all { Ok(()) } else { Err(self.denied(source, Action::Write)) }
    }

    /// For what is not about an entry.
    pub(super) fn check_super(&self) -> Result<(), Problem> {
        if self.all { Ok(()) } else { Err(Problem::NoSuperuser(self.full_name.clone())) }
    }

    fn denied(&self, source: &str, action: Action) -> Problem {
        Problem::Denied { source_path: source.to_owned(), user: self.name.clone(), action: action.word() }
    }

    /// As the Java router decides, which differs from HDFS: an owner may also do what the group may.
    fn bits_allow(&self, owner: &str, group: &str, mode: u16, action: Action) -> bool {
        let named = |name: &str, default: &str| if name.is_empty() { default.to_owned() } else { name.to_owned() };
        let owns = named(owner, &self.superuser) == self.name;
        let member = self.groups.contains(&named(group, &self.supergroup));
        let allows = |shift: u16| mode >> shift & action as u16 != 0;
        (owns && allows(6)) || (member && allows(3)) || (!owns && !member && allows(0))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Somebody with groups, where `root` is the superuser.
    pub(in crate::admin) fn caller(name: &str, groups: &[&str]) -> Caller {
        let config = RouterConfig { superuser: "root".into(), ..RouterConfig::default() };
        Caller::new(&config, &Identity::simple(name), groups.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn bits_decide_by_owner_group_and_others() {
        let entry = |mode| {
            let entry = MountEntry::parse("/m", [("ns0", "/m")]).unwrap();
            MountEntry { owner: "ann".into(), group: "staff".into(), mode, ..entry }
        };
        let [ann, bob, eve] = [caller("ann", &[]), caller("bob", &["staff"]), caller("eve", &["supers"])];
        let ann_of_staff = caller("ann", &["staff"]);
        use Action::{Execute, Read, Write};
        let rows = [
            (&ann, 0o200, Write, true),
            (&ann, 0o077, Write, false),
            // Not as in HDFS: the owner is a member too.
            (&ann_of_staff, 0o070, Write, true),
            (&ann_of_staff, 0o007, Write, false),
            (&bob, 0o070, Write, true),
            (&bob, 0o707, Write, false),
            (&bob, 0o040, Read, true),
            (&bob, 0o030, Read, false),
            (&eve, 0o772, Write, true),
            (&eve, 0o775, Write, false),
            (&eve, 0o001, Execute, true),
            (&eve, 0o776, Execute, false),
        ];
        for (who, mode, action, expected) in rows {
            assert_eq!(who.may(&entry(mode), action), expected, "{} {mode:o} {action:?}", who.name);
        }
    }

    #[test]
    fn superusers_may_everything_and_own_what_nobody_owns() {
        let entry = MountEntry { mode: 0o700, ..MountEntry::parse("/m", [("ns0", "/m")]).unwrap() };
        for (who, may) in [("root", true), ("eve", false)] {
            assert_eq!(caller(who, &[]).may(&entry, Action::Write), may, "{who}");
        }
        assert!(caller("eve", &["supergroup"]).may(&MountEntry { mode: 0, ..entry.clone() }, Action::Write));
        let refused = caller("eve", &[]).check(&entry, Action::Read).unwrap_err().to_string();
        assert_eq!(
            refused,
            "Permission denied while accessing mount table /m: user eve does not have READ permissions."
        );
        assert_eq!(caller("eve", &[]).check_super().unwrap_err().to_string(), "eve is not a super user");
        assert!(caller("eve/h@R", &[]).check_super().unwrap_err().to_string().starts_with("eve/h@R is not"));
    }

    #[test]
    fn everybody_may_everything_where_permissions_are_off() {
        let mut config = RouterConfig::default();
        config.admin.permissions = false;
        let eve = Caller::new(&config, &Identity::simple("eve"), Vec::new());
        let entry = MountEntry { mode: 0, ..MountEntry::parse("/m", [("ns0", "/m")]).unwrap() };
        assert!(eve.may(&entry, Action::Write) && eve.check_super().is_ok() && eve.check_super_at("/").is_ok());
    }
}
