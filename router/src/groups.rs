//! Which groups a user is in: those that the configuration lists, else those of this machine.

use std::process::Stdio;
use std::time::{Duration, Instant};

use hashbrown::HashMap;
use parking_lot::Mutex;
use tokio::process::Command;
use tokio::time::timeout;

/// How long an answer of the machine counts; `hadoop.security.groups.cache.secs`.
const FRESH: Duration = Duration::from_secs(300);
/// Directory services may be far away.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many users are remembered.
const USERS: usize = 10_000;

/// See the module.
pub struct Groups {
    listed: HashMap<String, Vec<String>>,
    asked: Mutex<HashMap<String, (Instant, Vec<String>)>>,
}

impl Groups {
    /// The groups that the configuration lists, by user.
    pub fn new(listed: &[(String, Vec<String>)]) -> Self {
        Self { listed: listed.iter().cloned().collect(), asked: Mutex::default() }
    }

    /// The groups of a user; of one whom nobody knows, none.
    pub async fn of(&self, user: &str) -> Vec<String> {
        if let Some(groups) = self.listed.get(user) {
            return groups.clone();
        }
        let known = self.asked.lock().get(user).filter(|(when, _)| when.elapsed() < FRESH).cloned();
        if let Some((_, groups)) = known {
            return groups;
        }
        let groups = ask(user).await;
        let mut asked = self.asked.lock();
        if asked.len() >= USERS {
            asked.clear();
        }
        asked.insert(user.to_owned(), (Instant::now(), groups.clone()));
        groups
    }
}

/// The program that knows every source of groups that the machine is set up for.
async fn ask(user: &str) -> Vec<String> {
    // What looks like a number would be taken as that of another user.
    if !user.starts_with(|letter: char| letter.is_alphabetic() || letter == '_') {
        return Vec::new();
    }
    let mut id = Command::new("id");
    id.args(["-Gn", "--", user]).stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    match timeout(PATIENCE, id.output()).await {
        Ok(Ok(output)) if output.status.success() => {
            String::from_utf8_lossy(&output.stdout).split_whitespace().map(str::to_owned).collect()
        }
        Ok(Ok(_)) => Vec::new(),
        Ok(Err(error)) => {
            tracing::warn!(user, %error, "cannot ask this machine for the groups of a user");
            Vec::new()
        }
        Err(_) => {
            tracing::warn!(user, "this machine does not tell the groups of a user in time");
            Vec::new()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_configuration_wins_over_the_machine() {
        let groups = Groups::new(&[("root".into(), vec![]), ("ann".into(), vec!["staff".into()])]);
        assert_eq!(groups.of("root").await, Vec::<String>::new());
        assert_eq!(groups.of("ann").await, ["staff"]);
    }

    #[tokio::test]
    async fn the_machine_is_asked_for_the_others() {
        let groups = Groups::new(&[]);
        assert!(groups.of("root").await.contains(&"root".to_owned()));
        for nobody in ["no-such-user", "--help", "", "0", "+0"] {
            assert_eq!(groups.of(nobody).await, Vec::<String>::new(), "{nobody:?}");
        }
        assert_eq!(groups.asked.lock().len(), 6);
    }
}
