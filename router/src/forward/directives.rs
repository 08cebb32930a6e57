//! Cache directives. Their ids tell clients' calls to which subcluster they go; see [`DirectiveIds`].

use anabranch_federation::NameserviceId;
use anabranch_hrpc::class;
use bytes::Bytes;

use super::create::is_fault_tolerant;
use super::{Forward, Leg, legs};
use crate::merge::numbered::{beyond, join, number, renumbered, replaced};
use crate::merge::{self, body};
use crate::method::{Directive, FieldPath};
use crate::plan::{DirectiveIds, Refusal, Shown};
use crate::respond::Stop;
use crate::rewrite::{Edit, edit, find};
use crate::upstream::Failure;

/// The `CacheDirectiveInfoProto` of what is added or modified, and of an entry of a list: number 1 is an id, 2 a path.
const INFO: FieldPath = &[1];
/// The same of the filter of a list.
const FILTER: FieldPath = &[2];
const PATH: u32 = 2;

/// Where NameNodes name an id.
const NO_DIRECTIVE: &str = "No directive with ID ";
const NOT_FOUND: &str = "Did not find requested id ";

impl<'a> Forward<'a> {
    pub(super) async fn directive(&self, what: Directive) -> Result<Bytes, Stop> {
        match what {
            Directive::Add => self.add_directive().await,
            Directive::Modify => self.modify_directive().await,
            Directive::Remove => self.remove_directive().await,
            Directive::List => self.list_directives().await,
        }
    }

    /// To all locations of the path; the id is that of the first.
    async fn add_directive(&self) -> Result<Bytes, Stop> {
        if self.paths.is_empty() {
            return Err(Refusal::Directive("No path specified.".to_owned()).into());
        }
        let resolved = self.resolve()?;
        let legs = legs(&resolved.locations);
        let (answers, failures) = self.change(&legs, is_fault_tolerant(&resolved)).await?;
        let nameservice = answers.first().map_or("", |answer| answer.nameservice);
        let reply = self.join(answers, failures, merge::first)?;
        let broken = |malformed| super::unreadable(nameservice, &malformed);
        let own = number(body(&reply)).map_err(broken)?.unwrap_or_default();
        let shown = self.directive_ids().shown(nameservice, own).ok_or_else(|| beyond(nameservice, own))?;
        Ok(renumbered(body(&reply), shown, None).map_err(broken)?)
    }

    async fn modify_directive(&self) -> Result<Bytes, Stop> {
        let message = self.call.message();
        let info = find(message, INFO)?.ok_or(Refusal::Missing { field: "info" })?;
        let missing = || Refusal::Directive("Must supply an ID.".to_owned());
        let id = number(info)?.ok_or_else(missing)?;
        let (nameservice, own) = self.owner(id, NO_DIRECTIVE, " found.")?;
        let mut leg = Leg::to(nameservice);
        if let [path] = self.paths {
            let resolved = self.resolve()?;
            let mut here = resolved.locations.iter().filter(|location| location.nameservice == nameservice);
            let refuse =
                |how| Refusal::Directive(format!("Directive with ID {id} is in {nameservice}, where {path} is {how}."));
            leg = Leg::of(here.next().ok_or_else(|| refuse("not"))?);
            if here.next().is_some() {
                return Err(refuse("in several places").into());
            }
        }
        let info = renumbered(info, own, leg.paths.first().map(|path| (PATH, &**path)))?;
        self.to_owner(&leg, replaced(message, INFO, &info)?, own, id).await
    }

    async fn remove_directive(&self) -> Result<Bytes, Stop> {
        let message = self.call.message();
        let id = number(message)?.ok_or(Refusal::Missing { field: "id" })?;
        let (nameservice, own) = self.owner(id, NO_DIRECTIVE, " found.")?;
        self.to_owner(&Leg::to(nameservice), renumbered(message, own, None)?, own, id).await
    }

