"""Why something cannot be done in the networks, each with what to do instead."""

from collections.abc import Sequence

from shared.refusals import Conflict, Invalid


class NoNetwork(Invalid):
    """The partner is not of a kind that has members. Name a network: a ``city_network``, ``multilateral``, ``ngo`` or ``other``."""

    code = "no-network"
    title = "The partner is not a network."


class MembershipOverlaps(Conflict):
    """The partner belongs to the network already in those days, by the membership in ``membership``. End that one first."""

    code = "membership-overlaps"
    title = "The partner is a member already in those days."


class MembershipOver(Conflict):
    """The membership has ended on that day or before. There is nothing left to end."""

    code = "membership-over"
    title = "The membership is over."


class MembershipState(Conflict):
    """The membership's status (``membership_status``) does not allow what was asked: ``allowed`` lists what is possible now."""

    code = "membership-state"
    title = "The membership's status does not allow this."


class MembershipCircle(Conflict):
    """The network would belong to itself by way of others, in ``circle``, on days that all these memberships share. End one of them."""

    code = "membership-circle"
    title = "A network cannot belong to itself through others."

    def __init__(self, circle: Sequence[str], names: Sequence[str]) -> None:
        """``circle`` are partner ids from the one that joins around to itself, ``names`` what they are called."""
        detail = f"It would close the circle {' → '.join(names)}."
        super().__init__(detail, field="/partner", fix="End one of the other memberships first, or send other days.", circle=list(circle))


class NothingToChoose(Conflict):
    """Observers, and members by ``inherits_agreements: no``, take part in nothing that the network signs: there is nothing to opt in to."""

    code = "nothing-to-choose"
    title = "The membership passes on no agreement."
