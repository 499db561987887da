"""What the hash covers and what it does not, and when a day begins."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, date, datetime
from typing import Any, cast

import pytest

from services.partners.agreements.drafting.models import Frame
from services.partners.agreements.models import Agreement
from services.partners.agreements.revisions.models import Author, Revision, Wanted, write
from services.partners.agreements.terms.models import LINES, Terms
from services.partners.registry.views import PartnerRow

NOW = datetime(2025, 3, 4, 15, tzinfo=UTC)
MEDELLIN, KYIV, OTHER = (f"01939f6e-8f1a-7c3e-9b52-00000000000{number}" for number in (1, 2, 3))
KNOWN = {
    partner: PartnerRow(partner, "city", {"es": "Nombre"}, None, "CO", "America/Bogota", ("es",)) for partner in (MEDELLIN, KYIV, OTHER)
}
TEXTS = {"es": {"status": "authentic", "body": "Café"}, "en": {"status": "translation", "body": "Coffee"}}
ATTACHMENTS = [{"title": title, "media_type": "a/b", "sha256": sign * 64, "size": 1} for title, sign in (("A", "a"), ("B", "b"))]


def terms(**said: Any) -> dict[str, Any]:
    lines: list[dict[str, Any]] = [{"line": line, "topics": ["b", "a"], "text": {}, "commitments": []} for line in LINES]
    return {"lines": lines, "effective_rule": "on_signature", "renewal": "none", "notice_period_days": 0, "governing_languages": []} | said


def revision(**said: Any) -> Revision:
    """The first revision of an agreement with this id; what is said replaces what is there."""
    parts: dict[str, Any] = {"terms": terms(), "texts": TEXTS, "attachments": ATTACHMENTS, "partners": [MEDELLIN, KYIV]} | said
    parties = [{"partner": partner, "role": "signatory"} for partner in parts["partners"]]
    titles, visibility = parts.get("titles", {"es": "Alianza"}), parts.get("visibility", "parties")
    kind, code = parts.get("kind", "mou"), parts.get("code")
    frame = Frame(kind=kind, titles=titles, parties=cast(Any, parties), visibility=visibility, code=code, timezone=parts.get("timezone"))
    agreement = Agreement.framed(frame, KNOWN, Author(MEDELLIN, NOW))
    agreement.id = "01939f6e-a05d-7b0e-8c11-7d8e9f0a1b2c"
    wanted = Wanted(cast(Terms, deepcopy(parts["terms"])), parts["texts"], parts["attachments"])
    return write(agreement, wanted, Author(MEDELLIN, NOW))


@pytest.mark.parametrize(
    "said",
    [
        {"titles": {"es": "Otro título", "en": "Another"}},
        {"code": "MOU-1"},
        {"visibility": "public"},
        {"timezone": "Asia/Seoul"},
        {"texts": TEXTS | {"en": {"status": "translation", "body": "A better translation"}}},
        {"texts": {"es": TEXTS["es"]}},
        {"texts": TEXTS | {"uk": {"status": "missing"}}},
        {"terms": terms(lines=terms()["lines"][::-1])},
        {"terms": dict(reversed(terms().items()))},
        {"terms": terms(lines=[line | {"topics": ["a", "b"]} for line in terms()["lines"]])},
        {"partners": [KYIV, MEDELLIN]},
        {"attachments": ATTACHMENTS[::-1]},
        {"attachments": [attachment | {"title": "Otro"} for attachment in ATTACHMENTS]},
    ],
)
def test_what_is_outside_the_hash_leaves_it_alone(said: dict[str, Any]) -> None:
    assert revision(**said).canonical == revision().canonical
    assert revision(**said).terms_hash == revision().terms_hash


@pytest.mark.parametrize(
    "said",
    [
        {"kind": "alliance"},
        {"partners": [MEDELLIN, OTHER]},
        {"partners": [MEDELLIN, KYIV, OTHER]},
        {"texts": TEXTS | {"es": {"status": "authentic", "body": "Cafe"}}},
        {"texts": TEXTS | {"en": {"status": "authentic", "body": "Coffee"}}},
        {"terms": terms(notice_period_days=1)},
        {"terms": terms(expires_on="2030-01-01")},
        {"terms": terms(governing_languages=["es"])},
        {"terms": terms(lines=terms()["lines"][:3])},
        {"attachments": ATTACHMENTS[:1]},
    ],
)
def test_what_is_inside_the_hash_changes_it(said: dict[str, Any]) -> None:
    assert revision(**said).terms_hash != revision().terms_hash


def test_whole_numbers_are_written_without_a_fraction() -> None:
    line = terms()["lines"][0] | {"commitments": [{"giver": MEDELLIN, "receiver": KYIV, "statement": {"es": "Talleres."}, "quantity": 2.0}]}
    assert b'"quantity":2,' in revision(terms=terms(lines=[line])).canonical


@pytest.mark.parametrize(
    ("zone", "day", "instant"),
    [
        ("America/Bogota", date(2025, 1, 1), "2025-01-01T05:00:00+00:00"),
        ("Asia/Seoul", date(2025, 1, 1), "2024-12-31T15:00:00+00:00"),
        ("Europe/Kyiv", date(2025, 3, 30), "2025-03-29T22:00:00+00:00"),
        ("America/Havana", date(2025, 3, 9), "2025-03-09T05:00:00+00:00"),
        ("Asia/Beirut", date(2025, 3, 30), "2025-03-29T22:00:00+00:00"),
        ("Pacific/Kiritimati", date(2025, 1, 1), "2024-12-31T10:00:00+00:00"),
    ],
)
def test_a_day_begins_at_its_first_instant_also_where_midnight_does_not_exist(zone: str, day: date, instant: str) -> None:
    agreement = Agreement(timezone=zone)
    first = agreement.first_instant(day)
    assert first.isoformat() == instant
    assert agreement.today(first) == day
