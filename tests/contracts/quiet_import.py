"""Imports the modules it is told, and fails when one of ours reaches out while being imported.

Run as a program of its own with an empty environment: `python -m tests.contracts.quiet_import module …`.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Any

OURS = ("shared", "services", "deploy", "bench")
LOUD = ("socket.connect", "socket.bind", "subprocess.Popen", "os.exec", "os.posix_spawn", "os.mkdir", "os.remove", "os.rename")

# Pydantic asks for it whenever a class is made, and it is not about us.
NOT_OURS = {"PYDANTIC_DISABLE_PLUGINS"}


def ours(frame: FrameType | None) -> str | None:
    """Where our own code asked for something, unless it did so by importing somebody else's."""
    while frame is not None and not frame.f_code.co_filename.startswith("<frozen importlib"):
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(Path.cwd()) and path.relative_to(Path.cwd()).parts[0] in OURS:
            return f"{path.relative_to(Path.cwd())}:{frame.f_lineno}"
        frame = frame.f_back
    return None


class Watched(dict[str, str]):
    """An empty environment that remembers who asked it."""

    def __init__(self, heard: list[str]) -> None:
        super().__init__()
        self._heard = heard

    def _asked(self, what: str) -> None:
        if what not in NOT_OURS and (place := ours(sys._getframe(2))):
            self._heard.append(f"{place} reads the environment ({what})")

    def __getitem__(self, key: str) -> str:
        self._asked(key)
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        self._asked(key)
        return super().get(key, default)

    def __contains__(self, key: object) -> bool:
        self._asked(str(key))
        return super().__contains__(key)

    def __iter__(self) -> Iterator[str]:
        self._asked("all of it")
        return super().__iter__()

    def copy(self) -> dict[str, str]:
        self._asked("all of it")
        return super().copy()


def main(modules: list[str]) -> int:
    """0 when every module was imported in silence; otherwise 1, with one line for each noise."""
    heard: list[str] = []

    def listen(event: str, _arguments: tuple[Any, ...]) -> None:
        if event in LOUD and (place := ours(sys._getframe(1))):
            heard.append(f"{place} does {event}")

    watched: Mapping[str, str] = Watched(heard)
    os.environ = watched  # type: ignore[assignment] # noqa: B003 - a stand-in that answers as an empty environment does
    sys.addaudithook(listen)
    for name in modules:
        import_module(name)
    print(*heard, sep="\n", file=sys.stderr)  # noqa: T201 - this is a program
    return int(bool(heard))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
