"""What the partners service publishes when two records turn out to be one partner: what became of each, and the way back."""

from __future__ import annotations

from shared.events.event import Event, Value
from shared.events.partners import Names, PartnerProfile


class PartnerMerged(Event, type="org.interurbe.partner.merged.v1", owner="partners"):
    """The ``partner`` was the partner ``into`` all along: whoever is asked for the old id answers with the other.

    What belonged to it is told by facts of its own: `AgreementPartySucceeded`, `MembershipSucceeded`, entitlements granted and withdrawn.
    """

    partner: str
    into: str
    names: Names
    reason: str | None = None


class PartnerMergeUndone(Event, type="org.interurbe.partner.merge_undone.v1", owner="partners"):
    """The ``partner`` was not the partner ``into`` after all: it is active again, by this profile."""

    partner: str
    into: str
    profile: PartnerProfile
    reason: str | None = None


class AgreementPartySucceeded(Event, type="org.interurbe.agreement.party_succeeded.v1", owner="partners"):
    """In the agreement ``successor`` stands where ``partner`` stood: the terms, the consents and every hash are as they were.

    ``because`` is ``merged`` or ``merge_undone``.
    """

    agreement: str
    partner: str
    successor: str
    names: Names
    acronym: str | None = None
    because: str


class MembershipSucceeded(Event, type="org.interurbe.membership.succeeded.v1", owner="partners"):
    """A membership belongs to other partners than before: the days and the role are as they were.

    ``partner`` and ``network`` are those from now on, ``was_partner`` and ``was_network`` those until now (one of the two differs).
    ``because`` is ``merged`` or ``merge_undone``.
    """

    membership: str
    partner: str
    network: str
    was_partner: str
    was_network: str
    because: str


class Suspect(Value):
    """A partner that another seems to be: how near (up to 1), and because of which names."""

    partner: str
    names: Names
    score: float
    alike_by: tuple[str, ...] = ()


class PartnerDuplicateSuspected(Event, type="org.interurbe.partner.duplicate_suspected.v1", owner="partners"):
    """A partner was registered although it seems to be one of the ``suspects``: somebody should look, and merge them if so."""

    partner: str
    names: Names
    suspects: tuple[Suspect, ...]
