"""The fault rows that are owed: what is injected, on which bus, and which test shows that it does no harm, or why there is none yet.

A row is never weakened to pass and never deleted. A test named without its parameters stands for all of them.
"""

from __future__ import annotations

import sys

from tests.faults.owed import OPEN, OPEN_REASON, OWED
from tests.faults.row import BOTH, FAULTS, HTTP, MAIL, SHARED, Row
from tests.faults.row import crash as _crash
from tests.faults.row import named as _in

_API = f"{HTTP}/test_idempotency.py"
_TX = f"{HTTP}/test_transactions.py"
_WALK, _BUSY = f"{HTTP}/test_slow_bodies.py", f"{FAULTS}/test_busy_rows.py"
_AWAY, _ERRORS, _LOG = (f"{FAULTS}/test_broker_{part}.py" for part in ("away", "errors", "log"))
_PROC = f"{FAULTS}/test_processes.py"
_RELAY = f"{FAULTS}/test_relay_rows.py"
_CONS = f"{FAULTS}/test_consumer_rows.py"
_EDGE, _LIFE, _DAMAGE = f"{FAULTS}/test_edge_rows.py", f"{FAULTS}/test_consumer_life.py", f"{FAULTS}/test_damaged_log.py"
_ANEW, _NET, _CLUSTER = f"{FAULTS}/test_views_anew.py", f"{FAULTS}/test_network.py", f"{FAULTS}/test_cluster.py"
_WORDS, _TELL, _CE = f"{FAULTS}/test_contract_rows.py", f"{FAULTS}/test_telemetry.py", f"{SHARED}/test_cloudevents.py"
_SENDER, _PLAY = f"{MAIL}/test_sender.py", f"{FAULTS}/test_schedules.py"

