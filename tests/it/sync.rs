//! The archiving run as a library, against the simulated gateway: what is archived, what it
//! costs, what each thing that goes wrong comes to, and how a run that was stopped goes on.

mod ahead;
mod changing;
mod clocks;
mod corpus;
mod faults;
mod idle;
mod oddities;
mod order;
mod outcomes;
mod phones;
mod planned;
mod resume;
mod scene;
mod stopping;
mod sweeping;

use scene::Engine;

macro_rules! on_both_engines {
    ($($module:ident::$claim:ident)*) => {
        mod on_sqlite {
            $(#[tokio::test]
            async fn $claim() {
                super::$module::$claim(super::Engine::Sqlite).await;
            })*
        }
        mod on_postgres {
            $(#[tokio::test]
            async fn $claim() {
                super::$module::$claim(super::Engine::Postgres).await;
            })*
        }
    };
}

on_both_engines! {
    corpus::the_archive_is_the_gateway_s_contents_to_the_byte
    corpus::an_empty_conversation_is_complete_and_counted
    idle::an_idle_run_asks_once_for_each_conversation_and_writes_no_message_row
    changing::what_is_claimed_while_messages_move_is_true
    changing::an_edit_found_by_a_full_run_keeps_both_states
    changing::messages_that_vanish_are_marked_and_stay
    changing::all_of_a_conversation_that_answers_empty_is_held_back_however_short_it_is
    changing::what_the_brake_lets_through_is_a_share_of_all_that_was_there
    changing::too_many_at_once_are_held_back_until_somebody_says_that_they_are_true
    clocks::a_run_with_a_wrong_date_silences_nothing_that_comes_later
    clocks::one_of_two_backends_with_a_wrong_date_leaves_no_listed_message_missing
    clocks::an_archive_that_a_wrong_date_has_poisoned_heals
    clocks::two_absences_within_the_lag_are_one_whatever_the_dates_say
    clocks::an_older_state_counts_again_once_two_runs_have_seen_it
    resume::a_walk_stopped_at_any_request_goes_on_where_it_was
    resume::an_interrupted_full_run_is_finished_by_the_next_and_the_first_cover_stands
    outcomes::gone_and_forbidden_are_told_until_they_are_waived
    planned::a_list_is_asked_for_as_often_as_planned_and_idle_once_each
    planned::what_a_stopped_run_left_is_planned_within_one_request
    planned::a_full_run_is_planned_from_the_archive_alone
    phones::conversations_are_discovered_in_both_shapes
    ahead::one_long_conversation_uses_every_worker_s_place_and_ends_the_same
    ahead::pages_that_fail_ahead_are_asked_for_again_one_by_one
    sweeping::an_idle_run_over_a_thousand_costs_the_heads_and_the_share_and_writes_no_message
    sweeping::a_deep_edit_is_found_within_the_bound_and_told
    sweeping::the_youngest_messages_come_first
    stopping::a_first_attempt_that_was_interrupted_is_partial_and_not_reached
}
