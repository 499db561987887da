"""A process of the product that we start, watch and end by its id, with its output in a file."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.processes import end_orphan

LARGEST_LOG = 50_000_000
LAST_LINES = 15
STOP_SECONDS = 35.0


class Child:
    """`command`, run in `directory` with exactly `environment`; output is appended to var/log/NAME.log, its id is in var/run/NAME.pid."""

    def __init__(self, name: str, command: Sequence[str], *, var: Path, directory: Path, environment: Mapping[str, str]) -> None:
        self.name = name
        self.log = var / "log" / f"{name}.log"
        self._command = list(command)
        self._pid_file = var / "run" / f"{name}.pid"
        self._directory = directory
        self._environment = dict(environment)
        self._process: subprocess.Popen[bytes] | None = None
        self._asked = False

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    @property
    def died(self) -> bool:
        """Whether it was started and ended without being asked to."""
        return self._process is not None and self._process.poll() is not None

    def bury(self) -> bool:
        """Ends a process of this name that an earlier, killed stack left behind; returns whether there was one."""
        return end_orphan(self._pid_file, " ".join(self._command[1:3]), seconds=STOP_SECONDS)

    def start(self) -> None:
        """Starts it; it does not get the Ctrl-C of our terminal, so that we can end things in order."""
        self._make_room()
        self._asked = False
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._directory,
                env=self._environment,
                start_new_session=True,
            )
        self._pid_file.write_text(str(self._process.pid))

    def ask_to_end(self) -> None:
        """Sends SIGTERM without waiting, once: a second one would tell a service to drop what it is doing."""
        if self.pid is not None and self._process is not None and not self._asked:
            self._asked = True
            self._process.send_signal(signal.SIGTERM)

    def ended(self, *, seconds: float = STOP_SECONDS) -> int:
        """Its exit code, as soon as it has ended. Raises TimeoutExpired when it still runs after that time."""
        if self._process is None:
            raise ValueError(f"{self.name} was not started")
        return self._process.wait(seconds)

    def stop(self) -> None:
        """Ends it: politely, and by force when that takes longer than 35 s."""
        self.ask_to_end()
        process, self._process = self._process, None
        if process is None:
            return
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._pid_file.unlink(missing_ok=True)

    def kill(self) -> None:
        """Ends it as a power cut would (SIGKILL); `died` is then true."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def last_lines(self, count: int = LAST_LINES) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-count:]) if self.log.exists() else ""

    def _make_room(self) -> None:
        for path in (self.log, self._pid_file):
            path.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > LARGEST_LOG:
            self.log.replace(self.log.with_suffix(".log.1"))
