"""What the partners service publishes of a membership's life: applied for, refused, withdrawn; renewed, in grace, suspended, resumed."""

from __future__ import annotations

from datetime import date

from shared.events.event import Event
from shared.events.partners import Names


class MembershipApplied(Event, type="org.interurbe.membership.applied.v1", owner="partners"):
    """A partner asked a network to take it in, from ``valid_from`` on if the network says no other day."""

    membership: str
    partner: str
    network: str
    partner_names: Names
    network_names: Names
    role: str
    valid_from: date
    inherits_agreements: str


class MembershipRejected(Event, type="org.interurbe.membership.rejected.v1", owner="partners"):
    """The network did not take in a partner that had applied."""

    membership: str
    partner: str
    network: str
    partner_names: Names
    network_names: Names
    reason: str


class MembershipApplicationWithdrawn(Event, type="org.interurbe.membership.application_withdrawn.v1", owner="partners"):
    """A partner no longer asks to be taken in."""

    membership: str
    partner: str
    network: str


class MembershipEnteredGrace(Event, type="org.interurbe.membership.entered_grace.v1", owner="partners"):
    """The last day of a membership, ``valid_to``, is over; it holds on until ``lapses_on``, unless it is renewed."""

    membership: str
    partner: str
    network: str
    partner_names: Names
    network_names: Names
    valid_to: date
    lapses_on: date


class MembershipRenewed(Event, type="org.interurbe.membership.renewed.v1", owner="partners"):
    """A membership goes on to a later last day; ``lapses_on`` is the first day on which it will no longer hold, grace included."""

    membership: str
    partner: str
    network: str
    role: str
    valid_from: date
    valid_to: date
    was_valid_to: date
    lapses_on: date


class MembershipSuspended(Event, type="org.interurbe.membership.suspended.v1", owner="partners"):
    """A membership passes nothing on from ``suspended_on`` until it is resumed; its days go on meanwhile."""

    membership: str
    partner: str
    network: str
    suspended_on: date


class MembershipResumed(Event, type="org.interurbe.membership.resumed.v1", owner="partners"):
    """A suspended membership holds again; ``lapses_on`` is the first day on which it will no longer, none when it is open."""

    membership: str
    partner: str
    network: str
    valid_from: date
    valid_to: date | None = None
    lapses_on: date | None = None
