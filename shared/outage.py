"""Whose fault a failure is: the database's (read again later, set nothing aside) or the fact's (set it aside with the reason)."""

from __future__ import annotations

import errno

import asyncpg
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

_STATES = (
    "08", "28", "3D", "40001", "40P01", "53", "55P03", "57", "58", "XX", "25006",  # away, closed to us, busy, full, damaged, read-only
    "3F000", "42501", "42703", "42P01",  # not migrated yet, or not granted: no fact could pass
)  # fmt: skip
"""Beginnings of the SQLSTATEs that say nothing about the fact at hand."""

_FILES = {errno.ENOENT, errno.EISDIR, errno.ENOTDIR, errno.EEXIST, errno.ENAMETOOLONG, errno.EINVAL}
"""What the system says of files, not of connections: a handler looked for one, as a time zone's name makes it do."""


def is_outage(error: BaseException) -> bool:
    """Whether the database is to blame for an error met while facts were applied."""
    if isinstance(error, OSError) and not isinstance(error, TimeoutError):
        return error.errno not in _FILES
    if isinstance(error, TimeoutError | PoolTimeout):
        return True
    if isinstance(error, asyncpg.PostgresError | asyncpg.InterfaceError):
        return _says(getattr(error, "sqlstate", None) or "08")
    if not isinstance(error, DBAPIError):
        return False
    state = getattr(error.orig, "sqlstate", None)
    return error.connection_invalidated or (_says(state) if state else isinstance(error, InterfaceError | OperationalError))


def _says(state: object) -> bool:
    return str(state).startswith(_STATES)
