"""Many clients at once, each appending unique marks to lists the domain has: aliases, agreements, signatures, exchanges, memberships.

A command whose outcome is unknown (connection lost, 5xx) is sent again with the same Idempotency-Key, until it is certain or
time is up. Each carries a trace of its own, so that every effect can be told whose it is.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import count
from typing import Any
from uuid import uuid4

import httpx

from deploy.embedded.demo.facts import PEOPLE
from deploy.embedded.demo.stories import Stories
from deploy.embedded.demo.system import Refused, System
from tests.faults.history import INFO, OK, REFUSED, Command

PATIENCE = 45.0
PAUSE = 0.1
FIRST_DAY = date(1990, 1, 1)
_numbers = count(1)
_days = count(0, 2)


class Client:
    """A partner's system that keeps a record of what it was told."""

    def __init__(self, system: System, stories: Stories, noted: Callable[[Command], None]) -> None:
        self.system, self.stories = system, stories
        self.partner = stories.ids[system.name]
        self._noted = noted
        self._http = httpx.Client(timeout=20.0)

    def append_alias(self) -> None:
        """One more alias; who was overtaken reads again and keeps the intent and its key."""
        mark, trace, key = f"Alias {next(_numbers)}", uuid4().hex, str(uuid4())
        url = f"{self.stories.addresses.partners}/v1/partners/{self.partner}"
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            partner = self._certain("GET", url, None, {}, trace)
            if partner is None:
                break
            headers = {"Idempotency-Key": key, "If-Match": partner.headers["etag"]}
            answer = self._certain("POST", f"{url}/aliases", {"text": mark, "kind": "other"}, headers, trace)
            if answer is None or answer.status_code != httpx.codes.PRECONDITION_FAILED:
                self._note(Command(mark, f"partner/{self.partner}", *_outcome(answer, trace)))
                return
        self._note(Command(mark, f"partner/{self.partner}", INFO, trace))

    def agree_with(self, other: Client) -> str | None:
        """A whole agreement, from its draft to both signatures; its id if it came to that."""
        code = f"LIST-{next(_numbers)}-{uuid4().hex[:6]}"
        drafted = self._do(
            f"{self.stories.addresses.partners}/v1/agreements", _draft(code, self.partner, other.partner), code, "agreements"
        )
        if drafted is None:
            return None
        url = f"{self.stories.addresses.partners}/v1/agreements/{drafted['id']}"
        steps = [(self, "propose"), (self, "approve"), (other, "approve"), (self, "request-signature"), (self, "sign"), (other, "sign")]
        for client, verb in steps:
            thing = f"signed/{drafted['id']}" if verb == "sign" else ""
            if not client.step(url, verb, Command(f"{verb} {drafted['id']} {client.partner}", thing, INFO, uuid4().hex)):
                return None
        return str(drafted["id"])

    def step(self, url: str, verb: str, wanted: Command) -> bool:
        """One step of an agreement, based on how it stands."""
        now = self._certain("GET", url, None, {}, wanted.trace)
        if now is None:
            return False
        body = {"terms_hash": now.json()["current_revision"]["terms_hash"]} if verb in ("approve", "sign") else {}
        answer = self._certain(
            "POST", f"{url}/{verb}", body, {"If-Match": now.headers["etag"], "Idempotency-Key": str(uuid4())}, wanted.trace
        )
        if wanted.thing:
            self._note(Command(wanted.mark, wanted.thing, *_outcome(answer, wanted.trace)))
        return answer is not None and answer.is_success

    def meet(self, other: Client) -> None:
        """An exchange outside any agreement."""
        mark = f"Encuentro {next(_numbers)} {uuid4().hex[:6]}"
        self._do(f"{self.stories.addresses.initiatives}/v1/exchanges", _exchange(mark, self.partner, other.partner), mark, "exchanges")

    def belong_to(self, network: Client, agreement: str) -> None:
        """A membership of two days of its own, long past once it is ended: joined, closed to one agreement, opened again, ended."""
        day = FIRST_DAY + timedelta(days=next(_days))
        body = {"partner": self.partner, "role": "member", "valid_from": f"{day}"}
        mark = f"join {self.partner} {network.partner} {day}"
        made = network._do(f"{self.stories.addresses.partners}/v1/networks/{network.partner}/members", body, mark, "memberships")
        if made is None:
            return
        url = f"{self.stories.addresses.partners}/v1/memberships/{made['id']}"
        for taken in ("out", "in"):
            self._change(url, f"agreements/{agreement}/opt-{taken}", {}, (f"opted_{taken} {made['id']}", "choices"))
        reason = f"Retiro {next(_numbers)}"
        self._change(url, "end", {"valid_to": f"{day + timedelta(days=1)}", "reason": reason}, (reason, "endings"))

    def _change(self, url: str, verb: str, body: dict[str, Any], mark_and_thing: tuple[str, str]) -> None:
        """Change a thing as it stands."""
        trace = uuid4().hex
        now, answer = self._certain("GET", url, None, {}, trace), None
        if now is not None:
            headers = {"If-Match": now.headers["etag"], "Idempotency-Key": str(uuid4())}
            answer = self._certain("POST", f"{url}/{verb}", body, headers, trace)
        self._note(Command(*mark_and_thing, *_outcome(answer, trace)))

    def _do(self, url: str, body: dict[str, Any], mark: str, thing: str) -> Any | None:
        trace = uuid4().hex
        answer = self._certain("POST", url, body, {"Idempotency-Key": str(uuid4())}, trace)
        self._note(Command(mark, thing, *_outcome(answer, trace)))
        return answer.json() if answer is not None and answer.is_success else None

    def _note(self, command: Command) -> None:
        self._noted(command)

    def _certain(self, method: str, url: str, body: Any, headers: dict[str, str], trace: str) -> httpx.Response | None:
        """An answer that is certain, or None when there was none in time; every try carries the same key and trace."""
        given = {**headers, "traceparent": f"00-{trace}-{uuid4().hex[:16]}-01"}
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            try:
                token = self.system.token or self.system._new_token()
                answer = self._http.request(method, url, json=body, headers={**given, "Authorization": f"Bearer {token}"})
            except httpx.TransportError:
                answer = None
            except Refused as refused:  # no token: the service is away, or it is a defect
                if refused.status < httpx.codes.INTERNAL_SERVER_ERROR:
                    raise
                answer = None
            if answer is not None and answer.status_code == httpx.codes.UNAUTHORIZED:
                self.system.token = ""
            elif answer is not None and not answer.is_server_error and "in-use" not in answer.text[:500]:
                return answer
            threading.Event().wait(PAUSE)
        return None

    def close(self) -> None:
        """Let go of its connections."""
        self._http.close()


