"""Named places at which a process ends itself with SIGKILL when told to: how crash tests hit the very moment they mean."""

from __future__ import annotations

import signal

PLACES = {
    "edge.before_commit": "the command is done in its transaction, nothing is committed",
    "edge.after_commit": "the change is committed, no byte of the answer has left",
    "relay.before_send": "a batch is read, nothing of it is sent",
    "relay.before_mark": "the bus has acknowledged a batch, nothing of it is marked",
    "relay.after_mark": "a batch is marked",
    "consumer.before_commit": "views and marks are written, not committed",
    "consumer.after_commit": "views and marks are committed, this process does not know it yet",
    "consumer.before_offset": "views and marks are committed, the offset is not",
    "mail.before_mark": "the mail server has taken mails, the queue does not know it",
    "entitlements.midway": "some whom a change entitles are written with their facts, nothing is committed",
    "due.before_commit": "what was due is done in its transaction, nothing is committed",
    "due.after_commit": "what was due is committed, the relay is not woken",
}
"""Every place there is, and what is true when the process ends there."""

_armed: dict[str, int] | None = None


def crash_here(place: str) -> None:
    """Die here if ``INTERURBE_CRASH=place`` (or ``place:N`` for the N-th passing) says so; otherwise one comparison with None."""
    if _armed is not None:
        _count_down(place)


def arm(setting: str) -> None:
    """Arm the places named in ``place[:N],place[:N]``; called once when a process starts and its environment asks for it.

    Raises ValueError for a place that is not in `PLACES`: a crash test that never crashes would prove nothing.
    """
    global _armed  # noqa: PLW0603 - a process is armed once, as a whole
    wanted: dict[str, int] = {}
    for item in filter(None, setting.split(",")):
        place, _, count = item.partition(":")
        if place not in PLACES:
            raise ValueError(f"INTERURBE_CRASH names {place!r}, which is no place to end at; choose among {', '.join(PLACES)}")
        wanted[place] = int(count or 1)
    _armed = wanted


def _count_down(place: str) -> None:
    if _armed is None or place not in _armed:
        return
    _armed[place] -= 1
    if _armed[place] <= 0:
        signal.raise_signal(signal.SIGKILL)
