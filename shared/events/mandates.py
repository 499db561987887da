"""What the partners service publishes of mandates: who may approve or sign for whom, told to these two alone."""

from __future__ import annotations

from datetime import date

from shared.events.event import Event


class MandateRequested(Event, type="org.interurbe.mandate.requested.v1", owner="partners"):
    """The ``holder`` asks to act for the ``partner``."""

    mandate: str
    partner: str
    holder: str
    may_approve: bool
    may_sign: bool
    kinds: tuple[str, ...] = ()
    valid_from: date
    valid_to: date | None = None


class MandateGranted(Event, type="org.interurbe.mandate.granted.v1", owner="partners"):
    """The ``holder`` may act for the ``partner``, under agreements of these ``kinds`` (none named: all), between these days."""

    mandate: str
    partner: str
    holder: str
    may_approve: bool
    may_sign: bool
    kinds: tuple[str, ...] = ()
    valid_from: date
    valid_to: date | None = None


class MandateRevoked(Event, type="org.interurbe.mandate.revoked.v1", owner="partners"):
    """The ``holder`` may no longer act for the ``partner``, or was not let; what it did before stands."""

    mandate: str
    partner: str
    holder: str
    reason: str


class MandateExpired(Event, type="org.interurbe.mandate.expired.v1", owner="partners"):
    """The last day of a mandate is over."""

    mandate: str
    partner: str
    holder: str
    valid_to: date
