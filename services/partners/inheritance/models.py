"""Entitlement: a partner may use the lines of an agreement in force, because it is bound itself or by a path of memberships."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Final, Self

from sqlalchemy import ARRAY, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from services.partners.models import Model
from shared.db import Key
from shared.events import EntitlementGranted, EntitlementWithdrawn, Event, Visibility
from shared.outbox import Aggregate, Reach

AGREEMENT_OVER: Final = "entitlement.agreement_over"
"""The kind of due act by which an agreement with a last day stops to entitle anybody."""


REST: Final = "entitlement.rest"
"""The kind of due act by which a change that touches very many partners goes on, a portion at a time."""


class Reason(StrEnum):
    """What brought a partner its entitlement, or took it away."""

    AGREEMENT_IN_FORCE = "agreement_in_force"
    AGREEMENT_OVER = "agreement_over"
    MEMBERSHIP_STARTED = "membership_started"
    MEMBERSHIP_ENDED = "membership_ended"
    MEMBERSHIP_CHANGED = "membership_changed"
    OPTED_IN = "opted_in"
    OPTED_OUT = "opted_out"
    PARTNERS_MERGED = "partners_merged"
    MERGE_UNDONE = "merge_undone"


@dataclass(frozen=True, slots=True)
class Rest:
    """Whose entitlement by an agreement is still to be worked out: those ``below`` a partner (empty: below the parties it binds).

    Of them those whose ids come ``after`` this one; ``reason`` is what is told to whom it changes.
    """

    agreement: str
    below: str
    reason: Reason
    after: str

    @property
    def subject(self) -> str:
        """What the due act is about; another one for each portion."""
        return f"agreement/{self.agreement}/{self.reason}/{self.below}/{self.after}"

    @classmethod
    def of(cls, subject: str) -> Self:
        """From its `subject`."""
        _, agreement, reason, below, after = subject.split("/")
        return cls(agreement, below, Reason(reason), after)


@dataclass(frozen=True, slots=True)
class Touched:
    """The partners and agreements whose pairs may change together."""

    partners: frozenset[str] = frozenset()
    agreements: frozenset[str] = frozenset()

    def and_also(self, other: "Touched") -> "Touched":
        """Both together."""
        return Touched(self.partners | other.partners, self.agreements | other.agreements)


@dataclass(frozen=True, slots=True)
class Succession:
    """Whose place who takes, in these memberships and agreements; memberships in ``ended`` pass on nothing any more."""

    partner: str
    successor: str
    memberships: Sequence[str]
    agreements: Sequence[str]
    ended: Sequence[str] = ()


class Tie(Model):
    """A membership that holds now and passes on what the network signed: one step of a path, as long as the row is there."""

    __tablename__ = "tie"

    membership: Mapped[str] = mapped_column(Key, ForeignKey("membership.id"), primary_key=True)
    member: Mapped[str] = mapped_column(Key, index=True)
    network: Mapped[str] = mapped_column(Key, index=True)
    by_choice: Mapped[bool]


class Choice(Model):
    """What a member decided about one agreement of its network: to take part, or not to."""

    __tablename__ = "agreement_choice"

    membership: Mapped[str] = mapped_column(Key, ForeignKey("membership.id"), primary_key=True)
    agreement: Mapped[str] = mapped_column(Key, ForeignKey("agreement.id"), primary_key=True)
    taken: Mapped[bool]
    chosen_at: Mapped[datetime]


class InForce(Model):
    """An agreement that binds now: its lines, and who may know of it."""

    __tablename__ = "agreement_in_force"

    agreement: Mapped[str] = mapped_column(Key, ForeignKey("agreement.id"), primary_key=True)
    lines: Mapped[list[str]]
    visibility: Mapped[str]
    parties: Mapped[list[str]] = mapped_column(ARRAY(Key))


class BoundParty(Model):
    """A party that an agreement in force binds; observers and witnesses are bound to nothing, and nothing comes from them."""

    __tablename__ = "bound_party"
    __table_args__ = (Index("ix_bound_party_partner", "partner", "agreement"),)

    agreement: Mapped[str] = mapped_column(Key, ForeignKey("agreement_in_force.agreement"), primary_key=True)
    partner: Mapped[str] = mapped_column(Key, primary_key=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Accord:
    """An agreement in force, as far as it entitles: ``bound`` are the parties it binds, ``parties`` all that may know of it."""

    agreement: str
    lines: tuple[str, ...]
    visibility: str
    parties: tuple[str, ...]
    bound: tuple[str, ...]
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """A partner is a member of a network; ``by_choice`` if only what it opted in to passes."""

    membership: str
    partner: str
    network: str
    by_choice: bool = False

    def said(self) -> dict[str, Any]:
        """The step as it is stored and told."""
        return {"membership": self.membership, "partner": self.partner, "network": self.network}


Path = tuple[Step, ...]
"""From the partner up to the party that is bound; empty when the partner is that party."""


class Web:
    """Who is a member of what: the steps that paths are made of."""

    def __init__(self, steps: Iterable[Step]) -> None:
        self._into: dict[str, list[Step]] = defaultdict(list)
        for step in sorted(steps, key=lambda step: step.membership):
            self._into[step.network].append(step)

    def reached(self, bound: Iterable[str], chosen: Mapping[str, bool]) -> dict[str, Path]:
        """A shortest path of each partner that these parties entitle; ``chosen`` are the decisions by membership about the agreement."""
        paths: dict[str, Path] = dict.fromkeys(sorted(bound), ())
        front = list(paths)
        while front:
            nearer, front = front, []
            for network in nearer:
                for step in self._into.get(network, ()):
                    if step.partner not in paths and chosen.get(step.membership, not step.by_choice):
                        paths[step.partner] = (step, *paths[network])
                        front.append(step.partner)
        return paths


class Entitlement(Aggregate, Model):
    """Whether a partner may use an agreement's lines, and why: one row a pair, kept when it ends so that its facts go on counting."""

    __tablename__ = "entitlement"
    __table_args__ = (
        Index("uq_entitlement_partner_agreement", "partner", "agreement", unique=True),
        Index("ix_entitlement_agreement", "agreement", "partner"),
    )
    SUBJECT: ClassVar[str] = "entitlement"

    partner: Mapped[str] = mapped_column(Key, ForeignKey("partner.id"))
    agreement: Mapped[str] = mapped_column(Key, ForeignKey("agreement.id"))
    lines: Mapped[list[str]]
    party: Mapped[str] = mapped_column(Key)
    path: Mapped[list[dict[str, Any]]]
    since: Mapped[datetime]
    held: Mapped[bool]

    @classmethod
    def of(cls, partner: str, accord: Accord, now: datetime) -> Self:
        """The pair before anything was granted."""
        return cls(partner=partner, agreement=accord.agreement, lines=[], party=partner, path=[], since=now, held=False)

    def under(self, accord: Accord) -> Self:
        """Decide from now on by this state of the agreement."""
        self._accord = accord
        return self

    def become(self, path: Path | None, reason: Reason, now: datetime) -> EntitlementGranted | EntitlementWithdrawn | None:
        """Follow this path from now on, or none; the fact of it, if that changes whether the partner may take part."""
        if path is None:
            if not self.held:
                return None
            self.held = False
            return EntitlementWithdrawn.model_validate(self._said(reason))
        self.path, self.party = [step.said() for step in path], path[-1].network if path else self.partner
        if self.held:
            return None
        self.held, self.since, self.lines = True, now, list(self._accord.lines)
        return EntitlementGranted.model_validate(self._said(reason))

    def reach(self, fact: Event) -> Reach:
        """Who may know of the agreement may know who is entitled by it, and nobody else."""
        visibility = Visibility(self._accord.visibility)
        audience = dict.fromkeys(self._accord.parties)
        if visibility in (Visibility.PUBLIC, Visibility.NETWORK):
            # By the rule of agreements: what is for networks is read by the members of a party, directly or through others.
            audience[self.partner] = None
        return Reach(visibility, tuple(audience))

    def _said(self, reason: Reason) -> dict[str, Any]:
        said = ("partner", "agreement", "lines", "party", "path")
        return {"entitlement": self.id, "reason": str(reason), **{name: getattr(self, name) for name in said}}
