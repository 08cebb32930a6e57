//! Carries a plan out: sends what has to be sent, and joins what comes back.
//!
//! This file has the moves that all routes are made of: one leg, legs in order, legs at once. The routes that need more
//! are in files of their own.

mod blocks;
mod cluster;
mod concat;
mod create;
mod directives;
mod enclosing;
mod holders;
mod leases;
mod leg;
mod listing;
mod numbered;
mod probe;
mod quota;
mod rename;
mod status;
mod summary;

use std::borrow::Cow;

use anabranch_federation::{Location, Locations, MountTable, Resolved};
use anabranch_hrpc::wire::Malformed;
use anabranch_hrpc::{Call, Identity, class};
use bytes::Bytes;
use futures_util::future::join_all;
use smallvec::SmallVec;
use tokio::time::Instant;

pub use holders::holders;
pub use leg::Leg;

use self::probe::Found;
use crate::core::Core;
use crate::merge::{self, Answer, Merge};
use crate::method::{Accept, Category, Route, Row, Spread};
use crate::plan::{self, Caller};
use crate::respond::Stop;
use crate::rewrite::{find, find_varint};
use crate::upstream::{Directory, Failure};

/// One call on its way. Borrows everything from the call's future; the mount table is one snapshot from start to end.
pub struct Forward<'a> {
    /// The router.
    pub core: &'a Core,
    /// The client's call.
    pub call: &'a Call,
    /// As whom NameNodes see who calls.
    pub presented: &'a Identity,
    /// What is known of its method.
    pub row: &'static Row,
    /// The mount table.
    pub table: &'a MountTable,
    /// The subclusters; one snapshot, too.
    pub directory: &'a Directory,
    /// The call's paths, normalised.
    pub paths: &'a [Cow<'a, str>],
    /// Who calls.
    pub caller: Caller<'a>,
    /// When it must have ended.
    pub deadline: Instant,
}

/// Legs of a call; nearly always one.
pub type Legs<'a> = SmallVec<[Leg<'a>; 1]>;

impl<'a> Forward<'a> {
    /// Forwards the call. The result has its length in front.
    pub async fn run(&self) -> Result<Bytes, Stop> {
        match self.row.route {
            Route::Locations { accept, spread, merge, strict } => {
                let resolved = self.resolve()?;
                if let (Spread::Never, [only]) = (spread, resolved.locations.as_slice()) {
                    return Ok(self.send(&Leg::of(only)).await?);
                }
                let at_once = plan::at_once(self.table, self.path(), &resolved, spread);
                // Who asked for that does with the subclusters that there are.
                let tolerant = create::is_fault_tolerant(&resolved);
                let strict = strict && !(tolerant && accept == Accept::True);
                let changes = self.row.category == Category::Write && accept == Accept::Any;
                let legs = legs(&resolved.locations);
                Box::pin(async move {
                    if at_once && changes {
                        self.changed(&legs, merge, tolerant).await
                    } else if at_once {
                        self.at_once(&legs, accept, merge, strict).await
                    } else {
                        Ok(self.in_order(&legs, accept).await?)
                    }
                })
                .await
            }
            Route::Status => self.status().await,
            Route::Listing => Box::pin(self.listing()).await,
            Route::Summary => Box::pin(self.summary()).await,
            Route::QuotaUsage => Box::pin(self.quota_usage()).await,
            Route::SetQuota => Box::pin(self.set_quota()).await,
            Route::Create => Box::pin(self.create()).await,
            Route::Mkdirs => Box::pin(self.mkdirs()).await,
            Route::Rename(accept) => Box::pin(self.rename(accept)).await,
            Route::Concat => Box::pin(self.concat()).await,
            Route::BlockPool { block, accept } => Box::pin(self.block_pool(block, accept)).await,
            Route::BadBlocks => Box::pin(self.bad_blocks()).await,
            Route::RenewLease => Box::pin(self.renew_lease()).await,
            Route::AnyNamespace => Box::pin(self.any_namespace()).await,
            Route::FirstNamespace(accept) => Box::pin(self.first_namespace(accept)).await,
            Route::Groups => Box::pin(self.groups()).await,
            Route::RefreshGroups => Box::pin(self.refresh_groups()).await,
            Route::EveryNamespace { merge, strict, scope } => {
                Box::pin(self.every_namespace(merge, strict, scope)).await
            }
            Route::DiffReport { pages } => {
                let resolved = self.resolve()?;
                let legs = legs(&resolved.locations);
                if !plan::at_once(self.table, self.path(), &resolved, Spread::MountPoints) {
                    return Ok(self.in_order(&legs, Accept::Any).await?);
                }
                if pages && legs.len() > 1 {
                    let (method, path) = (self.row.name, self.path().to_owned());
                    return Err(plan::Refusal::InPages { method, path }.into());
                }
                Box::pin(async move { self.at_once(&legs, Accept::Any, merge::diff_reports, true).await }).await
            }
            Route::Snapshottable => Box::pin(self.snapshottable()).await,
            Route::Numbered => Box::pin(self.numbered()).await,
            Route::SafeMode => Box::pin(self.safe_mode()).await,
            Route::EnclosingRoot => Box::pin(self.enclosing_root()).await,
            Route::Directive(what) => Box::pin(self.directive(what)).await,
            Route::Here(_) | Route::Unsupported => Err(plan::Refusal::Unsupported { method: self.row.name }.into()),
        }
    }

