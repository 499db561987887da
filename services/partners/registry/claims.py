"""Who claims a name or an identifier takes turns with those who could claim the same, and with nobody else."""

from collections.abc import Iterable
from hashlib import blake2b
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

_NAMES: Final = 7_238_411
"""The advisory lock of this database for all names and identifiers together."""

_LOCKS: Final = text(
    "SELECT CAST(pg_advisory_xact_lock_shared(:names) AS text) "
    "UNION ALL SELECT CAST(pg_advisory_xact_lock(number) AS text) FROM unnest(CAST(:numbers AS bigint[])) AS wanted(number)"
)


async def one_at_a_time(session: AsyncSession) -> None:
    """Wait for whoever claims names or identifiers, and let nobody claim any until the transaction ends: for imports and merges."""
    await session.execute(text("SELECT pg_advisory_xact_lock(:names)"), {"names": _NAMES})


async def turn_to_claim(session: AsyncSession, identifiers: Iterable[tuple[str, str]], *, country: str | None = None) -> None:
    """Wait for whoever could claim the same: two registrations of one name at the same instant would not see each other.

    A name is compared with those of its ``country`` alone, an identifier is one for all of them. Everybody takes the locks in the same
    order, so nobody waits in a circle; those of one batch or merge would be too many, hence `one_at_a_time`.
    """
    places = [] if country is None else [_number(f"country {country}")]
    keys = sorted({_number(f"identifier {scheme} {value}") for scheme, value in identifiers})
    await session.execute(_LOCKS, {"names": _NAMES, "numbers": places + keys})


def _number(thing: str) -> int:
    return int.from_bytes(blake2b(thing.encode(), digest_size=8).digest(), "big", signed=True)