RUNNING: tuple[Row, ...] = (
    Row("A1", "kill -9 before COMMIT", BOTH, _crash("A1")),
    Row("A2", "kill -9 after COMMIT, before the answer", BOTH, (*_crash("A2"), *_in(
        _TX, "test_the_change_is_there_when_the_first_byte_of_the_answer_leaves",
        "test_a_commit_that_fails_is_a_500_and_nothing_is_kept"))),
    Row("A3", "the connection is cut while COMMIT is answered", "none", _in(
        _EDGE, "test_a3_a_change_whose_commit_was_answered_to_nobody_is_done_once",
        "test_a3_under_load_each_client_repeats_until_it_knows", "test_a3_a_client_whose_answer_was_cut_off_asks_again"), "I1 I2"),
    Row("A4", "the same key 50 times at once, in one process and in two", "none",
        _in(_API, "test_fifty_at_once_make_one_box", "test_fifty_at_once_in_two_processes_make_one_box"), "I1"),
    Row("A5", "the same key with another body", "none", _in(_API, "test_the_same_key_for_another_request_is_refused"), "I1"),
    Row("A6", "the same key from another caller", "none", _in(_API, "test_a_key_belongs_to_its_caller"), "I1"),
    Row("A8", "the client hangs up in the middle of its body, and while its command works", "none", (
        *_in(_WALK, "test_a_client_that_hangs_up_changes_nothing"),
        *_in(_EDGE, "test_a8_a_client_that_hangs_up_while_its_command_works_leaves_all_of_it_or_nothing")), "I1"),
    Row("A9", "two changes of one version; two sign at once", "none", (
        *_in(f"{SHARED}/test_outbox.py", "test_two_changes_of_one_version_cannot_both_win"),
        *_in("tests/partners/agreements/test_signing.py", "test_both_sign_at_once_and_both_count"),
        *_in("tests/partners/registry/test_updating.py", "test_of_two_changes_to_one_version_the_second_is_stale")), "I1 I2"),
    Row("A11", "PostgreSQL refuses a transaction for now (40001, 40P01), once, thrice, always", "none", (
        *_in(_TX, "test_two_that_wait_for_each_other_both_succeed"),
        *_in(_BUSY, "test_a11_a_transaction_refused_for_now_is_done_again_and_has_one_effect",
             "test_a11_what_is_refused_again_and_again_is_told_to_come_later_and_changes_nothing")), "I1"),
    Row("A12", "the pool is used up", "none", (
        *_in(_BUSY, "test_a12_while_the_pool_is_used_up_clients_are_told_to_come_again_and_then_each_is_served_once"),
        *_in(_TX, "test_a_pool_that_is_used_up_is_a_503")), "I1"),
    Row("A13", "SIGTERM under load", BOTH, (
        f"{_PROC}::test_told_to_stop_it_finishes_what_it_does_and_refuses_the_rest_a13",
        f"{SHARED}/process/test_running.py::test_a_stop_lets_requests_finish_and_refuses_new_ones")),
    Row("A14", "ten restarts in a row under load", BOTH, (f"{_PROC}::test_ten_restarts_in_a_row_while_clients_work_a14",)),
    Row("A16", "a migrator is killed half-way; two at once", "none", _in(
        f"{SHARED}/test_migrations.py", "test_a_killed_migrator_leaves_nothing_half_done",
        "test_migrators_that_start_together_take_turns"), "I1"),
    Row("A17", "bodies without end, damaged, of 10 MB", "none", (
        *_in(f"{HTTP}/test_bad_input.py", "test_a_bad_body_is_explained_and_changes_nothing", "test_ten_megabytes_are_refused_unread",
             "test_cut_short_anywhere_it_is_refused_in_words"),
        *_in(_WALK, "test_a_body_without_end_is_refused")), "I1 I10"),
    Row("A18", "slow loris, a thousand idle sockets", "none", _in(
        _EDGE, "test_a18_a_thousand_idle_sockets_keep_nobody_out", "test_a18_a_head_that_does_not_come_is_not_waited_for",
        "test_a18_a_second_head_that_comes_drop_by_drop_is_not_waited_for_either"), "I1 I8 I10"),
    Row("A19", "the order of writes: aggregate before outbox", "none", _in(
        f"{SHARED}/test_outbox.py", "test_the_aggregate_is_written_before_the_outbox_draws_its_number",
        "test_the_order_does_not_hang_on_the_session_s_own_flushing"), "I4"),
    Row("B1", "the broker is down for 5 s, 60 s, 30 min", BOTH, (
        *_in(_AWAY, "test_b1_while_the_broker_is_down_commands_succeed_and_facts_wait"),
        *_in(_PROC, "test_while_the_bus_is_away_commands_succeed_and_readiness_says_so_t6")), "I3 I4 I5"),
    Row("B2", "down at the start", BOTH, _in(_AWAY, "test_b2_down_at_the_start_all_begin_degraded_and_recover"), "I3 I5 I11"),
    Row("B3", "it comes and goes", BOTH, _in(_AWAY, "test_b3_flapping_loses_nothing_and_leaves_no_connection_behind"), "I3 I4 I10"),
    Row("B4", "acknowledgements are lost", BOTH, _in(_AWAY, "test_b4_a_lost_acknowledgement_makes_a_repeat_that_nobody_sees"), "I4 I5"),
    Row("B5", "a black hole", BOTH, _in(_AWAY, "test_b5_in_a_black_hole_the_deadline_fires_and_nothing_piles_up"), "I3 I10"),
    Row("B9", "the leaders of partitions move: killed, elected, frozen (three real brokers), and in the mock cluster", "kafka", (
        *_in(_CLUSTER, "test_b9_the_broker_that_leads_is_killed_and_leads_again_after_an_election",
             "test_b9_a_leader_that_was_frozen_and_deposed_wakes_up_and_does_no_harm"),
        *_in(_ERRORS, "test_b9_m_the_leaders_of_all_partitions_move_and_nothing_is_lost")), "I3 I4 I5"),
    Row("B10", "the coordinator of the group moves (three real brokers), and in the mock cluster", "kafka", (
        *_in(_CLUSTER, "test_b10_the_broker_that_coordinates_the_group_is_killed_and_reading_goes_on"),
        *_in(_ERRORS, "test_b10_the_coordinator_of_the_group_moves_and_reading_goes_on")), "I3 I4 I5"),
    Row("B11", "errors that pass; one broker of three is left (NOT_ENOUGH_REPLICAS)", "kafka", (
        *_in(_CLUSTER, "test_b11_with_one_broker_of_three_commands_succeed_and_facts_wait"),
        *_in(_ERRORS, "test_b11_what_passes_is_tried_again_and_stored_once_more_at_most")), "I1 I3 I4 I5 I11"),
    Row("B12", "refusals for good", "kafka", _in(_ERRORS, "test_b12_what_is_refused_for_good_is_parked_and_other_subjects_flow"), "I3 I7"),
    Row("B13", "a producer that lost its place", "kafka", _in(_ERRORS, "test_b13_a_producer_that_lost_its_place_is_built_anew"), "I3 I4"),
    Row("B7", "a topic is deleted", BOTH, _in(_LOG, "test_b7_a_deleted_topic_is_told_and_sent_again"), "I3 I5 I11"),
    Row("B8", "made anew with more partitions", BOTH, _in(_LOG, "test_b8_a_topic_made_anew_with_more_partitions_keeps_the_order"), "I4 I5"),
    Row("B14", "the broker is killed in the middle of a batch; one of three is", BOTH, (
        *_in(_LOG, "test_b14_a_broker_killed_in_the_middle_of_a_batch_loses_nothing"),
        *_in(_CLUSTER, "test_b14_a_broker_killed_in_the_middle_of_a_batch_and_started_again_loses_nothing")), "I3 I4 I5"),
    Row("B16", "retention takes what is unread", BOTH,
        _in(_LOG, "test_b16_what_retention_took_unread_is_noticed_and_sent_again"), "I3 I11"),
    Row("B17", "a group without offsets", BOTH,
        _in(_LOG, "test_b17_a_group_without_offsets_reads_from_the_earliest_and_nothing_twice"), "I5"),
    Row("B18", "offsets beyond the log", BOTH, _in(_LOG, "test_b18_offsets_beyond_the_log_lead_back_to_the_earliest"), "I5"),
    Row("B19", "a wiped log behind the same address", BOTH, _in(
        _LOG, "test_b19_a_wiped_log_behind_the_same_address_is_noticed_and_nothing_skipped",
        "test_b19_a_reader_whose_place_exists_in_the_new_topic_too_goes_back"), "I3 I11"),
    Row("R1", "kill -9 after the read, before the first send", BOTH, _crash("R1")),
    Row("R2", "the relay dies after some sends", BOTH, _in(_RELAY, "test_r2_a_relay_dies_after_some_sends")),
    Row("R3", "kill -9 after the acknowledgement, before and after the mark", BOTH, _crash("R3", "R3-marked")),
    Row("R4", "the mark's answer is lost", BOTH, _in(_NET, "test_r4_a_mark_whose_answer_is_lost_makes_a_repeat_at_most"), "I3 I5"),
    Row("R5", "two relays start at once", BOTH, _in(_RELAY, "test_r5_two_relays_start_at_once")),
    Row("R6", "the leader's database session is killed", BOTH, _in(_RELAY, "test_r6_the_leaders_session_is_killed")),
    Row("R7", "the leader is frozen, deposed, and goes on", BOTH, (
        f"{_PROC}::test_a_frozen_relay_wakes_up_after_another_took_over_r7", *_in(_RELAY, "test_r7_a_frozen_leader_sends_late"))),
    Row("R8", "the leader is cut off from its database", BOTH,
        _in(_NET, "test_r8_a_leader_cut_off_from_its_database_stops_sending_within_its_lease"), "I3 I5"),
    Row("R9", "the leader is cut off from the bus", BOTH, _in(_NET, "test_r9_a_leader_cut_off_from_the_bus_blocks_nobody"), "I3 I5"),
    Row("R10", "a lease renewed ten times, released once", "none", _in(_RELAY, "test_r10_a_lease_renewed_ten_times_is_released_once")),
    Row("R12", "16 writers with random delays", BOTH, _in(_RELAY, "test_r12_sixteen_writers_with_random_delays")),
    Row("R13", "a writer holds its transaction open", BOTH, (
        *_in(_RELAY, "test_r13_a_writer_holds_its_transaction_open"),
        *_in(f"{SHARED}/test_horizon.py", "test_a_number_drawn_by_the_newest_transaction_of_all_stays_in_sight"))),
    Row("R14", "a long transaction in another database", BOTH,
        _in(_RELAY, "test_r14_a_long_transaction_in_another_database_stalls_nobody")),
    Row("R15", "a poisoned fact first of a busy subject", BOTH,
        _in(f"{SHARED}/test_relay.py", "test_a_fact_that_can_never_be_sent_is_parked_and_blocks_only_its_subject"), "I3 I4"),
    Row("R16", "a million facts wait (speed and requests: `make bench ARGS=backlog-kafka`)", BOTH,
        _in(f"{FAULTS}/test_backlog.py", "test_r16_a_million_facts_are_drained_and_the_relay_does_not_grow")),
    Row("R17", "every NOTIFY is lost; the line of NOTIFY is cut", BOTH, (
        *_in(f"{FAULTS}/test_unwoken.py", "test_r17_what_nobody_was_woken_for_is_found_at_the_next_look"),
        *_in(f"{SHARED}/process/test_keeping.py", "test_a_cut_line_is_mended_at_once")), "I3 I8"),
    Row("R19", "cleanup races with republish", BOTH, _in(_RELAY, "test_r19_cleanup_races_with_republish")),
    Row("R20", "a producer that hangs at shutdown", "kafka", _in(_NET, "test_r20_a_producer_that_hangs_does_not_keep_the_process"), "I3"),
    Row("R21", "an outbox restored from a backup", BOTH, _in(_RELAY, "test_r21_an_outbox_restored_from_a_backup_is_sent_again")),
    Row("C1", "kill -9 between the view's commit and the offset's", BOTH, _crash("C1")),
    Row("C2", "kill -9 before and after the view's commit", BOTH, _crash("C2", "C2-committed")),
    Row("C3", "the view's COMMIT is answered to nobody", BOTH, _in(_NET, "test_c3_a_commit_whose_answer_is_lost_has_one_effect"), "I5"),
    Row("C4", "every message twice, five times", BOTH, _in(_CONS, "test_c4_every_message_comes_several_times")),
    Row("C5", "the whole topic again from zero", BOTH,
        (
        *_in(f"{SHARED}/test_consumer.py", "test_replaying_the_whole_topic_changes_nothing"),
        *_in("tests/notifications/alerts/test_alerts.py", "test_a_log_read_again_from_its_beginning_mails_nobody_anew")), "I5 I6"),
    Row("C6", "shuffled within windows of 50", BOTH, _in(_CONS, "test_c6_shuffled_within_a_window_of_fifty")),
    Row("C7", "a gap that does not fill, repaired by the owner", BOTH,
        _in(f"{SHARED}/test_consumer.py", "test_a_gap_is_mended_when_the_owner_sends_the_subject_again"), "I4 I5"),
    Row("C8", "three members handle the same messages", BOTH, _in(_CONS, "test_c8_two_members_handle_the_same_messages")),
    Row("C9", "a rebalance in the middle of a batch", "kafka",
        _in(_NET, "test_c9_a_rebalance_in_the_middle_of_a_batch_refuses_its_offsets_and_nothing_else"), "I3 I5"),
    Row("C10", "members come and go fifty times", BOTH, _in(_NET, "test_c10_members_come_and_go_fifty_times"), "I3 I5"),
    Row("C11", "a handler slower than the bus waits", BOTH,
        _in(_LIFE, "test_c11_a_handler_slower_than_the_bus_waits_applies_once_and_comes_on",
            "test_c11_what_a_slow_member_has_in_hand_is_given_to_another_and_applied_once"), "I3 I5 I7 I8"),
    Row("C13", "a handler raises once; always, for one subject", BOTH, (
        *_in(_CONS, "test_c13_a_handler_raises_once"),
        *_in(f"{SHARED}/test_consumer.py", "test_a_fact_its_handler_refuses_is_parked_and_others_flow"))),
    Row("C14", "a handler fails on the fourth of a batch", BOTH, _in(_CONS, "test_c14_a_handler_fails_on_the_fourth_of_a_batch")),
    Row("C15", "cancelled wherever it waits: the consumer, the relay", BOTH, _in(
        _LIFE, "test_c15_a_consumer_cancelled_wherever_it_waits_loses_nothing",
        "test_c15_a_relay_cancelled_wherever_it_waits_loses_nothing"), "I2 I3 I4 I5 I7"),
    Row("C16", "messages nobody can read: heads, keys, values", BOTH, (
        *_in(f"{SHARED}/test_consumer.py", "test_a_message_nobody_can_read_is_parked_and_others_flow",
             "test_heads_nobody_can_read_are_parked_with_their_reason_and_others_flow"),
        *_in(_DAMAGE, "test_c16_what_others_sent_without_a_key_is_read_by_its_head"),
        *_in(f"{SHARED}/test_cloudevents.py", "test_what_cannot_be_read_says_why")), "I5 I7"),
    Row("C17", "damaged records in the log", "kafka", (
        *_in(_DAMAGE, "test_c17_damaged_records_are_noted_and_passed_and_their_owner_sends_them_again"),
        *_in(f"{SHARED}/test_bus_kafka.py", "test_goes_past_damaged_records_and_loses_only_those")), "I3 I4 I5 I7 I11"),
    Row("C18", "a decompression bomb, an unknown codec", "kafka", _in(
        _DAMAGE, "test_c18_what_others_packed_with_gzip_is_read", "test_c18_a_batch_that_nobody_here_can_unpack_is_noted_and_passed",
        "test_c18_what_is_packed_is_unpacked_up_to_a_bound_and_never_beyond",
        "test_c18_a_bomb_is_noted_and_passed_within_a_memory_that_is_bounded"), "I5 I7 I10"),
    Row("C19", "a reader that hears nothing", BOTH, (
        *_in(_NET, "test_c19_a_reader_that_hears_nothing_is_restarted_by_its_watchdog"),
        *_in(_TELL, "test_t6_readiness_tells_of_a_reader_that_stands_still_and_of_its_recovery")), "I3 I5 I11"),
    Row("C20", "the table for what is set aside is gone", BOTH, _in(_CONS, "test_c20_what_cannot_be_set_aside_is_not_passed")),
    Row("C21", "what was set aside is tried again, twice, while new facts come", BOTH,
        _in(_CONS, "test_c21_set_aside_facts_are_tried_again_twice_while_new_ones_come")),
    Row("C22", "a view is filled from zero while its owner goes on", BOTH, _in(
        _ANEW, "test_c22_a_view_is_filled_from_zero_while_its_owner_goes_on",
        "test_c22_a_rebuild_that_dies_on_its_way_is_finished_by_whoever_comes_next"), "I3 I4 I5 I7 I8"),
    Row("C23", "a new reader comes when the log is trimmed", BOTH, _in(
        _ANEW, "test_c23_a_new_reader_of_a_trimmed_log_is_told_and_the_owner_fills_it",
        "test_c23_a_rebuild_from_a_trimmed_log_is_told_and_the_owner_fills_it"), "I3 I4 I5 I7 I11"),
    Row("C24", "an old duplicate, long after", BOTH, _in(_CONS, "test_c24_an_old_duplicate_after_years_is_known_by_the_mark")),
    Row("E1", "an unknown field", "none", _in("tests/contracts/test_frozen.py", "test_a_newer_publisher_may_say_more"), "I5"),
    Row("E2", "an unknown value of a known field", "none", _in(
        _WORDS, "test_e2_a_value_from_a_newer_publisher_stops_no_consumer",
        "test_e2_who_may_know_of_a_fact_is_no_wider_for_a_word_nobody_knows"), "I5 I7"),
    Row("E3", "an optional field is missing", "none", (
        *_in(_WORDS, "test_e3_every_field_that_need_not_be_there_may_be_missing"),
        *_in("tests/contracts/test_samples.py", "test_every_sample_is_taken_by_every_consumer_that_handles_it")), "I5"),
    Row("E5", "an unknown major version", BOTH, (
        *_in(f"{SHARED}/test_consumer.py", "test_a_parked_fact_given_up_lets_the_next_ones_pass",
             "test_a_fact_of_a_version_nobody_knew_is_applied_after_an_upgrade"),
        *_in(f"{SHARED}/test_inbox.py", "test_an_unknown_version_of_a_known_fact_holds_back_its_subject_only")), "I5 I7"),
    Row("E4", "data of the wrong shape", "none", _in(f"{SHARED}/test_inbox.py", "test_data_of_the_wrong_shape_is_kept_at_its_place"), "I7"),
    Row("E6", "every golden sample through every consumer", "none",
        _in("tests/contracts/test_samples.py", "test_every_sample_is_taken_by_every_consumer_that_handles_it"), "I5"),
    Row("E8", "structured instead of binary mode", "none", _in(_CE, "test_structured_mode_says_the_same_as_binary_mode"), "I5"),
    Row("E9", "content type absent or written otherwise", "none", _in(_CE, "test_content_type_may_be_absent_or_written_otherwise"), "I5"),
    Row("E11", "a producer tries to say what nobody could read", "none",
        _in(_WORDS, "test_e11_a_fact_that_nobody_could_read_is_not_recorded_and_nothing_is_kept"), "I1 I2"),
    Row("E14", "two records are merged while facts with the old id are on their way: readers away, a reader or the owner killed", BOTH, _in(
        f"{FAULTS}/test_merging_rows.py", "test_e14_a_merge_while_its_readers_are_away",
        "test_e14_the_owner_dies_in_the_middle_of_a_merge_that_is_asked_for_until_it_is_done",
        "test_e14_a_reader_dies_between_the_facts_of_a_merge")),
    Row("D1", "kill -9 of PostgreSQL under load; of all services", BOTH, _in(
        _PROC, "test_postgresql_is_killed_under_load_d1", "test_everybody_is_killed_at_once_d1_all")),
    Row("D5", "every connection to PostgreSQL is cut, four times", BOTH, (
        f"{_PROC}::test_every_connection_to_postgresql_is_cut_again_and_again_d5",
        *_in(f"{SHARED}/test_consumer.py", "test_when_the_database_fails_nothing_is_parked_and_nothing_skipped"))),
    Row("D6", "a database, or the log, in a black hole", BOTH,
        _in(_NET, "test_d6_a_database_in_a_black_hole_hangs_nobody_for_ever"), "I3 I5"),
    Row("D7", "a database that refuses connections", BOTH,
        _in(_NET, "test_d7_a_database_that_refuses_connections_is_waited_for"), "I3 I5 I11"),
    Row("D8", "no connections are left at the server", BOTH, (
        *_in(_EDGE, "test_d8_without_connections_left_requests_are_told_to_come_again"),
        *_in(f"{FAULTS}/test_no_connections.py", "test_d8_a_server_without_connections_left_is_waited_for")), "I1 I3 I4 I5 I7 I8 I11"),
    Row("D10", "a deadlock; a lock that is not given up in time", "none", (
        *_in(_TX, "test_two_that_wait_for_each_other_both_succeed"),
        *_in(_BUSY, "test_d10_who_waits_for_a_lock_too_long_is_told_to_come_again_and_changes_nothing")), "I1"),
    Row("M1", "a no for now at every command", "none", _in(f"{MAIL}/test_sender.py", "test_a_no_for_now_is_tried_again_later"), "I6"),
    Row("M2", "an address that does not exist", "none",
        _in(f"{MAIL}/test_sender.py", "test_an_address_that_does_not_exist_is_never_written_to_again"), "I6"),
    Row("M3", "421 in the middle", "none", _in(f"{MAIL}/test_sender.py", "test_a_421_after_the_content_is_a_clear_no"), "I6"),
    Row("M5", "one of many recipients is refused", "none", _in(
        _SENDER, "test_a_no_for_now_is_tried_again_later", "test_an_address_that_does_not_exist_is_never_written_to_again"), "I6"),
    *(Row(one, f"{what} after the content", "none",
          _in(_SENDER, "test_no_answer_after_the_content_is_counted_and_tried_again_with_the_same_id"), "I6")
      for one, what in (("M6", "no answer"), ("M7", "a reset"), ("M8", "silence"))),
    Row("M9", "a server that answers byte by byte", "none",
        _in(f"{FAULTS}/test_mail.py", "test_m9_a_server_that_answers_byte_by_byte_takes_each_mail_once"), "I6"),
    Row("M13", "a sender dies between 250 and its mark", BOTH, (
        *_in(_PROC, "test_a_sender_killed_between_the_servers_250_and_its_mark_sends_again_under_the_same_id_m13"),
        *_in(f"{MAIL}/test_outages.py", "test_a_sender_that_dies_leaves_its_mails_to_the_next_one")), "I6"),
    Row("M14", "two senders at once", "none",
        _in(f"{MAIL}/test_outages.py", "test_two_senders_share_the_queue_and_send_nothing_twice"), "I6"),
    Row("M16", "unsubscribed while queued, while being sent, and while retried", "none", (
        *_in(_SENDER, "test_unsubscribing_is_heeded_by_what_waits_and_what_is_retried"),
        *_in(f"{FAULTS}/test_mail.py", "test_m16_who_unsubscribes_while_the_mail_is_being_sent_gets_that_one_and_no_other")), "I6"),
    Row("M19", "addresses and texts that try to add headers", "none", (
        *_in(f"{MAIL}/test_sender.py", "test_an_address_that_was_tampered_with_reaches_no_server"),
        *_in(f"{MAIL}/test_letters.py", "test_no_text_ends_the_mail_early_or_adds_a_line_to_its_head")), "I6"),
    Row("T1", "the collector is away, says 503", "none", _in(
        f"{SHARED}/telemetry/test_collector.py", "test_a_collector_that_is_away_holds_nobody_up", "test_one_503_loses_nothing"), "I9 I10"),
    Row("T2", "traceparent invalid, doubled, forged", "none", _in(
        f"{HTTP}/test_guard.py", "test_a_parent_that_cannot_be_is_ignored", "test_two_parents_are_none",
        "test_nobody_outside_decides_what_is_kept"), "I9"),
    Row("T3", "a trace through an hour in the outbox and three redeliveries", BOTH,
        _in(_TELL, "test_t3_a_trace_survives_an_hour_in_the_outbox_and_three_redeliveries"), "I5 I9"),
    Row("T4", "metrics during an outage", "none", _in(_TELL, "test_t4_the_metrics_tell_of_an_outage_while_it_lasts"), "I11"),
    Row("T5", "logs during an outage", BOTH, _in(_PROC, "test_the_logs_of_an_outage_name_traces_and_nobody_t5"), "I9 I12"),
    Row("T6", "readiness during outages", BOTH, (
        *_in(_PROC, "test_while_the_bus_is_away_commands_succeed_and_readiness_says_so_t6"),
        *_in(_TELL, "test_t6_readiness_tells_of_a_reader_that_stands_still_and_of_its_recovery")), "I11"),
    Row("X8", "everybody is paused for two minutes", BOTH, _in(_PROC, "test_everybody_is_paused_for_two_minutes_x8")),
    Row("N1", "kill -9 of the owner in the middle of telling who is entitled now", BOTH, _crash("N1")),
    Row("N2", "members join, opt out and in, and leave while the relay dies, and while the database is cut off, again and again", BOTH, _in(
        f"{FAULTS}/test_entitling_rows.py", "test_n2_who_is_entitled_is_told_in_turns_by_a_relay_that_dies_again_and_again",
        "test_n2_who_is_entitled_is_told_in_turns_while_the_database_is_cut_off_again_and_again")),
    Row("S1", "three schedules of five steps drawn at random: kills, freezes, cuts, crash points, outages of bus, database and mail", BOTH,
        _in(_PLAY, "test_whatever_goes_wrong_in_whatever_order_nothing_is_lost_or_done_twice")),
    Row("S2", "met by a random schedule: a process starts while PostgreSQL is gone, others are frozen, the mail server is silent", BOTH,
        _in(_PLAY, "test_a_process_that_is_starting_while_the_database_is_gone_may_be_silent_until_it_has_answered")),
    Row("S3", "met by a random schedule: services, bus and PostgreSQL are killed one after another, a relay at its mark", BOTH,
        _in(_PLAY, "test_an_answer_that_is_cut_off_by_a_kill_is_no_lie")),
)  # fmt: skip

_running = {row.id: row for row in RUNNING}
ROWS: tuple[Row, ...] = tuple(_running.get(owed) or Row(owed, "", open=OPEN.get(owed, OPEN_REASON)) for owed in OWED)
"""All of them, in the order of the list."""


def elsewhere() -> list[str]:
    """The tests that rows name outside this folder."""
    return sorted({test for row in ROWS for test in row.tests if not test.startswith(f"{FAULTS}/")})


if __name__ == "__main__":
    sys.stdout.write(" ".join(elsewhere()))