    /// The path that the call is about; `/` for calls without one.
    fn path(&self) -> &'a str {
        self.paths.first().map_or("/", |path| path)
    }

    fn resolve(&self) -> Result<Resolved<'a>, plan::Refusal> {
        plan::resolve(self.table, self.path(), self.row, &self.caller)
    }

    /// Asks one location after the other until one answers as wanted. When none does, the first failure counts more than
    /// an answer that was not wanted: what was looked for may be where nobody answered.
    async fn in_order(&self, legs: &[Leg<'_>], accept: Accept) -> Result<Bytes, Failure> {
        Ok(self.first_of(legs, accept).await?.1)
    }

    /// The same, with the position of the location that answered.
    async fn first_of(&self, legs: &[Leg<'_>], accept: Accept) -> Result<(usize, Bytes), Failure> {
        let mut other = None;
        let mut failures: Vec<Failure> = Vec::new();
        for (at, leg) in legs.iter().enumerate() {
            match self.send(leg).await {
                Ok(reply) if accepts(accept, &reply) => return Ok((at, reply)),
                Ok(reply) => {
                    other.get_or_insert((at, reply));
                }
                Err(failure) => failures.push(failure),
            }
        }
        match (worst(failures), other) {
            (None, Some(reply)) => Ok(reply),
            (Some(failure), _) => Err(failure),
            (None, None) => Err(Failure::Unknown { nameservice: self.path().to_owned() }),
        }
    }

    /// Asks all locations at the same time and joins their answers, in the order of the locations. Failures are passed
    /// over while there is an answer as wanted, unless `strict`; but what this router could not send is none of them, and
    /// neither is what a NameNode throws where `true` is wanted: it refuses what the others did, and has none of it.
    async fn at_once(&self, legs: &[Leg<'_>], accept: Accept, merge: Merge, strict: bool) -> Result<Bytes, Stop> {
        let (answers, failures) = self.ask_all(legs).await;
        let refused = |failure: &Failure| accept == Accept::True && matches!(failure, Failure::Remote(_));
        let strict = strict || failures.iter().any(|failure| failure.is_shed() || refused(failure));
        let failure = worst(failures.clone());
        let joined = self.join(answers, failures, merge)?;
        match failure {
            Some(failure) if strict || (failure.is_unavailable() && !accepts(accept, &joined)) => Err(failure.into()),
            _ => Ok(joined),
        }
    }

    /// The same for changes of what may be in each location, or in one: each carries it out, or has not got it.
    /// `tolerant`: or is away.
    async fn changed(&self, legs: &[Leg<'_>], merge: Merge, tolerant: bool) -> Result<Bytes, Stop> {
        let (answers, failures) = self.change(legs, tolerant).await?;
        self.join(answers, failures, merge)
    }

    /// The same, before answers are joined.
    async fn change<'l>(
        &self,
        legs: &'l [Leg<'_>],
        tolerant: bool,
    ) -> Result<(Vec<Answer<'l>>, Vec<Failure>), Failure> {
        let (answers, failures) = self.ask_all(legs).await;
        let heard: Vec<Failure> = failures.iter().filter(|failure| !is_absent(failure)).cloned().collect();
        let away = heard.iter().all(Failure::is_away);
        if let Some(failure) = worst(heard)
            && !(away && (tolerant || self.has_file(legs, &answers).await))
        {
            return Err(failure);
        }
        Ok((answers, failures))
    }

    /// Whether the path is a file where somebody has answered. Then it is nowhere else.
    async fn has_file(&self, legs: &[Leg<'_>], answers: &[Answer<'_>]) -> bool {
        let answered = |leg: &&Leg<'_>| answers.iter().any(|answer| answer.nameservice == leg.nameservice.as_str());
        let there: Vec<Location<'_>> = legs
            .iter()
            .filter(answered)
            .map(|leg| Location {
                nameservice: leg.nameservice,
                path: Cow::Owned(leg.paths.first().map(ToString::to_string).unwrap_or_default()),
            })
            .collect();
        self.look(&there).await.contains(&Ok(Some(Found::File)))
    }

    /// Joins answers; without any, the worst failure.
    fn join(
        &self,
        answers: Vec<Answer<'_>>,
        failures: Vec<Failure>,
        merge: impl FnOnce(&[Answer<'_>]) -> Result<Bytes, Malformed>,
    ) -> Result<Bytes, Stop> {
        if answers.is_empty() {
            let unknown = || Failure::Unknown { nameservice: self.path().to_owned() };
            return Err(worst(failures).unwrap_or_else(unknown).into());
        }
        merge(&answers).map_err(|malformed| unreadable(answers[0].nameservice, &malformed).into())
    }

    fn count_fan_out(&self, legs: usize) {
        if legs > 1 {
            self.core.metrics.tally.fanned_out(self.row);
        }
    }

    async fn ask_all<'l>(&self, legs: &'l [Leg<'_>]) -> (Vec<Answer<'l>>, Vec<Failure>) {
        self.count_fan_out(legs.len());
        let results = join_all(legs.iter().map(|leg| self.send(leg))).await;
        cluster::split(legs, results)
    }
}

/// The legs to the locations of one path. Those that lie in one subcluster need call identities of their own, or the
/// NameNode's retry cache would take one for another. Each has, whichever comes first: a retry may find another order.
fn legs<'a>(locations: &Locations<'a>) -> Legs<'a> {
    let mut legs = Legs::new();
    for location in locations {
        // Looks no further than the second: there may be as many locations as mounts.
        let mut here = locations.iter().filter(|other| other.nameservice == location.nameservice);
        legs.push(Leg { repeated: here.nth(1).is_some(), ..Leg::of(location) });
    }
    legs
}

/// The failure that says most: that a subcluster is away rather than what another one thought.
fn worst(mut failures: Vec<Failure>) -> Option<Failure> {
    let at = failures.iter().position(Failure::is_unavailable).unwrap_or(0);
    (at < failures.len()).then(|| failures.swap_remove(at))
}

/// Whether there is nothing at a location, and can be nothing.
fn is_absent(failure: &Failure) -> bool {
    probe::is_below_file(failure)
        || matches!(failure, Failure::Remote(exception) if exception.is(class::FILE_NOT_FOUND))
}

fn accepts(accept: Accept, reply: &[u8]) -> bool {
    let message = crate::merge::body(reply);
    match accept {
        Accept::Any => true,
        Accept::Present => find(message, &[1]).is_ok_and(|field| field.is_some()),
        Accept::True => find_varint(message, 1).is_ok_and(|field| field.is_some_and(|value| value != 0)),
    }
}

fn unreadable(nameservice: &str, malformed: &Malformed) -> Failure {
    Failure::Unreadable { nameservice: nameservice.to_owned(), reason: malformed.to_string() }
}
