"""Where a partner stands: the states of its record, and the deeds that lead from one to another."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from enum import StrEnum
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Mapped, mapped_column

from services.partners.models import WrongState
from shared.auth import Caller
from shared.events import PartnerArchived, PartnerResumed, PartnerSuspended, PartnerVerificationRequested
from shared.outbox import Aggregate


class State(StrEnum):
    """Where in its life a partner's record is."""

    DRAFT = "draft"
    PENDING = "pending_verification"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    ARCHIVED = "archived"
    MERGED = "merged"


PARTNER_ARCHIVED: Final = "partner.archived"
"""The kind of due act by which the rooms above end what an archived partner leaves open."""
UNTOLD: Final = frozenset({State.DRAFT, State.PENDING})
"""Of a partner in these states no neighbour has heard yet: it is introduced when it becomes active."""
BARRED: Final = frozenset({State.SUSPENDED, State.ARCHIVED})
"""The partners in these states change nothing."""

_DEEDS: Final[Mapping[str, Mapping[State, State]]] = {
    "submit": {State.DRAFT: State.PENDING},
    "verify": {State.PENDING: State.ACTIVE, State.ACTIVE: State.ACTIVE, State.SUSPENDED: State.SUSPENDED},
    "suspend": {State.ACTIVE: State.SUSPENDED},
    "resume": {State.SUSPENDED: State.ACTIVE},
    "archive": {State.DRAFT: State.ARCHIVED, State.PENDING: State.ARCHIVED, State.ACTIVE: State.ARCHIVED, State.SUSPENDED: State.ARCHIVED},
}


def is_hidden(state: str, sequence: int) -> bool:
    """Whether it is there for its own clients and the operator alone: a draft, or one that was archived before anybody was told of it."""
    return state == State.DRAFT or (state == State.ARCHIVED and sequence == 0)


class Standing(Aggregate):
    """A partner between its states: what leads from one to the next, and who may know of it."""

    __abstract__ = True

    state: Mapped[str] = mapped_column(default=State.ACTIVE)
    state_reason: Mapped[str | None]
    names: Mapped[dict[str, str]]
    kind: Mapped[str]
    country: Mapped[str]
    timezone: Mapped[str]
    changed_at: Mapped[datetime]

    def today(self, now: datetime) -> date:
        """The day that it is where the partner is."""
        return now.astimezone(ZoneInfo(self.timezone)).date()

    def begins(self, day: date) -> datetime:
        """When this day begins there."""
        return datetime.combine(day, time.min, ZoneInfo(self.timezone)).astimezone(UTC)

    @property
    def is_untold(self) -> bool:
        """Whether nobody was told of it yet, so that its changes are no facts either."""
        return self.state in UNTOLD or is_hidden(self.state, self.sequence)

    def is_hidden_from(self, caller: Caller) -> bool:
        """A draft is there for its own clients and the operator alone, and stays so when it is archived."""
        return is_hidden(self.state, self.sequence) and not caller.is_admin and caller.partner != self.id

    def submit(self, now: datetime) -> PartnerVerificationRequested:
        """The draft is ready to be looked at; raises `WrongState`."""
        self._turn("submit", None, now)
        return PartnerVerificationRequested(partner=self.id, kind=self.kind, names=self.names, country=self.country)

    def suspend(self, reason: str, now: datetime) -> PartnerSuspended:
        """It acts no more for a while; raises `WrongState`."""
        self._turn("suspend", reason, now)
        return PartnerSuspended(partner=self.id, names=self.names, reason=reason)

    def resume(self, now: datetime) -> PartnerResumed:
        """It acts again; raises `WrongState`."""
        self._turn("resume", None, now)
        return PartnerResumed(partner=self.id, names=self.names)

    def archive(self, reason: str, now: datetime) -> PartnerArchived | None:
        """It is there for the record alone; None of a draft, for nobody was told of it. Raises `WrongState`."""
        was_draft = self.state == State.DRAFT
        self._turn("archive", reason, now)
        return None if was_draft else PartnerArchived(partner=self.id, names=self.names, reason=reason)

    def standing(self) -> dict[str, Any]:
        """Where it stands, in the words of its history."""
        return {"state": str(self.state), "state_reason": self.state_reason}

    def _turn(self, deed: str, reason: str | None, now: datetime) -> None:
        following = _DEEDS[deed].get(State(self.state))
        if following is None:
            possible = [name for name, turns in _DEEDS.items() if self.state in turns]
            fix = f"Now one can {' or '.join(possible)}." if possible else "Nothing can be done to it now."
            detail = f"The partner is in the state '{self.state}', in which one cannot {deed}."
            raise WrongState(detail, fix=fix, state=str(self.state), allowed=possible)
        if following != self.state:
            self.state, self.state_reason, self.changed_at = following, reason, now
