"""Processes we started: are they still there, are they really ours, and ending them by their id."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

POLL_SECONDS = 0.05


def alive(pid: int) -> bool:
    """Whether a process with this id exists and is not merely waiting to be reaped."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return bool(command_of(pid))


def command_of(pid: int) -> str:
    """The command line of a process, or "" when there is none (a zombie has none)."""
    done = subprocess.run(["ps", "-ww", "-o", "stat=,command=", "-p", str(pid)], check=False, capture_output=True, text=True)
    state, _, command = done.stdout.strip().partition(" ")
    return "" if state.startswith("Z") else command.strip()


def end(pid: int, *, seconds: float, how: signal.Signals = signal.SIGTERM) -> bool:
    """Asks a process to end and kills it when it has not within `seconds`; returns whether it had to be killed."""
    if not _signal(pid, how) or _gone(pid, seconds):
        return False
    _signal(pid, signal.SIGKILL)
    _gone(pid, seconds)
    return True


def end_orphan(pid_file: Path, mark: str, *, seconds: float) -> bool:
    """Ends the process that `pid_file` names if its command line still contains `mark`, and removes the file.

    The mark (a directory of ours, say) keeps us from ending a stranger that got the same number. Returns whether there was one.
    """
    try:
        pid = int(pid_file.read_text())
    except (FileNotFoundError, ValueError):
        return False
    found = mark in command_of(pid)
    if found:
        end(pid, seconds=seconds)
    pid_file.unlink(missing_ok=True)
    return found


def _signal(pid: int, how: signal.Signals) -> bool:
    try:
        os.kill(pid, how)
    except ProcessLookupError:
        return False
    return True


def _gone(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while alive(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True
