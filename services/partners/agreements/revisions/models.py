"""A revision of the terms: immutable once written, chained to the one before it by that one's hash."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self, cast

from sqlalchemy import JSON, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from services.partners.agreements.canonical.models import HASH_ALG, Content, canonical, hash_of
from services.partners.agreements.record.models import Record
from services.partners.agreements.terms.models import (
    Attachment,
    Terms,
    Wording,
    authentic,
    blockers,
    check_attachments,
    check_texts,
    settled,
    succeeded,
)
from services.partners.models import Model
from services.partners.registry.refusals import PartnerIsMerged
from shared.db import Key


@dataclass(frozen=True, slots=True)
class Wanted:
    """Terms, full texts and attachments as somebody wants them to be."""

    terms: Terms
    texts: dict[str, Wording]
    attachments: Sequence[Attachment]


class Revision(Model):
    """One version of what is agreed; ``canonical`` holds the approved bytes themselves, kept for ever."""

    __tablename__ = "agreement_revision"

    agreement: Mapped[str] = mapped_column(Key, ForeignKey("agreement.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    prev_hash: Mapped[str | None]
    terms_hash: Mapped[str]
    hash_alg: Mapped[str]
    canonical: Mapped[bytes]
    texts: Mapped[dict[str, Wording]] = mapped_column(JSON)
    attachments: Mapped[list[Attachment]] = mapped_column(JSON)
    proposed_by: Mapped[str] = mapped_column(Key)
    proposed_at: Mapped[datetime]

    def says_the_same_as(self, other: Self) -> bool:
        """Whether terms, texts (translations too) and attachments are those of the other revision."""
        same = (self.texts, self.attachments) == (other.texts, other.attachments)
        return same and terms_of(self.canonical) == terms_of(other.canonical)


def terms_of(data: bytes) -> Terms:
    """The terms inside a revision's canonical bytes."""
    return cast(Terms, json.loads(data)["terms"])


@dataclass(frozen=True, slots=True)
class Author:
    """Who writes a revision (a partner id), and when."""

    partner: str
    now: datetime


def write(record: Record, wanted: Wanted, author: Author) -> Revision:
    """The next revision of the agreement's terms, which becomes its current one; refuses terms that break a rule."""
    check_texts(wanted.texts)
    check_attachments(wanted.attachments)
    before = record.current if record.revision else None
    successors = record.successors()
    _must_name_successors(wanted.terms, successors)
    terms = settled(wanted.terms, record.party_ids, succeeded(before["terms"], successors) if before else None)
    content = _content(record, replace(wanted, terms=terms), before["terms_hash"] if before else None)
    data = canonical(content)
    record.current = {
        "number": content["number"],
        "prev_hash": content["prev_hash"],
        "terms_hash": hash_of(data),
        "hash_alg": HASH_ALG,
        "terms": terms,
        "texts": {language: wording["status"] for language, wording in wanted.texts.items()},
        "attachments": wanted.attachments,
        "blockers": blockers(terms, wanted.texts),
        "proposed_by": author.partner,
        "proposed_at": author.now.isoformat(),
    }
    record.revision = content["number"]
    record.lines = [line["line"] for line in terms["lines"]]
    return _kept(record, data, wanted.texts)


def _must_name_successors(terms: Terms, successors: Mapping[str, str]) -> None:
    for place, line in enumerate(terms["lines"]):
        for number, commitment in enumerate(line["commitments"]):
            for side, partner in (("giver", commitment["giver"]), ("receiver", commitment["receiver"])):
                if partner in successors:
                    raise PartnerIsMerged(partner, successors[partner], f"/terms/lines/{place}/commitments/{number}/{side}")


def _content(record: Record, wanted: Wanted, prev_hash: str | None) -> Content:
    return {
        "agreement_id": record.id,
        "number": record.revision + 1,
        "prev_hash": prev_hash,
        "kind": record.kind,
        "parties": record.party_ids,
        "terms": wanted.terms,
        "texts": authentic(wanted.texts),
        "attachments": [attachment["sha256"] for attachment in wanted.attachments],
    }


def _kept(record: Record, data: bytes, texts: dict[str, Wording]) -> Revision:
    current = record.current
    return Revision(
        agreement=record.id,
        number=current["number"],
        prev_hash=current["prev_hash"],
        terms_hash=current["terms_hash"],
        hash_alg=current["hash_alg"],
        canonical=data,
        texts=texts,
        attachments=list(current["attachments"]),
        proposed_by=current["proposed_by"],
        proposed_at=datetime.fromisoformat(current["proposed_at"]),
    )
