//! Quotas of mounts before real NameNodes, by Hadoop's own commands: Java's router and ours are told the same, and do the
//! same. Their mounts have the same names and lead to directories of their own, so that neither sets the other's right.

#![allow(clippy::unwrap_used, reason = "what fails here is the test")]

mod clients;
mod mounts;
mod site;
mod trouble;
mod writes;

use std::process::ExitCode;

use anabranch_testkit::suite;

use site::Site;

fn main() -> ExitCode {
    suite::run(
        Site::start,
        &[
            ("administrators_set_quotas_and_see_what_is_used", mounts::quotas),
            ("quotas_of_storage_types_are_set", mounts::storage_types),
            ("clients_learn_what_is_used", clients::usage),
            ("clients_set_quotas_beside_mounts_only", clients::quotas),
            ("names_beyond_a_quota_are_refused", writes::names),
            ("bytes_beyond_a_quota_are_refused", writes::bytes),
            ("bytes_beyond_a_quota_of_a_storage_type_are_refused", writes::storage_type),
            ("what_is_changed_by_hand_is_set_right", trouble::by_hand),
            ("a_subcluster_that_is_away_does_not_stop_the_others", trouble::away),
        ],
    )
}
