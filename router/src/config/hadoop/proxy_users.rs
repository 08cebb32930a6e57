//! `hadoop.proxyuser.*`: who may act for whom.

use std::collections::BTreeMap;

use super::Error;
use super::properties::Properties;
use crate::config::{Names, ProxyRule, ProxyUsers};

const PREFIX: &str = "hadoop.proxyuser.";
const STATIC_GROUPS: &str = "hadoop.user.group.static.mapping.overrides";

/// The rules, one for each real user that any key names.
pub(super) fn read(properties: &Properties) -> Result<ProxyUsers, Error> {
    let mut rules: BTreeMap<String, ProxyRule> = BTreeMap::new();
    for key in properties.names().filter_map(|name| name.strip_prefix(PREFIX)) {
        let Some((user, what)) = key.rsplit_once('.') else { continue };
        let nobody = || Names::Of(Vec::new());
        let rule = rules.entry(user.to_owned()).or_insert_with(|| ProxyRule {
            real_user: user.to_owned(),
            users: nobody(),
            groups: nobody(),
            hosts: nobody(),
        });
        let slot = match what {
            "users" => &mut rule.users,
            "groups" => &mut rule.groups,
            "hosts" => &mut rule.hosts,
            _ => {
                let key = format!("{PREFIX}{key}");
                let value = properties.get(&key)?.unwrap_or_default();
                return Err(properties.refused(&key, &value, "a key that ends in .users, .groups or .hosts"));
            }
        };
        *slot = names(properties.list(&format!("{PREFIX}{key}"))?);
    }
    Ok(ProxyUsers { rules: rules.into_values().collect(), groups: user_groups(properties)?, allow_all: false })
}

fn names(list: Vec<String>) -> Names {
    if list.iter().any(|name| name == "*") { Names::Any } else { Names::Of(list) }
}

/// `user1=group1,group2;user2=;`: a user without groups is in none, whatever the machine says.
fn user_groups(properties: &Properties) -> Result<Vec<(String, Vec<String>)>, Error> {
    let value = properties.get(STATIC_GROUPS)?.unwrap_or_default();
    let parts = value.split(';').map(str::trim).filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let refused = || properties.refused(STATIC_GROUPS, &value, "user=group,group;user=group");
            let (user, list) = part.split_once('=').ok_or_else(refused)?;
            let groups = list.split(',').map(str::trim).filter(|group| !group.is_empty()).map(str::to_owned);
            Ok((user.trim().to_owned(), groups.collect()))
        })
        .collect()
}
