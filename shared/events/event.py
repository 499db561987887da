"""The grammar of a fact: one frozen class per event type and version, its name and topic derived and checked."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

_TYPE = re.compile(r"^org\.interurbe\.(?P<subject>[a-z_]+)\.(?P<fact>[a-z_]+)\.v(?P<version>[1-9][0-9]*)$")

EVENTS: dict[str, type[Event]] = {}
"""Every event type this code knows, by its CloudEvents ``type``."""


class Value(BaseModel):
    """A part of a fact: frozen, and deaf to fields it does not know (a newer publisher may add some)."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Event(Value):
    """Something that happened, with enough in it to act on without asking back.

    A subclass names its CloudEvents type: ``class AgreementSigned(Event, type="org.interurbe.agreement.signed.v1")``.
    The topic follows from the module the class lives in (``shared/events/partners.py`` → ``interurbe.partners``), or from ``owner``,
    the service that publishes it, where the module is named after something else.
    Ids and public names only, never a mail address or other personal data: a log forgets nothing.
    """

    TYPE: ClassVar[str]
    TOPIC: ClassVar[str]
    SUBJECT: ClassVar[str]
    FACT: ClassVar[str]
    VERSION: ClassVar[int]

    def __init_subclass__(cls, *, type: str, owner: str | None = None, **kwargs: Any) -> None:  # noqa: A002 - the CloudEvents attribute's own name
        """Register the class under its type; refuse a name that is not of the grammar or is taken."""
        super().__init_subclass__(**kwargs)
        parts = _TYPE.match(type)
        if parts is None:
            raise TypeError(f"{cls.__name__}: event type {type!r} is not org.interurbe.<subject>.<fact>.v<N>")
        if type in EVENTS:
            raise TypeError(f"{cls.__name__}: event type {type!r} belongs to {EVENTS[type].__name__}")
        cls.TYPE, cls.SUBJECT, cls.FACT = type, parts["subject"], parts["fact"]
        cls.VERSION = int(parts["version"])
        cls.TOPIC = f"interurbe.{owner or cls.__module__.rpartition('.')[2]}"
        EVENTS[type] = cls


def family(event_type: str) -> str:
    """The type without its version: ``org.interurbe.agreement.signed`` for every ``.vN`` of it."""
    return event_type.rpartition(".v")[0]
