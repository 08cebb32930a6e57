//! The operator against a real API server and real state stores, without nodes: nothing is scheduled, and what would run in
//! pods (state stores, routers' reports) runs here.

#![allow(clippy::unwrap_used, reason = "what fails here is the test")]

mod cut;
mod drift;
mod going;
mod killed;
mod lease;
mod moves;
mod objects;
mod operator;
mod remade;
mod rig;
mod routers;
mod rules;
mod scale;
mod sidecars;
mod site;
mod state;
mod steady;
mod store;
mod told;
mod zookeeper;

use std::process::ExitCode;

use anabranch_testkit::suite::{self, Case};
use rig::Rig;

const CASES: &[Case<'_, Rig>] = &[
    // These operators look at all namespaces, and there should not be many yet.
    ("fleets_delegate_paths", rules::delegation),
    ("fleets_of_other_namespaces_hold_nobody_up", moves::foreign_tables),
    ("sidecars_are_for_whom_a_fleet_allows", sidecars::allowed),
    ("applied_twice_is_applied_once", going::applied_twice),
    ("stops_at_once", going::stops),
    ("what_is_deleted_leaves_no_orphan", going::deleted),
    ("namespaces_go_with_all_that_is_in_them", going::namespace),
    ("older_tables_have_a_path", rules::age),
    ("tables_that_wrote_nothing_give_their_paths_up", rules::ghosts),
    ("pauses_are_kept", rules::paused),
    ("broken_objects_stop_nobody", rules::broken),
    ("who_cannot_be_understood_keeps_what_it_has", rules::mute),
    ("what_cannot_be_made_is_told", rules::stuck),
    ("tables_move_to_another_fleet", moves::moved),
    ("tables_move_though_the_old_store_is_away", moves::moved_while_away),
    ("tables_that_move_amiss_stay_for_now", moves::moved_amiss),
    ("drift_is_observed", drift::observed),
    ("drift_is_adopted", drift::adopted),
    ("drift_that_cannot_be_adopted_stays", drift::left),
    ("drift_is_undone", drift::enforced),
    ("a_fleet_may_share_an_ensemble_with_java", zookeeper::shared),
    ("a_fleet_made_anew_has_the_records_of_its_tables", remade::taken_over),
    ("records_that_were_marked_at_first_are_known", remade::marked_at_first),
    ("names_that_are_taken_are_left_alone", steady::names_that_are_taken),
    ("quantities_are_written_once", steady::quantities),
    ("what_others_add_is_theirs", steady::additions),
    ("changes_without_end_starve_no_fleet", steady::changes_without_end),
    ("writers_beside_a_lease_end_nobody", steady::lease_of_many_writers),
    ("ready_sums_up_each_kind", steady::ready),
    ("routers_that_lag_are_counted", told::lagging),
    ("events_say_what_is_looked_for", told::events),
    ("killed_at_every_write", killed::at_every_write),
    ("a_lost_lease_ends_writing", lease::stolen),
    ("a_lost_lease_ends_what_is_under_way", lease::stolen_under_way),
    ("ten_thousand_mounts", scale::ten_thousand),
    // It takes objects of other cases away.
    ("kinds_that_are_not_defined_are_told", steady::undefined),
];

fn main() -> ExitCode {
    suite::run(Rig::start, CASES)
}
