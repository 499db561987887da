"""How a membership ends whose partner or network is archived."""

from datetime import date

from services.partners.networks.days import next_day
from services.partners.networks.models import Membership
from shared.events import MembershipEnded


def end_with(membership: Membership, day: date, reason: str) -> MembershipEnded | None:
    """It ends with this day, or with its first if that is yet to come; None when it is over by then anyway."""
    last = max(day, membership.valid_from)
    return None if membership.term.over_on(next_day(last)) else membership.end(last, reason)
