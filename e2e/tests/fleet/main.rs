//! A fleet of three routers before two real NameNodes and a subcluster of ours, in a real cluster, and clients that work
//! while everything around them changes: they lose no call.

#![allow(clippy::unwrap_used)]

mod changes;
mod clients;
mod edits;
mod load;
mod operator;
mod rig;

use std::process::ExitCode;

use anabranch_testkit::suite::{self, Case};

use rig::Rig;

const CASES: &[Case<'_, Rig>] = &[
    ("a_client_with_the_discovery_files_reaches_all", clients::discover),
    ("routers_beside_clients_are_silent", clients::silent),
    ("edits_are_live_on_all_routers_within_a_second", edits::live),
    ("an_edit_survives_an_operator_that_is_killed", edits::while_operators_die),
    ("a_restart_of_all_routers_loses_no_call", changes::restart),
    ("another_configuration_loses_no_call", changes::configure),
    ("scaling_loses_no_call", changes::scale),
    ("the_load_evens_out_when_routers_are_added", load::evens_out),
    ("autoscaling_loses_no_call", load::autoscale),
    ("a_drained_node_loses_no_call", changes::drain),
    ("a_killed_router_loses_no_call", changes::kill),
];

fn main() -> ExitCode {
    suite::run(Rig::start, CASES)
}
