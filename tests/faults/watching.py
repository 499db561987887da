"""What services say of themselves while something is wrong: `/readyz` and `/livez`, asked again and again until it is over."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException

from tests.faults.history import Ordeal, Said

ANSWER_SECONDS = 4.0
"""Longer than readiness itself waits for a check, so that who says nothing in this time hangs."""

PAUSE = 0.1
SEEN_SECONDS = 30.0
REPLACED = "it was replaced"


@dataclass(slots=True)
class _Trouble:
    """One fault at one service, and the answers (with when they were asked for and when they came) while it lasted."""

    what: str
    service: str
    check: str | None
    since: float
    until: float = float("inf")
    heard: list[tuple[float, float, Said]] = field(default_factory=list)
    thread: threading.Thread | None = None


class Watch:
    """Asks the services at ``urls`` how they are, each in a thread of its own, for as long as a fault lasts there."""

    def __init__(self, urls: Mapping[str, str]) -> None:
        self._urls = dict(urls)
        self._changed = threading.Condition()
        self._troubles: list[_Trouble] = []

    def begins(self, what: str, services: Sequence[str], check: str | None = None) -> None:
        """From now on these services must say that they are not ready, because of ``check``; without one their processes are away."""
        with self._changed:
            for service in services:
                trouble = _Trouble(what, service, check, time.monotonic())
                trouble.thread = threading.Thread(target=self._ask_on, args=(trouble,), name=f"watch {service}", daemon=True)
                self._troubles.append(trouble)
                trouble.thread.start()

    def leaves(self, service: str) -> None:
        """Its process is about to be replaced by another, or will end itself: silence is no lie until it is `back` and has answered."""
        with self._changed:
            self._troubles.append(_Trouble(REPLACED, service, None, time.monotonic()))

    def back(self, *services: str) -> None:
        """Their new processes were started."""
        with self._changed:
            for trouble in self._troubles:
                if trouble.what == REPLACED and trouble.service in services:
                    trouble.until = min(trouble.until, time.monotonic())

    def ends(self, what: str) -> None:
        """It is about to be over; returns once every service concerned was asked at least once while it lasted."""
        with self._changed:
            mine = [trouble for trouble in self._troubles if trouble.what == what and trouble.until == float("inf")]
            self._changed.wait_for(lambda: all(trouble.heard for trouble in mine), SEEN_SECONDS)
            assert all(trouble.heard for trouble in mine), f"nobody could be asked while {what}"
            for trouble in mine:
                trouble.until = time.monotonic()
            self._changed.notify_all()

    @contextmanager
    def lasting(self, what: str, services: Sequence[str], check: str | None = None) -> Iterator[None]:
        """A fault that lasts as long as the block."""
        self.begins(what, services, check)
        yield
        self.ends(what)

    def take(self) -> list[Ordeal]:
        """Everything heard in faults that are over; forgets it."""
        with self._changed:
            over = [trouble for trouble in self._troubles if trouble.until < float("inf")]
            found = [Ordeal(each.what, each.service, each.check, tuple(self._fair(each))) for each in over if each.heard]
            self._troubles = [trouble for trouble in self._troubles if trouble not in over]
        for trouble in over:
            if trouble.thread is not None:
                trouble.thread.join()
        return found

    def _fair(self, trouble: _Trouble) -> Iterator[Said]:
        """What counts: silence does not speak against a service whose process was away, or had not come back yet."""
        for began, ended, said in trouble.heard:
            if trouble.check is None or said.ready is not None or not self._was_away(trouble.service, began, ended):
                yield said

    def _was_away(self, service: str, began: float, ended: float) -> bool:
        mine = [trouble for trouble in self._troubles if trouble.service == service]
        answers = [(since, until) for trouble in mine for since, until, said in trouble.heard if said.ready is not None]
        return any(
            away.since <= ended and not any(away.until <= since and until <= began for since, until in answers)
            for away in mine
            if away.check is None
        )

    def _ask_on(self, trouble: _Trouble) -> None:
        url = self._urls[trouble.service]
        while True:
            began = time.monotonic()
            said = ask(url)
            with self._changed:
                if trouble.until < float("inf"):
                    return
                trouble.heard.append((began, time.monotonic(), said))
                self._changed.notify_all()
                if self._changed.wait_for(lambda: trouble.until < float("inf"), PAUSE):
                    return


def ask(url: str) -> Said:
    """What the service at an address says of itself now."""
    ready = _get(f"{url}/readyz")
    if ready is None:
        return Said(ready=None)
    status, body = ready
    checks = json.loads(body)["checks"]
    reasons = {name: found["words"] for name, found in checks.items() if not found["ok"]}
    alive = _get(f"{url}/livez")
    return Said(status == 200, reasons, None if alive is None else alive[0] == 200)


def _get(url: str) -> tuple[int, bytes] | None:
    try:
        with urllib.request.urlopen(url, timeout=ANSWER_SECONDS) as response:  # noqa: S310 - an http address of ours
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()
    except (OSError, HTTPException):
        return None
