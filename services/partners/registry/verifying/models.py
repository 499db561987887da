"""Verification: somebody made sure that a partner is who it says, in some way, until some day."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ForeignKey, Index, false
from sqlalchemy.orm import Mapped, mapped_column

from services.partners.models import Model
from services.partners.registry.standing.models import Standing, State
from shared.auth import PLATFORM
from shared.db import Key, new_id
from shared.events import PartnerVerificationLapsed, PartnerVerificationRenewalAsked, PartnerVerified
from shared.refusals import Invalid

RENEWAL: Final = "partner.verification_due"
ENDS: Final = "partner.verification_ends"
"""The kinds of due acts by which somebody is asked to verify a partner again, and a verification lapses."""
ASKED_BEFORE: Final = timedelta(days=60)
USUALLY: Final = timedelta(days=730)
LONGEST: Final = timedelta(days=5 * 366)
IDENTITY: Final = frozenset({"names", "kind", "country"})
"""What somebody made sure of: a partner that changes one of these itself is verified no longer."""


class Method(StrEnum):
    """How somebody made sure."""

    DOCUMENT = "document"
    REGISTRY_LOOKUP = "registry_lookup"
    VISIT = "visit"
    NETWORK_VOUCH = "network_vouch"


@dataclass(frozen=True, slots=True)
class Proof:
    """How a partner was verified, until which day (None: two years from now), and the SHA-256 of what was seen."""

    method: str
    valid_until: date | None = None
    evidence_sha256: str | None = None

    def last_day(self, today: date) -> date:
        """Until when it counts; raises Invalid for a day that has passed or is too far."""
        last = self.valid_until or today + USUALLY
        fix = f"Send a day from {today} to {today + LONGEST}, or leave it out."
        if last < today:
            raise Invalid(f"A verification counts until a day to come; {last} has passed.", field="/valid_until", fix=fix)
        if last > today + LONGEST:
            raise Invalid("A verification counts for five years at the most.", field="/valid_until", fix=fix)
        return last


class Verification(Model):
    """That a partner was verified once: written then and never changed."""

    __tablename__ = "verification"
    __table_args__ = (Index("ix_verification_partner", "partner", "id"),)

    id: Mapped[str] = mapped_column(Key, primary_key=True)
    partner: Mapped[str] = mapped_column(Key, ForeignKey("partner.id"))
    method: Mapped[str]
    verified_by: Mapped[str | None] = mapped_column(Key)
    verified_at: Mapped[datetime]
    valid_until: Mapped[date]
    evidence_sha256: Mapped[str | None]

    @classmethod
    def of(cls, fact: PartnerVerified, proof: Proof, now: datetime) -> "Verification":
        """What is kept of this fact."""
        said = {name: getattr(fact, name) for name in ("partner", "method", "verified_by", "valid_until")}
        return cls(id=new_id(), verified_at=now, evidence_sha256=proof.evidence_sha256, **said)


class Verified(Standing):
    """A partner that is verified, or was, or never was."""

    __abstract__ = True

    verified: Mapped[bool] = mapped_column(default=False, server_default=false())
    verified_until: Mapped[date | None]

    def verify(self, method: str, until: date, by: str, now: datetime) -> PartnerVerified:
        """It is who it says, until the end of this day, whatever was said before; raises `WrongState`."""
        self._turn("verify", None, now)
        self.verified, self.verified_until, self.changed_at = True, until, now
        network = None if by == PLATFORM else by
        return PartnerVerified(partner=self.id, names=self.names, method=method, verified_by=network, valid_until=until)

    def ask_for_renewal(self) -> PartnerVerificationRenewalAsked:
        """Its verification ends soon."""
        return PartnerVerificationRenewalAsked(partner=self.id, names=self.names, valid_until=self._last_day())

    def lapse(self, now: datetime) -> PartnerVerificationLapsed:
        """Its verification is over; it stays as active as it was."""
        self.verified, self.changed_at = False, now
        return PartnerVerificationLapsed(partner=self.id, names=self.names, valid_until=self._last_day())

    def doubt(self, changed: Collection[str], now: datetime) -> list[PartnerVerificationLapsed]:
        """It says of itself that it is another than the one that was verified: that verification ended the day before."""
        if not self.is_kept_verified or not IDENTITY & set(changed):
            return []
        self.verified_until = self.today(now) - timedelta(days=1)
        return [self.lapse(now)]

    @property
    def is_kept_verified(self) -> bool:
        """Whether its verification still matters to anybody."""
        return self.verified and self.state not in (State.ARCHIVED, State.MERGED)

    def standing(self) -> dict[str, Any]:
        """Where it stands, in the words of its history."""
        until = self.verified_until.isoformat() if self.verified_until is not None else None
        return {**super().standing(), "verified": self.verified, "verified_until": until}

    def _last_day(self) -> date:
        assert self.verified_until is not None
        return self.verified_until
