//! The Helm chart in a real cluster: what it renders, installs, upgrades and leaves.
//!
//! Cases build on the same release and fleet, which the first that needs them makes; `ends` ends both.

#![allow(clippy::unwrap_used)]

mod cluster;
mod definitions;
mod fleet;
mod foreign;
mod images;
mod metrics;
mod plugin;
mod queries;
mod readme;
mod release;
mod render;
mod rights;
#[path = "../../../crates/api/tests/rules/mod.rs"]
mod rules;
mod site;
mod webhook;

use std::process::ExitCode;

use anabranch_testkit::suite::{self, Case};

use site::Site;

const CASES: &[Case<'_, Site>] = &[
    ("lint", render::lint),
    ("golden", render::golden),
    ("absence_is_told_where_it_shows", render::absence_is_told_where_it_shows),
    ("values_have_a_schema", render::values_have_a_schema),
    ("values_are_explained", render::values_are_explained),
    ("installs", release::installs),
    ("images_hold_one_program", images::hold_one_program),
    ("definitions_read_back_as_they_are", definitions::read_back_as_they_are),
    ("servers_accept_every_object", render::servers_accept_every_object),
    ("servers_accept_every_example", render::servers_accept_every_example),
    ("every_rule_holds", definitions::every_rule_holds),
    ("quickstart_serves_files", fleet::quickstart_serves_files),
    ("webhook_works", webhook::works),
    ("metrics_exist", metrics::exist),
    ("plugin_says_what_a_router_says", plugin::says_what_a_router_says),
    ("rights_are_needed", rights::are_needed),
    ("rights_suffice", rights::suffice),
    ("tests_itself", release::tests_itself),
    ("upgrades_leave_the_webhook_alone", webhook::upgrades_leave_it_alone),
    ("certificates_may_come_from_elsewhere", webhook::certificates_may_come_from_elsewhere),
    ("upgrades_bring_new_definitions", definitions::upgrades_bring_new_ones),
    ("upgrades", release::upgrades),
    ("ends", release::ends),
    ("readme_walks", readme::walks),
];

fn main() -> ExitCode {
    suite::run(Site::new, CASES)
}
