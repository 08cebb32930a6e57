use anabranch_store::{Membership, NamenodeState, Record, RouterState, RouterStatus};

/// A record that says when it was written, and expires.
pub trait Dated: Record {
    /// When it was written, in milliseconds since 1970; 0 if it does not say.
    fn modified_ms(&self) -> u64;

    /// Whether it is marked as expired.
    fn is_marked(&self) -> bool;

    /// The same with the mark and with its old date; none if it cannot have one.
    fn marked(&self) -> Option<Self>;
}

impl Dated for Membership {
    fn modified_ms(&self) -> u64 {
        self.message().date_modified()
    }

    fn is_marked(&self) -> bool {
        self.state() == NamenodeState::Expired
    }

    fn marked(&self) -> Option<Self> {
        Some(self.clone().expired())
    }
}

impl Dated for RouterState {
    fn modified_ms(&self) -> u64 {
        self.message().date_modified()
    }

    fn is_marked(&self) -> bool {
        self.status() == RouterStatus::Expired
    }

    fn marked(&self) -> Option<Self> {
        let mut message = self.message().clone();
        message.status = Some(RouterStatus::Expired.name().to_owned());
        Self::new(message).ok()
    }
}
