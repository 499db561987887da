"""The sandbox: partners for trying out, told apart from real ones by their ids alone, so that no service need ask another.

The id of such a partner is a UUID of version 8 (RFC 9562, section 5.8), where every other id is of version 7. It never changes, goes
wherever the partner is named, and what concerns such a partner belongs to the sandbox: there is no flag that could be lost on the way.
"""

from typing import Any, Final

from sqlalchemy import ColumnElement, Text, cast, func

from shared.db import new_id

_PLACE: Final = 14
_OWN_VERSION: Final = "8"
IN_SANDBOX: Final = "substr(CAST({} AS text), 15, 1) = '8'"
"""SQL: the id in the braces is of a partner of the sandbox; false for NULL where it is asked for with ``IS TRUE``."""


def sandbox_id() -> str:
    """A new id for a partner of the sandbox: unique, and ascending with time as the others are."""
    made = new_id()
    return made[:_PLACE] + _OWN_VERSION + made[_PLACE + 1 :]


def in_sandbox(partner: str) -> bool:
    """Whether this is the id of a partner of the sandbox."""
    return len(partner) == 36 and partner[_PLACE] == _OWN_VERSION


def sandboxed(partner: Any) -> ColumnElement[bool]:
    """SQL: the same of a column."""
    return func.substr(cast(partner, Text), _PLACE + 1, 1) == _OWN_VERSION
