"""The guards of the promise, each with the rows that fail when it is taken away: `make guards` takes each away once and looks.

Works on a copy of the project in a temporary folder; the project itself is never touched.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).parents[2]
LEFT_BEHIND = shutil.ignore_patterns(
    ".git", ".venv", ".interurbe*", "__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis"
)
LONGEST = 600.0
FAILED = 1
"""What pytest ends with when tests ran and some failed; anything else means that they did not run."""


@dataclass(frozen=True, slots=True)
class Guard:
    """One guard: the words of the code that are it, what stands there without it, and the rows (by id and test) that must notice."""

    name: str
    file: str
    words: str
    without: str
    row: str
    tests: tuple[str, ...]


_CONSUMER, _RELAY, _OUTBOX = "tests/shared/test_consumer.py", "tests/shared/test_relay.py", "tests/shared/test_outbox.py"
_FENCE = "\n  AND EXISTS (SELECT 1 FROM relay_lease WHERE name = $2 AND holder = $3 AND fence = $4)\n"

GUARDS: tuple[Guard, ...] = (
    Guard("the aggregate is flushed before the outbox draws its number", "shared/outbox.py",
        "    session.add(aggregate)\n    await session.flush()\n", "    session.add(aggregate)\n",
        "A19", (f"{_OUTBOX}::test_the_order_does_not_hang_on_the_session_s_own_flushing",)),
    Guard("fencing of the relay's mark", "shared/relay.py", _FENCE, "\n  AND $2::text || $3::text || $4::text IS NOT NULL\n",
        "R7", ("tests/faults/test_relay_rows.py::test_r7_a_frozen_leader_sends_late",)),
    Guard("the horizon waits for everybody who had an id before it", "shared/horizon.py",
        '_ID = "SELECT pg_current_xact_id()::text::bigint"', '_ID = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint"',
        "R13", ("tests/shared/test_horizon.py::test_a_number_drawn_by_the_newest_transaction_of_all_stays_in_sight",)),
    Guard("a fact that was seen before is skipped", "shared/inbox.py", "if sequence <= reached:", "if False:",
        "C4 C24", ("tests/faults/test_consumer_rows.py::test_c4_every_message_comes_several_times",
                   "tests/faults/test_consumer_rows.py::test_c24_an_old_duplicate_after_years_is_known_by_the_mark")),
    Guard("a fact that comes too early waits", "shared/inbox.py", "elif blocked or sequence > reached + 1:", "elif blocked:",
        "C6", ("tests/faults/test_consumer_rows.py::test_c6_shuffled_within_a_window_of_fifty",)),
    Guard("after a failure the reader goes back", "shared/consumer.py",
        "                await subscription.seek(tp, batch[0].offset)\n", "                pass\n",
        "D5", (f"{_CONSUMER}::test_when_the_database_fails_nothing_is_parked_and_nothing_skipped",)),
    Guard("the commit comes before the answer", "shared/http/edge.py",
        "        await session.run_sync(_conclude, work, response, _line(request, response))\n",
        "        later = (_conclude, work, response, None)\n"
        "        asyncio.get_running_loop().call_later(0.05, lambda: asyncio.ensure_future(session.run_sync(*later)))\n",
        "A2", ("tests/shared/http/test_transactions.py::test_the_change_is_there_when_the_first_byte_of_the_answer_leaves",
               "tests/shared/http/test_transactions.py::test_a_commit_that_fails_is_a_500_and_nothing_is_kept")),
    Guard("the answer is kept with the change it made", "shared/http/edge.py",
        "        keep(session, work.attempt, response, body=not work.secret and work.retold is None, beside=line)\n", "        pass\n",
        "A4", ("tests/shared/http/test_idempotency.py::test_fifty_at_once_in_two_processes_make_one_box",)),
    Guard("what a handler refuses is parked, not passed", "shared/applying.py",
        "                    await self._set_aside(item, error)\n", "                    pass\n",
        "C13", (f"{_CONSUMER}::test_a_fact_its_handler_refuses_is_parked_and_others_flow",)),
    Guard("what the bus refuses for good is parked and holds back its subject", "shared/relay.py",
        "parked_at = CASE WHEN $3 THEN clock_timestamp() END", "published_at = CASE WHEN $3 THEN clock_timestamp() END",
        "R15", (f"{_RELAY}::test_a_fact_that_can_never_be_sent_is_parked_and_blocks_only_its_subject",)),
)  # fmt: skip


def main(names: Sequence[str]) -> int:
    """Take each guard away once (those whose name holds one of the words, if words are given); 0 when every one was missed."""
    chosen = [guard for guard in GUARDS if not names or any(word in guard.name for word in names)]
    missed = 0
    for guard in chosen:
        with tempfile.TemporaryDirectory(prefix="interurbe-guards-") as directory:
            caught = noticed(guard, Path(directory) / "copy")
        missed += not caught
        say = f"caught by {guard.row}" if caught else "NOT CAUGHT"
        sys.stdout.write(f"without: {guard.name}: {say} ({', '.join(guard.tests)})\n")
        sys.stdout.flush()
    return min(missed, 1)


def noticed(guard: Guard, copy: Path) -> bool:
    """Whether each of the guard's tests fails on a copy of the project without it, and passes on one with it."""
    shutil.copytree(TOP, copy, ignore=LEFT_BEHIND)
    path = copy / guard.file
    whole = path.read_text()
    if any(_ends(copy, test) != 0 for test in guard.tests):
        raise RuntimeError(f"{guard.name}: its tests must pass before it is taken away")
    path.write_text(whole.replace(guard.words, guard.without))
    return all(_ends(copy, test) == FAILED for test in guard.tests)


def _ends(copy: Path, test: str) -> int:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "not kafka", test]
    return subprocess.run(command, cwd=copy, timeout=LONGEST, capture_output=True, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
