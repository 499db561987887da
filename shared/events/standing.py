"""What the partners service publishes of where a partner stands: asked to be verified, verified, suspended, archived."""

from __future__ import annotations

from datetime import date

from shared.events.event import Event
from shared.events.partners import Names


class PartnerVerificationRequested(Event, type="org.interurbe.partner.verification_requested.v1", owner="partners"):
    """A draft was handed in: the operator should look who it is. `PartnerRegistered` follows when that was found to be true."""

    partner: str
    kind: str
    names: Names
    country: str


class PartnerVerified(Event, type="org.interurbe.partner.verified.v1", owner="partners"):
    """Somebody made sure that the partner is who it says, until the end of the day ``valid_until`` where it is.

    ``method`` is ``document``, ``registry_lookup``, ``visit`` or ``network_vouch``; ``verified_by`` is the network that vouched, null
    for the platform's operator.
    """

    partner: str
    names: Names
    method: str
    verified_by: str | None = None
    valid_until: date


class PartnerVerificationRenewalAsked(Event, type="org.interurbe.partner.verification_renewal_asked.v1", owner="partners"):
    """The partner's verification ends with the day ``valid_until``: it should be verified again before."""

    partner: str
    names: Names
    valid_until: date


class PartnerVerificationLapsed(Event, type="org.interurbe.partner.verification_lapsed.v1", owner="partners"):
    """The partner's verification ended with ``valid_until`` and was not renewed; the partner is as active as before."""

    partner: str
    names: Names
    valid_until: date


class PartnerSuspended(Event, type="org.interurbe.partner.suspended.v1", owner="partners"):
    """The partner may read and no longer act, until it is resumed; what it did before stands."""

    partner: str
    names: Names
    reason: str


class PartnerResumed(Event, type="org.interurbe.partner.resumed.v1", owner="partners"):
    """The partner, which was suspended, may act again."""

    partner: str
    names: Names


class PartnerArchived(Event, type="org.interurbe.partner.archived.v1", owner="partners"):
    """The partner is on record for the past alone; nobody acts for it any more."""

    partner: str
    names: Names
    reason: str
