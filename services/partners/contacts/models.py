"""Contact: a person a partner names for a purpose, and what is left of one who asked to be forgotten."""

from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Self

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from services.partners.models import Model
from shared.db import Key, new_id
from shared.refusals import Conflict, Invalid


class ContactRole(StrEnum):
    """What a person is named for."""

    SIGNATORY = "signatory"
    FOCAL_POINT = "focal_point"
    TECHNICAL = "technical"
    PRESS = "press"


class ContactErased(Conflict):
    """The person asked to be forgotten: nothing of the contact can be changed. Name a new contact."""

    code = "contact-erased"
    title = "The contact was erased."


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """What a partner says of a contact; ``valid_to`` is the last day, None when it is open. ``lines`` empty means all of them."""

    name: str
    roles: tuple[str, ...]
    language: str
    valid_from: date
    valid_to: date | None = None
    position: str | None = None
    email: str | None = None
    phone: str | None = None
    lines: tuple[str, ...] = ()


class Contact(Model):
    """A person named by a partner; ``erased_at`` tells that name, position, address and number are gone for good.

    The row keeps its id, roles, language and days: that somebody was named for this, then. No signature names a contact.
    """

    __tablename__ = "contact"
    __table_args__ = (
        CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name="days"),
        CheckConstraint("(erased_at IS NULL) = (name IS NOT NULL)", name="erased"),
        Index("ix_contact_partner", "partner", "id"),
    )

    id: Mapped[str] = mapped_column(Key, primary_key=True)
    partner: Mapped[str] = mapped_column(Key, ForeignKey("partner.id"))
    name: Mapped[str | None]
    position: Mapped[str | None]
    email: Mapped[str | None]
    phone: Mapped[str | None]
    roles: Mapped[list[str]]
    lines: Mapped[list[str]]
    language: Mapped[str]
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    recorded_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    erased_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - as SQLAlchemy reads it

    @classmethod
    def named(cls, partner: str, person: Person, now: datetime) -> Self:
        """A new contact of a partner; raises Invalid for days that cannot be."""
        contact = cls(id=new_id(), partner=partner, recorded_at=now, erased_at=None)
        contact._become(person, now)
        return contact

    def change(self, changes: dict[str, Any], now: datetime) -> bool:
        """Take over the changed fields; False when they say nothing new. Raises `ContactErased` or Invalid."""
        if self.erased_at is not None:
            raise ContactErased("The person asked to be forgotten.", fix="Name a new contact with POST /v1/partners/{partner}/contacts.")
        before = self._person()
        after = replace(before, **changes)
        if after == before:
            return False
        self._become(after, now)
        return True

    def erase(self, now: datetime) -> None:
        """Forget who the person is; erased once, it stays so."""
        if self.erased_at is None:
            self.name = self.position = self.email = self.phone = None
            self.erased_at = self.changed_at = now

    def _person(self) -> Person:
        said = {field.name: getattr(self, field.name) for field in fields(Person)}
        return Person(**(said | {"roles": tuple(self.roles), "lines": tuple(self.lines)}))

    def _become(self, person: Person, now: datetime) -> None:
        if person.valid_to is not None and person.valid_to < person.valid_from:
            fix = f"Send a day from {person.valid_from} on, or null."
            raise Invalid("The last day of a contact lies before its first.", field="/valid_to", fix=fix)
        for field in fields(Person):
            value = getattr(person, field.name)
            setattr(self, field.name, list(value) if isinstance(value, tuple) else value)
        self.changed_at = now
