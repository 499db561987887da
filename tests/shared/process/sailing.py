"""The ferry as a process of its own, as an operator or a supervisor sees it."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from deploy.ports import free_port

ROOT = Path(__file__).parents[3]


class Sailing:
    """One process: its port, what it logged, how it ended. `until` waits for something, without a clock of its own."""

    def __init__(self, mode: str, folder: Path, **environment: str) -> None:
        self.port = free_port()
        settings = {
            "INTERURBE_PORT": str(self.port),
            "INTERURBE_WORKER_PORT": str(self.port),
            "INTERURBE_TRACES_DIR": str(folder / "traces"),
            "INTERURBE_ISSUER": "http://127.0.0.1:9",
            "PYTHONPATH": str(ROOT),
            "PATH": os.environ["PATH"],
        }
        command = [sys.executable, "-m", "tests.shared.process.ferry", mode]
        self.process = subprocess.Popen(command, env=settings | environment, stderr=subprocess.PIPE, text=True, cwd=folder)
        self.lines: list[str] = []
        self._changed = threading.Condition()
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._changed:
                self.lines.append(line)
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    def logged(self, event: str) -> dict[str, Any]:
        """Wait until this is logged; the line. Fails when the process ends without a word of it."""
        with self._changed:
            self._changed.wait_for(lambda: self._find(event) is not None or not self._reading.is_alive() or self.process.poll() is not None)
        found = self._find(event)
        assert found is not None, f"never said: {event}\n{''.join(self.lines)}"
        return found

    def _find(self, event: str) -> dict[str, Any] | None:
        for line in self.lines:
            if line.startswith("{") and (told := json.loads(line))["event"] == event:
                return dict(told)
        return None

    def get(self, path: str) -> httpx.Response:
        """Ask it."""
        return httpx.get(f"http://127.0.0.1:{self.port}{path}", timeout=30)

    def until(self, path: str, satisfied: Callable[[httpx.Response], bool]) -> httpx.Response:
        """Ask again until the answer satisfies."""
        while not satisfied(answer := self.get(path)):
            assert self.process.poll() is None, "".join(self.lines)
        return answer

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Tell it to stop."""
        self.process.send_signal(number)

    def ended(self) -> int:
        """Wait for its end; the exit code."""
        code = self.process.wait(timeout=90)
        self._reading.join()
        return code

    def kill(self) -> None:
        """End it, however it is."""
        if self.process.poll() is None:
            self.process.kill()
        self.ended()
        if self.process.stderr is not None:
            self.process.stderr.close()