class Workload:
    """So many clients, each with a fixed number of rounds of a fixed order of commands; `done` counts what was answered."""

    def __init__(self, stories: Stories, *, clients: int = 4, rounds: int = 3, seed: int = 1) -> None:
        self.commands: list[Command] = []
        self.failures: list[BaseException] = []
        self._lock, self._rounds, self._seed = threading.Condition(), rounds, seed
        names = [name for name, *_ in PEOPLE][-clients:]
        self._clients = [Client(stories.systems[name], stories, self._note) for name in names]
        self._network, self._memorandum = Client(stories.systems["asocapitales"], stories, self._note), stories.agreements["memorandum"]
        self._threads = [threading.Thread(target=self._work, args=(place,)) for place in range(len(names))]

    def start(self) -> None:
        """All of them, each in a thread."""
        for thread in self._threads:
            thread.start()

    def reached(self, answered: int, seconds: float = 60.0) -> None:
        """Wait until so many commands were answered, or all are done."""
        with self._lock:
            self._lock.wait_for(lambda: len(self.commands) >= answered or not any(thread.is_alive() for thread in self._threads), seconds)

    def finish(self) -> None:
        """Wait for the last answer; raises what a client stumbled over."""
        for thread in self._threads:
            thread.join()
        for client in (*self._clients, self._network):
            client.close()
        if self.failures:
            raise self.failures[0]

    def _work(self, place: int) -> None:
        chance = random.Random(f"{self._seed}/{place}")
        me, other = self._clients[place], self._clients[(place + 1) % len(self._clients)]
        try:
            for _ in range(self._rounds):
                steps: list[Callable[[], object]] = [
                    me.append_alias,
                    other.append_alias,
                    partial(me.agree_with, other),
                    partial(me.meet, other),
                    partial(me.belong_to, self._network, self._memorandum),
                ]
                for step in chance.sample(steps, len(steps)):
                    step()
        except Exception as error:  # noqa: BLE001 - raised again by finish, in the test's own thread
            self.failures.append(error)
        with self._lock:
            self._lock.notify_all()

    def _note(self, command: Command) -> None:
        with self._lock:
            self.commands.append(command)
            self._lock.notify_all()


def _outcome(answer: httpx.Response | None, trace: str) -> tuple[str, str, str]:
    """What the client knows of a command, its trace, and why it was refused."""
    if answer is None:
        return INFO, trace, ""
    return (OK, trace, "") if answer.is_success else (REFUSED, trace, answer.text[:400])


def _draft(code: str, ours: str, theirs: str) -> dict[str, Any]:
    promises = [
        {"giver": giver, "receiver": receiver, "statement": {"es": f"{code} {place}", "en": f"{code} {place}"}}
        for place, (giver, receiver) in enumerate(((ours, theirs), (theirs, ours)))
    ]
    line = {"line": "joint_projects", "text": {"es": code, "en": code}, "topics": [], "commitments": promises}
    return {
        "code": code, "kind": "alliance", "visibility": "public", "timezone": "America/Bogota", "titles": {"es": code, "en": code},
        "parties": [{"partner": ours}, {"partner": theirs}],
        "terms": {"governing_languages": ["es", "en"], "renewal": "by_agreement", "notice_period_days": 90, "lines": [line]},
    }  # fmt: skip


def _exchange(title: str, ours: str, theirs: str) -> dict[str, Any]:
    day = datetime.now(UTC).date() + timedelta(days=60)
    return {
        "kind": "workshop", "modality": "online", "timezone": "America/Bogota", "languages": ["es"], "titles": {"es": title, "en": title},
        "url": "https://encuentro.example/sala", "starts_at": f"{day}T09:00", "ends_at": f"{day}T10:00", "hosts": [ours],
        "participants": [theirs], "outside_agreement": True, "outside_reason": "prueba", "topics": ["govtech"],
    }  # fmt: skip
