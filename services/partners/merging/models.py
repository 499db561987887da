"""Merge: which partner another was all along, what passed to it, and until when that can be undone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from services.partners.inheritance.models import Reason
from services.partners.models import Model
from services.partners.registry.models import Partner, must_be_one_world
from services.partners.registry.views import PartnerRow
from shared.barring import PartnerNotActive
from shared.db import Key
from shared.refusals import Conflict

UNDONE_WITHIN: Final = timedelta(days=30)


class Because(StrEnum):
    """Why something passes from one partner to another."""

    MERGED = "merged"
    MERGE_UNDONE = "merge_undone"

    @property
    def entitling(self) -> Reason:
        """The same as a reason why partners may take part, or no longer may."""
        return Reason.PARTNERS_MERGED if self is Because.MERGED else Reason.MERGE_UNDONE


class MergeIntoItself(Conflict):
    """A partner is itself already. Name in ``into`` the other record of the same institution."""

    code = "merge-into-itself"
    title = "A partner cannot be merged into itself."


class KindsDiffer(Conflict):
    """The two are of different kinds, so that one may have members and the other not. Correct the kind of one of them first."""

    code = "kinds-differ"
    title = "Partners of different kinds are not one partner."


class BothParties(Conflict):
    """Both are parties of the ``agreements``, and nobody agrees with itself. End or abandon these first, or leave the two apart."""

    code = "both-parties"
    title = "The two partners have agreed with each other."


class OneIsAMember(Conflict):
    """One of the two belongs to the other by the ``memberships``, and nobody belongs to itself. End these first."""

    code = "one-is-a-member"
    title = "One of the two partners is a member of the other."


class MergeCircle(Conflict):
    """The survivor would belong to itself by way of others, in ``circle``. End one of these memberships first."""

    code = "merge-circle"
    title = "The merge would close a circle of memberships."


class NotMerged(Conflict):
    """The partner is not merged into another, or no longer. There is nothing to undo."""

    code = "not-merged"
    title = "The partner is not merged."


class UndoTooLate(Conflict):
    """A merge can be undone for 30 days, in this case up to ``undo_until``. Register the partner anew."""

    code = "undo-too-late"
    title = "The merge can be undone no longer."


class SurvivorMerged(Conflict):
    """What passed to the survivor has passed on to the partner in ``into`` since. Undo that merge first."""

    code = "survivor-merged"
    title = "The survivor was merged itself."


class Merge(Model):
    """One merge: ``moved`` is what passed to the survivor, by ids; ``left`` what stayed on the old record because it has its like there."""

    __tablename__ = "partner_merge"
    __table_args__ = (
        Index("uq_partner_merge_standing", "partner", unique=True, postgresql_where=text("undone_at IS NULL")),
        Index("ix_partner_merge_partner", "partner", "at"),
    )

    id: Mapped[str] = mapped_column(Key, primary_key=True)
    partner: Mapped[str] = mapped_column(Key, ForeignKey("partner.id"))
    into: Mapped[str] = mapped_column(Key, ForeignKey("partner.id"))
    at: Mapped[datetime]
    client: Mapped[str]
    reason: Mapped[str]
    undo_until: Mapped[datetime]
    state_before: Mapped[str]
    moved: Mapped[dict[str, Any]]
    left: Mapped[dict[str, Any]]
    undone_at: Mapped[datetime | None]
    undone_because: Mapped[str | None]

    def undo(self, reason: str, now: datetime) -> None:
        """It was wrong; raises `NotMerged` or `UndoTooLate`."""
        if self.undone_at is not None:
            raise NotMerged(f"The merge was undone on {self.undone_at.date()}.", fix="Nothing is left to do.")
        if now > self.undo_until:
            detail = f"The merge of {self.at.date()} could be undone until {self.undo_until.date()}."
            raise UndoTooLate(detail, fix="Register the partner anew.", undo_until=self.undo_until)
        self.undone_at, self.undone_because = now, reason


@dataclass(frozen=True, slots=True)
class Passing:
    """From whom to whom things pass, why and when."""

    giver: str
    taker: PartnerRow
    because: Because
    now: datetime


def row_of(partner: Partner) -> PartnerRow:
    """What other rooms are told of a partner."""
    plain = {name: getattr(partner, name) for name in ("id", "kind", "names", "acronym", "country", "timezone", "merged_into")}
    return PartnerRow(**plain, languages=tuple(partner.languages))


def must_be_one_kind(partner: Partner, survivor: Partner) -> None:
    """Refuse two records that cannot be one institution."""
    if partner.id == survivor.id:
        raise MergeIntoItself("'into' is the partner itself.", field="/into", fix="Name the other record of the same institution.")
    must_be_one_world([partner.id, survivor.id], "/into")
    if partner.kind != survivor.kind:
        detail = f"The one is of the kind {partner.kind}, the other of the kind {survivor.kind}."
        raise KindsDiffer(detail, field="/into", fix="Correct the kind of one of them with PATCH first.")


def must_be_told_of(partner: Partner) -> None:
    """Refuse to tell of a merge of a partner that nobody has heard of."""
    if partner.is_untold:
        detail = f"The partner is in the state '{partner.state}': it has nothing yet that could pass to another."
        fix = "Verify it first, or leave it as it is and go on with the other."
        raise PartnerNotActive(detail, field="path/partner", fix=fix, partner=partner.id, state=partner.state)


def must_not_agree(agreements: Sequence[str]) -> None:
    """Refuse to make one party of two that have agreed with each other."""
    if agreements:
        detail = f"Both are parties of {len(agreements)} agreement(s) that have not ended."
        raise BothParties(detail, field="/into", fix="End or abandon these agreements first.", agreements=list(agreements))


def must_not_belong(memberships: Sequence[str]) -> None:
    """Refuse to make one partner of a network and its member."""
    if memberships:
        detail = "One of the two is a member of the other, today or in days to come."
        raise OneIsAMember(detail, field="/into", fix="End these memberships first.", memberships=list(memberships))
