use std::net::SocketAddr;

use anyhow::Result;

use crate::fault_proxy::{Fault, FaultProxy, Way};
use crate::net::free_address;

/// What the members of an ensemble talk to each other over: a proxy for each pair and direction of connecting, so that
/// members can be parted.
pub struct Links {
    /// What each member binds, for quorum and election.
    own: Vec<(SocketAddr, SocketAddr)>,
    /// Who connects, to whom, and the proxies on that way.
    ways: Vec<(usize, usize, [FaultProxy; 2])>,
}

impl Links {
    /// Links of so many members. Must be called within a tokio runtime, which they need as long as they live.
    pub async fn start(members: usize) -> Result<Self> {
        let own = (0..members).map(|_| Ok((free_address()?, free_address()?))).collect::<Result<Vec<_>>>()?;
        let mut ways = Vec::new();
        for (from, to) in (0..members).flat_map(|from| (0..members).map(move |to| (from, to))) {
            if from != to {
                let (quorum, election) = own[to];
                ways.push((from, to, [FaultProxy::start(quorum).await?, FaultProxy::start(election).await?]));
            }
        }
        let links = Self { own, ways };
        // Who is called by a member with a lower id hangs up and calls back, where the caller says that it is.
        for (from, to, [_, election]) in &links.ways {
            election.introduce(&links.own[*from].1.to_string(), &links.view(*to)[*from].1.to_string());
        }
        Ok(links)
    }

    fn view(&self, member: usize) -> Vec<(SocketAddr, SocketAddr)> {
        let mut view = self.own.clone();
        for (_, to, [quorum, election]) in self.ways.iter().filter(|(from, ..)| *from == member) {
            view[*to] = (quorum.address(), election.address());
        }
        view
    }

    pub(super) fn views(&self) -> Vec<Vec<(SocketAddr, SocketAddr)>> {
        (0..self.own.len()).map(|member| self.view(member)).collect()
    }

    /// Keeps what members send to others, where `parted(from, to)` says so; what was kept of other ways arrives late.
    pub fn part(&self, parted: impl Fn(usize, usize) -> bool) {
        let fault = |from, to| if parted(from, to) { Fault::Withhold } else { Fault::None };
        for (from, to, proxies) in &self.ways {
            for proxy in proxies {
                proxy.set(Way::Requests, fault(*from, *to));
                proxy.set(Way::Replies, fault(*to, *from));
            }
        }
    }

    /// Breaks all connections, and what was kept is lost.
    pub fn cut(&self) {
        self.ways.iter().flat_map(|(.., proxies)| proxies).for_each(FaultProxy::cut);
    }

    /// All together again; what was kept arrives late.
    pub fn heal(&self) {
        self.part(|_, _| false);
    }
}
