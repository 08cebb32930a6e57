//! Which NameNodes a subcluster has, from what the configuration and the records of the fleet say. Plain functions.

use anabranch_federation::NameserviceId;
use anabranch_federation::membership::{NamenodeState, Registration};

use crate::config::NameserviceConfig;

/// A NameNode of a subcluster, before there are connections to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its id; none without high availability.
    pub id: Option<String>,
    /// `host:port` for clients.
    pub address: String,
    /// What the records say; none if they say nothing.
    pub state: Option<NamenodeState>,
}

impl Member {
    /// Whether it gets calls. An observer would answer reads from the past; it serves those who ask for it.
    pub fn is_callable(&self) -> bool {
        self.state != Some(NamenodeState::Observer)
    }
}

/// A subcluster and its NameNodes, in the order in which they are asked; those that get no calls are last.
pub type Composition = (NameserviceId, Vec<Member>);

/// All subclusters: those of the configuration, in its order, then those that only records know. `registrations` are
/// sorted; `in_use` is what was composed last, whose addresses stay where the records allow.
pub fn compose(
    configured: &[(NameserviceId, NameserviceConfig)],
    registrations: &[Registration],
    in_use: impl Fn(&str) -> Vec<Member>,
) -> Vec<Composition> {
    let mut all: Vec<Composition> = Vec::new();
    let mut add = |id: &NameserviceId, configured: &[Member], registered: &[Registration]| {
        all.push((id.clone(), members(&in_use(id.as_str()), configured, registered)));
    };
    let groups = || registrations.chunk_by(|a, b| a.namenode.nameservice == b.namenode.nameservice);
    for (id, config) in configured {
        let registered = groups().find(|group| group[0].namenode.nameservice == *id);
        add(id, &of_configuration(config), registered.unwrap_or_default());
    }
    for group in groups() {
        let id = &group[0].namenode.nameservice;
        if !configured.iter().any(|(known, _)| known == id) {
            add(id, &[], group);
        }
    }
    all
}

/// The NameNodes of the configuration, of which nothing else is known.
fn of_configuration(config: &NameserviceConfig) -> Vec<Member> {
    let members = config.namenodes.iter().map(|namenode| Member {
        id: namenode.id.clone(),
        address: namenode.rpc_address.clone(),
        state: None,
    });
    members.collect()
}

fn members(in_use: &[Member], configured: &[Member], registered: &[Registration]) -> Vec<Member> {
    let mut silent: Vec<&Member> = configured.iter().collect();
    let mut all: Vec<Member> = Vec::new();
    for registration in registered {
        let is_it = |member: &&Member| is_the_same(member, registration);
        let address = in_use.iter().chain(configured).find(is_it).map_or(&registration.rpc_address, |member| {
            if registration.known_as.contains(&member.address) { &member.address } else { &registration.rpc_address }
        });
        silent.retain(|member| !is_the_same(member, registration));
        if !all.iter().any(|member| member.address == *address) {
            let (id, address) = (registration.namenode.namenode.clone(), address.clone());
            all.push(Member { id, address, state: Some(registration.state) });
        }
    }
    // What the configuration says is not forgotten because nobody reports it.
    let unheard: Vec<Member> =
        silent.into_iter().filter(|one| !all.iter().any(|known| known.address == one.address)).cloned().collect();
    all.extend(unheard);
    all.sort_by_key(|member| !member.is_callable());
    keep_elected(in_use, &mut all);
    all
}

/// Of several that are called active, the one that was so before stays the first, unless a standby has become active: one that
/// hung while another was made active goes on to call itself active until it has to write, and what it answers is old.
fn keep_elected(in_use: &[Member], all: &mut [Member]) {
    let active = |member: &Member| member.state == Some(NamenodeState::Active);
    let Some(elected) = in_use.first().filter(|first| active(first)) else { return };
    let same = |member: &Member| active(member) && member.address == elected.address;
    let Some((before, _)) = all.iter().position(same).map(|at| all.split_at_mut(at + 1)) else { return };
    let was_standby = |member: &Member| {
        in_use.iter().any(|was| was.address == member.address && was.state == Some(NamenodeState::Standby))
    };
    if !before.iter().any(was_standby) {
        before.rotate_right(1);
    }
}

/// Whether a NameNode is the one that is registered: by its id, and if it has none by where it is, or for being the only
/// one without.
fn is_the_same(member: &Member, registration: &Registration) -> bool {
    match (&member.id, &registration.namenode.namenode) {
        (Some(id), Some(registered)) => id == registered,
        (None, None) => true,
        _ => registration.known_as.contains(&member.address),
    }
}

/// Which of the next members is asked first, when `asked` of the last was. What calls found out counts until the records
/// tell of another active NameNode, or of another state of this one.
pub fn carried(last: &[Member], asked: usize, next: &[Member]) -> usize {
    let active = |members: &[Member]| {
        members.first().filter(|first| first.state == Some(NamenodeState::Active)).map(|first| first.address.clone())
    };
    let news = active(next).filter(|address| active(last).as_ref() != Some(address));
    if news.is_some() {
        return 0;
    }
    let Some(asked) = last.get(asked) else { return 0 };
    let same = |member: &Member| member.address == asked.address && member.state == asked.state;
    next.iter().position(|member| same(member) && member.is_callable()).unwrap_or(0)
}

#[cfg(test)]
mod tests;
