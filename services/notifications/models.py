"""The one metadata of the notifications database; every room's tables hang on it."""

from datetime import datetime
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
        dict[str, dict[str, str]]: JSONB,
        dict[str, Any]: JSONB,
        list[dict[str, Any]]: JSONB,
    }
