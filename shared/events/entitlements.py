"""What the partners service publishes of entitlements: who may take part in what, since when, and why."""

from __future__ import annotations

from shared.events.event import Event, Value


class EntitlementStep(Value):
    """One membership on the way from a partner to the party that is bound."""

    membership: str
    partner: str
    network: str


class EntitlementGranted(Event, type="org.interurbe.entitlement.granted.v1", owner="partners"):
    """A partner may use these lines of an agreement in force: it is the ``party`` itself, or a member of it by the steps of ``path``."""

    entitlement: str
    partner: str
    agreement: str
    lines: tuple[str, ...]
    party: str
    path: tuple[EntitlementStep, ...] = ()
    reason: str


class EntitlementWithdrawn(Event, type="org.interurbe.entitlement.withdrawn.v1", owner="partners"):
    """A partner may no longer use these lines: no path is left. ``path`` is the one that it last had, ``reason`` what cut it."""

    entitlement: str
    partner: str
    agreement: str
    lines: tuple[str, ...]
    party: str
    path: tuple[EntitlementStep, ...] = ()
    reason: str


class MembershipOptedIn(Event, type="org.interurbe.membership.opted_in.v1", owner="partners"):
    """A member decided to take part in an agreement of its network."""

    membership: str
    partner: str
    network: str
    agreement: str


class MembershipOptedOut(Event, type="org.interurbe.membership.opted_out.v1", owner="partners"):
    """A member decided not to take part in an agreement of its network."""

    membership: str
    partner: str
    network: str
    agreement: str
