//! Who calls, from where, and for whom: what NameNodes make of it behind the Java router and behind ours.

#![allow(clippy::unwrap_used, reason = "what fails here is the test")]

mod acting;
mod address;
mod groups;
mod machine;
mod site;

use std::process::ExitCode;

use anabranch_testkit::suite;

use site::Site;

fn main() -> ExitCode {
    let Some(groups) = machine::groups() else { return machine::with_users() };
    suite::run(
        || Site::start(&groups),
        &[
            ("blocks_are_read_near_the_client", address::reads),
            ("blocks_are_written_near_the_client", address::writes),
            ("namenodes_note_who_called_from_where", address::notes),
            ("who_may_act_for_whom_is_decided_alike", acting::decisions),
            ("files_belong_to_whom_one_acts_for", acting::owners),
            ("what_a_namenode_refuses_the_client_hears_at_once", acting::refused_by_namenodes),
            ("who_may_act_for_whom_is_read_again", acting::read_again),
            ("groups_are_those_that_namenodes_see", groups::asked),
            ("mounts_are_changed_by_those_in_their_group", groups::mounts),
            ("groups_are_looked_up_again", groups::looked_up_again),
        ],
    )
}
