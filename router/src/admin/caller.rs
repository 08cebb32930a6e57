//! What somebody may do with an entry of the mount table.

use anabranch_federation::{Action, Authority, MountEntry};
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
    authority: Authority,
}

impl Caller {
    pub(super) fn new(config: &RouterConfig, identity: &Identity, groups: Vec<String>) -> Self {
        Self {
            full_name: identity.user.to_string(),
            name: identity.short_name().to_owned(),
            groups,
            authority: config.authority(),
        }
    }

    /// Whether an entry lets the caller do something.
    pub(super) fn may(&self, entry: &MountEntry, action: Action) -> bool {
        self.authority.may(&self.name, &self.groups, entry, action)
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
        if self.is_super() { Ok(()) } else { Err(self.denied(source, Action::Write)) }
    }

    /// For what is not about an entry.
    pub(super) fn check_super(&self) -> Result<(), Problem> {
        if self.is_super() { Ok(()) } else { Err(Problem::NoSuperuser(self.full_name.clone())) }
    }

    fn is_super(&self) -> bool {
        self.authority.is_above(&self.name, &self.groups)
    }

    fn denied(&self, source: &str, action: Action) -> Problem {
        Problem::Denied { source_path: source.to_owned(), user: self.name.clone(), action: word(action) }
    }
}

fn word(action: Action) -> &'static str {
    match action {
        Action::Read => "READ",
        Action::Write => "WRITE",
        Action::Execute => "EXECUTE",
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
    fn who_may_not_is_told_so() {
        let entry = MountEntry { mode: 0o700, ..MountEntry::parse("/m", [("ns0", "/m")]).unwrap() };
        for (who, groups, may) in [("root", &[][..], true), ("eve", &[], false), ("eve", &["supergroup"], true)] {
            let caller = caller(who, groups);
            assert_eq!(
                (caller.check(&entry, Action::Write).is_ok(), caller.check_super().is_ok()),
                (may, may),
                "{who}"
            );
        }
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
