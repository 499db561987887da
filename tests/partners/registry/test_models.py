"""What a partner is, without a database."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.partners.registry.models import Partner, Profile
from services.partners.registry.names.models import fold, trigrams
from shared.refusals import Invalid

NOW = datetime(2025, 3, 4, 15, tzinfo=UTC)


def seoul() -> Profile:
    return Profile(kind="city", names={"ko": "서울특별시", "en": "Seoul"}, country="KR", timezone="Asia/Seoul", languages=("ko",))


def test_names_of_any_script_fold_to_plain_words() -> None:
    assert fold("  Área-Metropolitana,  MEDELLÍN ") == "area metropolitana medellin"
    assert fold("Київ") == "kiiv"
    assert fold("Straße") == "strasse"
    assert fold("서울") == "seoul"
    assert fold("¿?") == ""


@given(st.text())
def test_folding_twice_folds_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


def test_trigrams_mark_where_words_begin_and_end() -> None:
    assert trigrams(["wego"]) == ["  w", " we", "ego", "go ", "weg"]


def test_registering_gives_the_partner_and_its_fact() -> None:
    partner, registered = Partner.register(seoul(), NOW)
    assert registered.partner == partner.id
    assert registered.profile.names == {"ko": "서울특별시", "en": "Seoul"}
    assert partner.profile() == seoul()
    assert "seoul" in partner.folded


def test_an_update_says_what_changed() -> None:
    partner, _ = Partner.register(seoul(), NOW)
    updated = partner.update({"acronym": "SMG", "country": "KR", "identifiers": (("wikidata", "Q8684"),)}, NOW)
    assert updated is not None
    assert updated.changed == ("acronym", "identifiers")
    assert updated.profile.acronym == "SMG"
    assert [identifier.value for identifier in updated.profile.identifiers] == ["Q8684"]
    assert "smg" in partner.folded


def test_an_update_that_says_nothing_new_is_no_fact() -> None:
    partner, _ = Partner.register(seoul(), NOW)
    assert partner.update({"names": {"en": "Seoul", "ko": "서울특별시"}, "languages": ("ko",)}, NOW) is None


def test_a_partner_is_not_its_own_host() -> None:
    partner, _ = Partner.register(seoul(), NOW)
    with pytest.raises(Invalid) as refused:
        partner.update({"hosted_by": partner.id}, NOW)
    assert refused.value.field == "/hosted_by"
