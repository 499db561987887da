"""What services hold, say of their work, and write where others read it: files, memory, connections, numbers, and no secrets."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import httpx
import psutil

from deploy.embedded.demo.facts import PEOPLE
from deploy.embedded.demo.stories import Stories
from deploy.embedded.stack import Stack
from tests.faults.history import History

SERVICES = ("partners", "initiatives", "notifications")
SECRET_PLACES = ("log/*.log", "traces/*.jsonl")
_CONNECTIONS = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND usename <> 'postgres'"
_WORK = ("interurbe_http_requests_seconds_count", "interurbe_relay_published_total", "interurbe_consumer_applied_total")


def handles(stack: Stack) -> dict[str, tuple[int, int]]:
    """What is held: of each service (its process id, how many files and sockets, how much memory), of the database (0, connections)."""
    held = {"PostgreSQL: connections": (0, int(stack.cluster.sql(_CONNECTIONS)))}
    for name in SERVICES:
        pid = stack.children[name].pid
        if pid is not None:
            process = psutil.Process(pid)
            held[f"{name}: open files"] = pid, process.num_fds()
            held[f"{name}: megabytes"] = pid, process.memory_info().rss // 2**20
    return held


def numbers(stack: Stack) -> dict[str, tuple[int, str]]:
    """(process id, the page of metrics) of each service that answers."""
    pages: dict[str, tuple[int, str]] = {}
    for name in SERVICES:
        pid = stack.children[name].pid
        with suppress(httpx.TransportError):
            pages[name] = pid or 0, httpx.get(f"{stack.ports.url(name)}/metrics", timeout=10).text
    return pages


def work_done(page: str) -> float:
    """How much a service has done by its own numbers: requests answered, facts published, facts applied."""
    return sum(float(line.rpartition(" ")[2]) for line in page.splitlines() if line.startswith(_WORK))


@dataclass(frozen=True, slots=True)
class Before:
    """What services held and had done, by process."""

    held: dict[str, tuple[int, int]]
    done: dict[str, tuple[int, str]]

    @classmethod
    def of(cls, stack: Stack) -> Before:
        """As it is now."""
        return cls(handles(stack), numbers(stack))

    def compared(self, stack: Stack) -> tuple[dict[str, tuple[int, int]], dict[str, tuple[float, float]]]:
        """What is held before and after by processes that lived, and what services have done before and after."""
        now = Before.of(stack)
        held = {name: (had, now.held[name][1]) for name, (pid, had) in self.held.items() if now.held.get(name, (-1, 0))[0] == pid}
        done: dict[str, tuple[float, float]] = {}
        for name in SERVICES:
            pid, page = now.done.get(name, (0, ""))
            before = self.done.get(name, (0, ""))
            done[name] = work_done(before[1]) if before[0] == pid else 0.0, work_done(page)
        return held, done


def leaks(stack: Stack, stories: Stories, history: History) -> list[str]:
    """Of each text that others may read what it holds and must not: logs, spans, metrics, refusals, reasons why facts are set aside."""
    hidden = {stack.bootstrap_secret, *(system.secret for system in stories.systems.values()), *(email for _, email, *_ in PEOPLE)}
    texts = dict(history.texts)
    texts |= {f"the metrics of {name}": page for name, (_, page) in numbers(stack).items()}
    texts["what clients were refused with"] = " ".join(command.why for command in history.commands)
    for pattern in SECRET_PLACES:
        for path in stack.var.glob(pattern):
            if path.stem != "mailsink":  # it has every mail
                texts[path.name] = path.read_text(errors="replace")
    return [", ".join(f"{name} holds {one[:6]}…" for one in sorted(hidden) if one in text) for name, text in sorted(texts.items())]
