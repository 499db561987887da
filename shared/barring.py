"""Who may change nothing for now: what the edge asks before each change by a known caller."""

from collections.abc import Awaitable, Callable

from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Caller

Bar = Callable[[AsyncSession, Caller], Awaitable[None]]
"""Asked in the transaction of the change, before anything else; raises the refusal of whoever may not act now."""
