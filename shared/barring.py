"""Who may change nothing for now: what the edge asks before each change by a known caller, and how whoever may not act is refused."""

from collections.abc import Awaitable, Callable
from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Caller
from shared.refusals import Conflict, Forbidden

Bar = Callable[[AsyncSession, Caller], Awaitable[None]]
"""Asked in the transaction of the change, before anything else; raises the refusal of whoever may not act now."""


class PartnerBarred(Forbidden):
    """The caller's partner is suspended or archived: ``state``, and the ``reason`` of it. It may read; ask the operator to resume it."""

    code = "partner-barred"
    title = "The caller's partner may not act now."

    def __init__(self, state: str, reason: str | None) -> None:
        """The same words in every service."""
        detail = f"Your partner is {state}: it may read, and change nothing."
        super().__init__(detail, fix="Ask the platform's operator.", state=state, reason=reason)


class PartnerNotActive(Conflict):
    """A partner named in the request is not active: ``partner`` and its ``state``. Only active partners become parties, join or act."""

    code = "partner-not-active"
    title = "A partner named in the request is not active."

    @classmethod
    def named(cls, partner: str, state: str, field: str, fix: str = "Name an active partner.") -> Self:
        """The refusal of this partner, which stands in this ``field`` of the request, or because of which that is refused."""
        detail = f"The partner {partner} is in the state '{state}'."
        return cls(detail, field=field, fix=fix, partner=partner, state=state)
