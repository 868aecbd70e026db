//! The behaviours that every [`Store`](enact::store::Store) must show.
//!
//! Each is a function of a [`Subject`], named by what it shows and by the rule that this comes from.
//! [`conformance!`](crate::conformance!) makes a test of each:
//!
//! ```ignore
//! fn memory() -> Subject {
//!     let store = MemoryStore::new();
//!     Subject::new(move || store.clone())
//! }
//!
//! enact_tests::conformance!(memory_store, memory);
//! ```
//!
//! A behaviour relies on what the trait promises and on nothing else. Where the trait leaves something open (which of
//! several reasons a refused commit names, what a cursor's number is), every answer passes. Times are passed in and are
//! whole microseconds; nothing sleeps, and nothing looks at a clock.
#![allow(
    missing_docs,
    clippy::missing_panics_doc,
    reason = "a behaviour's name is a sentence, and it panics when a store does not show it"
)]

pub mod cancel;
pub mod claim;
pub mod commit;
pub mod duels;
pub mod events;
pub mod fidelity;
pub mod idempotency;
pub mod lanes;
pub mod leases;
pub mod limits;
pub mod lookups;
pub mod model;
pub mod predecessors;
pub mod priorities;
pub mod prune;
pub mod races;
pub mod reopen;
pub mod retry;
mod sample;
pub mod states;
mod subject;
pub mod submit;
mod taken;
pub mod ticks;

use std::time::Duration;

pub use subject::Subject;
use tokio::runtime::Runtime;
use tokio::time::timeout;

/// Shows a behaviour on a new store.
pub fn check<F: Future<Output = ()>>(open: impl Fn() -> Subject, behaviour: impl Fn(Subject) -> F) {
    block_on(&runtime(), async { behaviour(open()).await });
}

/// A runtime with more than one thread.
fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().expect("a runtime")
}

/// Runs a test. A store that stands still is a failure, not a test that hangs.
fn block_on<T>(runtime: &Runtime, test: impl Future<Output = T>) -> T {
    const PATIENCE: Duration = Duration::from_mins(2);
    runtime.block_on(async { timeout(PATIENCE, test).await.expect("the store stands still") })
}

