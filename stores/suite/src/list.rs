//! The list of cases, as one macro.

/// Generates a module with one `#[test]` for each case of the suite.
///
/// The second argument names a function of the calling module that opens a [`TestStore`](crate::TestStore) for one test.
/// Some tests make tens of thousands of calls. If a store is faster with less durability, name a function that opens it
/// so after `fast:`, and those tests use it. `sequences:` sets the number of random sequences that are compared with the model, 10,000 by
/// default: fewer on a store whose calls take long.
///
/// ```ignore
/// enact_store_suite::conformance!(my_store, open);
/// enact_store_suite::conformance!(my_other_store, open_other, fast: open_other_without_sync);
/// enact_store_suite::conformance!(my_remote_store, open_remote, sequences: 300);
/// ```
#[macro_export]
macro_rules! conformance {
    ($module:ident, $open:ident) => {
        $crate::conformance!($module, $open, fast: $open, sequences: 10_000);
    };
    ($module:ident, $open:ident, fast: $open_fast:ident) => {
        $crate::conformance!($module, $open, fast: $open_fast, sequences: 10_000);
    };
    ($module:ident, $open:ident, sequences: $sequences:expr) => {
        $crate::conformance!($module, $open, fast: $open, sequences: $sequences);
    };
    ($module:ident, $open:ident, fast: $open_fast:ident, sequences: $sequences:expr) => {
        mod $module {
            mod model {
                #[test]
                fn random_calls_return_what_the_model_returns() {
                    let open = super::super::$open_fast;
                    $crate::model::random_calls_return_what_the_model_returns(open, $sequences);
                }
            }

            $crate::__each_case! { $open_fast
            pairwise_races:
                r24_a_job_is_either_cancelled_or_committed,
                r24_a_cancelled_job_is_not_claimed,
                r22_a_failed_job_is_either_retried_or_deleted,
                r26_a_job_is_either_deleted_or_waited_for,
                r20_one_of_two_workers_claims_a_job,
                r23_a_worker_is_either_retired_or_renews_its_lease,
                r26_a_job_submitted_while_its_predecessor_is_cancelled_is_cancelled,
                r26_a_job_submitted_while_its_predecessor_succeeds_becomes_ready,
                r17_one_of_two_workers_takes_the_turn_of_an_entity,
                r17_a_job_is_not_lost_in_line_while_the_turn_ends,
                r23_a_held_job_is_either_begun_or_released,
                r24_a_held_job_is_cancelled_before_or_after_it_is_begun;
            }
            $crate::__each_case! { $open
            submit:
                a_submitted_job_is_ready_and_has_no_attempts,
                r06_a_job_that_starts_on_submit_runs_its_first_attempt,
                r06_a_job_that_starts_on_submit_is_never_claimed,
                r06_a_job_that_starts_on_submit_is_committed_without_a_claim,
                jobs_are_stored_in_submission_order,
                creation_times_do_not_order_jobs,
                events_are_stored_in_submission_order,
                r18_events_and_jobs_of_one_call_are_stored_together,
                an_empty_submit_changes_nothing;
            claim:
                a_claimed_job_runs_its_next_attempt,
                a_job_is_claimed_once,
                r22_the_time_that_a_job_waits_for_can_be_changed,
                an_ended_job_is_not_claimed,
                jobs_are_claimed_in_sequence_order_across_names,
                a_claim_returns_at_most_its_limit,
                jobs_of_other_names_are_not_claimed,
                names_match_exactly,
                r22_a_retry_is_ready_exactly_when_due,
                next_due_is_the_earliest_future_due_time,
                a_job_that_becomes_due_keeps_its_sequence_number,
                due_jobs_become_ready_whatever_their_name_and_the_limit,
                jobs_due_at_the_same_time_are_all_claimed,
                one_claim_wakes_at_most_max_woken_jobs_earliest_due_first;
            priorities:
                r26_higher_priorities_are_claimed_first,
                r26_equal_priorities_are_claimed_in_sequence_order_across_names,
                r26_priorities_are_compared_across_the_names_of_a_queue,
                r26_jobs_of_many_names_are_claimed_in_one_order,
                r26_a_priority_overrides_neither_a_lane_nor_a_due_time,
                r26_a_job_keeps_its_priority_when_it_is_retried,
                a_claim_returns_at_most_the_room_of_each_queue,
                the_names_of_one_queue_share_its_room,
                priorities_apply_within_a_queue,
                a_lane_orders_jobs_across_queues;
            limits:
                a_job_is_accepted_below_its_limit,
                jobs_of_other_names_do_not_count,
                jobs_without_a_limit_are_accepted_and_count,
                every_job_that_has_not_ended_counts,
                jobs_of_the_same_call_count,
                refused_and_existing_jobs_do_not_count,
                r25_an_existing_request_is_returned_above_the_limit,
                the_limit_applies_to_jobs_that_start_on_submit,
                r15_no_event_is_stored_when_a_job_is_over_its_limit,
                r15_staged_jobs_are_accepted_above_the_limit;
            commit:
                r15_a_commit_stores_all_its_parts,
                r07_a_released_job_is_claimed_again_under_the_same_number,
                r15_a_commit_with_a_version_conflict_stores_nothing,
                r15_a_fenced_commit_stores_nothing,
                r15_a_commit_with_an_idempotency_mismatch_stores_nothing,
                r17_each_commit_increments_the_entity_version,
                r17_a_version_conflict_names_the_stored_version,
                r17_entities_of_two_types_may_have_the_same_id,
                r15_a_commit_without_a_write_changes_no_entity,
                r20_a_failed_job_has_ended_and_keeps_its_failure,
                r22_a_retried_job_waits_until_due_and_keeps_its_failure,
                the_failure_of_a_job_is_that_of_its_last_attempt,
                r21_a_retry_keeps_every_earlier_attempt,
                r21_a_rescued_attempt_has_reached_no_step,
                r21_every_step_is_stored,
                r23_another_worker_cannot_commit,
                r23_another_attempt_cannot_be_committed,
                r23_an_earlier_attempt_cannot_be_committed,
                r20_a_job_ends_once,
                r20_a_job_that_is_not_running_cannot_end,
                an_unknown_job_cannot_end,
                staged_events_and_jobs_are_appended_in_order,
                an_output_of_null_is_an_output,
                has_work_tells_whether_a_commit_made_jobs_claimable_or_due,
                r31_late_effects_are_added_to_attempts_that_have_ended;
            states:
                r20_exactly_the_transitions_of_the_table_occur,
                r20_a_due_job_is_ready_before_it_runs;
            retry:
                r22_a_manual_retry_makes_a_failed_job_ready_and_changes_nothing_else,
                r22_a_manual_retry_keeps_the_attempt_count_and_marks_it_spent,
                r22_a_manually_retried_job_can_succeed,
                r22_only_a_failed_job_can_be_retried_manually,
                r22_retry_returns_one_result_per_job_in_order,
                r22_a_manually_retried_job_keeps_its_sequence_number,
                r06_a_manually_retried_executed_job_is_claimed,
                r25_a_manually_retried_job_keeps_its_key,
                r26_a_manually_retried_job_does_not_wait_for_its_predecessors_again,
                r26_a_manually_retried_job_waits_for_the_ready_job_of_its_lane,
                r26_a_manually_retried_job_waits_for_the_running_job_of_its_lane,
                r26_an_automatic_retry_stays_at_the_head_of_its_lane,
                r26_the_head_of_a_lane_stays_when_other_jobs_leave_it,
                r26_a_manually_retried_job_overtakes_a_head_that_is_not_due,
                r26_a_lane_and_a_predecessor_do_not_deadlock,
                r26_the_earliest_manually_retried_job_becomes_the_head,
                r26_manually_retried_jobs_run_in_sequence_order;
            cancel:
                r24_every_job_that_has_not_ended_can_be_cancelled,
                r24_cancelling_ends_the_running_attempt_with_the_failure,
                r24_the_commit_of_a_cancelled_job_is_refused,
                r24_a_cancelled_job_stays_cancelled,
                r24_an_ended_job_cannot_be_cancelled,
                r24_cancel_returns_one_result_per_job_in_order,
                r24_a_cancelled_waiting_job_keeps_its_last_failure,
                r26_a_cancelled_job_frees_its_lane,
                r26_a_whole_lane_can_be_cancelled,
                r24_a_cancelled_job_is_released_by_its_worker,
                r24_a_cancelled_job_of_a_dead_worker_is_released,
                r24_a_cancelled_job_is_not_pruned_before_it_is_released,
                r24_a_job_that_is_retried_by_hand_waits_until_a_cancelled_one_is_released,
                r24_a_cancelled_job_is_unreleased_after_a_restart,
                r24_cancelling_includes_successors_in_the_same_lane;
            leases:
                r23_a_lease_is_read_as_stored,
                r23_a_worker_without_a_lease_reads_as_an_empty_lease,
                r23_each_worker_has_its_lease_renewal,
                r23_leases_lists_idle_workers_and_those_with_running_jobs,
                running_lists_claimed_and_executed_jobs,
                running_lists_at_most_limit_jobs_in_sequence_order,
                running_names_the_worker_and_start_of_the_current_attempt,
                running_lists_only_running_jobs,
                r23_an_attempt_of_a_worker_without_a_lease_can_be_rescued,
                r23_an_attempt_is_not_rescued_after_its_worker_renewed,
                r23_a_worker_cannot_commit_a_rescued_attempt,
                r23_a_worker_can_commit_late_unless_rescued,
                r23_retire_deletes_the_lease_of_an_idle_worker,
                r23_retire_keeps_a_lease_renewed_since,
                r23_retire_keeps_the_lease_of_a_worker_with_running_jobs,
                r23_a_retired_worker_can_renew_again,
                retiring_an_unknown_worker_changes_nothing;
            turns:
                r17_the_claimed_jobs_of_an_entity_run_one_at_a_time,
                r17_one_claim_passes_by_the_jobs_of_a_busy_entity,
                r17_later_claims_pass_by_the_jobs_of_a_busy_entity,
                r17_a_job_in_line_is_ready,
                r17_a_line_is_in_the_order_of_priority_then_sequence,
                r17_the_line_moves_on_however_a_turn_ends,
                r17_a_cancelled_held_job_ends_its_turn,
                r17_a_commit_has_no_work_if_the_line_is_empty,
                r17_all_names_share_the_turn_of_an_entity,
                r17_a_batch_has_the_first_in_line,
                r17_batches_are_within_the_room_of_their_queue,
                r17_no_job_of_another_queue_is_overtaken_by_a_batch,
                r17_a_batch_has_no_job_that_binds_another_entity_now,
                r17_a_shared_turn_ends_with_the_last_of_its_jobs,
                r17_a_job_that_leaves_a_batch_waits_for_those_that_share_its_turn,
                r17_a_job_in_line_of_an_unclaimed_name_holds_up_no_other_name,
                r17_a_job_in_line_of_a_full_queue_holds_up_no_other_queue,
                r17_a_job_in_line_can_be_cancelled,
                r17_a_cancelled_job_that_has_left_the_line_lets_the_next_one_leave,
                r17_jobs_that_have_left_the_line_can_be_claimed_without_a_turn,
                r17_a_job_may_leave_one_line_and_enter_another,
                r17_jobs_that_bind_no_entity_take_no_turn,
                r17_jobs_that_start_on_submit_take_no_turn,
                r17_entities_have_turns_of_their_own,
                r17_more_jobs_than_max_woken_enter_a_line_in_several_claims,
                r17_a_job_in_line_stays_at_the_head_of_its_lane,
                r17_a_cancelled_job_in_line_frees_its_lane,
                r17_a_job_in_line_blocks_and_follows_predecessors,
                r17_a_job_that_becomes_due_enters_the_line,
                r17_a_manually_retried_job_waits_for_its_turn,
                r17_a_job_staged_for_the_entity_of_its_stager_is_claimed_next,
                r17_a_turn_is_seen_by_every_process,
                r17_turns_and_lines_survive_a_restart;
            holds:
                r06_a_held_job_is_ready_and_not_claimed,
                r06_ready_jobs_are_listed_in_sequence_order_whether_held_or_not,
                r06_a_held_job_is_begun_once_and_only_by_its_worker,
                r06_a_job_that_is_not_held_cannot_be_begun,
                r06_a_held_job_that_was_begun_is_retried_like_any_other,
                r06_a_begin_takes_its_place_when_it_is_called,
                r06_a_held_job_under_a_used_key_is_not_inserted,
                r06_a_held_job_counts_for_the_limit_of_its_name,
                r22_a_released_hold_can_be_claimed,
                r22_a_released_attempt_is_not_counted,
                r22_a_released_attempt_leaves_the_earlier_ones,
                r17_a_released_attempt_may_be_held_and_begun_again,
                r23_a_hold_or_an_attempt_is_released_for_another_only_by_a_lapsed_lease,
                r24_a_held_job_is_cancelled_without_an_attempt,
                r26_a_held_job_is_waited_for,
                r26_a_released_job_stays_at_the_head_of_its_lane,
                r23_a_worker_that_holds_a_job_has_a_lease,
                running_lists_held_jobs_as_ready,
                r22_a_released_executed_job_has_no_lane,
                r06_holds_survive_a_restart;
            links:
                r17_a_commit_that_follows_a_stored_one_is_stored,
                r17_a_commit_that_follows_a_refused_one_stores_nothing,
                r17_a_commit_that_follows_an_undecided_one_stores_nothing,
                r17_all_commits_of_a_chain_are_refused_with_its_first,
                r17_commits_are_decided_in_the_order_of_their_calls,
                r17_a_commit_takes_effect_even_if_its_future_is_dropped;
            lanes:
                r26_a_job_that_waits_for_its_lane_has_no_due_time,
                r26_a_lane_runs_one_job_at_a_time_in_publishing_order,
                r26_lanes_are_independent_of_each_other_and_of_jobs_without_one,
                r26_a_failed_job_frees_its_lane,
                r26_a_rescued_job_that_fails_frees_its_lane,
                r26_a_retried_job_stays_at_the_head_of_its_lane,
                r26_a_lane_is_shared_by_jobs_of_several_names,
                r26_a_lane_waits_for_a_job_of_an_unclaimed_name,
                r26_a_lane_is_free_once_all_its_jobs_have_ended,
                r26_a_job_staged_in_the_lane_of_its_stager_becomes_ready,
                r26_a_staged_job_is_appended_to_its_lane,
                r26_a_job_staged_with_a_retry_waits_for_the_retry,
                r26_two_jobs_staged_in_a_new_lane_are_ordered,
                r26_a_job_that_is_not_stored_does_not_block_its_lane,
                r26_executed_jobs_enter_no_lane,
                r26_lane_keys_match_exactly,
                r26_a_job_that_is_not_due_can_be_the_head_of_its_lane,
                r26_a_job_with_a_predecessor_can_be_the_head_of_its_lane,
                r26_next_due_ignores_jobs_that_wait_for_their_lane;
            predecessors:
                r26_a_job_waits_until_its_predecessor_has_succeeded,
                r26_a_job_waits_for_all_its_predecessors,
                r26_a_predecessor_may_be_named_twice,
                r26_a_predecessor_releases_all_its_successors,
                r26_a_succeeded_predecessor_is_not_waited_for,
                r26_a_retried_predecessor_is_waited_for,
                r26_a_job_waits_for_a_failed_predecessor_until_a_manual_retry_succeeds,
                r26_cancelling_a_job_cancels_its_successors,
                r26_a_job_with_two_cancelled_predecessors_is_cancelled_once,
                r26_a_long_chain_is_cancelled_completely,
                r26_one_cancelled_predecessor_cancels_a_job,
                r26_a_job_submitted_after_a_cancelled_one_starts_cancelled,
                r26_a_predecessor_may_be_part_of_the_same_call,
                r26_a_job_with_an_unknown_predecessor_is_refused,
                r26_a_job_cannot_follow_itself_or_a_later_job,
                r15_no_event_is_stored_when_a_predecessor_is_unknown,
                r26_a_staged_job_may_follow_its_stager,
                r26_a_commit_that_stages_a_job_with_an_unknown_predecessor_stores_nothing,
                r26_a_job_waits_for_both_its_due_time_and_its_predecessor,
                r26_a_job_waits_for_both_its_lane_and_its_predecessor,
                r26_a_job_with_a_due_time_waits_for_nothing_else,
                r26_a_predecessor_that_exists_by_key_is_replaced_by_the_stored_job,
                r26_a_staged_predecessor_that_exists_by_key_is_replaced_by_the_stored_job,
                r26_a_predecessor_may_exist_by_the_key_of_an_earlier_job_of_the_call;
            idempotency:
                r25_the_same_request_returns_the_existing_job,
                r25_another_payload_is_a_mismatch,
                r25_another_name_is_a_mismatch,
                r52_a_request_under_a_former_name_is_the_same,
                r52_a_staged_request_under_a_former_name_is_the_same,
                r25_the_key_order_of_a_payload_is_ignored,
                r25_only_name_and_payload_are_compared,
                r25_a_key_used_twice_in_one_call_stores_one_job,
                r25_a_mismatch_does_not_affect_the_rest_of_the_call,
                r25_an_execution_under_a_used_key_does_not_start,
                r25_a_key_is_used_in_every_state_of_its_job,
                r25_a_key_is_used_after_its_job_failed,
                r24_cancelling_a_job_in_any_state_frees_its_key,
                r24_a_cancelled_job_shows_its_key_and_another_has_it,
                r24_a_successor_that_is_cancelled_with_its_predecessor_frees_its_key,
                r24_a_job_that_is_cancelled_from_the_start_does_not_have_its_key,
                r24_a_key_can_be_freed_again_and_again,
                r24_pruning_a_cancelled_job_leaves_its_key_to_the_next,
                r25_idempotency_keys_match_exactly,
                r25_the_notation_of_a_payload_is_ignored,
                r25_large_numbers_are_compared_exactly,
                r25_payloads_are_compared_by_the_comparison_of_the_new_job,
                r25_payloads_of_one_call_are_compared_by_the_comparison_of_the_later_job,
                r25_the_payloads_of_staged_jobs_are_compared_by_their_comparison,
                jobs_without_a_key_are_all_stored,
                r25_a_staged_job_that_exists_is_not_stored_again,
                r25_a_staged_job_uses_its_key,
                r25_two_different_staged_jobs_under_one_key_are_a_mismatch;
            ticks:
                a_tick_is_stored_with_its_jobs,
                a_tick_is_accepted_once,
                a_tick_is_stale_when_the_expected_last_one_does_not_exist,
                the_last_tick_is_the_last_one_stored,
                the_last_tick_can_be_read,
                r38_the_names_of_a_schedule_share_its_position,
                r38_a_tick_is_recorded_without_its_jobs_while_an_earlier_one_runs,
                schedules_are_independent_and_match_exactly,
                the_jobs_of_a_tick_are_submitted_like_any_other;
            prune:
                jobs_are_pruned_by_their_state,
                jobs_that_ended_before_the_time_are_pruned,
                pruning_stops_at_a_recent_job_and_skips_jobs_dated_after_now,
                a_page_may_end_at_a_job_dated_after_now,
                pruning_without_a_state_deletes_nothing,
                a_job_that_has_not_ended_is_never_pruned,
                a_pruned_job_leaves_only_its_effects,
                r25_pruning_a_job_frees_its_key,
                r26_a_predecessor_that_is_waited_for_is_not_pruned,
                r26_a_succeeded_predecessor_is_pruned,
                one_call_examines_at_most_limit_jobs,
                r28_a_page_token_survives_the_pruning_of_its_job,
                sequence_numbers_of_pruned_jobs_are_not_reused,
                events_are_pruned_oldest_first_up_to_a_time_and_a_limit,
                pruning_stops_at_the_first_recent_event,
                pruning_skips_events_dated_after_now,
                r18_a_cursor_survives_the_pruning_of_its_event,
                r18_cursors_of_pruned_events_are_not_reused;
            queries:
                unknown_ids_are_not_found,
                an_empty_store_returns_empty_results,
                the_states_of_several_jobs_are_read_at_once,
                the_attempts_of_several_jobs_are_read_at_once,
                r28_jobs_are_found_by_every_filter,
                r28_pages_cover_all_jobs_in_both_directions,
                r28_a_page_token_stays_valid_while_jobs_are_added,
                r28_failed_jobs_exclude_jobs_retried_since,
                r28_jobs_are_counted_by_kind_name_and_state,
                r07_the_jobs_that_have_not_ended_are_counted_by_name,
                r28_entities_are_listed_in_byte_order_of_their_keys,
                r28_pages_cover_all_entities,
                r28_entities_are_listed_after_a_key_that_does_not_exist,
                r28_entities_are_listed_by_type_as_last_committed;
            events:
                r18_paging_by_cursor_reads_every_event_once,
                r18_after_each_cursor_come_the_later_events,
                r18_a_cursor_can_be_stored_as_text,
                r18_later_commits_are_read_after_the_last_cursor,
                r18_a_cursor_ahead_of_the_last_event_is_refused,
                r18_a_cursor_at_the_end_of_a_pruned_log_is_not_ahead,
                r15_the_events_of_a_refused_commit_are_never_read,
                a_limit_of_zero_reads_no_event;
            fidelity:
                r26_a_job_keeps_its_priority_and_predecessors,
                r08_a_job_keeps_its_depth,
                a_job_keeps_its_due_time_and_deadline_to_the_microsecond,
                r31_a_job_keeps_its_context,
                r32_a_job_keeps_its_cause,
                a_job_keeps_its_kind,
                r07_what_is_unknown_is_stored_unchanged,
                every_text_of_a_job_is_stored_exactly,
                a_job_is_claimed_exactly_as_another_handle_stored_it,
                an_empty_key_differs_from_no_key,
                every_document_is_stored_exactly,
                r18_an_event_keeps_every_field,
                an_entity_key_is_stored_exactly,
                r21_an_attempt_keeps_every_field,
                r27_a_failure_is_stored_unchanged,
                r27_every_failure_kind_is_stored,
                times_are_stored_to_the_microsecond,
                r24_the_end_of_a_cancelled_job_is_stored_unchanged;
            reopen:
                all_records_survive_a_restart,
                r01_a_job_that_was_running_is_still_running_after_a_restart,
                r23_leases_survive_a_restart,
                r22_pending_retries_survive_a_restart,
                r26_lanes_survive_a_restart,
                r25_idempotency_keys_survive_a_restart,
                r24_a_freed_idempotency_key_survives_a_restart,
                r18_cursors_and_page_tokens_survive_a_restart,
                r18_a_refused_commit_before_a_restart_leaves_cursors_unique,
                another_handle_reads_what_was_written,
                r17_an_execution_loads_what_was_committed_before_it_started,
                r17_a_large_entity_is_loaded_as_committed,
                r26_predecessors_survive_a_restart,
                r26_the_head_of_a_lane_survives_a_restart,
                queued_counts_survive_a_restart,
                the_last_tick_survives_a_restart,
                sequence_numbers_are_not_reused_after_pruning_and_a_restart;
            races:
                r20_no_two_claims_return_the_same_job,
                r20_one_of_two_commits_of_an_attempt_is_accepted,
                r23_an_attempt_is_either_committed_or_rescued,
                r23_a_lease_is_either_renewed_or_its_attempt_rescued,
                r17_no_write_is_lost,
                r25_one_of_many_equal_requests_is_stored,
                r25_one_of_many_different_requests_is_stored,
                r26_lanes_keep_their_order_while_jobs_are_published_and_run,
                r18_a_reader_at_a_cursor_misses_no_event,
                r15_a_reader_never_sees_a_partial_commit,
                r20_a_retried_job_is_claimed_once;
            }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __each_case {
    ($open:ident $($group:ident: $($case:ident),+;)+) => {
        $($crate::__each_case! { @group $open $group $($case)+ })+
    };
    (@group $open:ident $group:ident $($case:ident)+) => {
        mod $group {
            $(
                #[test]
                fn $case() {
                    $crate::check(super::super::$open, $crate::cases::$group::$case);
                }
            )+
        }
    };
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    /// A case that is not in the list of `conformance!` would never run.
    #[test]
    fn every_case_is_in_the_list() {
        let listed: BTreeSet<&str> =
            include_str!("list.rs").lines().map(|line| line.trim().trim_end_matches([',', ';'])).collect();
        let mut missing = Vec::new();
        let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cases");
        for file in fs::read_dir(cases).expect("the folder of cases") {
            let text = fs::read_to_string(file.expect("a file").path()).expect("a text file");
            let names = text.lines().filter_map(|line| line.strip_prefix("pub async fn ")?.split('(').next());
            missing.extend(names.filter(|name| !listed.contains(name)).map(str::to_owned));
        }
        assert_eq!(missing, [""; 0]);
    }
}
