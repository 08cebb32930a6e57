/// The state of a NameNode, in the order in which they are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NamenodeState {
    /// Serves reads and writes.
    Active,
    /// Serves reads.
    Observer,
    /// Serves nothing yet.
    Standby,
    /// Does not answer.
    Unavailable,
    /// Nobody has reported it for `dfs.federation.router.store.membership.expiration`.
    Expired,
    /// Its nameservice is disabled.
    Disabled,
}

impl NamenodeState {
    /// All of them, in order.
    pub const ALL: [Self; 6] =
        [Self::Active, Self::Observer, Self::Standby, Self::Unavailable, Self::Expired, Self::Disabled];

    /// Its name in records: that of Java's `FederationNamenodeServiceState`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Observer => "OBSERVER",
            Self::Standby => "STANDBY",
            Self::Unavailable => "UNAVAILABLE",
            Self::Expired => "EXPIRED",
            Self::Disabled => "DISABLED",
        }
    }
}
