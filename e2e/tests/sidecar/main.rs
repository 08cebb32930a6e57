//! Pods with a router of their own, on a real Kubernetes.

#![allow(clippy::unwrap_used)]

mod clients;
mod rig;
mod rotation;

use std::process::ExitCode;

use anabranch_testkit::suite;
use rig::Rig;

fn main() -> ExitCode {
    suite::run(
        Rig::start,
        &[
            ("a_client_that_asks_for_a_router_gets_one", clients::injected),
            ("what_cannot_be_had_is_refused", clients::refused),
            ("a_job_has_its_files_and_ends", clients::job),
            ("no_admission_fails_while_certificates_are_replaced", rotation::rotate),
        ],
    )
}
