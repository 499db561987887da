"""What a message says of a partner's own affairs: its memberships, its record in the registry, the secrets of its systems."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from services.notifications.alerts.labels import LIKENESSES, PASSED_ON, ROLES, label
from services.notifications.alerts.phrases import day, listed, moment, one_line, percent, text_in
from shared.events import (
    ClientExpiryWarned,
    Event,
    MembershipApproved,
    MembershipChanged,
    MembershipLapsed,
    MembershipLapseWarned,
    PartnerDuplicateSuspected,
    Suspect,
)
from shared.events.partners import Names

OF_A_MEMBERSHIP: Final = (MembershipApproved, MembershipLapseWarned, MembershipLapsed, MembershipChanged)

AFFAIRS: Final = (*OF_A_MEMBERSHIP, PartnerDuplicateSuspected, ClientExpiryWarned)
"""The facts told in these words."""

OBSERVER: Final = "observer"
"""Who is this in a network follows it without being bound by what it does."""


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


def _membership(fact: MembershipApproved | MembershipLapseWarned | MembershipLapsed | MembershipChanged, language: str) -> dict[str, Any]:
    words: dict[str, Any] = {"partner": text_in(fact.partner_names, language), "network": text_in(fact.network_names, language)}
    if isinstance(fact, MembershipChanged):
        return words | _change(fact, language)
    words["last_day"] = day(fact.valid_to, language) if fact.valid_to else None
    if isinstance(fact, MembershipApproved):
        return words | {"role": label(ROLES, fact.role, language), "first_day": day(fact.valid_from, language)}
    over = fact.lapses_on if isinstance(fact, MembershipLapseWarned) else fact.lapsed_on
    return words | {"over_from": day(over, language), "grace": over > fact.valid_to + timedelta(days=1)}


def _change(fact: MembershipChanged, language: str) -> dict[str, Any]:
    """What is another now, and what it was; None of what stays. To an observer nothing passes, whatever else is said."""
    passes, passed = (
        "no" if role == OBSERVER else way
        for role, way in ((fact.role, fact.inherits_agreements), (fact.was_role, fact.was_inherits_agreements))
    )
    another_role, another_way = fact.role != fact.was_role, passes != passed
    return {
        "role": label(ROLES, fact.role, language) if another_role else None,
        "was_role": label(ROLES, fact.was_role, language),
        "passes": label(PASSED_ON, passes, language) if another_way else None,
        "passed": label(PASSED_ON, passed, language),
    }


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
