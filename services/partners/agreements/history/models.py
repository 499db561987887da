"""How an agreement signed long ago comes on record: as signed then, with its evidence, and recorded today."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Self

from services.partners.agreements.drafting.models import Drafting, Frame
from services.partners.agreements.record.models import Consent, Role
from services.partners.agreements.revisions.models import Author, Revision, Wanted, write
from services.partners.agreements.signing.models import Method, Signing
from services.partners.agreements.terms.models import Attachment, check_attachments, effective_on, expires_on
from services.partners.registry.views import PartnerRow
from shared.events import Event
from shared.refusals import Invalid


@dataclass(frozen=True, slots=True)
class Account:
    """An agreement of the past as somebody gives account of it: what it is and says, when the last party signed, what shows it."""

    frame: Frame
    wanted: Wanted
    signed_on: date
    evidence: Sequence[Attachment]


class History(Drafting, Signing):
    """An agreement that comes on record when everything is over."""

    __abstract__ = True

    @classmethod
    def recorded(cls, account: Account, known: Mapping[str, PartnerRow], author: Author) -> tuple[Self, Revision, list[Event]]:
        """The agreement as signed on a day of the past, with its first and only revision, and the facts of it."""
        agreement = cls.framed(account.frame, known, author)
        agreement.historic, agreement.known_since = True, author.now
        _check_days(account, agreement.today(author.now))
        check_attachments(account.evidence, "/evidence")
        agreement.evidence = list(account.evidence)
        revision = write(agreement, account.wanted, author)
        for party in account.frame.parties:
            if party["role"] == Role.SIGNATORY:
                agreement.note_old_signature(party["partner"], party.get("signed_on", account.signed_on.isoformat()))
        return agreement, revision, agreement.become_signed(account.signed_on, author.now)

    def note_old_signature(self, partner: str, day: str) -> None:
        """Write down that the party signed on paper, on a day of the past."""
        self.note(partner, {"consent": Consent.SIGNED, "consent_hash": self.terms_hash, "signed_on": day, "method": Method.WET_INK})


def _check_days(account: Account, today: date) -> None:
    signed_on, terms = account.signed_on, account.wanted.terms
    if signed_on > today:
        raise Invalid(f"{signed_on} is yet to come.", field="/signed_on", fix="Send the day of the last signature.")
    for place, party in enumerate(account.frame.parties):
        field = f"/parties/{place}/signed_on"
        if "signed_on" in party and party["role"] != Role.SIGNATORY:
            raise Invalid(f"A party as {party['role']} does not sign.", field=field, fix="Leave its day of signature out.")
        if party.get("signed_on", "") > signed_on.isoformat():
            raise Invalid(f"This is after {signed_on}, when the last party signed.", field=field, fix="Correct one of the two days.")
    last = expires_on(terms)
    if last is not None and last <= effective_on(terms, signed_on):
        raise Invalid(f"It would end on {last}, as it begins or before.", field="/terms/expires_on", fix="Send a later day.")
