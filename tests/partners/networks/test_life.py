"""Whatever is done to a membership, and however long nobody is awake, it is what a small model says, and so is what is told of it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from sqlalchemy import text

from services.partners.models import Seen
from services.partners.networks.applications.commands import (
    apply_to_network,
    approve_application,
    reject_application,
    withdraw_application,
)
from services.partners.networks.applications.models import Approval
from services.partners.networks.commands import Ending, end_membership, join_network
from services.partners.networks.models import Joining
from services.partners.networks.tenure.commands import change_membership, renew_membership, resume_membership, suspend_membership
from services.partners.networks.tenure.models import Change, Renewal
from services.partners.networks.views import Sought, memberships_sought
from shared.auth import Caller
from shared.refusals import Refusal
from tests.partners.entitlements.conftest import World
from tests.partners.networks.conftest import OPERATOR, on

START = datetime.now(UTC).date()
DAY = timedelta(days=1)
LENGTHS, GRACES = st.integers(0, 70), st.sampled_from([0, 5, 20])
PASSING = [("member", "auto"), ("host", "auto")]
WAYS = st.sampled_from([*PASSING, ("observer", "auto"), ("member", "opt_in"), ("member", "no")])


@dataclass
class Model:
    """What a membership is, kept as simply as can be."""

    state: str
    first: date
    last: date | None = None
    grace: int = 0
    ended: bool = False
    suspended: bool = False
    way: tuple[str, str] = ("member", "auto")
    past: set[str] = field(default_factory=set)
    told: list[str] = field(default_factory=list)

    def over(self, day: date) -> bool:
        return self.last is not None and day > self.last + self.grace * DAY

    def status(self, day: date) -> str:
        if self.state != "approved":
            return self.state
        if self.over(day):
            return "ended" if self.ended else "lapsed"
        if self.suspended:
            return "suspended"
        if day < self.first:
            return "approved"
        return "current" if self.last is None or day <= self.last else "grace"

    def come(self, day: date) -> list[str]:
        """The stages whose day has come."""
        if self.last is None:
            return []
        came = {"lapse_warned": day >= max(self.first, self.last - 30 * DAY), "entered_grace": self.grace > 0 and day > self.last}
        return [stage for stage, has in (came | {"lapsed": self.over(day)}).items() if has]

    def days_set(self, day: date) -> None:
        came = self.come(day)
        self.past = {"lapse_warned", "entered_grace", "lapsed"} if "lapsed" in came else {"lapse_warned"} if came else set()

    def wake(self, day: date) -> None:
        """Tell what has come and was not told."""
        if self.state != "approved" or self.ended:
            return
        for stage in self.come(day):
            untrue = (stage == "lapse_warned" and self.over(day)) or (stage == "entered_grace" and self.suspended)
            if stage not in self.past and "lapsed" not in self.past and not untrue:
                self.told.append(stage)
                self.past.add(stage)

    def may(self, deed: str, day: date, named: date) -> bool:
        """Whether the deed is possible on the day; ``named`` is the day it names."""
        status, open_ended = self.status(day), self.last is None
        if deed in ("approve", "reject", "withdraw"):
            return status == "applied"
        if self.state != "approved":
            return False
        if deed == "end":
            return named >= self.first and not self.over(named + DAY)
        if deed in ("change", "suspend", "resume"):
            runs, stopped = status in ("approved", "current", "grace"), status == "suspended"
            return {"change": runs or stopped, "suspend": runs and not self.ended, "resume": stopped}[deed]
        late = self.last is not None and (day - (self.last + (self.grace + 1) * DAY)).days > 366
        renewable = status in ("current", "grace", "lapsed") and not self.ended and not open_ended and not late
        return renewable and self.last is not None and named > self.last and named >= day


class Life(RuleBasedStateMachine):
    """One membership after another, in one network that has signed one agreement."""

    world: ClassVar[World]
    loop: ClassVar[asyncio.AbstractEventLoop]
    network: ClassVar[str]
    agreement: ClassVar[str]
    model: Model
    seen: Seen

    def run(self, doing: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(doing, self.loop).result(60)

    async def done(self, command: Any, *said: Any, caller: Caller = OPERATOR) -> Any:
        async with self.world.service.runtime.database.session() as session:
            try:
                made = await command(session, caller, *said)
            except Refusal as refusal:
                return refusal
            await session.commit()
            return made

    @initialize(applied=st.booleans(), ahead=st.integers(-40, 20), length=st.none() | LENGTHS, grace=GRACES)
    def begin(self, applied: bool, ahead: int, length: int | None, grace: int) -> None:
        """The city applies, or is taken in."""
        self.city, self.today = self.run(self.world.city()), START
        self.run(self.forget())
        self.model = Model("applied" if applied else "approved", START + ahead * DAY)
        joining = Joining(partner=self.city, network=self.network, role="member", valid_from=self.model.first)
        if applied:
            city = Caller("city", self.city, OPERATOR.scopes - {"admin"})
            made = self.run(self.done(apply_to_network, joining, None, on(START), caller=city))
            self.model.told = ["applied"]
        else:
            self.model.last, self.model.grace = None if length is None else self.model.first + length * DAY, grace
            said = {"valid_to": self.model.last, "grace_days": grace}
            joining = Joining(partner=self.city, network=self.network, role="member", valid_from=self.model.first, **said)  # type: ignore[arg-type]  # a day and a number
            made = self.run(self.done(join_network, joining, on(START)))
            self.model.told = ["started"]
            self.model.days_set(START)
        self.seen = Seen(made.id)
        self.model.wake(START)
        self.compare(fresh=True)

    @rule(length=st.none() | LENGTHS, grace=GRACES)
    def approve(self, length: int | None, grace: int) -> None:
        last = None if length is None else self.today + length * DAY
        if self.does("approve", approve_application, Approval(valid_from=self.today, valid_to=last, grace_days=grace)):
            self.model.state, self.model.first, self.model.last, self.model.grace = "approved", self.today, last, grace
            self.model.told += ["approved", "started"]
            self.model.days_set(self.today)
            self.settled()

    @rule()
    def reject(self) -> None:
        if self.does("reject", reject_application, "No."):
            self.model.state = "rejected"
            self.model.told.append("rejected")

    @rule()
    def withdraw(self) -> None:
        if self.does("withdraw", withdraw_application):
            self.model.state = "withdrawn"
            self.model.told.append("application_withdrawn")

    @rule(ahead=st.integers(-5, 90), grace=GRACES)
    def renew(self, ahead: int, grace: int) -> None:
        named = self.today + ahead * DAY
        if self.does("renew", renew_membership, Renewal(valid_to=named, grace_days=grace), named=named):
            self.model.suspended = False
            self.model.last, self.model.grace = named, grace
            self.model.told.append("renewed")
            self.model.days_set(self.today)
            self.settled()

    @rule(way=WAYS)
    def change(self, way: tuple[str, str]) -> None:
        if self.does("change", change_membership, Change(*way)):
            self.model.told += [] if way == self.model.way else ["changed"]
            self.model.way = way
            self.settled()

    @rule()
    def suspend(self) -> None:
        if self.does("suspend", suspend_membership, "Cuota."):
            self.model.suspended = True
            self.model.told.append("suspended")
            self.settled()

    @rule()
    def resume(self) -> None:
        if self.does("resume", resume_membership):
            self.model.suspended = False
            self.model.told.append("resumed")
            self.settled()

    @rule(ahead=st.integers(-10, 30))
    def end(self, ahead: int) -> None:
        named = self.today + ahead * DAY
        if self.does("end", end_membership, Ending(named), named=named):
            self.model.last, self.model.grace, self.model.ended = named, 0, True
            self.model.told.append("ended")
            self.settled()

    @rule(days=st.integers(1, 45), awake=st.booleans())
    def wait(self, days: int, awake: bool) -> None:
        """Days go by, and at the end of them somebody is awake, or nobody."""
        self.today += days * DAY
        if awake:
            self.run(self.world.service.act(on(self.today)))
            self.model.wake(self.today)
        self.compare(fresh=awake)

    def does(self, deed: str, command: Any, *said: Any, named: date | None = None) -> bool:
        expected = self.model.may(deed, self.today, named or self.today)
        done = self.run(self.done(command, self.seen, *said, on(self.today)))
        assert isinstance(done, Refusal) is not expected, (deed, self.model, self.today, done)
        return expected

    def settled(self) -> None:
        self.model.wake(self.today)
        self.compare(fresh=True)

    def compare(self, *, fresh: bool) -> None:
        """The membership is what the model says; who is entitled follows once somebody was awake."""
        status, told, entitled = self.run(self.found())
        assert status == [self.model.status(self.today)], self.model
        assert told == self.model.told
        if fresh:
            assert entitled is (status[0] in ("current", "grace") and self.model.way in PASSING), self.model

    async def found(self) -> tuple[list[str], list[str], bool]:
        """What the database finds it to be and the answer says it is, what was told, and whether the city may take part."""
        expected = self.model.status(self.today)
        async with self.world.service.runtime.database.reader() as reader:
            sought = Sought(caller=OPERATOR, today=self.today, partner=self.city, status=expected)
            listed = [row["status"] for row in await memberships_sought(reader, sought, None, 5)]
        told = [fact["type"].split(".")[3] for fact in await self.world.service.facts(f"membership/{self.seen.id}")]
        return listed, told, self.city in await self.world.held(self.agreement)

    async def forget(self) -> None:
        """Let nothing more become due of the memberships before this."""
        async with self.world.service.runtime.database.session() as session:
            await session.execute(text("DELETE FROM due"))
            await session.commit()


async def test_it_is_what_was_done_to_it_and_what_its_days_have_brought(service: Any) -> None:
    Life.world, Life.loop = World(service), asyncio.get_running_loop()
    Life.network = await Life.world.network()
    Life.agreement = await Life.world.agreement(Life.network, await Life.world.city())
    chosen = settings(max_examples=10, stateful_step_count=10, deadline=None, suppress_health_check=list(HealthCheck))
    await asyncio.to_thread(run_state_machine_as_test, Life, settings=chosen)
