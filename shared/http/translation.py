"""What failures of the database mean to a caller: try again, changed meanwhile, cannot answer now."""

import asyncio
from typing import Final

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm.exc import StaleDataError

from shared.http.refusals import TooMuchToTell
from shared.outbox import TooLarge as FactTooLarge
from shared.refusals import Invalid, Refusal, Stale, Unavailable

_AGAIN: Final = frozenset({"40001", "40P01"})
_BUSY: Final = frozenset({"55P03", "57014", "25P03", "53300", "53400"})
_AWAY: Final = ("08", "57P")
_FIX: Final = "Try again after Retry-After seconds, with the same Idempotency-Key."


def sql_state(problem: BaseException) -> str | None:
    """The SQLSTATE that PostgreSQL gave for ``problem``, if any."""
    origin = problem.orig if isinstance(problem, DBAPIError) else problem
    state = getattr(origin, "sqlstate", None)
    return state if isinstance(state, str) else None


def worth_repeating(problem: BaseException) -> bool:
    """Whether the same transaction, run again, may well succeed: a serialization failure or a deadlock."""
    return sql_state(problem) in _AGAIN


def translated(problem: BaseException) -> Refusal | None:
    """The refusal a caller can act on; None when ``problem`` is a defect of ours."""
    if isinstance(problem, StaleDataError):
        return Stale("It changed while this request was being worked on.", field="If-Match", fix="Read it again and send its new ETag.")
    if isinstance(problem, FactTooLarge):
        return TooMuchToTell(str(problem), fix="Shorten the texts.")
    if _is_away(problem):
        return Unavailable("The database does not answer.", fix=_FIX)
    if sql_state(problem) in _BUSY | _AGAIN or isinstance(problem, PoolTimeout):
        return Unavailable("The database is busy.", fix=_FIX)
    if (sql_state(problem) or "").startswith("22"):
        return Invalid("A value in the request is beyond what can be stored.", fix="Send smaller numbers, or shorter texts.")
    return None


def _is_away(problem: BaseException) -> bool:
    state = sql_state(problem)
    if state is not None and state not in _BUSY:
        return state.startswith(_AWAY)
    if isinstance(problem, DBAPIError):
        return problem.connection_invalidated or isinstance(problem.orig, OSError) or _closed(problem.orig)
    return isinstance(problem, ConnectionError | asyncpg.InterfaceError | asyncpg.PostgresConnectionError | asyncio.TimeoutError)


def _closed(origin: BaseException | None) -> bool:
    cause = origin.__cause__ if origin is not None else None
    return isinstance(cause, OSError | asyncpg.InterfaceError | asyncpg.PostgresConnectionError | asyncio.TimeoutError)
