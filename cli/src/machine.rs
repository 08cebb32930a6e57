//! Who runs this program, and where.

use std::fs;

use anabranch_router::config::hadoop::Environment;
use anabranch_telemetry::process;

/// What configuration may refer to outside of its files.
pub(crate) fn environment() -> Environment {
    Environment { variables: std::env::vars().collect(), user: user(), host: host(), memory: process::memory().limit }
}

/// The user: `HADOOP_USER_NAME`, as Hadoop's own programs take it, else the account of this process.
pub(crate) fn user() -> String {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    variable("HADOOP_USER_NAME").or_else(account).or_else(|| variable("USER")).unwrap_or_else(|| "nobody".to_owned())
}

fn account() -> Option<String> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let effective = status.lines().find_map(|line| line.strip_prefix("Uid:"))?.split_whitespace().nth(1)?;
    account_of(&fs::read_to_string("/etc/passwd").ok()?, effective)
}

fn account_of(accounts: &str, uid: &str) -> Option<String> {
    let fields = accounts.lines().map(|line| line.split(':').collect::<Vec<_>>());
    fields.into_iter().find(|fields| fields.get(2) == Some(&uid)).map(|fields| fields[0].to_owned())
}

/// The name of this machine.
pub(crate) fn host() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").ok().map(|name| name.trim().to_owned());
    name.filter(|name| !name.is_empty()).unwrap_or_else(|| "localhost".to_owned())
}

#[cfg(test)]
mod tests {
    #[test]
    fn accounts_are_found_by_number() {
        let accounts = "root:x:0:0:root:/root:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\n";
        assert_eq!(super::account_of(accounts, "1000").as_deref(), Some("alice"));
        assert_eq!(super::account_of(accounts, "7"), None);
    }
}
