"""Views of what the partners service said; filled by handlers alone, and rebuilt from the log at any time."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import Index, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from services.initiatives.models import Model
from shared.db import Key
from shared.standing import Standing
from shared.survivors import Merged


class KnownPartner(Model):
    """A partner as it was last described."""

    __tablename__ = "known_partner"

    id: Mapped[str] = mapped_column(Key, primary_key=True)
    kind: Mapped[str]
    names: Mapped[dict[str, str]]
    acronym: Mapped[str | None]
    country: Mapped[str]
    locality: Mapped[str | None]
    timezone: Mapped[str]
    languages: Mapped[list[str]] = mapped_column(ARRAY(Text))
    website: Mapped[str | None]
    hosted_by: Mapped[str | None] = mapped_column(Key)
    heard_at: Mapped[datetime]


class MergedPartner(Merged, Model):
    """Whom the id of a merged partner stands for; everything that names a partner is read through it."""


@dataclass(frozen=True, slots=True)
class Named:
    """Who a partner is now, whatever its id was when it was written down, and its names."""

    partner: str
    names: dict[str, str]


class PartnerStanding(Standing, Model):
    """A partner that was ever suspended or archived, and whether it is now; whoever is not here is active."""


class KnownMembership(Model):
    """A partner in a network, from a day to a day, both inclusive; only ``auto`` passes its agreements on, and to no observer."""

    __tablename__ = "known_membership"

    id: Mapped[str] = mapped_column(Key, primary_key=True)
    partner: Mapped[str] = mapped_column(Key, index=True)
    network: Mapped[str] = mapped_column(Key)
    role: Mapped[str]
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    inherits_agreements: Mapped[str]
    heard_at: Mapped[datetime]


class KnownAgreement(Model):
    """A signed agreement: ``parties`` and ``lines`` as a reader wants them, ``bound`` the parties whose role binds them to it.

    ``was`` of a party are those who stood where it stands, the first one first.

    Drafts and negotiations are never kept here, so nothing of them can leak from here. ``effective_on`` and ``expires_on``
    (the last day it is in force, none when it does not end) are days.
    """

    __tablename__ = "known_agreement"

    id: Mapped[str] = mapped_column(Key, primary_key=True)
    code: Mapped[str]
    kind: Mapped[str]
    titles: Mapped[dict[str, str]]
    state: Mapped[str]
    parties: Mapped[list[dict[str, Any]]]
    bound: Mapped[list[str]] = mapped_column(ARRAY(Key))
    lines: Mapped[list[dict[str, Any]]]
    revision: Mapped[int]
    signed_on: Mapped[date]
    effective_on: Mapped[date]
    expires_on: Mapped[date | None]
    visibility: Mapped[str]
    audience: Mapped[list[str]] = mapped_column(ARRAY(Key))
    heard_at: Mapped[datetime]

    __table_args__ = (
        Index("ix_known_agreement_bound", "bound", postgresql_using="gin"),
        Index("ix_known_agreement_audience", "audience", postgresql_using="gin"),
    )


class RevokedClient(Model):
    """A client whose tokens are refused when they were issued until then, or a secret of one, whose tokens are refused from then on.

    Read by every process that answers, once a second.
    """

    __tablename__ = "revoked_client"

    id: Mapped[str] = mapped_column(primary_key=True)
    revoked_at: Mapped[datetime] = mapped_column(index=True)


VIEWS: Final = (KnownPartner, MergedPartner, PartnerStanding, KnownMembership, KnownAgreement, RevokedClient)
"""All that the handlers of this room fill, and nobody else: what a rebuild empties."""
