"""What an operator does at the command line, and what somebody does who puts on the bus what does not belong there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import httpx

from deploy.embedded.environment import ROOT, SERVICES
from deploy.embedded.stack import Stack
from shared.bus import Record
from shared.bus.opening import open_bus
from shared.db import new_id
from shared.events import Envelope
from shared.events.cloudevents import to_data, to_headers
from tests.shared.facts import envelope

COMMAND_SECONDS = 180.0
ASKED_SECONDS = 60.0
Headers = list[tuple[str, bytes]]


def asked(stack: Stack, service: str, *words: str) -> tuple[int, str]:
    """`INTERURBE_ENV_FILE=var/secrets/SERVICE.env python -m services.SERVICE WORDS…`: exit code, and what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", f"services.{service}", *words],
        cwd=ROOT,
        env={"PATH": os.defpath, "INTERURBE_ENV_FILE": str(stack.var / "secrets" / f"{service}.env")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=COMMAND_SECONDS,
    )
    return done.returncode, done.stdout


def asked_of_each(stack: Stack, *words: str) -> dict[str, tuple[int, str]]:
    """The same of all three, at once."""
    with ThreadPoolExecutor() as pool:
        answers = pool.map(lambda service: asked(stack, service, *words), SERVICES)
        return dict(zip(SERVICES, answers, strict=True))


def parked(stack: Stack, service: str) -> list[dict[str, Any]]:
    """What `parked --json` lists."""
    code, printed = asked(stack, service, "parked", "--json")
    assert code == 0, printed
    return [json.loads(line) for line in printed.splitlines()]


def ready(stack: Stack, service: str) -> dict[str, str]:
    """What /readyz finds wrong, by name: nothing when it answers 200."""
    answer = httpx.get(f"{stack.ports.url(service)}/readyz", timeout=ASKED_SECONDS)
    wrong = {name: check["words"] for name, check in answer.json()["checks"].items() if not check["ok"]}
    assert answer.status_code == (503 if wrong else 200)
    return wrong


def numbers(stack: Stack, service: str) -> dict[str, float]:
    """The samples of /metrics by name and labels, as they are written there."""
    lines = httpx.get(f"{stack.ports.url(service)}/metrics", timeout=ASKED_SECONDS).text.splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if not line.startswith("#"))}


@dataclass(frozen=True, slots=True)
class Letter:
    """A message for the bus: a fact in its envelope, spoilt or not."""

    envelope: Envelope
    headers: Headers
    value: bytes

    def with_header(self, name: str, value: bytes | None) -> Letter:
        """The same with one header changed, or without it."""
        kept = [(key, was if key != name else value) for key, was in self.headers]
        return replace(self, headers=[(key, now) for key, now in kept if now is not None])


def letter() -> Letter:
    """A sound one: a city is registered that nobody has heard of."""
    fact = envelope(1, new_id())
    return Letter(fact, to_headers(fact), to_data(fact))


SPOILT: dict[str, Callable[[Letter], Letter]] = {
    "is not UTF-8": lambda sound: sound.with_header("ce_source", b"/interurbe/\xff"),
    "required attribute missing: sequence": lambda sound: sound.with_header("ce_sequence", None),
    "'org.interurbe.partner.registered.v99' is not known here": lambda sound: sound.with_header(
        "ce_type", b"org.interurbe.partner.registered.v99"
    ),
    "data does not fit org.interurbe.partner.registered.v1": lambda sound: replace(sound, value=b'{"partner": 5}'),
}
"""Ways to spoil a letter, by the reason that must be given for parking it."""


async def posted(stack: Stack, letters: list[Letter]) -> None:
    """Put them on the bus by hand, one behind the other in the same partition."""
    bus = stack.broker.bootstrap if stack.broker else ""
    log = None if stack.broker else stack.cluster.url("log")
    hand = open_bus(kafka=bus, log_url=log, replication=1, application="by hand")
    await hand.start()
    records = [Record(one.envelope.topic, b"one key", one.headers, one.value) for one in letters]
    assert await hand.send(records, deadline=60.0) == [None] * len(letters)
    await hand.close()
