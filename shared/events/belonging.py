"""What the partners service publishes of a change in how a partner belongs to a network: as what, and what passes to it."""

from __future__ import annotations

from shared.events.event import Event
from shared.events.partners import Names


class MembershipChanged(Event, type="org.interurbe.membership.changed.v1", owner="partners"):
    """A partner belongs to a network as something else, or what the network signs passes to it otherwise; its days stay.

    ``was_role`` and ``was_inherits_agreements`` are what they were before; of the two pairs one or both differ. Nothing passes to an
    ``observer``, whatever ``inherits_agreements`` says.
    """

    membership: str
    partner: str
    network: str
    partner_names: Names
    network_names: Names
    role: str
    was_role: str
    inherits_agreements: str
    was_inherits_agreements: str
