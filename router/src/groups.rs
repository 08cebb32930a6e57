//! Which groups a user is in: those that the configuration lists, else those of this machine.

use std::process::Stdio;
use std::time::{Duration, Instant};

use hashbrown::HashMap;
use parking_lot::{Mutex, RwLock};
use tokio::process::Command;
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// How long it counts at most that the machine knows no groups of a user, as in Java.
const NONE_FRESH: Duration = Duration::from_secs(30);
/// Directory services may be far away.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many users are remembered.
const USERS: usize = 10_000;
/// How many are asked for at once: whoever connects can name as many as he likes.
const AT_ONCE: usize = 16;

/// See the module.
pub struct Groups {
    listed: RwLock<HashMap<String, Vec<String>>>,
    known: Mutex<Known>,
    asking: Semaphore,
    fresh: Duration,
}

/// What the machine has said.
struct Known {
    users: HashMap<String, (Instant, Vec<String>)>,
    /// Answers to what was asked before count no more.
    since: Instant,
}

impl Groups {
    /// The groups that the configuration lists, by user, and how long an answer of the machine counts.
    pub fn new(listed: &[(String, Vec<String>)], fresh: Duration) -> Self {
        Self {
            listed: RwLock::new(listed.iter().cloned().collect()),
            known: Mutex::new(Known { users: HashMap::new(), since: Instant::now() }),
            asking: Semaphore::new(AT_ONCE),
            fresh,
        }
    }

    /// From now on, the configuration lists these.
    pub fn list(&self, listed: &[(String, Vec<String>)]) {
        *self.listed.write() = listed.iter().cloned().collect();
    }

    /// From now on, the machine is asked anew.
    pub fn forget(&self) {
        *self.known.lock() = Known { users: HashMap::new(), since: Instant::now() };
    }

    /// The groups of a user; of one whom nobody knows, none.
    pub async fn of(&self, user: &str) -> Vec<String> {
        if let Some(groups) = self.listed.read().get(user) {
            return groups.clone();
        }
        if let Some(groups) = self.known(user) {
            return groups;
        }
        let asked = Instant::now();
        let answer = timeout(PATIENCE, self.ask(user)).await;
        let Some(groups) = answer.unwrap_or_else(|_| {
            tracing::warn!(user, "this machine does not tell the groups of a user in time");
            None
        }) else {
            return Vec::new();
        };
        let mut known = self.known.lock();
        if known.users.len() >= USERS {
            known.users.clear();
        }
        if asked >= known.since {
            known.users.insert(user.to_owned(), (Instant::now(), groups.clone()));
        }
        groups
    }

    fn known(&self, user: &str) -> Option<Vec<String>> {
        let known = self.known.lock();
        let (when, groups) = known.users.get(user)?;
        let fresh = if groups.is_empty() { self.fresh.min(NONE_FRESH) } else { self.fresh };
        (when.elapsed() < fresh).then(|| groups.clone())
    }

    /// By the program that knows every source of groups that the machine is set up for. None when it cannot be asked.
    async fn ask(&self, user: &str) -> Option<Vec<String>> {
        // What looks like a number would be taken as that of another user.
        if !user.starts_with(|letter: char| letter.is_alphabetic() || letter == '_') {
            return Some(Vec::new());
        }
        // It is never closed.
        let _turn = self.asking.acquire().await;
        let mut id = Command::new("id");
        id.args(["-Gn", "--", user]).stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        match id.output().await {
            Ok(output) if output.status.success() => {
                Some(String::from_utf8_lossy(&output.stdout).split_whitespace().map(str::to_owned).collect())
            }
            Ok(_) => Some(Vec::new()),
            Err(error) => {
                tracing::warn!(user, %error, "cannot ask this machine for the groups of a user");
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_configuration_wins_over_the_machine() {
        let listed = [("root".into(), vec![]), ("ann".into(), vec!["staff".into()])];
        let groups = Groups::new(&listed, Duration::MAX);
        assert_eq!(groups.of("root").await, Vec::<String>::new());
        assert_eq!(groups.of("ann").await, ["staff"]);
        groups.list(&[("ann".into(), vec!["etl".into()])]);
        assert!(groups.of("root").await.contains(&"root".to_owned()));
        assert_eq!(groups.of("ann").await, ["etl"]);
    }

    #[tokio::test]
    async fn the_machine_is_asked_for_the_others() {
        let groups = Groups::new(&[], Duration::MAX);
        assert!(groups.of("root").await.contains(&"root".to_owned()));
        for nobody in ["no-such-user", "--help", "", "0", "+0"] {
            assert_eq!(groups.of(nobody).await, Vec::<String>::new(), "{nobody:?}");
        }
        assert_eq!(groups.known.lock().users.len(), 6);
        groups.forget();
        assert_eq!(groups.known.lock().users.len(), 0);
    }
}
