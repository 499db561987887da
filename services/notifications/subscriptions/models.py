"""Subscription: which facts somebody is told of, and the partner whose word opens what is not public."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Self

from sqlalchemy import ARRAY, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from services.notifications.messages.models import KINDS
from services.notifications.models import Model
from shared.auth import PLATFORM
from shared.db import Key, new_id
from shared.refusals import Conflict, Invalid

MOST_SUBSCRIPTIONS = 100
"""How many subscriptions one subscriber may have."""


class Role(StrEnum):
    """Why somebody is told: because a fact touches the partner they act for, or because they follow the matter."""

    AFFECTED = "affected"
    FOLLOWER = "follower"


class Cadence(StrEnum):
    """How often somebody is told; only ``immediate`` is served."""

    IMMEDIATE = "immediate"
    DAILY = "daily"
    WEEKLY = "weekly"


class LineOfCooperation(StrEnum):
    """The four lines of an agreement's body."""

    KNOWLEDGE_EXCHANGE = "knowledge_exchange"
    JOINT_PROJECTS = "joint_projects"
    ADVOCACY_NETWORKING = "advocacy_networking"
    PARTNERSHIP_FACILITATION = "partnership_facilitation"


class CadenceNotServed(Invalid):
    """Digests are not served yet. Send ``"cadence": "immediate"``, or leave the member out."""

    code = "cadence-not-served"
    title = "Only immediate messages are served."


class UnknownKind(Invalid):
    """The filter names a kind of fact that nobody is told of. ``kinds`` lists those there are."""

    code = "unknown-kind"
    title = "A kind of fact in the filter is not known."


class TooManySubscriptions(Conflict):
    """The subscriber has as many subscriptions as one may have. Remove one first, or widen the filter of another."""

    code = "too-many-subscriptions"
    title = "The subscriber has as many subscriptions as one may have."


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What a fact must have to match: one of each list that is not empty. All empty matches every fact."""

    types: Sequence[str] = ()
    partners: Sequence[str] = ()
    networks: Sequence[str] = ()
    agreements: Sequence[str] = ()
    lines: Sequence[str] = ()
    topics: Sequence[str] = ()

    def lists(self) -> dict[str, list[str]]:
        """Every list without repetitions, in a fixed order."""
        return {name: sorted(set(getattr(self, name))) for name in self.__slots__}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A subscription as it is asked for."""

    filter: Filter = field(default_factory=Filter)
    role: Role = Role.FOLLOWER
    cadence: Cadence = Cadence.IMMEDIATE


class Subscription(Model):
    """A wish that was granted. ``vouched_by`` is the partner whose client made it; without one only public facts match.

    ``confirmation_id``: made on the public page, it counts once that confirmation is used. Facts older than ``created_at`` never
    match, so no replay of the log mails anybody anew.
    """

    __tablename__ = "subscription"
    id: Mapped[str] = mapped_column(Key, primary_key=True, default=new_id)
    version: Mapped[int] = mapped_column()
    subscriber_id: Mapped[str] = mapped_column(Key, ForeignKey("subscriber.id", ondelete="CASCADE"), index=True)
    vouched_by: Mapped[str | None] = mapped_column(Key)
    confirmation_id: Mapped[str | None] = mapped_column(Key, ForeignKey("confirmation.id"))
    role: Mapped[str]
    cadence: Mapped[str]
    types: Mapped[list[str]]
    partners: Mapped[list[str]] = mapped_column(ARRAY(Key))
    networks: Mapped[list[str]] = mapped_column(ARRAY(Key))
    agreements: Mapped[list[str]] = mapped_column(ARRAY(Key))
    lines: Mapped[list[str]]
    topics: Mapped[list[str]]
    created_at: Mapped[datetime]

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy reads it like this

    @classmethod
    def grant(cls, subscriber: str, wish: Wish, vouched_by: str | None, now: datetime) -> Self:
        """A subscription of ``subscriber`` from ``now`` on; raises `CadenceNotServed`, `UnknownKind` or Invalid."""
        if wish.cadence != Cadence.IMMEDIATE:
            fix = 'Send "immediate", or leave it out.'
            raise CadenceNotServed(f"The cadence {wish.cadence.value!r} is not served yet.", field="/cadence", fix=fix)
        strange = sorted(set(wish.filter.types) - set(KINDS))
        if strange:
            fix = f"Use one of {', '.join(KINDS)}."
            raise UnknownKind(f"Nobody is told of {strange[0]!r}.", field="/filter/types", fix=fix, kinds=list(KINDS))
        voucher = None if vouched_by == PLATFORM else vouched_by
        if wish.role == Role.AFFECTED and voucher is None:
            raise Invalid("Only a partner's own client can say who is affected.", field="/role", fix='Send "follower".')
        return cls(
            id=new_id(),
            subscriber_id=subscriber,
            vouched_by=voucher,
            role=wish.role.value,
            cadence=wish.cadence.value,
            created_at=now,
            **wish.filter.lists(),
        )
