"""The one metadata of the partners database, on which every room's tables hang, and the words that rooms share."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from sqlalchemy import ARRAY, DateTime, MetaData, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase

from shared.db import NAMING


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


@dataclass(frozen=True, slots=True)
class Seen:
    """A thing as the caller read it: its id, and the version from ``If-Match`` (None where the route asks for none)."""

    id: str
    version: int | None = None


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
