//! Who may act for whom (`hadoop.proxyuser.*`).

use std::net::{IpAddr, SocketAddr};

use anabranch_hrpc::{Exception, Identity};
use hashbrown::HashMap;
use tokio::time::{Duration, timeout};

use crate::config::{AddressRange, Names, ProxyUsers};
use crate::groups::Groups;

/// For the address of one host. A router starts without those that no name server knows.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);

/// The rules, with hosts as addresses.
#[derive(Debug, Default)]
pub struct Impersonation {
    rules: HashMap<String, Rule>,
    allow_all: bool,
}

#[derive(Debug)]
struct Rule {
    users: Names,
    groups: Names,
    hosts: Hosts,
}

#[derive(Debug)]
enum Hosts {
    Any,
    Of(Vec<AddressRange>),
}

impl Impersonation {
    /// Looks the names of hosts up once.
    pub async fn new(config: &ProxyUsers) -> Self {
        let mut rules = HashMap::new();
        for rule in &config.rules {
            let hosts = match &rule.hosts {
                Names::Any => Hosts::Any,
                Names::Of(hosts) => Hosts::Of(ranges(hosts).await),
            };
            rules
                .insert(rule.real_user.clone(), Rule { users: rule.users.clone(), groups: rule.groups.clone(), hosts });
        }
        Self { rules, allow_all: config.allow_all }
    }

    /// Whether the identity may be used from this address.
    ///
    /// # Errors
    /// `AuthorizationException` in the words of Hadoop.
    pub async fn authorize(&self, peer: SocketAddr, identity: &Identity, groups: &Groups) -> Result<(), Exception> {
        let Some(real) = identity.real_user.as_ref().filter(|_| !self.allow_all) else { return Ok(()) };
        let refused = || Err(Exception::impersonation_refused(real, &identity.user));
        let Some(rule) = self.rules.get(Identity::simple(real.clone()).short_name()) else { return refused() };
        if !rule.covers(identity.short_name(), groups).await {
            return refused();
        }
        let address = peer.ip().to_canonical();
        if !rule.hosts.contain(address) {
            // Java shows an address whose name it has not looked up with a slash.
            let message = format!("Unauthorized connection for super-user: {real} from IP /{address}");
            return Err(Exception::unauthorized(anabranch_hrpc::class::AUTHORIZATION, message));
        }
        Ok(())
    }
}

impl Rule {
    async fn covers(&self, user: &str, groups: &Groups) -> bool {
        if self.users.contain(user) {
            return true;
        }
        match &self.groups {
            Names::Any => true,
            Names::Of(listed) if listed.is_empty() => false,
            names => groups.of(user).await.iter().any(|group| names.contain(group)),
        }
    }
}

impl Hosts {
    fn contain(&self, address: IpAddr) -> bool {
        match self {
            Self::Any => true,
            Self::Of(ranges) => ranges.iter().any(|range| range.contains(address)),
        }
    }
}

async fn ranges(hosts: &[String]) -> Vec<AddressRange> {
    let mut ranges = Vec::new();
    for host in hosts {
        if let Some(range) = AddressRange::parse(host) {
            ranges.push(range);
            continue;
        }
        let lookup = timeout(LOOKUP_TIMEOUT, tokio::net::lookup_host((host.as_str(), 0))).await;
        match lookup.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into())) {
            Ok(found) => ranges.extend(found.filter_map(|address| AddressRange::parse(&address.ip().to_string()))),
            Err(error) => tracing::warn!(host, %error, "a host of hadoop.proxyuser.*.hosts has no address; ignored"),
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ProxyRule;

    fn names(list: &[&str]) -> Names {
        if list == ["*"] { Names::Any } else { Names::Of(list.iter().map(ToString::to_string).collect()) }
    }

    async fn check(users: &[&str], groups: &[&str], hosts: &[&str], user: &str) -> Result<(), String> {
        let config = ProxyUsers {
            rules: vec![ProxyRule {
                real_user: "oozie".into(),
                users: names(users),
                groups: names(groups),
                hosts: names(hosts),
            }],
            ..ProxyUsers::default()
        };
        let groups = Groups::new(&[("alice".into(), vec!["users".into(), "staff".into()])], Duration::MAX);
        let identity = Identity { user: user.into(), real_user: Some("oozie/h@R".into()) };
        let rules = Impersonation::new(&config).await;
        let verdict = rules.authorize("10.0.1.7:99".parse().unwrap(), &identity, &groups).await;
        verdict.map_err(|exception| exception.message)
    }

    #[tokio::test]
    async fn rules_decide_by_user_group_and_host() {
        let refused = Err("User: oozie/h@R is not allowed to impersonate alice".to_owned());
        let elsewhere = Err("Unauthorized connection for super-user: oozie/h@R from IP /10.0.1.7".to_owned());
        type Row<'a> = (&'a [&'a str], &'a [&'a str], &'a [&'a str], &'a Result<(), String>);
        let rows: &[Row<'_>] = &[
            (&["alice"], &[], &["*"], &Ok(())),
            (&["*"], &[], &["10.0.0.0/16"], &Ok(())),
            (&[], &["staff"], &["10.0.1.7"], &Ok(())),
            (&[], &["*"], &["*"], &Ok(())),
            (&["bob"], &["others"], &["*"], &refused),
            (&[], &[], &["*"], &refused),
            (&["*"], &[], &["10.0.2.0/24", "::1"], &elsewhere),
            (&["*"], &[], &[], &elsewhere),
        ];
        for (users, groups, hosts, expected) in rows {
            assert_eq!(check(users, groups, hosts, "alice").await, **expected, "{users:?} {groups:?} {hosts:?}");
        }
    }

    #[tokio::test]
    async fn without_rules_nobody_acts_for_another() {
        let rules = Impersonation::new(&ProxyUsers::default()).await;
        let peer = "10.0.0.1:1".parse().unwrap();
        let mallory = Identity { user: "root".into(), real_user: Some("mallory".into()) };
        let groups = Groups::new(&[], Duration::MAX);
        let refusal = rules.authorize(peer, &mallory, &groups).await.unwrap_err();
        assert_eq!(refusal.message, "User: mallory is not allowed to impersonate root");
        assert_eq!(rules.authorize(peer, &Identity::simple("root"), &groups).await, Ok(()));
        let all = Impersonation::new(&ProxyUsers { allow_all: true, ..ProxyUsers::default() }).await;
        assert_eq!(all.authorize(peer, &mallory, &groups).await, Ok(()));
    }
}
