"""How a membership ends whose partner or network is archived."""

from datetime import date

from services.partners.models import day_after
from services.partners.networks.models import Membership
from shared.events import MembershipEnded


def end_with(membership: Membership, day: date, reason: str) -> MembershipEnded | None:
    """It ends with this day, or with its first if that is yet to come; None when it is over by then anyway."""
    last = max(day, membership.valid_from)
    following = day_after(last)
    is_over = following is not None and membership.term.over_on(following)
    return None if is_over else membership.end(last, reason)
