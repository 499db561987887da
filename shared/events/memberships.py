"""What the partners service publishes of a membership's life beside its beginning and its end: asked for, approved, running out, lapsed."""

from __future__ import annotations

from datetime import date

from shared.events.event import Event
from shared.events.partners import Names


class MembershipApproved(Event, type="org.interurbe.membership.approved.v1", owner="partners"):
    """The network took in a partner that had applied; `MembershipStarted` follows with what it entails."""

    membership: str
    partner: str
    network: str
    partner_names: Names
    network_names: Names
    role: str
    valid_from: date
    valid_to: date | None = None


class MembershipLapseWarned(Event, type="org.interurbe.membership.lapse_warned.v1", owner="partners"):
    """A membership is about to lapse: ``valid_to`` is its last day, ``lapses_on`` the first on which it no longer holds, grace included."""

    membership: str
    partner: str
    network: str
    partner_names: Names
    network_names: Names
    valid_to: date
    lapses_on: date


class MembershipLapsed(Event, type="org.interurbe.membership.lapsed.v1", owner="partners"):
    """A membership was not renewed and is over since ``lapsed_on``, the first day on which it no longer holds."""

    membership: str
    partner: str
    network: str
    partner_names: Names
    network_names: Names
    valid_to: date
    lapsed_on: date
