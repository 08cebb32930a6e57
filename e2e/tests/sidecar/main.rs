//! Pods with a router of their own, on a real Kubernetes: `e2e/kube/up` and `e2e/kube/images` come first.

#![allow(clippy::unwrap_used)]

mod clients;
mod kube;
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
            ("a_plain_client_loses_no_call_while_routers_are_replaced", clients::steady),
            ("no_admission_fails_while_certificates_are_replaced", rotation::rotate),
        ],
    )
}
