"""The fault rows that are owed: what is injected, on which bus, and which test shows that it does no harm, or why there is none yet.

A row is never weakened to pass and never deleted. A test named without its parameters stands for all of them.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass


def _ids(*lines: str) -> list[str]:
    return " ".join(lines).split()


OWED = _ids(
    "A1 A2 A3 A4 A5 A6 A8 A9 A11 A12 A13 A14 A16 A17 A18 A19 B1 B2 B3 B4 B5 B7 B8 B9 B10 B11 B12 B13 B14 B16 B17 B18 B19",
    "R1 R2 R3 R4 R5 R6 R7 R8 R9 R10 R12 R13 R14 R15 R16 R17 R19 R20 R21",
    "C1 C2 C3 C4 C5 C6 C7 C8 C9 C10 C11 C13 C14 C15 C16 C17 C18 C19 C20 C21 C22 C23 C24",
    "E1 E2 E3 E4 E5 E6 E8 E9 E11 D1 D5 D6 D7 D8 D10 M1 M2 M3 M5 M6 M7 M8 M9 M13 M14 M16 M19 T1 T2 T3 T4 T5 T6 X8",
)
"""Every row that is owed now."""

BOTH = "both"
SHARED, HTTP, FAULTS, MAIL = "tests/shared", "tests/shared/http", "tests/faults", "tests/notifications/mail"


@dataclass(frozen=True, slots=True)
class Row:
    """One fault: its id, what is injected, the bus ("both", "postgres", "kafka", "none"), tests by node id, or why it is open."""

    id: str
    injected: str
    bus: str = "none"
    tests: tuple[str, ...] = ()
    invariants: str = ""
    open: str = ""


def _in(file: str, *names: str) -> tuple[str, ...]:
    return tuple(f"{file}::{name}" for name in names)


_CRASH = f"{FAULTS}/test_processes.py::test_a_process_ends_at_the_worst_moment"


def _crash(*ids: str) -> tuple[str, ...]:
    return tuple(f"{_CRASH}[{bus}-{one}]" for one in ids for bus in ("postgres", "kafka"))


_API = f"{HTTP}/test_idempotency.py"
_TX = f"{HTTP}/test_transactions.py"
_WALK = f"{HTTP}/test_slow_bodies.py"
_AWAY, _ERRORS, _LOG = (f"{FAULTS}/test_broker_{part}.py" for part in ("away", "errors", "log"))
_PROC = f"{FAULTS}/test_processes.py"
_RELAY = f"{FAULTS}/test_relay_rows.py"
_CONS = f"{FAULTS}/test_consumer_rows.py"

RUNNING: tuple[Row, ...] = (
    Row("A1", "kill -9 before COMMIT", BOTH, _crash("A1")),
    Row("A2", "kill -9 after COMMIT, before the answer", BOTH, _crash("A2")),
    Row("A4", "the same key 50 times at once, in one process and in two", "none",
        _in(_API, "test_fifty_at_once_make_one_box", "test_fifty_at_once_in_two_processes_make_one_box"), "I1"),
    Row("A5", "the same key with another body", "none", _in(_API, "test_the_same_key_for_another_request_is_refused"), "I1"),
    Row("A6", "the same key from another caller", "none", _in(_API, "test_a_key_belongs_to_its_caller"), "I1"),
    Row("A8", "the client hangs up in the middle", "none", _in(_WALK, "test_a_client_that_hangs_up_changes_nothing"), "I1"),
    Row("A9", "two changes of one version", "none",
        _in(f"{SHARED}/test_outbox.py", "test_two_changes_of_one_version_cannot_both_win"), "I1 I2"),
    Row("A11", "two transactions wait for each other (40P01)", "none", _in(_TX, "test_two_that_wait_for_each_other_both_succeed"), "I1"),
    Row("A12", "the pool is used up", "none", _in(_TX, "test_a_pool_that_is_used_up_is_a_503"), "I1 I11"),
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
    Row("A19", "the order of writes: aggregate before outbox", "none",
        _in(f"{SHARED}/test_outbox.py", "test_the_aggregate_is_written_before_the_outbox_draws_its_number"), "I4"),
    Row("B1", "the broker is down for 5 s, 60 s, 30 min", BOTH,
        _in(_AWAY, "test_b1_while_the_broker_is_down_commands_succeed_and_facts_wait"), "I3 I4 I5"),
    Row("B2", "down at the start", BOTH, _in(_AWAY, "test_b2_down_at_the_start_all_begin_degraded_and_recover"), "I3 I5 I11"),
    Row("B3", "it comes and goes", BOTH, _in(_AWAY, "test_b3_flapping_loses_nothing_and_leaves_no_connection_behind"), "I3 I4 I10"),
    Row("B4", "acknowledgements are lost", BOTH, _in(_AWAY, "test_b4_a_lost_acknowledgement_makes_a_repeat_that_nobody_sees"), "I4 I5"),
    Row("B5", "a black hole", BOTH, _in(_AWAY, "test_b5_in_a_black_hole_the_deadline_fires_and_nothing_piles_up"), "I3 I10"),
    Row("B9", "the leaders of partitions move (mock cluster)", "kafka",
        _in(_ERRORS, "test_b9_m_the_leaders_of_all_partitions_move_and_nothing_is_lost"), "I3 I4"),
    Row("B10", "the coordinator moves (mock cluster)", "kafka",
        _in(_ERRORS, "test_b10_the_coordinator_of_the_group_moves_and_reading_goes_on"), "I3 I5"),
    Row("B11", "errors that pass", "kafka", _in(_ERRORS, "test_b11_what_passes_is_tried_again_and_stored_once_more_at_most"), "I3 I4"),
    Row("B12", "refusals for good", "kafka", _in(_ERRORS, "test_b12_what_is_refused_for_good_is_parked_and_other_subjects_flow"), "I3 I7"),
    Row("B13", "a producer that lost its place", "kafka", _in(_ERRORS, "test_b13_a_producer_that_lost_its_place_is_built_anew"), "I3 I4"),
    Row("B7", "a topic is deleted", BOTH, _in(_LOG, "test_b7_a_deleted_topic_is_told_and_sent_again"), "I3 I5 I11"),
    Row("B8", "made anew with more partitions", BOTH, _in(_LOG, "test_b8_a_topic_made_anew_with_more_partitions_keeps_the_order"), "I4 I5"),
    Row("B14", "the broker is killed in the middle of a batch", BOTH,
        _in(_LOG, "test_b14_a_broker_killed_in_the_middle_of_a_batch_loses_nothing"), "I3 I4"),
    Row("B16", "retention takes what is unread", BOTH,
        _in(_LOG, "test_b16_what_retention_took_unread_is_noticed_and_sent_again"), "I3 I11"),
    Row("B17", "a group without offsets", BOTH,
        _in(_LOG, "test_b17_a_group_without_offsets_reads_from_the_earliest_and_nothing_twice"), "I5"),
    Row("B18", "offsets beyond the log", BOTH, _in(_LOG, "test_b18_offsets_beyond_the_log_lead_back_to_the_earliest"), "I5"),
    Row("B19", "a wiped log behind the same address", BOTH,
        _in(_LOG, "test_b19_a_wiped_log_behind_the_same_address_is_noticed_and_nothing_skipped"), "I3 I11"),
    Row("R1", "kill -9 after the read, before the first send", BOTH, _crash("R1")),
    Row("R2", "the relay dies after some sends", BOTH, _in(_RELAY, "test_r2_a_relay_dies_after_some_sends")),
    Row("R3", "kill -9 after the acknowledgement, before and after the mark", BOTH, _crash("R3", "R3-marked")),
    Row("R5", "two relays start at once", BOTH, _in(_RELAY, "test_r5_two_relays_start_at_once")),
    Row("R6", "the leader's database session is killed", BOTH, _in(_RELAY, "test_r6_the_leaders_session_is_killed")),
    Row("R7", "the leader is frozen, deposed, and goes on", BOTH, (
        f"{_PROC}::test_a_frozen_relay_wakes_up_after_another_took_over_r7", *_in(_RELAY, "test_r7_a_frozen_leader_sends_late"))),
    Row("R10", "a lease renewed ten times, released once", "none", _in(_RELAY, "test_r10_a_lease_renewed_ten_times_is_released_once")),
    Row("R12", "16 writers with random delays", BOTH, _in(_RELAY, "test_r12_sixteen_writers_with_random_delays")),
    Row("R13", "a writer holds its transaction open", BOTH, _in(_RELAY, "test_r13_a_writer_holds_its_transaction_open")),
    Row("R14", "a long transaction in another database", BOTH,
        _in(_RELAY, "test_r14_a_long_transaction_in_another_database_stalls_nobody")),
    Row("R15", "a poisoned fact first of a busy subject", BOTH,
        _in(f"{SHARED}/test_relay.py", "test_a_fact_that_can_never_be_sent_is_parked_and_blocks_only_its_subject"), "I3 I4"),
    Row("R17", "the line of NOTIFY is cut", "none", _in(f"{SHARED}/process/test_keeping.py", "test_a_cut_line_is_mended_at_once"), "I8"),
    Row("R19", "cleanup races with republish", BOTH, _in(_RELAY, "test_r19_cleanup_races_with_republish")),
    Row("R21", "an outbox restored from a backup", BOTH, _in(_RELAY, "test_r21_an_outbox_restored_from_a_backup_is_sent_again")),
    Row("C1", "kill -9 between the view's commit and the offset's", BOTH, _crash("C1")),
    Row("C2", "kill -9 before and after the view's commit", BOTH, _crash("C2", "C2-committed")),
    Row("C4", "every message twice, five times", BOTH, _in(_CONS, "test_c4_every_message_comes_several_times")),
    Row("C5", "the whole topic again from zero", BOTH,
        _in(f"{SHARED}/test_consumer.py", "test_replaying_the_whole_topic_changes_nothing"), "I5"),
    Row("C6", "shuffled within windows of 50", BOTH, _in(_CONS, "test_c6_shuffled_within_a_window_of_fifty")),
    Row("C7", "a gap that does not fill, repaired by the owner", BOTH,
        _in(f"{SHARED}/test_consumer.py", "test_a_gap_is_mended_when_the_owner_sends_the_subject_again"), "I4 I5"),
    Row("C8", "three members handle the same messages", BOTH, _in(_CONS, "test_c8_two_members_handle_the_same_messages")),
    Row("C13", "a handler raises once; always, for one subject", BOTH, (
        *_in(_CONS, "test_c13_a_handler_raises_once"),
        *_in(f"{SHARED}/test_consumer.py", "test_a_fact_its_handler_refuses_is_parked_and_others_flow"))),
    Row("C14", "a handler fails on the fourth of a batch", BOTH, _in(_CONS, "test_c14_a_handler_fails_on_the_fourth_of_a_batch")),
    Row("C16", "messages nobody can read", BOTH, (
        *_in(f"{SHARED}/test_consumer.py", "test_a_message_nobody_can_read_is_parked_and_others_flow"),
        *_in(f"{SHARED}/test_cloudevents.py", "test_what_cannot_be_read_says_why")), "I5 I7"),
    Row("C17", "damaged records in the log", "kafka",
        _in(f"{SHARED}/test_bus_kafka.py", "test_goes_past_damaged_records_and_loses_only_those"), "I3"),
    Row("C20", "the table for what is set aside is gone", BOTH, _in(_CONS, "test_c20_what_cannot_be_set_aside_is_not_passed")),
    Row("C21", "what was set aside is tried again, twice, while new facts come", BOTH,
        _in(_CONS, "test_c21_set_aside_facts_are_tried_again_twice_while_new_ones_come")),
    Row("C24", "an old duplicate, long after", BOTH, _in(_CONS, "test_c24_an_old_duplicate_after_years_is_known_by_the_mark")),
    Row("E1", "an unknown field", "none", _in("tests/contracts/test_frozen.py", "test_a_newer_publisher_may_say_more"), "I5"),
    Row("E5", "an unknown major version", BOTH, (
        *_in(f"{SHARED}/test_consumer.py", "test_a_parked_fact_given_up_lets_the_next_ones_pass"),
        *_in(f"{SHARED}/test_inbox.py", "test_an_unknown_version_of_a_known_fact_holds_back_its_subject_only")), "I5 I7"),
    Row("E4", "data of the wrong shape", "none", _in(f"{SHARED}/test_inbox.py", "test_data_of_the_wrong_shape_is_kept_at_its_place"), "I7"),
    Row("E6", "every golden sample through every consumer", "none",
        _in("tests/contracts/test_samples.py", "test_every_sample_is_taken_by_every_consumer_that_handles_it"), "I5"),
    Row("E8", "structured instead of binary mode", "none",
        _in(f"{SHARED}/test_cloudevents.py", "test_structured_mode_says_the_same_as_binary_mode"), "I5"),
    Row("E9", "content type absent or written otherwise", "none",
        _in(f"{SHARED}/test_cloudevents.py", "test_content_type_may_be_absent_or_written_otherwise"), "I5"),
    Row("D1", "kill -9 of PostgreSQL under load; of all services", BOTH, _in(
        _PROC, "test_postgresql_is_killed_under_load_d1", "test_everybody_is_killed_at_once_d1_all")),
    Row("D5", "every connection to PostgreSQL is cut, four times", BOTH, (
        f"{_PROC}::test_every_connection_to_postgresql_is_cut_again_and_again_d5",
        *_in(f"{SHARED}/test_consumer.py", "test_when_the_database_fails_nothing_is_parked_and_nothing_skipped"))),
    Row("D10", "deadlock", "none", _in(_TX, "test_two_that_wait_for_each_other_both_succeed"), "I1"),
    Row("M1", "a no for now at every command", "none", _in(f"{MAIL}/test_sender.py", "test_a_no_for_now_is_tried_again_later"), "I6"),
    Row("M2", "an address that does not exist", "none",
        _in(f"{MAIL}/test_sender.py", "test_an_address_that_does_not_exist_is_never_written_to_again"), "I6"),
    Row("M3", "421 in the middle", "none", _in(f"{MAIL}/test_sender.py", "test_a_421_after_the_content_is_a_clear_no"), "I6"),
    Row("M6", "no answer after the content", "none",
        _in(f"{MAIL}/test_sender.py", "test_no_answer_after_the_content_is_counted_and_tried_again_with_the_same_id"), "I6"),
    Row("M13", "a sender dies between 250 and its mark", "none",
        _in(f"{MAIL}/test_outages.py", "test_a_sender_that_dies_leaves_its_mails_to_the_next_one"), "I6"),
    Row("M14", "two senders at once", "none",
        _in(f"{MAIL}/test_outages.py", "test_two_senders_share_the_queue_and_send_nothing_twice"), "I6"),
    Row("M16", "unsubscribed while queued and while retried", "none",
        _in(f"{MAIL}/test_sender.py", "test_unsubscribing_is_heeded_by_what_waits_and_what_is_retried"), "I6"),
    Row("M19", "addresses and texts that try to add headers", "none", (
        *_in(f"{MAIL}/test_sender.py", "test_an_address_that_was_tampered_with_reaches_no_server"),
        *_in(f"{MAIL}/test_letters.py", "test_no_text_ends_the_mail_early_or_adds_a_line_to_its_head")), "I6"),
    Row("T1", "the collector is away, says 503", "none", _in(
        f"{SHARED}/telemetry/test_collector.py", "test_a_collector_that_is_away_holds_nobody_up", "test_one_503_loses_nothing"), "I9 I10"),
    Row("T2", "traceparent invalid, doubled, forged", "none", _in(
        f"{HTTP}/test_guard.py", "test_a_parent_that_cannot_be_is_ignored", "test_two_parents_are_none",
        "test_nobody_outside_decides_what_is_kept"), "I9"),
)  # fmt: skip

OPEN_REASON = "no test of it yet"
OPEN: dict[str, str] = {}
"""Reasons of open rows that are more than that nobody has written the test yet."""

_running = {row.id: row for row in RUNNING}
ROWS: tuple[Row, ...] = tuple(_running.get(owed) or Row(owed, "", open=OPEN.get(owed, OPEN_REASON)) for owed in OWED)
"""All of them, in the order of the list."""


def elsewhere() -> list[str]:
    """The tests that rows name outside this folder."""
    return sorted({test for row in ROWS for test in row.tests if not test.startswith(f"{FAULTS}/")})


if __name__ == "__main__":
    sys.stdout.write(" ".join(elsewhere()))
