//! `convault verify` and `renormalize` as processes: a sound archive has no finding whatever has happened to it, and
//! each thing that is damaged is found, named and nothing else is.

mod damage;
mod offline;
mod online;
mod place;
mod rare;
mod rebuilt;
mod rewritten;
mod structure;

crate::program::claims_on_both_engines! {
    an_archive_has_no_finding_after_anything_that_a_run_does
    each_damage_is_found_and_nothing_else
    each_change_of_the_structure_is_found_and_nothing_else
    an_older_state_that_was_made_the_current_one_is_found
    chosen_conversations_alone_are_checked
    a_run_beside_it_and_the_archive_are_left_alone
    what_was_damaged_is_as_it_was_before
    damaged_raw_is_left_alone_and_told
    what_was_not_recognised_then_is_recognised_now
    one_that_was_killed_or_told_to_stop_goes_on_where_it_was
    an_interrupted_one_is_begun_anew_where_that_is_asked_for
    a_quiet_gateway_agrees_and_the_archive_is_left_alone
    what_differs_is_found_and_nothing_else
    what_is_newer_is_told_and_is_no_finding
    a_state_that_went_back_is_found_as_long_as_it_differs
    a_list_that_shifts_gives_no_false_finding
    a_sample_is_chosen_by_its_seed
    trouble_with_the_gateway_ends_as_that_of_sync
}

use crate::program::Engine;

async fn an_archive_has_no_finding_after_anything_that_a_run_does(engine: Engine) {
    offline::an_archive_has_no_finding_after_anything_that_a_run_does(engine).await;
}

async fn each_damage_is_found_and_nothing_else(engine: Engine) {
    damage::each_damage_is_found_and_nothing_else(engine).await;
}

async fn each_change_of_the_structure_is_found_and_nothing_else(engine: Engine) {
    structure::each_change_of_the_structure_is_found_and_nothing_else(engine).await;
}

async fn chosen_conversations_alone_are_checked(engine: Engine) {
    offline::chosen_conversations_alone_are_checked(engine).await;
}

async fn a_run_beside_it_and_the_archive_are_left_alone(engine: Engine) {
    offline::a_run_beside_it_and_the_archive_are_left_alone(engine).await;
}

async fn what_was_damaged_is_as_it_was_before(engine: Engine) {
    rebuilt::what_was_damaged_is_as_it_was_before(engine).await;
}

async fn damaged_raw_is_left_alone_and_told(engine: Engine) {
    rebuilt::damaged_raw_is_left_alone_and_told(engine).await;
}

async fn what_was_not_recognised_then_is_recognised_now(engine: Engine) {
    rebuilt::what_was_not_recognised_then_is_recognised_now(engine).await;
}

async fn one_that_was_killed_or_told_to_stop_goes_on_where_it_was(engine: Engine) {
    rebuilt::one_that_was_killed_or_told_to_stop_goes_on_where_it_was(engine).await;
}

async fn an_interrupted_one_is_begun_anew_where_that_is_asked_for(engine: Engine) {
    rebuilt::an_interrupted_one_is_begun_anew_where_that_is_asked_for(engine).await;
}

async fn an_older_state_that_was_made_the_current_one_is_found(engine: Engine) {
    damage::an_older_state_that_was_made_the_current_one_is_found(engine).await;
}

async fn a_quiet_gateway_agrees_and_the_archive_is_left_alone(engine: Engine) {
    online::a_quiet_gateway_agrees_and_the_archive_is_left_alone(engine).await;
}

async fn what_differs_is_found_and_nothing_else(engine: Engine) {
    online::what_differs_is_found_and_nothing_else(engine).await;
}

async fn what_is_newer_is_told_and_is_no_finding(engine: Engine) {
    online::what_is_newer_is_told_and_is_no_finding(engine).await;
}

async fn a_state_that_went_back_is_found_as_long_as_it_differs(engine: Engine) {
    online::a_state_that_went_back_is_found_as_long_as_it_differs(engine).await;
}

async fn a_list_that_shifts_gives_no_false_finding(engine: Engine) {
    online::a_list_that_shifts_gives_no_false_finding(engine).await;
}

async fn a_sample_is_chosen_by_its_seed(engine: Engine) {
    online::a_sample_is_chosen_by_its_seed(engine).await;
}

async fn trouble_with_the_gateway_ends_as_that_of_sync(engine: Engine) {
    online::trouble_with_the_gateway_ends_as_that_of_sync(engine).await;
}