/// Makes one test of each behaviour, in a module of the given name. The second argument is a function of the calling
/// module that makes a [`Subject`](crate::conformance::Subject) for one test. Tests that make tens of thousands of calls
/// are given one by the function after `many:` if there is one: a store that survives less for being faster.
#[macro_export]
macro_rules! conformance {
    ($module:ident, $open:ident) => {
        $crate::conformance!($module, $open, many: $open);
    };
    ($module:ident, $open:ident, many: $open_for_many:ident) => {
        mod $module {
            mod model {
                #[test]
                fn every_answer_is_that_of_the_model() {
                    let open = super::super::$open_for_many;
                    $crate::conformance::model::every_answer_is_that_of_the_model(open, 10_000);
                }
            }

            $crate::__each_behaviour! { $open_for_many
            duels:
                r24_either_a_job_is_called_off_or_its_attempt_is_committed,
                r24_a_job_that_is_called_off_is_not_begun_again,
                r22_either_a_failed_job_is_retried_by_hand_or_it_is_deleted,
                r26_either_a_job_is_deleted_or_another_waits_for_it,
                r20_of_two_workers_one_begins_a_job,
                r23_either_a_worker_is_given_up_and_taken_off_or_it_has_renewed,
                r26_what_comes_after_a_job_is_not_left_behind_when_that_is_called_off,
                r26_what_comes_after_a_job_is_not_left_behind_when_that_succeeds;
            }
            $crate::__each_behaviour! { $open
            submit:
                a_submitted_job_is_ready_and_has_no_attempts,
                r06_a_job_that_starts_at_once_is_running_its_first_attempt,
                r06_a_job_that_starts_at_once_is_never_claimed,
                r06_a_job_that_starts_at_once_is_committed_without_a_claim,
                jobs_stand_in_the_order_of_calls_and_of_each_calls_vector,
                the_times_of_jobs_order_nothing,
                events_stand_in_the_order_of_calls_and_of_each_calls_vector,
                r18_events_and_jobs_of_one_call_are_on_record_together,
                an_empty_call_changes_nothing;
            claim:
                a_claimed_job_is_running_its_next_attempt,
                a_job_is_handed_out_once,
                an_ended_job_is_not_handed_out,
                jobs_are_handed_out_in_the_order_of_record_whatever_their_names,
                no_more_is_handed_out_than_the_claim_can_take,
                jobs_of_other_names_are_left_alone,
                a_name_is_matched_to_the_letter,
                r22_a_retry_is_ready_exactly_at_its_time,
                the_next_due_time_is_the_earliest_that_is_still_to_come,
                a_job_that_was_waiting_for_a_time_keeps_its_place,
                whatever_is_due_becomes_ready_under_any_name_and_beyond_the_limit,
                several_jobs_that_are_due_at_one_time_are_all_handed_out,
                so_many_jobs_are_woken_by_one_call_those_first_that_are_due_first;
            priorities:
                r26_a_higher_priority_is_handed_out_first,
                r26_of_one_priority_the_order_is_that_of_record_whatever_the_names,
                r26_priorities_are_compared_across_the_names_of_a_queue,
                r26_a_priority_passes_neither_a_lane_nor_a_time,
                r26_a_job_keeps_its_priority_when_it_is_retried,
                each_queue_is_handed_out_as_many_as_there_is_room_for,
                the_names_of_one_queue_share_its_room,
                a_priority_counts_within_its_queue,
                a_job_in_the_lane_of_another_queue_waits_for_it;
            limits:
                a_job_is_added_while_fewer_of_its_name_are_queued,
                those_of_other_names_are_not_counted,
                a_job_that_says_no_limit_is_added_and_counted,
                every_job_is_counted_that_has_not_ended,
                those_of_the_same_call_are_counted,
                what_is_refused_or_known_is_not_counted,
                r25_a_request_that_is_known_is_answered_however_many_are_queued,
                a_job_that_starts_at_once_is_refused_like_any_other,
                r15_events_are_not_put_on_record_without_a_job_whose_queue_is_full,
                r15_what_a_handler_stages_is_taken_however_many_are_queued;
            commit:
                r15_a_commit_puts_everything_on_record,
                r15_a_commit_refused_for_its_version_leaves_nothing,
                r15_a_commit_refused_by_the_fence_leaves_nothing,
                r15_a_commit_refused_for_an_idempotency_key_leaves_nothing,
                r17_versions_count_the_commits_of_an_entity,
                r17_a_commit_that_expects_another_version_is_told_which_one_it_found,
                r17_entities_of_two_types_share_nothing_but_the_id,
                r15_a_commit_without_a_write_leaves_the_entities_alone,
                r20_a_failed_job_has_ended_and_says_why,
                r22_a_retried_job_waits_for_its_time_and_says_why_it_failed,
                the_failure_of_a_job_is_that_of_its_last_attempt,
                r21_a_retry_keeps_every_earlier_attempt,
                r21_an_attempt_given_up_has_reached_nothing,
                r21_every_step_is_kept,
                r23_another_worker_cannot_commit,
                r23_another_attempt_cannot_be_committed,
                r23_an_earlier_attempt_cannot_be_committed,
                r20_a_job_ends_once,
                r20_a_job_that_does_not_run_cannot_end,
                a_job_that_is_not_on_record_cannot_end,
                staged_events_and_jobs_stand_in_their_order_behind_earlier_ones,
                an_output_of_null_is_an_output,
                a_commit_says_whether_there_is_something_to_claim_or_to_wait_for;
            states:
                r20_of_all_pairs_of_states_those_of_the_table_are_reached_and_no_others,
                r20_what_is_due_is_ready_before_it_runs;
            retry:
                r22_a_failed_job_is_ready_again_and_keeps_what_it_was,
                r22_attempts_go_on_and_those_before_are_spent,
                r22_a_job_that_was_retried_by_hand_can_succeed,
                r22_only_a_failed_job_can_be_retried_by_hand,
                r22_each_job_is_answered_in_order,
                r22_a_job_that_is_retried_by_hand_stands_at_its_place,
                r06_an_executed_job_that_is_retried_by_hand_is_claimed,
                r25_a_job_that_is_retried_by_hand_keeps_its_key,
                r26_a_job_that_waited_for_others_need_not_wait_for_them_again,
                r26_what_is_retried_by_hand_waits_behind_one_that_is_ready,
                r26_what_is_retried_by_hand_waits_behind_one_that_runs,
                r26_one_that_is_retried_of_its_own_accord_keeps_the_turn,
                r26_it_keeps_the_turn_when_others_leave_the_lane,
                r26_what_is_retried_by_hand_takes_the_turn_from_one_that_waits_for_a_time,
                r26_a_lane_and_a_predecessor_do_not_wait_for_each_other,
                r26_the_turn_that_one_takes_goes_to_the_first_that_was_retried_by_hand,
                r26_several_that_are_retried_by_hand_run_in_their_order;
            cancel:
                r24_whatever_has_not_ended_is_cancelled_when_the_call_returns,
                r24_a_running_attempt_has_ended_with_the_failure,
                r24_the_commit_of_a_cancelled_job_is_refused,
                r24_cancelled_stays_cancelled,
                r24_a_job_that_has_ended_is_not_called_off,
                r24_each_job_is_answered_in_order,
                r24_a_waiting_job_says_why_its_last_attempt_failed,
                r26_a_cancelled_job_frees_its_lane,
                r26_a_whole_lane_can_be_called_off,
                r24_what_comes_after_a_job_in_its_own_lane_is_cancelled_with_it;
            leases:
                r23_a_lease_is_read_as_it_was_put_on_record,
                r23_a_worker_that_never_took_a_lease_has_an_empty_one,
                r23_each_worker_has_a_lease_of_its_own,
                r23_the_leases_are_those_of_the_workers_that_run_something,
                a_worker_runs_what_it_claimed_and_what_it_began_at_once,
                running_jobs_come_first_ones_first_and_no_more_than_asked_for,
                a_running_job_is_answered_with_its_worker_and_its_time,
                only_what_runs_is_running,
                r23_an_attempt_of_a_worker_without_a_lease_can_be_given_up,
                r23_an_attempt_is_given_up_unless_its_worker_has_renewed_since,
                r23_a_worker_cannot_commit_what_was_given_up,
                r23_a_worker_that_nobody_gave_up_can_commit_late,
                r23_a_worker_that_runs_nothing_is_taken_off_the_record,
                r23_a_worker_that_has_renewed_since_stays,
                r23_a_worker_that_runs_something_stays,
                r23_a_retired_worker_that_is_alive_can_come_back,
                a_worker_that_nobody_knows_can_retire;
            lanes:
                r26_a_job_behind_another_waits_for_no_time,
                r26_a_lane_runs_one_at_a_time_in_the_order_of_publishing,
                r26_lanes_and_jobs_without_one_do_not_wait_for_each_other,
                r26_a_failed_job_frees_its_lane,
                r26_a_job_given_up_for_good_frees_its_lane,
                r26_a_retried_job_keeps_its_place_and_the_lane_waits,
                r26_a_lane_is_shared_by_jobs_of_several_names,
                r26_a_lane_waits_for_a_job_that_nobody_here_can_run,
                r26_a_lane_whose_jobs_have_all_ended_starts_anew,
                r26_a_job_published_by_its_predecessor_is_ready_when_that_has_ended,
                r26_a_staged_job_stands_behind_those_that_wait_already,
                r26_a_job_staged_with_a_retry_waits_behind_it,
                r26_two_staged_jobs_of_a_new_lane_take_turns,
                r26_a_job_that_is_not_added_takes_no_place_in_a_lane,
                r26_executed_jobs_enter_no_lane,
                r26_lanes_are_told_apart_to_the_letter,
                r26_a_job_that_waits_for_a_time_has_the_turn,
                r26_a_job_that_waits_for_another_has_the_turn,
                r26_a_job_that_waits_for_its_turn_is_not_awaited_for_its_time;
            predecessors:
                r26_a_job_waits_until_what_it_comes_after_has_succeeded,
                r26_a_job_waits_for_each_of_its_predecessors,
                r26_a_predecessor_that_is_named_twice_is_waited_for_once,
                r26_one_predecessor_releases_all_that_wait_for_it,
                r26_a_predecessor_that_has_succeeded_is_not_waited_for,
                r26_a_predecessor_that_is_retried_is_waited_for,
                r26_a_job_after_one_that_has_failed_waits_until_that_is_retried_and_succeeds,
                r26_what_comes_after_a_cancelled_job_is_cancelled_with_it,
                r26_a_job_after_two_that_are_cancelled_is_cancelled_once,
                r26_a_long_chain_is_cancelled_whole,
                r26_one_cancelled_predecessor_of_several_is_enough,
                r26_what_comes_after_a_job_that_was_cancelled_is_cancelled_from_the_start,
                r26_a_predecessor_may_be_part_of_the_same_call,
                r26_a_job_after_one_that_there_is_not_is_not_added,
                r26_no_job_comes_after_itself_or_a_later_one,
                r15_events_are_not_put_on_record_without_a_job_that_has_no_predecessor,
                r26_a_staged_job_may_come_after_the_one_that_stages_it,
                r26_a_commit_that_stages_a_job_after_one_that_there_is_not_leaves_nothing,
                r26_a_job_waits_for_its_time_and_its_predecessor_whichever_comes_last,
                r26_a_job_waits_for_its_turn_and_its_predecessor_whichever_comes_last,
                r26_a_job_with_a_time_is_due_by_it_alone,
                r26_what_comes_after_a_job_of_the_call_that_exists_comes_after_the_one_that_exists,
                r26_a_staged_job_after_one_that_exists_comes_after_the_one_that_exists,
                r26_a_job_may_come_after_one_of_the_call_that_exists_in_the_call;
            idempotency:
                r25_the_same_request_is_answered_with_the_job_that_exists,
                r25_another_payload_is_a_mismatch,
                r25_another_name_is_a_mismatch,
                r52_a_request_by_an_earlier_name_is_the_same,
                r52_a_staged_request_by_an_earlier_name_is_the_same,
                r25_the_order_of_a_payloads_keys_does_not_matter,
                r25_only_name_and_payload_make_a_request,
                r25_a_key_twice_in_one_call_is_taken_once,
                r25_the_rest_of_a_call_is_put_on_record,
                r25_an_execution_under_a_key_that_is_taken_does_not_start,
                r25_a_key_is_taken_in_every_state_of_its_job,
                r25_a_key_is_still_taken_when_its_job_has_failed,
                r25_keys_are_told_apart_to_the_letter,
                jobs_without_a_key_are_all_taken,
                r25_a_staged_job_that_exists_is_not_added_again,
                r25_a_staged_job_takes_its_key,
                r25_two_staged_jobs_that_differ_under_one_key_are_a_mismatch;
            ticks:
                a_tick_is_put_on_record_with_its_jobs,
                a_tick_is_done_once,
                a_tick_before_there_was_one_is_stale_to_who_knows_another,
                the_last_tick_is_the_last_that_was_put_on_record,
                schedules_tick_for_themselves_and_are_told_apart_to_the_letter,
                the_jobs_of_a_tick_are_submitted_like_any_others;
            prune:
                jobs_are_deleted_by_the_state_in_which_they_ended,
                jobs_are_deleted_that_ended_before_the_time_and_not_at_it,
                the_search_ends_at_a_job_that_is_too_young_but_not_at_one_that_is_dated_later_than_now,
                a_page_may_end_at_a_job_that_is_dated_later_than_now,
                a_call_that_names_no_state_deletes_nothing,
                what_has_not_ended_is_never_deleted,
                a_deleted_job_leaves_nothing_but_its_effects,
                r25_a_key_lives_as_long_as_its_job,
                r26_what_another_job_waits_for_is_kept,
                r26_what_another_job_has_waited_for_is_deleted,
                as_many_jobs_are_looked_at_as_a_call_says,
                r28_pages_go_on_where_a_job_was_deleted,
                the_place_of_a_deleted_job_is_not_given_again,
                the_first_events_are_deleted_up_to_a_time_and_a_limit,
                an_event_that_is_kept_keeps_those_behind_it,
                an_event_that_is_dated_later_than_now_does_not_keep_those_behind_it,
                r18_a_reader_goes_on_behind_events_that_were_deleted,
                r18_the_cursor_of_a_deleted_event_is_not_given_again;
            lookups:
                what_is_not_on_record_is_not_found,
                an_empty_store_answers_every_question,
                r28_jobs_are_found_by_everything_that_is_asked_for,
                r28_pages_lead_through_all_jobs_in_both_directions,
                r28_a_page_holds_its_place_while_jobs_are_added,
                r28_the_failed_jobs_are_those_that_have_failed_and_are_not_to_run_again,
                r28_jobs_are_counted_by_kind_name_and_state,
                r28_entities_stand_in_the_order_of_their_keys_bytes,
                r28_pages_lead_through_all_entities,
                r28_entities_are_found_behind_a_key_that_none_has,
                r28_entities_are_found_by_type_as_last_committed;
            events:
                r18_every_event_is_read_once_behind_the_cursor_of_the_one_before,
                r18_cursors_grow_and_lie_behind_the_start,
                r18_a_cursor_outlives_its_being_kept_as_a_number,
                r18_what_commits_later_is_found_behind_the_last_cursor,
                r15_the_events_of_a_refused_commit_are_never_read,
                a_limit_of_none_reads_none;
            fidelity:
                r26_a_job_keeps_its_priority_and_what_it_comes_after,
                a_job_keeps_its_time_and_its_deadline_to_the_microsecond,
                r31_a_job_keeps_its_context,
                r32_a_job_keeps_its_cause,
                a_job_keeps_its_kind,
                every_text_of_a_job_is_kept_to_the_letter,
                what_is_claimed_is_what_was_put_on_record_whoever_did,
                an_empty_key_is_not_the_lack_of_one,
                every_document_is_kept_to_the_letter,
                r18_an_event_keeps_every_field,
                an_entity_keeps_its_key_to_the_letter,
                r21_an_attempt_keeps_every_field,
                r27_a_failure_is_kept_unchanged,
                r27_every_kind_of_failure_is_kept,
                times_are_kept_to_the_microsecond,
                r24_the_end_of_a_cancelled_job_is_kept_unchanged;
            reopen:
                everything_is_there_when_the_store_is_opened_again,
                r01_a_job_that_ran_when_the_program_ended_leaves_a_trace,
                r23_a_lease_outlives_the_store,
                r22_pending_retries_survive_a_restart,
                r26_lanes_go_on_after_a_restart,
                r25_keys_are_remembered_after_a_restart,
                r18_places_go_on_after_a_restart,
                r18_cursors_are_not_given_twice_when_the_last_commit_was_refused,
                what_one_handle_has_written_another_reads,
                r17_an_execution_loads_what_others_had_committed_when_it_began,
                r17_an_entity_of_many_megabytes_is_loaded_as_committed,
                r26_predecessors_are_remembered_after_a_restart,
                r26_whose_turn_it_is_is_remembered_after_a_restart,
                how_many_are_queued_is_remembered_after_a_restart,
                the_last_tick_is_remembered_after_a_restart,
                places_that_were_given_are_remembered_when_all_is_deleted;
            races:
                r20_no_two_claims_are_handed_the_same_job,
                r20_of_two_commits_of_one_attempt_one_wins,
                r23_either_the_worker_commits_or_its_attempt_is_given_up,
                r23_a_renewed_lease_and_a_given_up_attempt_exclude_each_other,
                r17_no_write_is_lost,
                r25_one_of_many_equal_requests_is_taken,
                r25_one_of_many_requests_that_differ_is_taken,
                r26_lanes_keep_their_order_while_jobs_are_published_and_run,
                r18_a_reader_behind_a_cursor_misses_no_event,
                r15_a_reader_never_sees_half_a_commit,
                r20_an_attempt_that_is_retried_is_claimed_once;
            }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __each_behaviour {
    ($open:ident $($group:ident: $($behaviour:ident),+;)+) => {
        $($crate::__each_behaviour! { @group $open $group $($behaviour)+ })+
    };
    (@group $open:ident $group:ident $($behaviour:ident)+) => {
        mod $group {
            $(
                #[test]
                fn $behaviour() {
                    $crate::conformance::check(super::super::$open, $crate::conformance::$group::$behaviour);
                }
            )+
        }
    };
}

#[cfg(test)]
mod tests {
    /// A behaviour that is not in the list of `conformance!` would never be tried.
    #[test]
    fn every_behaviour_is_in_the_list() {
        let files = [
            include_str!("cancel.rs"),
            include_str!("claim.rs"),
            include_str!("commit.rs"),
            include_str!("duels.rs"),
            include_str!("events.rs"),
            include_str!("fidelity.rs"),
            include_str!("idempotency.rs"),
            include_str!("lanes.rs"),
            include_str!("leases.rs"),
            include_str!("limits.rs"),
            include_str!("lookups.rs"),
            include_str!("predecessors.rs"),
            include_str!("priorities.rs"),
            include_str!("prune.rs"),
            include_str!("races.rs"),
            include_str!("reopen.rs"),
            include_str!("retry.rs"),
            include_str!("states.rs"),
            include_str!("submit.rs"),
            include_str!("ticks.rs"),
        ];
        let listed: Vec<&str> =
            include_str!("mod.rs").lines().map(|line| line.trim().trim_end_matches([',', ';'])).collect();
        let names = files
            .iter()
            .flat_map(|file| file.lines())
            .filter_map(|line| line.strip_prefix("pub async fn ")?.split('(').next());
        let missing: Vec<&str> = names.filter(|name| !listed.contains(name)).collect();
        assert_eq!(missing, [""; 0]);
    }
}
