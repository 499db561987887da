"""Loops never die in silence, never miss a wake-up and never spin."""

from __future__ import annotations

import asyncio

from structlog.testing import capture_logs

from shared.loop import LONGEST_PAUSE, Wake, run_loop


class Chore:
    """Does what it is told, and counts."""

    name, poll_seconds = "chore", 30.0

    def __init__(self, *answers: int | Exception) -> None:
        self.wake, self.stop = Wake(), asyncio.Event()
        self.steps, self.closed = 0, False
        self._answers = list(answers)

    async def step(self) -> int:
        self.steps += 1
        if not self._answers:
            self.stop.set()
            return 0
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def trouble(self) -> str | None:
        return None

    async def close(self) -> None:
        self.closed = True


async def test_it_goes_on_while_there_is_something_to_do() -> None:
    chore = Chore(3, 1, 2)
    await asyncio.wait_for(run_loop(chore, chore.stop), 60)
    assert (chore.steps, chore.closed) == (4, True)


async def test_a_wake_up_during_a_step_is_not_lost() -> None:
    chore = Chore(0)
    chore.wake.set()
    await asyncio.wait_for(run_loop(chore, chore.stop), 60)
    assert chore.steps == 2


async def test_a_step_that_fails_is_told_with_its_trace_once_and_tried_again() -> None:
    chore = Chore(ValueError("one"), ValueError("two"), 1, ValueError("three"))
    with capture_logs() as told:
        await asyncio.wait_for(run_loop(chore, chore.stop), 60)
    assert [(line["failures"], line["error"], "exc_info" in line) for line in told] == [
        (1, "ValueError('one')", True), (2, "ValueError('two')", False), (1, "ValueError('three')", True),
    ]  # fmt: skip
    assert chore.closed


async def test_it_is_stopped_and_closed_in_the_middle_of_a_pause() -> None:
    chore = Chore(0, 0)
    running = asyncio.create_task(run_loop(chore, chore.stop))
    while chore.steps == 0:
        await chore.wake.wait(0.001)
    chore.stop.set()
    await asyncio.wait_for(running, 60)
    assert chore.closed


async def test_it_is_closed_when_it_is_cancelled() -> None:
    chore = Chore(0, 0)
    running = asyncio.create_task(run_loop(chore, chore.stop))
    while chore.steps == 0:
        await chore.stop.wait() if chore.closed else await Wake().wait(0.001)
    running.cancel()
    await asyncio.wait({running})
    assert running.cancelled()
    assert chore.closed


def test_it_looks_again_soon_after_a_long_outage() -> None:
    assert LONGEST_PAUSE <= 5.0
