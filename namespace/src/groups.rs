//! Which groups a user is in.

use std::collections::BTreeMap;
use std::sync::Arc;

use smallvec::{SmallVec, smallvec};

/// Names of groups, the primary one first.
pub type GroupList = SmallVec<[Arc<str>; 4]>;

/// Where the groups of users are known.
pub trait Groups: Send + Sync + 'static {
    /// The groups of a user.
    fn of(&self, user: &str) -> GroupList;
}

/// Groups that the configuration lists. A user that it does not list is in the group of the same name.
#[derive(Debug, Clone, Default)]
pub struct StaticGroups {
    known: BTreeMap<String, GroupList>,
}

impl StaticGroups {
    /// From each listed user's groups.
    pub fn new(users: &BTreeMap<String, Vec<String>>) -> Self {
        let list = |groups: &Vec<String>| groups.iter().map(|group| Arc::from(group.as_str())).collect();
        Self { known: users.iter().map(|(user, groups)| (user.clone(), list(groups))).collect() }
    }
}

impl Groups for StaticGroups {
    fn of(&self, user: &str) -> GroupList {
        self.known.get(user).cloned().unwrap_or_else(|| smallvec![Arc::from(user)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unlisted_users_are_in_their_own_group() {
        let users = BTreeMap::from([("ann".to_owned(), vec!["staff".to_owned(), "ops".to_owned()])]);
        let groups = StaticGroups::new(&users);
        assert_eq!(groups.of("ann").as_slice(), [Arc::from("staff"), Arc::from("ops")]);
        assert_eq!(groups.of("bob").as_slice(), [Arc::from("bob")]);
    }
}
