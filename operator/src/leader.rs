//! One operator works at a time: the one that holds the Lease.

use std::time::Duration;

use anabranch_telemetry::clock;
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Client};
use tokio::time::{Instant, timeout_at};

use crate::error::{Error, Trying};

/// How long a holder is believed to be alive.
const DURATION: Duration = Duration::from_secs(15);
/// Who cannot renew for so long stops, before anyone else may begin.
const RENEW_DEADLINE: Duration = Duration::from_secs(10);
/// How often the lease is renewed or tried for.
const PERIOD: Duration = Duration::from_secs(2);

/// A candidate for the lease.
pub struct Candidate {
    api: Api<Lease>,
    name: String,
    identity: String,
    /// What was seen of the holder, and when: clocks of other machines are not trusted.
    seen: Option<(LeaseSpec, Instant)>,
}

/// What to do about a lease.
#[derive(Debug, PartialEq)]
enum Move {
    Create,
    Take,
    Renew,
    Wait,
}

fn decide(lease: Option<&LeaseSpec>, identity: &str, unchanged: Duration) -> Move {
    let Some(spec) = lease else { return Move::Create };
    match spec.holder_identity.as_deref() {
        None | Some("") => Move::Take,
        Some(holder) if holder == identity => Move::Renew,
        Some(_) => {
            let stated = spec.lease_duration_seconds.and_then(|seconds| u64::try_from(seconds).ok());
            let lifetime = stated.map_or(DURATION, Duration::from_secs);
            if unchanged > lifetime { Move::Take } else { Move::Wait }
        }
    }
}

impl Candidate {
    /// For the lease of this name.
    pub fn new(client: Client, namespace: &str, name: &str, identity: &str) -> Self {
        let (name, identity) = (name.to_owned(), identity.to_owned());
        Self { api: Api::namespaced(client, namespace), name, identity, seen: None }
    }

    /// Returns when the lease is held.
    pub async fn acquire(&mut self) {
        loop {
            match self.step().await {
                Ok(true) => return,
                Ok(false) => {}
                Err(error) => tracing::warn!(%error, "cannot try for the lease; trying again"),
            }
            tokio::time::sleep(PERIOD).await;
        }
    }

    /// Keeps the lease; returns when it is lost. Whoever held it must write nothing any more.
    pub async fn keep(&mut self) {
        let mut renewed = Instant::now();
        loop {
            tokio::time::sleep(PERIOD).await;
            // The lease runs from before it was written.
            let began = Instant::now();
            match timeout_at(renewed + RENEW_DEADLINE, self.step()).await {
                Ok(Ok(true)) => renewed = began,
                Ok(Ok(false)) => {
                    tracing::error!("another operator holds the lease");
                    return;
                }
                Ok(Err(error)) if renewed.elapsed() < RENEW_DEADLINE => {
                    tracing::warn!(%error, "cannot renew the lease; trying again");
                }
                Ok(Err(_)) | Err(_) => {
                    tracing::error!(after = ?RENEW_DEADLINE, "the lease could not be renewed");
                    return;
                }
            }
        }
    }

    /// Gives the lease up, so that the next one need not wait.
    pub async fn release(&mut self) {
        let given_up: Result<(), Error> = async {
            let Some(mut lease) = self.get().await? else { return Ok(()) };
            let spec = lease.spec.get_or_insert_default();
            if spec.holder_identity.as_deref() != Some(&*self.identity) {
                return Ok(());
            }
            spec.holder_identity = None;
            let written = self.api.replace(&self.name, &PostParams::default(), &lease).await;
            written.map(drop).trying(|| format!("give up the lease {}", self.name))
        }
        .await;
        if let Err(error) = given_up {
            tracing::debug!(%error, "the lease was not given up; it runs out by itself");
        }
    }

    async fn get(&self) -> Result<Option<Lease>, Error> {
        self.api.get_opt(&self.name).await.trying(|| format!("get the lease {}", self.name))
    }

    /// One try; whether the lease is held.
    ///
    /// That someone else wrote to it in between is not to say that it was taken: it may have been given a label. So it is
    /// read once more, and if it is still ours or free, written again.
    async fn step(&mut self) -> Result<bool, Error> {
        match self.attempt().await {
            Err(Error::Kube { source: kube::Error::Api(status), .. }) if status.code == 409 => self.attempt().await,
            done => done,
        }
    }

    async fn attempt(&mut self) -> Result<bool, Error> {
        let lease = self.get().await?;
        let spec = lease.as_ref().map(|lease| lease.spec.clone().unwrap_or_default());
        let same = |(seen, _): &&(LeaseSpec, Instant)| Some(seen) == spec.as_ref();
        let since = self.seen.as_ref().filter(same).map_or_else(Instant::now, |(_, since)| *since);
        self.seen = spec.clone().map(|spec| (spec, since));
        let next = decide(spec.as_ref(), &self.identity, since.elapsed());
        let now = MicroTime(now());
        let old = spec.unwrap_or_default();
        let transitions = old.lease_transitions.unwrap_or_default() + i32::from(next == Move::Take);
        let acquire_time = if next == Move::Renew { old.acquire_time.clone() } else { Some(now.clone()) };
        let spec = LeaseSpec {
            holder_identity: Some(self.identity.clone()),
            lease_duration_seconds: i32::try_from(DURATION.as_secs()).ok(),
            acquire_time,
            renew_time: Some(now),
            lease_transitions: Some(transitions),
            ..old
        };
        // The resource version makes sure that nobody else took it since.
        let written = match (next, lease) {
            (Move::Wait, _) => return Ok(false),
            (Move::Create, _) | (_, None) => {
                let metadata = ObjectMeta { name: Some(self.name.clone()), ..ObjectMeta::default() };
                self.api.create(&PostParams::default(), &Lease { metadata, spec: Some(spec) }).await
            }
            (Move::Take | Move::Renew, Some(lease)) => {
                self.api.replace(&self.name, &PostParams::default(), &Lease { spec: Some(spec), ..lease }).await
            }
        };
        written.map(|_| true).trying(|| format!("write the lease {}", self.name))
    }
}

fn now() -> Timestamp {
    let millis = i64::try_from(clock::wall_ms()).unwrap_or_default();
    Timestamp::from_millisecond(millis).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_taken_only_from_who_is_silent() {
        let held = |holder: &str| LeaseSpec {
            holder_identity: Some(holder.to_owned()),
            lease_duration_seconds: Some(15),
            ..LeaseSpec::default()
        };
        let seconds = Duration::from_secs;
        assert_eq!(decide(None, "me", seconds(0)), Move::Create);
        assert_eq!(decide(Some(&LeaseSpec::default()), "me", seconds(0)), Move::Take);
        assert_eq!(decide(Some(&held("me")), "me", seconds(99)), Move::Renew);
        assert_eq!(decide(Some(&held("you")), "me", seconds(15)), Move::Wait);
        assert_eq!(decide(Some(&held("you")), "me", seconds(16)), Move::Take);
    }
}
