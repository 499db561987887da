"""What a message says of a partner's own affairs: its memberships, its record in the registry, the secrets of its systems."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from services.notifications.alerts.labels import LIKENESSES, ROLES, label
from services.notifications.alerts.phrases import day, listed, moment, one_line, percent, text_in
from shared.events import (
    ClientExpiryWarned,
    Event,
    MembershipApproved,
    MembershipLapsed,
    MembershipLapseWarned,
    PartnerDuplicateSuspected,
    Suspect,
)
from shared.events.partners import Names

AFFAIRS: Final = (MembershipApproved, MembershipLapseWarned, MembershipLapsed, PartnerDuplicateSuspected, ClientExpiryWarned)
"""The facts told in these words."""

OF_A_MEMBERSHIP: Final = (MembershipApproved, MembershipLapseWarned, MembershipLapsed)


def affected(fact: Event) -> dict[str, Names]:
    """The partners that such a fact is about, the one it concerns first, by what they are called in it; empty for any other fact."""
    if isinstance(fact, OF_A_MEMBERSHIP):
        return {fact.partner: fact.partner_names, fact.network: fact.network_names}
    if isinstance(fact, PartnerDuplicateSuspected):
        return {fact.partner: fact.names} | {suspect.partner: suspect.names for suspect in fact.suspects}
    return {fact.partner: fact.names} if isinstance(fact, ClientExpiryWarned) else {}


def affair(fact: Event, language: str, timezone: str) -> dict[str, Any]:
    """What a template of such a fact may put in place; hours are those of ``timezone``."""
    if isinstance(fact, OF_A_MEMBERSHIP):
        return _membership(fact, language)
    if isinstance(fact, PartnerDuplicateSuspected):
        suspects = [_suspect(suspect, language) for suspect in fact.suspects]
        return {"partner": text_in(fact.names, language), "partner_id": fact.partner, "suspects": suspects}
    assert isinstance(fact, ClientExpiryWarned)
    return {
        "partner": text_in(fact.names, language),
        "client": one_line(fact.client_name),
        "client_id": fact.client,
        "expires_at": moment(fact.expires_at, timezone, language),
    }


def _membership(fact: MembershipApproved | MembershipLapseWarned | MembershipLapsed, language: str) -> dict[str, Any]:
    words: dict[str, Any] = {
        "partner": text_in(fact.partner_names, language),
        "network": text_in(fact.network_names, language),
        "last_day": day(fact.valid_to, language) if fact.valid_to else None,
    }
    if isinstance(fact, MembershipApproved):
        return words | {"role": label(ROLES, fact.role, language), "first_day": day(fact.valid_from, language)}
    over = fact.lapses_on if isinstance(fact, MembershipLapseWarned) else fact.lapsed_on
    return words | {"over_from": day(over, language), "grace": over > fact.valid_to + timedelta(days=1)}


def _suspect(suspect: Suspect, language: str) -> Mapping[str, Any]:
    ways = [LIKENESSES[language].get(way) or _quoted(way, language) for way in suspect.alike_by]
    return {
        "name": text_in(suspect.names, language),
        "id": suspect.partner,
        "near": percent(suspect.score, language),
        "alike_by": listed(ways, language) if ways else None,
    }


def _quoted(name: str, language: str) -> str:
    return f"«{one_line(name)}»" if language == "es" else f"“{one_line(name)}”"
