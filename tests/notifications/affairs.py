"""What the partners service says of a partner's own affairs: memberships that begin and lapse, likely duplicates, secrets that run out."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from shared.db import new_id
from shared.events import (
    ClientExpiryWarned,
    Envelope,
    MembershipApproved,
    MembershipChanged,
    MembershipLapsed,
    MembershipLapseWarned,
    PartnerDuplicateSuspected,
    Suspect,
    Visibility,
)
from tests.notifications.neighbours import PUBLIC, Neighbours, Reach

LAST_DAY = date(2026, 12, 31)
OVER_FROM = date(2027, 1, 31)
RUNS_OUT = datetime(2026, 12, 16, 3, 30, tzinfo=UTC)


def between_the_two(partner: str, *others: str) -> Reach:
    """Only these may know."""
    return Reach(Visibility.PARTIES, (partner, *others))


def approved(said: Neighbours, partner: str, network: str, reach: Reach = PUBLIC, **more: Any) -> Envelope:
    """A network takes in a partner that applied."""
    about = _about(said, partner, network)
    fact = MembershipApproved(**about | {"role": "member", "valid_from": date(2026, 1, 1), "valid_to": LAST_DAY} | more)
    return said.say(fact, fact.membership, reach)


def about_to_lapse(said: Neighbours, partner: str, network: str, **more: Any) -> Envelope:
    """A membership runs out soon; only the two know."""
    fact = MembershipLapseWarned(**_about(said, partner, network) | {"valid_to": LAST_DAY, "lapses_on": OVER_FROM} | more)
    return said.say(fact, fact.membership, between_the_two(partner, network))


def lapsed(said: Neighbours, partner: str, network: str, **more: Any) -> Envelope:
    """A membership was not renewed."""
    fact = MembershipLapsed(**_about(said, partner, network) | {"valid_to": LAST_DAY, "lapsed_on": OVER_FROM} | more)
    return said.say(fact, fact.membership)


def changed(said: Neighbours, partner: str, network: str, **more: str) -> Envelope:
    """A network makes a member something else, or lets something else pass to it."""
    was = {"role": "member", "was_role": "member", "inherits_agreements": "auto", "was_inherits_agreements": "auto"}
    fact = MembershipChanged(**_about(said, partner, network) | was | more)
    return said.say(fact, fact.membership)


def suspected(said: Neighbours, partner: str, *suspects: str, alike_by: tuple[str, ...] = ()) -> Envelope:
    """A partner was registered that is very much like these; all of them know."""
    near = tuple(Suspect(partner=each, names=said.names[each], score=0.929, alike_by=alike_by) for each in suspects)
    fact = PartnerDuplicateSuspected(partner=partner, names=said.names[partner], suspects=near)
    return said.say(fact, partner, between_the_two(partner, *suspects))


def runs_out(said: Neighbours, partner: str, name: str = "Portal de datos") -> Envelope:
    """A secret of a partner's system runs out; only the partner knows."""
    client = new_id()
    fact = ClientExpiryWarned(client=client, client_name=name, partner=partner, names=said.names[partner], expires_at=RUNS_OUT)
    return said.say(fact, client, between_the_two(partner))


def _about(said: Neighbours, partner: str, network: str) -> dict[str, Any]:
    names = {"partner_names": said.names[partner], "network_names": said.names[network]}
    return {"membership": new_id(), "partner": partner, "network": network, **names}
