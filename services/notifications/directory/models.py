"""Views of what the partners service said; filled by handlers alone, and rebuilt from the log at any time."""

from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from services.notifications.models import Model
from shared.db import Key
from shared.refusals import Invalid
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
    heard_at: Mapped[datetime]


class MergedPartner(Merged, Model):
    """For whom the id of a merged partner stands; subscriptions, audiences and notices are read through it, never written anew."""


class PartnerStanding(Standing, Model):
    """A partner that was ever suspended or archived, and whether it is now; whoever is not here is active."""


class KnownMembership(Model):
    """A partner in a network, from a day to a day, both inclusive."""

    __tablename__ = "known_membership"

    id: Mapped[str] = mapped_column(Key, primary_key=True)
    partner: Mapped[str] = mapped_column(Key, index=True)
    network: Mapped[str] = mapped_column(Key)
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    heard_at: Mapped[datetime]


class KnownAgreement(Model):
    """A signed agreement as far as a message about it, or about something under it, must know it.

    Drafts and negotiations are never kept here, so nothing of them can leak from here. ``audience`` (partner ids) is that of
    the latest fact: who is no longer in it is no longer told.
    """

    __tablename__ = "known_agreement"

    id: Mapped[str] = mapped_column(Key, primary_key=True)
    code: Mapped[str]
    kind: Mapped[str]
    titles: Mapped[dict[str, str]]
    parties: Mapped[list[dict[str, Any]]]
    lines: Mapped[list[str]]
    topics: Mapped[list[str]] = mapped_column(server_default="{}")
    visibility: Mapped[str]
    audience: Mapped[list[str]] = mapped_column(ARRAY(Key))
    heard_at: Mapped[datetime]


class RevokedClient(Model):
    """A client whose tokens are refused when they were issued until then, or a secret of one, whose tokens are refused from then on.

    Read by every process that answers, once a second.
    """

    __tablename__ = "revoked_client"

    id: Mapped[str] = mapped_column(primary_key=True)
    revoked_at: Mapped[datetime] = mapped_column(index=True)


VIEWS: Final = (KnownPartner, MergedPartner, PartnerStanding, KnownMembership, KnownAgreement, RevokedClient)
"""All that the handlers of this room fill, and nobody else: what a rebuild empties."""


class UnknownPartner(Invalid):
    """The request names a partner that this service has not heard of. Correct the id, or if it is new, send the same again."""

    code = "unknown-partner"
    title = "A partner named in the request is not known here."
