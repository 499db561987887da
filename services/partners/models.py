"""The one metadata of the partners database, on which every room's tables hang, and the words that rooms share."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar

from sqlalchemy import ARRAY, ColumnElement, DateTime, MetaData, Text, and_, or_
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase

from shared.db import NAMING
from shared.refusals import Conflict, Stale


class Model(DeclarativeBase):
    """A table of this service: times carry their zone, texts have no length of their own, open structures are JSONB."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: DateTime(timezone=True),
        str: Text(),
        list[str]: ARRAY(Text),
        dict[str, str]: JSONB,
        dict[str, Any]: JSONB,
        list[dict[str, Any]]: JSONB,
    }


class WrongState(Conflict):
    """What was asked is not possible in the present state of the thing: ``state``. ``allowed`` lists what is."""

    code = "wrong-state"
    title = "The state of the thing does not allow this."


@dataclass(frozen=True, slots=True)
class Seen:
    """A thing as the caller read it: its id, and the version from ``If-Match`` (None where the route asks for none)."""

    id: str
    version: int | None = None

    def must_be_current(self, version: int, what: str) -> None:
        """Refuse with Stale a change that was decided on another version of ``what`` than this present one; None was decided on any."""
        if self.version is not None and self.version != version:
            detail = f"The {what} is at version {version}, not {self.version}."
            raise Stale(detail, field="If-Match", fix="Read it again.", version=version)


def plain(said: Mapping[Any, Any]) -> dict[str, Any]:
    """The same with days and times as JSON tells them."""
    return {**said, **{name: value.isoformat() for name, value in said.items() if isinstance(value, date)}}


def covers(first: Any, last: Any, day: Any) -> ColumnElement[bool]:
    """The condition that a day is one of those from ``first`` to ``last``, both included; a ``last`` that is NULL is still to come."""
    return and_(first <= day, or_(last.is_(None), last >= day))


def day_after(last: date | None) -> date | None:
    """The first day on which what ends with ``last`` is no more; None when that never comes: an open end, or the last day there is."""
    return None if last is None or last == date.max else last + timedelta(days=1)


class AgreementKind(StrEnum):
    """What sort of agreement: of a record of one, and of those a mandate is for."""

    MOU = "mou"
    ALLIANCE = "alliance"
    LETTER_OF_INTENT = "letter_of_intent"
    SISTER_CITY = "sister_city"
    FRIENDSHIP = "friendship"
    TECHNICAL_COOPERATION = "technical_cooperation"
    NETWORK_ACCESSION = "network_accession"
    DATA_SHARING = "data_sharing"
    OTHER = "other"
