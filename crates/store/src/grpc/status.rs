//! Errors on the wire. For a write, what matters most is whether it may have been made.

use std::error::Error;

use tonic::metadata::MetadataValue;
use tonic::{Code, ConnectError, Status};

use crate::StoreError;

/// Metadata of an error that was given before anything was done.
const MADE: &str = "anabranch-made";
const NO: &str = "no";

/// An error of a server that did nothing.
pub(super) fn not_done(code: Code, reason: impl Into<String>) -> Status {
    let mut status = Status::new(code, reason);
    status.metadata_mut().insert(MADE, MetadataValue::from_static(NO));
    status
}

/// What a server answers when its store failed.
pub(super) fn of_store(error: &StoreError) -> Status {
    let code = match error {
        StoreError::TooManyChanges(_) | StoreError::TooManyBytes(_) => Code::InvalidArgument,
        StoreError::ReadOnly(_) => Code::PermissionDenied,
        StoreError::Journal(anabranch_journal::Error::Full { .. }) => Code::ResourceExhausted,
        _ => Code::Unavailable,
    };
    if error.may_be_done() { Status::new(code, error.to_string()) } else { not_done(code, error.to_string()) }
}

/// What a client makes of an error, whoever it came from.
pub(super) fn to_store(status: &Status) -> StoreError {
    let reason = described(status);
    if status.code() == Code::PermissionDenied {
        return StoreError::ReadOnly(reason);
    }
    let told = status.metadata().get(MADE).is_some_and(|made| made == NO);
    if told || caused_by::<ConnectError>(status) { StoreError::NotDone(reason) } else { StoreError::Unknown(reason) }
}

/// Whether another server, or a new connection, might do better.
pub(super) fn is_of_the_way(status: &Status) -> bool {
    matches!(
        status.code(),
        Code::Unavailable | Code::Unknown | Code::Internal | Code::Cancelled | Code::DeadlineExceeded | Code::Aborted
    )
}

fn caused_by<E: Error + 'static>(error: &(dyn Error + 'static)) -> bool {
    causes(error).any(|error| error.is::<E>())
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let next: fn(&&'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> = |error| Error::source(*error);
    std::iter::successors(error.source(), next)
}

/// The message with all causes that it doesn't mention itself.
pub(super) fn described(status: &Status) -> String {
    let mut text = if status.message().is_empty() { status.code().to_string() } else { status.message().to_owned() };
    add_causes(&mut text, status);
    text
}

/// Appends the causes of an error that its text doesn't mention.
pub(super) fn add_causes(text: &mut String, error: &(dyn Error + 'static)) {
    for cause in causes(error) {
        let cause = cause.to_string();
        if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_writer_learns_whether_its_write_may_have_been_made() {
        let cases = [
            (StoreError::TooManyChanges(2000), false),
            (StoreError::NotDone("away".into()), false),
            (StoreError::ReadOnly("not here".into()), false),
            (StoreError::Unknown("no answer".into()), true),
            (anabranch_journal::Error::Storage("i/o error".into()).into(), true),
            (anabranch_journal::Error::Full { path: "/data".into() }.into(), false),
        ];
        for (error, may) in cases {
            assert_eq!(error.may_be_done(), may, "{error}");
            let told = to_store(&of_store(&error));
            assert_eq!(told.may_be_done(), may, "{told}");
            assert!(told.to_string().contains(&error.to_string()), "{told}");
        }
        // What says nothing about it, says nothing.
        assert!(to_store(&Status::unavailable("connection reset")).may_be_done());
    }
}
