"""Trackers: each promise of a signed agreement, followed from the day it was signed."""

from datetime import date, datetime
from typing import ClassVar, Final
from uuid import UUID, uuid5

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from services.initiatives.models import Model
from shared.db import Key
from shared.events import CommitmentPlanned, CommitmentTerms, Envelope, Event, Visibility
from shared.outbox import Aggregate, Reach

PLANNED: Final = "planned"

_TRACKERS: Final = UUID("0a9d2b52-0a5e-5f1f-9f0e-6a1f4c2b7d11")


class Tracker(Aggregate, Model):
    """One commitment of one agreement: who gives what to whom until when. ``commitment`` is its id within the agreement's terms.

    ``due`` is a day; ``quantity`` counts ``unit``. ``audience`` are the partners that may know of it.
    """

    __tablename__ = "commitment"
    SUBJECT: ClassVar[str] = "commitment"

    agreement: Mapped[str] = mapped_column(Key)
    commitment: Mapped[str]
    line: Mapped[str]
    giver: Mapped[str] = mapped_column(Key, index=True)
    receiver: Mapped[str] = mapped_column(Key, index=True)
    statement: Mapped[dict[str, str]]
    quantity: Mapped[float | None]
    unit: Mapped[str | None]
    due: Mapped[date | None]
    state: Mapped[str]
    visibility: Mapped[str]
    audience: Mapped[list[str]] = mapped_column(ARRAY(Key))
    planned_at: Mapped[datetime]

    __table_args__ = (
        UniqueConstraint("agreement", "commitment"),
        Index("ix_commitment_audience", "audience", postgresql_using="gin"),
    )

    @classmethod
    def of(cls, signing: Envelope, agreement: str, line: str, terms: CommitmentTerms) -> "Tracker":
        """The tracker of a commitment that was signed: as visible as the fact that it was."""
        return cls(
            id=tracker_id(agreement, terms.id),
            agreement=agreement,
            commitment=terms.id,
            line=line,
            giver=terms.giver,
            receiver=terms.receiver,
            statement=terms.statement,
            quantity=terms.quantity,
            unit=terms.unit,
            due=terms.due,
            visibility=signing.visibility,
            audience=list(signing.audience),
            planned_at=signing.time,
        )

    def plan(self) -> CommitmentPlanned:
        """Begin to follow it."""
        self.state = PLANNED
        return CommitmentPlanned(
            commitment=self.id,
            agreement=self.agreement,
            line=self.line,
            giver=self.giver,
            receiver=self.receiver,
            statement=self.statement,
            quantity=self.quantity,
            unit=self.unit,
            due=self.due,
        )

    def reach(self, fact: Event) -> Reach:
        """Whoever may know of the agreement."""
        return Reach(Visibility(self.visibility), tuple(self.audience))


def tracker_id(agreement: str, commitment: str) -> str:
    """The id of the tracker of a commitment: always the same for the same one, so that it is never followed twice."""
    return str(uuid5(_TRACKERS, f"{agreement}/{commitment}"))
