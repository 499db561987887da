"""Partner: who exists, under which names, and the keys other systems know it by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Self

from sqlalchemy import ForeignKey, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from services.partners.models import Model
from services.partners.registry.names.models import fold, indexed
from services.partners.registry.standing.models import UNTOLD, State
from services.partners.registry.subdivisions import is_subdivision, what_to_send
from services.partners.registry.verifying.models import Verified
from shared.auth import PLATFORM
from shared.db import Key, new_id
from shared.events import (
    Event,
    PartnerArchived,
    PartnerDuplicateSuspected,
    PartnerMerged,
    PartnerMergeUndone,
    PartnerProfile,
    PartnerRegistered,
    PartnerUpdated,
    PartnerVerificationRenewalAsked,
    PartnerVerificationRequested,
    Suspect,
    Visibility,
)
from shared.outbox import Reach
from shared.refusals import Invalid
from shared.sandbox import in_sandbox, sandbox_id

MOST_ALIASES = 50
MOST_IDENTIFIERS = 50
SANDBOX_SCHEME = "sandbox."
"""How the schemes of identifiers begin in the sandbox, so that nothing there takes a key that a real partner will need."""


class Kind(StrEnum):
    """What sort of institution a partner is."""

    CITY = "city"
    CITY_NETWORK = "city_network"
    TECH_CENTRE = "tech_centre"
    GOVERNMENT = "government"
    MULTILATERAL = "multilateral"
    ACADEMIA = "academia"
    COMPANY = "company"
    NGO = "ngo"
    OTHER = "other"


NETWORK_KINDS = frozenset({Kind.CITY_NETWORK, Kind.MULTILATERAL, Kind.NGO, Kind.OTHER})
"""The kinds that may have members: a city, a centre, a ministry, a university or a company is no network."""


class TwoWorlds(Invalid):
    """The request joins a partner of the sandbox with a real one. Name partners of one kind only: see the field ``sandbox`` of each."""

    code = "sandbox-and-real"
    title = "A partner of the sandbox has nothing to do with a real one."


def must_be_one_world(partners: Sequence[str], field: str) -> None:
    """Raise `TwoWorlds` where some of these are real and some of the sandbox; ``{}`` in ``field`` is the place of the first other."""
    for place, partner in enumerate(partners):
        if in_sandbox(partner) != in_sandbox(partners[0]):
            which = ("real", "of the sandbox") if in_sandbox(partners[0]) else ("of the sandbox", "real")
            detail = f"The partner {partner} is {which[0]}, the partner {partners[0]} {which[1]}."
            raise TwoWorlds(detail, field=field.format(place), fix="Name partners of one kind only.", partner=partner)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """All that a partner says of itself; the names of the fields are those of the API and of the facts."""

    kind: str
    names: dict[str, str]
    country: str
    timezone: str
    acronym: str | None = None
    aliases: tuple[dict[str, Any], ...] = ()
    identifiers: tuple[tuple[str, str], ...] = ()
    subdivision: str | None = None
    locality: str | None = None
    languages: tuple[str, ...] = ()
    website: str | None = None
    hosted_by: str | None = None
    location: dict[str, float] | None = None

    def folded(self) -> list[str]:
        """Every name, alias and acronym in the one form in which they are compared."""
        return sorted(set(filter(None, map(fold, self.texts()))))

    def texts(self) -> list[str]:
        """Every name, alias and acronym as given."""
        return [*self.names.values(), *(alias["text"] for alias in self.aliases), *filter(None, [self.acronym])]

    def former_names(self, known: "Profile") -> tuple[dict[str, Any], ...]:
        """The names under which the partner ``known`` is known besides, when this was a profile of it too."""
        names: list[dict[str, Any]] = [{"text": text, "lang": lang, "kind": "former"} for lang, text in self.names.items()]
        names += [{"text": self.acronym, "lang": None, "kind": "former"}] if self.acronym else []
        new: dict[str, dict[str, Any]] = {}
        for alias in [*names, *self.aliases]:
            new.setdefault(alias["text"], alias)
        return tuple(alias for text, alias in new.items() if text not in known.texts())

    def said(self) -> dict[str, Any]:
        """The profile as facts and answers say it."""
        plain = {field.name: getattr(self, field.name) for field in fields(self)}
        return plain | {"identifiers": [{"scheme": scheme, "value": value} for scheme, value in self.identifiers]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """A profile somebody wants on record; ``force`` if a name near one of the country is no reason to refuse it.

    ``state`` is `active`, or `draft` for one that nobody else shall know of yet; ``sandbox`` puts it there, for ever.
    ``given`` names the fields that were said at all, ``key`` is the (scheme, value) by which the sender's own system knows the partner.
    """

    profile: Profile
    force: bool = False
    state: str = State.ACTIVE
    sandbox: bool = False
    given: frozenset[str] = frozenset()
    key: tuple[str, str] | None = None

    def over(self, known: Profile) -> dict[str, Any]:
        """What this changes in a profile already on record: the fields given, its keys added to the known ones."""
        changes = {name: getattr(self.profile, name) for name in self.given if name != "identifiers"}
        return changes | {"identifiers": tuple(sorted({*known.identifiers, *self.profile.identifiers}))}


class ExternalId(Model):
    """The partner's key in somebody else's system; one key names one partner."""

    __tablename__ = "external_id"

    scheme: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str] = mapped_column(primary_key=True)
    partner: Mapped[str] = mapped_column(Key, ForeignKey("partner.id"), index=True)


class Partner(Verified, Model):
    """An institution that cooperates; what it says of itself is public."""

    __tablename__ = "partner"
    __table_args__ = (
        Index("ix_partner_folded", "folded", postgresql_using="gin"),
        # Read often and written seldom: a list of entries still to be sorted in would be read by every search.
        Index("ix_partner_grams", "grams", postgresql_using="gin", postgresql_with={"fastupdate": False}),
        Index("ix_partner_country_kind", "country", "kind"),
    )
    SUBJECT: ClassVar[str] = "partner"

    kind: Mapped[str]
    names: Mapped[dict[str, str]]
    acronym: Mapped[str | None]
    aliases: Mapped[list[dict[str, Any]]]
    country: Mapped[str]
    subdivision: Mapped[str | None]
    locality: Mapped[str | None]
    timezone: Mapped[str]
    languages: Mapped[list[str]]
    website: Mapped[str | None]
    hosted_by: Mapped[str | None] = mapped_column(Key, ForeignKey("partner.id"))
    location: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    merged_into: Mapped[str | None] = mapped_column(Key, ForeignKey("partner.id"))
    folded: Mapped[list[str]]
    grams: Mapped[list[str]]
    registered_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    external_ids: Mapped[list[ExternalId]] = relationship(lazy="raise", cascade="all, delete-orphan", order_by=ExternalId.scheme)

    @classmethod
    def register(
        cls, profile: Profile, now: datetime, state: str = State.ACTIVE, *, sandbox: bool = False
    ) -> tuple[Self, PartnerRegistered]:
        """A new partner, active from ``now`` on or a draft, and the fact that introduces it."""
        partner = cls(id=sandbox_id() if sandbox else new_id(), state=state, registered_at=now, external_ids=[], verified=False)
        partner._become(profile, now)
        return partner, partner.introduced()

    def introduced(self) -> PartnerRegistered:
        """The fact by which others hear of it first: when it is active."""
        return PartnerRegistered(partner=self.id, profile=self._public())

    def update(self, changes: Mapping[str, Any], now: datetime) -> PartnerUpdated | None:
        """Take over the changed fields of the profile; None when they say nothing new."""
        before = self.profile()
        after = replace(before, **changes)
        changed = tuple(field.name for field in fields(Profile) if getattr(before, field.name) != getattr(after, field.name))
        if not changed:
            return None
        self._become(after, now)
        return PartnerUpdated(partner=self.id, profile=self._public(), changed=changed)

    def merge_into(self, survivor: str, reason: str | None, now: datetime) -> PartnerMerged:
        """It was the ``survivor`` all along: nobody finds it by a name any more, and its keys in other systems are free for the other."""
        self.state, self.merged_into, self.changed_at = State.MERGED, survivor, now
        self._let_go()
        return PartnerMerged(partner=self.id, into=survivor, names=self.names, reason=reason)

    def come_back(self, state: str, identifiers: tuple[tuple[str, str], ...], reason: str | None, now: datetime) -> PartnerMergeUndone:
        """It was another after all: it is in this state again, and found by its names and these keys."""
        into, self.state, self.merged_into = self.merged_into, state, None
        self._become(replace(self.profile(), identifiers=identifiers), now)
        return PartnerMergeUndone.model_validate({"partner": self.id, "into": into, "profile": self._public(), "reason": reason})

    def archive(self, reason: str, now: datetime) -> PartnerArchived | None:
        """As `Standing.archive` says; the names and keys of a draft are free for another."""
        archived = super().archive(reason, now)
        if archived is None:
            self._let_go()
        return archived

    def profile(self) -> Profile:
        """What the partner says of itself now."""
        plain = {field.name: getattr(self, field.name) for field in fields(Profile) if field.name != "identifiers"}
        identifiers = tuple(sorted((item.scheme, item.value) for item in self.external_ids))
        sequences = {"aliases": tuple(self.aliases), "languages": tuple(self.languages), "identifiers": identifiers}
        return Profile(**(plain | sequences))

    def suspect(self, suspects: Sequence[Mapping[str, Any]]) -> list[PartnerDuplicateSuspected]:
        """What is told of a partner that is on record although it might be one of these; nothing of drafts, of which nobody knows."""
        said = []
        for one in suspects:
            if one["state"] in UNTOLD:
                continue
            ways = dict.fromkeys(reason["how"] for reason in one["because"])
            said.append(Suspect(partner=one["id"], names=one["names"], score=one["score"], alike_by=tuple(ways)))
        return [PartnerDuplicateSuspected(partner=self.id, names=self.names, suspects=tuple(said))] if said else []

    def reach(self, fact: Event) -> Reach:
        """Everybody may know who exists; whom one might be, these alone; that it should be verified, it and the operator."""
        if isinstance(fact, PartnerDuplicateSuspected):
            return Reach(Visibility.PARTIES, (self.id, *(suspect.partner for suspect in fact.suspects)))
        if isinstance(fact, PartnerVerificationRequested | PartnerVerificationRenewalAsked):
            return Reach(Visibility.OWNER, (self.id, PLATFORM))
        return Reach(Visibility.PUBLIC, (self.id,))

    def _become(self, profile: Profile, now: datetime) -> None:
        self._keep_the_rules(profile)
        for field in fields(Profile):
            if field.name != "identifiers":
                value = getattr(profile, field.name)
                setattr(self, field.name, list(value) if isinstance(value, tuple) else value)
        self._known_as(set(profile.identifiers))
        self.folded = profile.folded()
        self.grams = indexed(profile.texts(), profile.kind, profile.locality, profile.identifiers)
        self.changed_at = now
        if self.state == State.ARCHIVED and self.is_untold:
            self._let_go()

    def _let_go(self) -> None:
        """It is found by no name any more, and its keys in other systems are free."""
        self.external_ids, self.folded, self.grams = [], [], []

    def _known_as(self, identifiers: set[tuple[str, str]]) -> None:
        kept = [item for item in self.external_ids if (item.scheme, item.value) in identifiers]
        new = identifiers - {(item.scheme, item.value) for item in kept}
        self.external_ids = kept + [ExternalId(scheme=scheme, value=value) for scheme, value in sorted(new)]

    def _keep_the_rules(self, profile: Profile) -> None:
        if not all(fold(name) for name in profile.names.values()):
            raise Invalid("A name needs at least one letter or digit.", field="/names", fix="Write the name in letters of any script.")
        if len(profile.aliases) > MOST_ALIASES:
            raise Invalid(f"A partner has at most {MOST_ALIASES} aliases.", field="/aliases", fix="Remove an alias first.")
        if len(profile.identifiers) > MOST_IDENTIFIERS:
            raise Invalid(f"A partner has at most {MOST_IDENTIFIERS} identifiers.", field="/identifiers", fix="Send fewer.")
        self._keep_to_the_country(profile)
        strange = [scheme for scheme, _ in profile.identifiers if scheme.startswith(SANDBOX_SCHEME) != in_sandbox(self.id)]
        if strange:
            detail = (
                f"The schemes of identifiers begin with '{SANDBOX_SCHEME}' in the sandbox, and only there; {strange[0]} is not allowed."
            )
            raise Invalid(detail, field="/identifiers", fix="Choose another scheme.")
        if profile.hosted_by == self.id:
            raise Invalid("A partner cannot be its own host.", field="/hosted_by", fix="Name another partner, or null.")

    def _keep_to_the_country(self, profile: Profile) -> None:
        country, subdivision = profile.country, profile.subdivision
        if subdivision is None:
            return
        if not subdivision.startswith(f"{country}-"):
            detail = f"{subdivision} is no subdivision of {country}: its ISO 3166-2 code begins with the country's."
            raise Invalid(detail, field="/subdivision", fix=what_to_send(country))
        # what is on record stays although the list has forgotten it, so that everything else about the partner can change
        if subdivision != self.subdivision and not is_subdivision(subdivision):
            raise Invalid(f"ISO 3166-2 knows no subdivision {subdivision}.", field="/subdivision", fix=what_to_send(country))

    def _public(self) -> PartnerProfile:
        return PartnerProfile.model_validate(self.profile().said())
