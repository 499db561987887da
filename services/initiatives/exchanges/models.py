"""Exchanges, and the rules they keep."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar, Final

from sqlalchemy import Index, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from services.initiatives.directory.models import Named
from services.initiatives.exchanges.calendar.models import When
from services.initiatives.models import Model
from shared.auth import Caller
from shared.db import Key, new_id
from shared.events import (
    Event,
    ExchangeCancelled,
    ExchangeRef,
    ExchangeRescheduled,
    ExchangeScheduled,
    ExchangeTimes,
    HostRef,
    Visibility,
)
from shared.outbox import Aggregate, Reach
from shared.refusals import Conflict, Forbidden, Invalid, Stale

SCHEDULED, CANCELLED = "scheduled", "cancelled"
MOST_PARTNERS: Final = 200

NamesById = Mapping[str, Named]


class NotYourExchange(Forbidden):
    """Only a partner that hosts an exchange may schedule, move or cancel it."""

    code = "not-a-host"
    title = "Only a host of the exchange may do this."


class ExchangeIsOver(Conflict):
    """A cancelled or past exchange stays as it is. Schedule another one."""

    code = "exchange-is-over"
    title = "The exchange is cancelled or past."


@dataclass(frozen=True, slots=True)
class Basis:
    """What an exchange stands on: a line of a signed agreement, or explicitly none, with the reason why and who may know of it."""

    agreement: str | None = None
    line: str | None = None
    outside: bool = False
    outside_reason: str | None = None
    visibility: Visibility | None = None

    def must_be_whole(self) -> None:
        """Raise Invalid for a basis that says nothing, half of something, or two things at once."""
        wrong = self._wrong_outside() if self.outside else self._wrong_under()
        if wrong is not None:
            field, words = wrong
            fix = "Send either agreement and line, or outside_agreement: true with outside_reason."
            raise Invalid(words, field=field, fix=fix)

    def _wrong_outside(self) -> tuple[str, str] | None:
        if self.agreement is not None or self.line is not None:
            return "/outside_agreement", "An exchange outside any agreement names no agreement and no line."
        if self.outside_reason is None:
            return "/outside_reason", "An exchange outside any agreement must say why it is."
        return None

    def _wrong_under(self) -> tuple[str, str] | None:
        if self.outside_reason is not None:
            return "/outside_reason", "An exchange under an agreement has no reason to be outside of one."
        if self.visibility is not None:
            return "/visibility", "An exchange under an agreement is as visible as the agreement."
        for member in ("agreement", "line"):
            if getattr(self, member) is None:
                return f"/{member}", f"An exchange must say under which agreement and line it is: {member} is missing."
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """An exchange as a host wants it."""

    kind: str
    titles: dict[str, str]
    summary: dict[str, str] | None
    when: When
    modality: str
    place: str | None
    url: str | None
    languages: tuple[str, ...]
    capacity: int | None
    hosts: tuple[str, ...]
    participants: tuple[str, ...]
    topics: tuple[str, ...]
    basis: Basis

    @property
    def partners(self) -> dict[str, str]:
        """Every partner that takes part, with the field it is named in; raises Invalid for one that is named twice."""
        named: dict[str, str] = {}
        for member, partners in (("hosts", self.hosts), ("participants", self.participants)):
            for place, partner in enumerate(partners):
                if partner in named:
                    raise Invalid(
                        f"The partner {partner} is named twice, in {named[partner]} and in /{member}/{place}.",
                        field=f"/{member}/{place}",
                        fix="Name each partner once; a host needs no place among the participants.",
                    )
                named[partner] = f"/{member}/{place}"
        return named

    def among(self, now: Mapping[str, str]) -> "Plan":
        """The same plan for who these partners are now, after merges; raises Invalid where one is named by two of its ids."""
        plan = replace(self, hosts=tuple(now[each] for each in self.hosts), participants=tuple(now[each] for each in self.participants))
        return plan if plan.partners else self


class Exchange(Aggregate, Model):
    """A workshop, mission, webinar …; ``paths`` says for each partner how it came to the agreement on the day that was checked.

    ``starts_at`` and ``ends_at`` are UTC, ``timezone`` the zone of the clocks they are read on. ``ics_sequence`` (RFC 5545)
    rises when start, end, place, link or status change. ``audience`` are the partners that may know of it.
    """

    __tablename__ = "exchange"
    SUBJECT: ClassVar[str] = "exchange"

    kind: Mapped[str]
    titles: Mapped[dict[str, str]]
    summary: Mapped[dict[str, str] | None]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    timezone: Mapped[str]
    modality: Mapped[str]
    place: Mapped[str | None]
    url: Mapped[str | None]
    languages: Mapped[list[str]] = mapped_column(ARRAY(Text))
    capacity: Mapped[int | None]
    hosts: Mapped[list[str]] = mapped_column(ARRAY(Key))
    participants: Mapped[list[str]] = mapped_column(ARRAY(Key))
    topics: Mapped[list[str]] = mapped_column(ARRAY(Text))
    agreement: Mapped[str | None] = mapped_column(Key, index=True)
    line: Mapped[str | None]
    outside_reason: Mapped[str | None]
    paths: Mapped[list[dict[str, Any]]]
    state: Mapped[str]
    reason: Mapped[str | None]
    ics_sequence: Mapped[int]
    visibility: Mapped[str]
    audience: Mapped[list[str]] = mapped_column(ARRAY(Key))
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]

    __table_args__ = (
        Index("ix_exchange_starts_at", "starts_at", "id"),
        Index("ix_exchange_hosts", "hosts", postgresql_using="gin"),
        Index("ix_exchange_participants", "participants", postgresql_using="gin"),
    )

    @classmethod
    def planned(cls, plan: Plan, reach: Reach, paths: list[dict[str, Any]], now: datetime) -> "Exchange":
        """The exchange of a plan whose partners were found entitled by these paths (none outside an agreement)."""
        when, basis = plan.when, plan.basis
        return cls(
            id=new_id(),
            kind=plan.kind,
            titles=plan.titles,
            summary=plan.summary,
            starts_at=when.starts_at,
            ends_at=when.ends_at,
            timezone=when.timezone,
            modality=plan.modality,
            place=plan.place,
            url=plan.url,
            languages=list(plan.languages),
            capacity=plan.capacity,
            hosts=list(plan.hosts),
            participants=list(plan.participants),
            topics=list(plan.topics),
            agreement=basis.agreement,
            line=basis.line,
            outside_reason=basis.outside_reason,
            paths=paths,
            state=SCHEDULED,
            ics_sequence=0,
            visibility=reach.visibility,
            audience=list(reach.audience),
            created_at=now,
            changed_at=now,
        )

    @property
    def when(self) -> When:
        """Its times."""
        return When(self.starts_at, self.ends_at, self.timezone)

    @property
    def partners(self) -> list[str]:
        """Hosts and participants."""
        return [*self.hosts, *self.participants]

    def may_be_changed_by(self, caller: Caller, standing: Mapping[str, str], version: int, now: datetime) -> None:
        """Raise unless the caller's partner hosts it, the caller has seen its present version, and it is still to come.

        ``standing`` says who its partners are now: whoever a host was merged into hosts it.
        """
        must_host(caller, [standing[host] for host in self.hosts])
        if version != self.version:
            raise Stale(
                f"The exchange is at version {self.version}, not {version}.",
                field="If-Match",
                fix="Read the exchange again, decide anew and send its new ETag.",
                version=self.version,
            )
        if self.state == CANCELLED:
            raise ExchangeIsOver("The exchange was cancelled.", fix="Schedule a new exchange.")
        if self.ends_at <= now:
            raise ExchangeIsOver(f"The exchange ended at {self.ends_at.isoformat()}.", fix="Schedule a new exchange.")

    def scheduled(self, names: NamesById) -> ExchangeScheduled:
        """That it has a date; ``names`` are those of its partners, by id."""
        return ExchangeScheduled(exchange=self.id, about=self._about(names))

    def must_move(self, to: When) -> None:
        """Raise Invalid when these times are those it has."""
        if to == self.when:
            raise Invalid("The exchange already has these times.", field="/starts_at", fix="Send the times it should move to.")

    def reschedule(self, to: When, reason: str, paths: list[dict[str, Any]], names: NamesById, now: datetime) -> ExchangeRescheduled:
        """Move it to times for whose day its partners were found entitled by these paths."""
        before = self.when
        self.starts_at, self.ends_at, self.timezone, self.paths = to.starts_at, to.ends_at, to.timezone, paths
        self._changed(reason, now)
        previous = ExchangeTimes(starts_at=before.starts_at, ends_at=before.ends_at, timezone=before.timezone)
        return ExchangeRescheduled(exchange=self.id, about=self._about(names), previous=previous, reason=reason)

    def cancel(self, reason: str, names: NamesById, now: datetime) -> ExchangeCancelled:
        """Call it off."""
        self.state = CANCELLED
        self._changed(reason, now)
        return ExchangeCancelled(exchange=self.id, about=self._about(names), reason=reason)

    def reach(self, fact: Event) -> Reach:
        """Whoever may know of the agreement it is under; hosts, participants and parties in any case."""
        return Reach(Visibility(self.visibility), tuple(self.audience))

    def _changed(self, reason: str, now: datetime) -> None:
        self.reason, self.changed_at = reason, now
        self.ics_sequence += 1

    def _about(self, names: NamesById) -> ExchangeRef:
        hosts = _refs(self.hosts, names)
        return ExchangeRef(
            kind=self.kind,
            titles=self.titles,
            starts_at=self.starts_at,
            ends_at=self.ends_at,
            timezone=self.timezone,
            modality=self.modality,
            place=self.place,
            url=self.url,
            languages=tuple(self.languages),
            hosts=hosts,
            participants=tuple(each for each in _refs(self.participants, names) if each not in hosts),
            topics=tuple(self.topics),
            agreement=self.agreement,
            line=self.line,
            outside_agreement=self.agreement is None,
            ics_uid=ics_uid(self.id),
            ics_sequence=self.ics_sequence,
        )


def must_host(caller: Caller, hosts: tuple[str, ...] | list[str]) -> None:
    """Raise NotYourExchange unless the caller's partner is a host, or the caller operates the platform."""
    if caller.partner not in hosts and not caller.is_admin:
        raise NotYourExchange(
            "The caller's partner is not among the hosts of the exchange.",
            field="/hosts",
            fix="Let a host do this, or name the caller's own partner as a host.",
        )


def ics_uid(exchange: str) -> str:
    """The UID of an exchange in every calendar, for ever (RFC 7986 asks for a UUID)."""
    return f"{exchange}@interurbe.org"


def _refs(partners: list[str], names: NamesById) -> tuple[HostRef, ...]:
    """Everybody once, as who they are now."""
    now = {names[partner].partner: names[partner].names for partner in partners}
    return tuple(HostRef(partner=partner, names=dict(said)) for partner, said in now.items())
