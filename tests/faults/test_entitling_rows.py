"""Rows N in one process: members come and go, opt in and out, while the relay of what that entitles them to dies in the middle of it."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from itertools import count
from typing import Any

from shared.bus import Bus
from shared.db import new_id
from shared.relay import Relay
from shared.repair import waiting
from tests.faults.conftest import Tell
from tests.faults.gathering import facts_on, read_tables
from tests.faults.history import OK, Command, History
from tests.faults.interrupting import interrupted
from tests.faults.invariants import check
from tests.faults.road import EXPECTED, PATIENCE, TOPIC
from tests.faults.workload import FIRST_DAY
from tests.partners.conftest import runtime, service, settings
from tests.partners.entitlements.conftest import World, world

__all__ = ["runtime", "service", "settings", "world"]

MEMBERS, ROUNDS = 3, 2


class Members:
    """Cities that join a network, stay out of what it signed, take part again, and leave; each step is sent until it is certain."""

    def __init__(self, world: World) -> None:
        self.world, self.commands = world, list[Command]()
        self._days = count(0, 2)

    async def come_and_go(self, city: str, network: str, agreement: str) -> None:
        """One membership from its beginning to its end, all of it in days long past."""
        day = FIRST_DAY + timedelta(days=next(self._days))
        body = {"partner": city, "valid_from": f"{day}"}
        made = await self._sent(f"/v1/networks/{network}/members", body, None, (f"join {city} {network} {day}", "memberships"))
        own = f"/v1/memberships/{made['id']}"
        for taken in ("out", "in"):
            choice = (f"opted_{taken} {made['id']}", "choices")
            made = await self._sent(f"{own}/agreements/{agreement}/opt-{taken}", None, made["version"], choice)
        reason = f"Retiro {city} {day}"
        await self._sent(f"{own}/end", {"valid_to": f"{day + timedelta(days=1)}", "reason": reason}, made["version"], (reason, "endings"))

    async def _sent(self, url: str, body: Any, version: int | None, mark_and_thing: tuple[str, str]) -> dict[str, Any]:
        headers = {"Idempotency-Key": new_id()} | ({} if version is None else {"If-Match": f'"{version}"'})
        async with asyncio.timeout(PATIENCE):
            while True:
                answer = await self.world.service.operator.post(url, json=body, headers=headers)
                if not answer.is_server_error and "in-use" not in answer.text:
                    break
        assert answer.is_success, answer.text
        self.commands.append(Command(*mark_and_thing, OK))
        return dict(answer.json())


@asynccontextmanager
async def relaying(world: World, bus: Bus, seed: int) -> AsyncIterator[None]:
    """A relay that is cancelled again and again wherever it waits, as long as the block lasts; then it sends what is left."""
    owner = world.service.runtime
    relay, over, chance = Relay(owner.database, bus, owner.telemetry, deadline_seconds=5.0), asyncio.Event(), random.Random(seed)

    async def disturbed() -> None:
        while not over.is_set():
            with suppress(*EXPECTED):
                await interrupted(relay.step(), chance.randint(1, 30))
            await asyncio.wait([asyncio.create_task(over.wait())], timeout=0.01)

    sending = asyncio.create_task(disturbed())
    try:
        yield
    finally:
        over.set()
        await sending
    async with asyncio.timeout(PATIENCE):
        while (await unsent(world))[0]:
            with suppress(*EXPECTED):
                await relay.step()
    await relay.close()


async def unsent(world: World) -> tuple[Any, ...]:
    async with world.service.runtime.database.session() as session:
        return tuple(await waiting(session))


async def judged(world: World, bus: Bus, commands: list[Command]) -> tuple[History, dict[str, list[str]], str]:
    """What the owner keeps compared with what is in the log."""
    history = History(list(commands))
    await read_tables("partners", world.service.runtime.settings.database_url.get_secret_value(), history)
    history.log = await facts_on(bus, [TOPIC])
    report = check(history)
    return history, report.broken, report.words()


async def test_n2_who_is_entitled_is_told_in_turns_by_a_relay_that_dies_again_and_again(world: World, bus: Bus, tell: Tell) -> None:
    network, other = await world.network(), await world.city("Kyiv")
    agreement, members = await world.agreement(network, other), Members(world)
    cities = [await world.city(f"Ciudad {number}") for number in range(MEMBERS)]
    await bus.ensure_topics([TOPIC])
    async with relaying(world, bus, 502):
        for _ in range(ROUNDS):
            await asyncio.gather(*(members.come_and_go(city, network, agreement) for city in cities))
    history, broken, words = await judged(world, bus, members.commands)
    tell.counted(len(members.commands), words, 502)
    assert broken == {}
    facts = {fact.id: fact.type.split(".")[3] for fact in history.log if fact.subject.startswith("entitlement/")}
    assert Counter(facts.values()) == {"granted": 2 + 2 * MEMBERS * ROUNDS, "withdrawn": 2 * MEMBERS * ROUNDS}
