//! Safe mode by hand.

use anabranch_hdfs_proto::hdfs::{EnterSafeModeResponseProto, GetSafeModeResponseProto, LeaveSafeModeResponseProto};
use anabranch_hrpc::Call;

use super::problem::Problem;
use super::{Admin, Answer, answer};

/// Turns it on until somebody turns it off; false where there is none.
pub(super) fn enter<'a>(admin: &'a Admin, call: &'a Call) -> Answer<'a> {
    Box::pin(async move {
        admin.caller(call).await.check_super()?;
        answer(&EnterSafeModeResponseProto { status: Some(admin.core.safe_mode.enter()) })
    })
}

/// Turns it off, if nothing else keeps it on; false where there is none.
pub(super) fn leave<'a>(admin: &'a Admin, call: &'a Call) -> Answer<'a> {
    Box::pin(async move {
        admin.caller(call).await.check_super()?;
        let safe_mode = &admin.core.safe_mode;
        match safe_mode.leave() {
            Some(cause) if safe_mode.is_enabled() => Err(Problem::StaysOn(cause)),
            _ => answer(&LeaveSafeModeResponseProto { status: Some(safe_mode.is_enabled()) }),
        }
    })
}

/// Whether it is on.
pub(super) fn get<'a>(admin: &'a Admin, _: &'a Call) -> Answer<'a> {
    Box::pin(async move { answer(&GetSafeModeResponseProto { is_in_safe_mode: Some(admin.core.safe_mode.is_on()) }) })
}
