"""How an agreement begins: somebody who may act for a party writes it down."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NotRequired, Self, TypedDict

from services.partners.agreements.record.models import Consent, Party, Record, Role, State
from services.partners.agreements.revisions.models import Author, Revision, Wanted, write
from services.partners.registry.views import PartnerRow
from shared.db import new_id
from shared.events import AgreementDrafted
from shared.refusals import Invalid


class Invited(TypedDict):
    """A party as the draft names it; who is required follows from the role unless it is said."""

    partner: str
    role: str
    required: NotRequired[bool]
    respond_by: NotRequired[str]
    signed_on: NotRequired[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What an agreement is besides its terms; code and time zone are chosen when they are not given."""

    kind: str
    titles: dict[str, str]
    parties: Sequence[Invited]
    visibility: str
    code: str | None = None
    timezone: str | None = None

    @property
    def partners(self) -> list[str]:
        """The parties' ids in the order given."""
        return [party["partner"] for party in self.parties]


class TooFewParties(Invalid):
    """An agreement binds at least two partners that sign it; observers and witnesses do not count."""

    code = "too-few-parties"
    title = "An agreement needs at least two signatories."


class PartyTwice(Invalid):
    """Each partner is party to an agreement once, in one role."""

    code = "party-twice"
    title = "A partner is named as a party more than once."


class Drafting(Record):
    """An agreement as it is first written."""

    __abstract__ = True

    @classmethod
    def draft(
        cls, frame: Frame, wanted: Wanted, known: Mapping[str, PartnerRow], author: Author
    ) -> tuple[Self, Revision, AgreementDrafted]:
        """A draft with its first revision, which its writer alone knows of, and the fact of it."""
        agreement = cls.framed(frame, known, author)
        _check_answers(frame.parties, agreement.today(author.now))
        revision = write(agreement, wanted, author)
        return agreement, revision, AgreementDrafted(agreement=agreement.id, about=agreement.about(), drafted_by=author.partner)

    @classmethod
    def framed(cls, frame: Frame, known: Mapping[str, PartnerRow], author: Author) -> Self:
        """An agreement without terms yet; refuses parties that cannot make one. ``known`` are its parties' profiles by id."""
        check_parties(frame.parties)
        identity = new_id()
        return cls(
            id=identity,
            code=frame.code or f"{frame.kind.upper().replace('_', '-')}-{author.now:%Y}-{identity[-6:].upper()}",
            kind=frame.kind,
            titles=frame.titles,
            state=State.DRAFT,
            visibility=frame.visibility,
            timezone=frame.timezone or known[frame.partners[0]].timezone,
            drafted_by=author.partner,
            parties=[_party(party, known[party["partner"]]) for party in frame.parties],
            party_ids=frame.partners,
            revision=0,
            evidence=[],
            historic=False,
            created_at=author.now,
        )


def check_parties(parties: Sequence[Invited]) -> None:
    """Refuse fewer than two signatories, and the same partner twice."""
    for partner, times in Counter(party["partner"] for party in parties).items():
        if times > 1:
            place = max(place for place, party in enumerate(parties) if party["partner"] == partner)
            field = f"/parties/{place}/partner"
            raise PartyTwice(f"The partner {partner} is named {times} times.", field=field, fix="Name each partner once.")
    if sum(party["role"] == Role.SIGNATORY and party.get("required", True) for party in parties) < 2:
        fix = "Name another party with the role 'signatory' that is required to sign."
        raise TooFewParties("Fewer than two parties are signatories that must sign.", field="/parties", fix=fix)


def _party(invited: Invited, known: PartnerRow) -> Party:
    party: Party = {
        "partner": invited["partner"],
        "role": invited["role"],
        "required": invited.get("required", invited["role"] == Role.SIGNATORY),
        "consent": Consent.UNBOUND,
        "names": known.names,
    }
    if known.acronym is not None:
        party["acronym"] = known.acronym
    if "respond_by" in invited:
        party["respond_by"] = invited["respond_by"]
    return party


def _check_answers(parties: Sequence[Invited], today: date) -> None:
    for place, party in enumerate(parties):
        if party.get("respond_by", today.isoformat()) < today.isoformat():
            fix = f"Send a day from {today} on, or leave it out."
            raise Invalid("The day to answer by is past.", field=f"/parties/{place}/respond_by", fix=fix)
