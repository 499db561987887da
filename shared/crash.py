"""Named places at which a process ends itself with SIGKILL when told to: how crash tests hit the very moment they mean."""

from __future__ import annotations

import os
import signal

_armed: dict[str, int] | None = None


def crash_here(place: str) -> None:
    """Die here if ``INTERURBE_CRASH=place`` (or ``place:N`` for the N-th passing) says so; otherwise one comparison with None."""
    if _armed is not None:
        _count_down(place)


def arm(setting: str) -> None:
    """Arm the places named in ``place[:N],place[:N]``; called once when a process starts and its environment asks for it."""
    global _armed  # noqa: PLW0603 - a process is armed once, as a whole
    _armed = {}
    for item in filter(None, setting.split(",")):
        place, _, count = item.partition(":")
        _armed[place] = int(count or 1)


def _count_down(place: str) -> None:
    if _armed is None or place not in _armed:
        return
    _armed[place] -= 1
    if _armed[place] <= 0:
        os.kill(os.getpid(), signal.SIGKILL)
