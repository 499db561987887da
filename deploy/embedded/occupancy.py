"""One stack at a time in one directory: a lock that the operating system lets go of when its holder dies, however it dies."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO


class StackRunning(Exception):
    """Another stack uses this directory."""


class Occupancy:
    """The lock of a directory; the file names the process that holds it."""

    def __init__(self, var: Path) -> None:
        self._path = var / "stack.lock"
        self._file: IO[str] | None = None

    def take(self) -> None:
        """Takes the lock. Raises StackRunning naming who has it and what to do."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = self._path.open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip()
            file.close()
            raise StackRunning(
                f"Interurbe already runs in {self._path.parent} (process {holder or 'unknown'}). "
                "Stop it with Ctrl-C where it runs, or use another directory and other ports: INTERURBE_VAR, INTERURBE_PORT_…"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        self._file = file

    def leave(self) -> None:
        """Lets go."""
        if self._file is not None:
            self._file.close()
            self._file = None
