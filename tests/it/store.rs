//! The conformance suite of the archive: each claim holds on both engines, neither is skipped.

mod changes;
mod coverage;
mod engine;
mod interrupted;
mod messages;
mod next;
mod order;
mod place;
mod presence;
mod progress;
mod random;
mod sample;
mod search;
mod zone;

use place::Place;

macro_rules! on_both_engines {
    ($($module:ident::$claim:ident)*) => {
        mod on_sqlite {
            $(#[tokio::test]
            async fn $claim() {
                super::$module::$claim(super::Place::sqlite()).await;
            })*
        }
        mod on_postgres {
            $(#[tokio::test]
            async fn $claim() {
                super::$module::$claim(super::Place::postgres()).await;
            })*
        }
    };
}

on_both_engines! {
    messages::every_statement_can_be_prepared
    messages::rows_of_each_child_table_round_trip
    messages::an_unchanged_batch_writes_no_row
    messages::a_batch_of_thousands_is_written_whole_whatever_is_known_of_it
    messages::an_edit_makes_version_2_and_replaces_children
    messages::another_spelling_of_the_same_json_is_no_edit
    messages::what_no_string_can_hold_is_the_same_only_to_the_byte
    messages::one_id_in_two_conversations_is_two_rows
    messages::a_message_repeated_in_a_batch_is_one_row_and_each_state_a_version
    messages::an_older_state_does_not_overwrite_a_newer_one
    messages::stale_states_of_any_message_are_no_news
    messages::a_changed_created_at_is_an_anomaly
    next::what_is_decided_meanwhile_is_what_is_decided_afterwards
    next::what_comes_between_is_neither_lost_nor_doubled
    order::what_an_earlier_run_has_seen_is_older_whatever_its_date
    order::within_a_run_a_page_that_was_requested_earlier_takes_nothing_back
    order::a_first_absence_in_the_future_counts_from_now_on
    order::an_older_state_counts_again_when_two_runs_have_seen_it_the_lag_apart
    order::a_replica_that_lags_makes_no_older_state_count
    presence::an_absence_and_a_return_leave_no_version
    presence::an_absence_in_an_older_page_is_no_absence
    presence::two_absences_make_a_tombstone_with_its_evidence_and_a_sighting_lifts_it
    presence::a_deleted_message_that_is_seen_again_reappears
    progress::the_ledger_is_replaced
    presence::a_slice_is_the_ids_and_the_open_interval
    progress::failures_are_resolved_by_completeness
    progress::a_waiver_stands_while_the_same_trouble_lasts
    messages::text_with_replaced_characters_is_kept
    messages::a_failing_batch_leaves_nothing
    messages::a_batch_of_a_thousand_messages_is_written_whole
    progress::ten_thousand_ids_are_registered_in_their_order
    progress::links_are_kept_once_for_each_number_and_conversation
    progress::what_changed_or_is_not_complete_has_a_row_of_its_run
    progress::status_and_explain_count_what_is_there
    progress::a_run_is_told_by_its_row
    presence::far_times_are_held_and_never_fatal
    random::live_count_and_versions_follow_a_model
    engine::a_held_archive_names_its_holder
    engine::the_old_holder_is_fenced_off
    engine::a_newer_schema_is_refused
    engine::nothing_is_not_opened_for_reading
    engine::an_archive_belongs_to_one_gateway
    engine::two_that_start_at_once_make_one_archive
    engine::a_sound_archive_has_nothing_wrong
    coverage::coverage_counts_pieces_holes_and_what_is_left
    coverage::only_what_waits_for_a_second_look_is_to_be_confirmed
    coverage::sizes_are_those_of_complete_conversations
    coverage::what_is_not_known_is_not_found
    coverage::another_gateway_is_refused_without_a_write
    interrupted::a_transaction_that_was_dropped_half_way_harms_nothing
    changes::what_each_later_version_changed_is_told_once
    changes::what_was_not_described_is_described_later
    search::what_is_said_anywhere_in_a_message_is_found
    search::an_edit_is_found_by_its_new_words_alone
    search::a_deleted_message_is_found_and_told
    search::a_filter_leaves_the_others_out
    search::pages_follow_each_other_and_hold_each_hit_once
    search::a_message_of_any_length_is_found
    search::whatever_is_typed_has_an_answer
    search::random_words_find_what_a_plain_reading_finds
    search::an_index_that_is_half_made_is_finished
    zone::local_days_and_hours_are_those_of_the_archives_zone
    zone::a_zone_stays_until_another_is_named
    zone::the_program_itself_may_read_every_view
    zone::times_out_of_reason_have_a_local_day_too
}
