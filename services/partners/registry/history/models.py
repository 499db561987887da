"""A change of a partner's profile: each field's old and new value, when, and whose client made it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Self

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from services.partners.models import Model
from services.partners.registry.models import Partner, Profile
from shared.auth import PLATFORM, Caller
from shared.db import Key

_NOTHING: Final[tuple[Any, ...]] = (None, "", [], (), {})


class PartnerChange(Model):
    """What made a partner what it is at one version; written with the change and never again."""

    __tablename__ = "partner_change"

    partner: Mapped[str] = mapped_column(Key, ForeignKey("partner.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    client: Mapped[str]
    by_partner: Mapped[str] = mapped_column(Key)
    changes: Mapped[dict[str, Any]]

    @classmethod
    def of(cls, partner: Partner, before: Profile | None, caller: Caller, stood: Mapping[str, Any] | None = None) -> Self:
        """What a partner's last change was, as it is written already; ``before`` is None for its registration, ``stood`` its standing."""
        changes = differences(before, partner.profile()) | (_turns(stood, partner.standing()) if stood is not None else {})
        by = {"client": caller.client, "by_partner": caller.partner}
        return cls(partner=partner.id, version=partner.version, at=partner.changed_at, changes=changes, **by)

    @classmethod
    def turned(cls, partner: Partner, before: Mapping[str, Any], caller: Caller | None, now: datetime) -> Self:
        """How a partner's standing changed, as it is written already; without a ``caller`` its day had come."""
        changes = _turns(before, partner.standing())
        by = {"client": caller.client if caller else "", "by_partner": caller.partner if caller else PLATFORM}
        return cls(partner=partner.id, version=partner.version, at=now, changes=changes, **by)


def _turns(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: {"old": before[name], "new": after[name]} for name in after if before[name] != after[name]}


def differences(before: Profile | None, after: Profile) -> dict[str, dict[str, Any]]:
    """``{field: {old, new}}`` for each field that is not the same; of a new partner each field that says anything."""
    new = after.said()
    old = before.said() if before is not None else {name: value if value in _NOTHING else None for name, value in new.items()}
    return {name: {"old": old[name], "new": new[name]} for name in new if old[name] != new[name]}
