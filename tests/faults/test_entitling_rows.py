"""Row N2 in one process: members come and go, opt in and out, are changed, while the relay of what that brings dies again and again.

Or while the database is cut off again and again: from everybody in the middle of what they do, or from one who then cannot know whether
its commit was done.
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from itertools import count
from typing import Any
from urllib.parse import urlsplit

from shared.bus import Bus
from shared.db import Database, new_id
from shared.relay import Relay
from shared.repair import waiting
from tests.faults.conftest import Tell
from tests.faults.gathering import facts_on, read_tables
from tests.faults.history import OK, Command, History
from tests.faults.interrupting import interrupted
from tests.faults.invariants import check
from tests.faults.proxy import FaultProxy, saying
from tests.faults.road import EXPECTED, PATIENCE, TOPIC, rerouted
from tests.faults.workload import FIRST_DAY
from tests.partners.conftest import runtime, service, settings
from tests.partners.entitlements.conftest import World, world

__all__ = ["runtime", "service", "settings", "world"]

MEMBERS, ROUNDS = 3, 2
PACKETS = (40, 400)
"""So many between two cuts; a command takes twenty, sixty on a new connection, and the relay asks all the time."""
Step = Callable[[Relay], Awaitable[object]]


class Members:
    """Cities that join a network, stay out of what it signed, take part again, are changed to and fro, and leave.

    Each step is sent until it is certain.
    """

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
        for inherits in ("no", "auto"):
            change = (f"changed to {inherits} {made['id']}", "changes")
            made = await self._sent(own, {"inherits_agreements": inherits}, made["version"], change, "PATCH")
        reason = f"Retiro {city} {day}"
        await self._sent(f"{own}/end", {"valid_to": f"{day + timedelta(days=1)}", "reason": reason}, made["version"], (reason, "endings"))

    async def _sent(
        self, url: str, body: Any, version: int | None, mark_and_thing: tuple[str, str], method: str = "POST"
    ) -> dict[str, Any]:
        headers = {"Idempotency-Key": new_id()} | ({} if version is None else {"If-Match": f'"{version}"'})
        async with asyncio.timeout(PATIENCE):
            while True:
                answer = await self.world.service.operator.request(method, url, json=body, headers=headers)
                if method == "PATCH" and answer.status_code == 412:  # nobody else changes it: it was done, and only the answer was lost
                    answer = await self.world.service.operator.get(url)
                if not answer.is_server_error and "in-use" not in answer.text:
                    break
        assert answer.is_success, answer.text
        self.commands.append(Command(*mark_and_thing, OK))
        return dict(answer.json())


@asynccontextmanager
async def relaying(world: World, bus: Bus, step: Step = Relay.step) -> AsyncIterator[None]:
    """A relay that does such steps, whatever they raise, as long as the block lasts; then it sends what is left."""
    owner = world.service.runtime
    relay, over = Relay(owner.database, bus, owner.telemetry, deadline_seconds=5.0), asyncio.Event()

    async def stepping() -> None:
        while not over.is_set():
            with suppress(*EXPECTED):
                await step(relay)
            await asyncio.wait([asyncio.create_task(over.wait())], timeout=0.01)

    sending = asyncio.create_task(stepping())
    try:
        yield
    finally:
        over.set()
        await sending
    async with asyncio.timeout(PATIENCE):
        while True:
            with suppress(*EXPECTED):
                if not (await unsent(world))[0]:
                    break
                await relay.step()
    await relay.close()


def dying(seed: int) -> Step:
    """Steps that are cancelled again and again, wherever they wait."""
    chance = random.Random(seed)
    return lambda relay: interrupted(relay.step(), chance.randint(1, 30))


class Cuts:
    """What a proxy does to the database's connections, every so many packets: resets all of them, or loses the answer to a commit."""

    def __init__(self, proxy: FaultProxy, seed: int) -> None:
        self._proxy, self._chance, self.resets = proxy, random.Random(seed), 0
        self._choose()

    def __call__(self, packet: bytes) -> bool:
        """Whether the answer to this packet is to be lost."""
        self._left -= 1
        if self._left > 0 or (self._at_commit and not saying(b"COMMIT")(packet)):
            return False
        lost = self._at_commit
        if not lost:
            self._proxy.reset()
            self.resets += 1
        self._choose()
        return lost

    def _choose(self) -> None:
        self._left, self._at_commit = self._chance.randint(*PACKETS), self._chance.random() < 0.5


@asynccontextmanager
async def cut_off(world: World, seed: int) -> AsyncIterator[Callable[[], tuple[int, int]]]:
    """The service reaches its database by way of a proxy that cuts; yields how often so far: everybody, and commits unheard of."""
    owner = world.service.runtime
    direct, url = owner.database, owner.settings.database_url.get_secret_value()
    async with FaultProxy(urlsplit(url).port or 5432) as proxy:
        owner.database = Database(rerouted(url, proxy.port), pool_size=5, application="tests")
        cuts = Cuts(proxy, seed)
        proxy.cut(cuts, times=sys.maxsize)
        try:
            yield lambda: (cuts.resets, proxy.cuts)
        finally:
            proxy.cut(cuts, times=0)
            await owner.database.close()
            owner.database = direct


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
    members, everybody = await taking_part(world)
    await bus.ensure_topics([TOPIC])
    async with relaying(world, bus, dying(502)):
        await everybody()
    await told_in_turns(world, bus, members, tell, 502)


async def test_n2_who_is_entitled_is_told_in_turns_while_the_database_is_cut_off_again_and_again(
    world: World, bus: Bus, tell: Tell
) -> None:
    members, everybody = await taking_part(world)
    await bus.ensure_topics([TOPIC])
    async with cut_off(world, 503) as cuts, relaying(world, bus):
        await everybody()
        assert all(cuts())
    await told_in_turns(world, bus, members, tell, 503)


async def taking_part(world: World) -> tuple[Members, Callable[[], Awaitable[None]]]:
    """Cities about to join a network that has signed something, and what they then all do at once, round after round."""
    network, other = await world.network(), await world.city("Kyiv")
    agreement, members = await world.agreement(network, other), Members(world)
    cities = [await world.city(f"Ciudad {number}") for number in range(MEMBERS)]

    async def everybody() -> None:
        for _ in range(ROUNDS):
            await asyncio.gather(*(members.come_and_go(city, network, agreement) for city in cities))

    return members, everybody


async def told_in_turns(world: World, bus: Bus, members: Members, tell: Tell, seed: int) -> None:
    """Nothing is broken, and everybody was told of what each step brought, once."""
    history, broken, words = await judged(world, bus, members.commands)
    tell.counted(len(members.commands), words, seed)
    assert broken == {}
    assert words.startswith("I1 (")
    assert words.endswith("not looked at: I6 I7 I8 I9 I10 I11 I12")  # and no other
    facts = {fact.id: fact.type.split(".")[3] for fact in history.log if fact.subject.startswith("entitlement/")}
    assert Counter(facts.values()) == {"granted": 2 + 3 * MEMBERS * ROUNDS, "withdrawn": 3 * MEMBERS * ROUNDS}