    /// Those of one subcluster after those of another, as their ids are. A subcluster that does not answer fails the call:
    /// nobody would see that a part is missing.
    async fn list_directives(&self) -> Result<Bytes, Stop> {
        let message = self.call.message();
        let ids = self.directive_ids();
        let filter = find(message, FILTER)?.ok_or(Refusal::Missing { field: "filter" })?;
        let wanted = number(filter)?;
        let owner = wanted.map(|id| self.owner(id, NOT_FOUND, "")).transpose()?;
        let shown = Shown::new(self.table, self.path(), &self.caller);
        let mut legs = match self.paths {
            [] => shown.nameservices().map(|(nameservice, _)| Leg::to(nameservice)).collect(),
            _ => legs(&self.resolve()?.locations),
        };
        legs.retain(|leg| {
            let known = !leg.paths.is_empty() || self.directory.get(leg.nameservice.as_str()).is_some();
            known && owner.is_none_or(|(owner, _)| owner == leg.nameservice)
        });
        if let Some(leg) = legs.iter().find(|leg| self.directory.get(leg.nameservice.as_str()).is_none()) {
            return Err(Failure::Unknown { nameservice: leg.nameservice.to_string() }.into());
        }
        let ask = |from| {
            let mut asked = Vec::new();
            for leg in &legs {
                // All that it has, clients have seen.
                let Some(from) = ids.after(leg.nameservice.as_str(), from) else { continue };
                let path = leg.paths.first().map(|path| (PATH, &**path));
                let filter = match (owner, path) {
                    (Some((_, own)), path) => Some(renumbered(filter, own, path)?),
                    (None, Some((_, path))) => edit(filter, &[&[PATH]], &mut |_, _| Edit::Put(path.as_bytes()))?,
                    (None, None) => None,
                };
                let message = filter.map(|filter| replaced(message, FILTER, &filter)).transpose()?;
                let message = message.as_ref().map_or(self.call.message(), |message| body(message));
                asked.push((leg, renumbered(message, from, None)?));
            }
            Ok(asked)
        };
        let from = if owner.is_some() { 0 } else { number(message)?.unwrap_or_default() };
        let pages = self.pages(from, ask, |answers| {
            let number = |nameservice: &str, own| ids.shown(nameservice, own);
            join(answers, INFO, number, |nameservice, path| shown.by_clients(nameservice, path))
        });
        match (pages.await, owner, wanted) {
            (Err(Stop::Failed(failure)), Some((_, own)), Some(id)) => Err(with_id(failure, own, id).into()),
            (pages, ..) => pages,
        }
    }

    fn directive_ids(&self) -> DirectiveIds<'a> {
        let known = self.directory.every().iter().map(|nameservice| nameservice.id());
        DirectiveIds::new(self.table.default_nameservice(), known)
    }

    /// The subcluster of an id, and the id there; refused as a NameNode refuses what it does not know. What is out of service
    /// is not gone.
    fn owner(&self, id: i64, before: &str, behind: &str) -> Result<(&'a NameserviceId, i64), Refusal> {
        match self.directive_ids().owner(id) {
            Some(owner) if self.caller.may_use(owner.0) => Ok(owner),
            Some((nameservice, _)) => Err(Refusal::DirectiveAway { id, nameservice: nameservice.to_string() }),
            None => Err(Refusal::Directive(format!("{before}{id}{behind}"))),
        }
    }

    async fn to_owner(&self, leg: &Leg<'_>, payload: Bytes, own: i64, id: i64) -> Result<Bytes, Stop> {
        Ok(self.send_payload(leg, payload).await.map_err(|failure| with_id(failure, own, id))?)
    }
}

/// A failure that tells the id that clients know.
fn with_id(failure: Failure, own: i64, id: i64) -> Failure {
    let Failure::Remote(mut exception) = failure else { return failure };
    let message = &exception.message;
    let named = [NO_DIRECTIVE, NOT_FOUND].iter().find_map(|words| {
        let (before, behind) = message.split_at(message.find(words)? + words.len());
        let rest = behind.strip_prefix(&own.to_string())?;
        (!rest.starts_with(|next: char| next.is_ascii_digit())).then(|| format!("{before}{id}{rest}"))
    });
    if let Some(named) = named.filter(|_| exception.is(class::INVALID_REQUEST)) {
        exception.message = named;
    }
    Failure::Remote(exception)
}
