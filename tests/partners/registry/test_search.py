"""Partners are found by a name as somebody remembers it, best first, whatever is typed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.partners.registry.names.models import fold
from services.partners.registry.search.models import Query
from tests.partners.conftest import PartnersService

Found = list[tuple[str, str]]
KYIV: dict[str, Any] = {"country": "UA", "timezone": "Europe/Kyiv", "names": {"uk": "Центр GovTech Київ", "en": "GGTC Kyiv"}}


async def found(service: PartnersService, **asked: Any) -> Found:
    """The first name of each hit and what matched; scores fall and lie between 0 and 1."""
    answer = await service.operator.get("/v1/partners/search", params=asked)
    assert answer.status_code == 200, answer.text
    hits = answer.json()["items"]
    scores = [hit["score"] for hit in hits]
    assert scores == sorted(scores, reverse=True)
    assert all(0 < score <= 1 for score in scores)
    return [(next(iter(hit["names"].values())), hit["matched"]) for hit in hits]


@pytest.fixture
async def registry(service: PartnersService) -> PartnersService:
    """A service with some partners of several countries."""
    identifiers = [{"scheme": "dane", "value": "05001"}]
    await service.register("other", names={"es": "Ruta N Medellín"})
    await service.register("city", names={"es": "Alcaldía de Medellín"}, identifiers=identifiers)
    await service.register("city", names={"es": "Alcaldía de Bogotá"})
    await service.register("city_network", names={"es": "Asociación Colombiana de Ciudades Capitales"}, acronym="Asocapitales")
    await service.register("tech_centre", aliases=[{"text": "C4IR de Kiev"}], **KYIV)
    await service.register("city", names={"ko": "서울특별시", "en": "Seoul"}, country="KR", timezone="Asia/Seoul")
    return service


async def test_a_misspelt_name_is_found(registry: PartnersService) -> None:
    assert (await found(registry, q="Medelin"))[0] == ("Alcaldía de Medellín", "Alcaldía de Medellín")
    for misspelt in ("Medellni", "Medelljn", "edellín", "medell", "Nedellín"):
        assert {name for name, _ in await found(registry, q=misspelt)} == {"Alcaldía de Medellín", "Ruta N Medellín"}, misspelt
    assert await found(registry, q="asocapitalez") == [("Asociación Colombiana de Ciudades Capitales", "Asocapitales")]
    assert (await found(registry, q="Kyev"))[0] == ("GGTC Kyiv", "GGTC Kyiv")


async def test_a_short_name_is_found_with_one_slip_of_the_pen(service: PartnersService) -> None:
    cities = {
        "Bogotá": "Bgotá Bogoa Bogtoá Vogotá Bogotaa",
        "Quito": "Qito Quiot Qiuto Quoto",
        "Lima": "Lmia Liam Lina",
        "Kyiv": "Kyvi Kiyv",
    }
    for city in cities:
        await service.register("city", names={"es": f"Alcaldía de {city}"})
        await service.register("company", names={"es": f"Aguas de {city}"})
    for city, slips in cities.items():
        for slip in slips.split():
            assert (await found(service, q=slip))[0][0] == f"Alcaldía de {city}", slip
            assert (await found(service, q=f"aguas {slip}"))[0][0] == f"Aguas de {city}", slip
        assert {name.split()[-1] for name, _ in await found(service, q=city)} == {city}, "well spelt, it is no other"


async def test_words_are_found_that_are_spread_over_one_partners_names(service: PartnersService) -> None:
    technology = "Global Government Technology Centre"
    await service.register("tech_centre", names={"en": f"{technology} Kyiv"}, acronym="GGTC")
    await service.register("tech_centre", names={"en": technology}, acronym="GGTC", locality="Lviv", force=True)
    await service.register("city_network", names={"es": "Red de Municipios"}, acronym="RAMCC", aliases=[{"text": "Clima Argentina"}])
    await service.register("city", names={"en": "Kyiv"}, force=True)
    for q, name, matched in (
        ("GGTC Kyiv", f"{technology} Kyiv", f"{technology} Kyiv"),
        ("ggtc kiev", f"{technology} Kyiv", "GGTC"),
        ("GGTC Lviv", technology, "GGTC"),
        ("RAMCC municipios", "Red de Municipios", "Red de Municipios"),
        ("ramcc clima", "Red de Municipios", "Clima Argentina"),
    ):
        assert (await found(service, q=q))[0] == (name, matched), q
    assert [name for name, _ in await found(service, q="Lviv")] == [], "a place alone is nobody's name"


async def test_a_name_is_found_in_any_script_language_and_order(registry: PartnersService) -> None:
    for q in ("киЇв", "Kiew", "kiev C4IR", "ggtc", "GOVTECH"):
        assert (await found(registry, q=q))[0][0] == "GGTC Kyiv", q
    for q in ("서울", "seoul", "Seúl", "서울특별시"):
        assert [name for name, _ in await found(registry, q=q)] == ["Seoul"], q
    assert (await found(registry, q="capitales de las ciudades"))[0][0].startswith("Asociación")


async def test_the_best_answer_comes_first_and_says_what_matched(registry: PartnersService) -> None:
    assert await found(registry, q="ruta medellín") == [
        ("Ruta N Medellín", "Ruta N Medellín"),
        ("Alcaldía de Medellín", "Alcaldía de Medellín"),
    ]
    answer = await registry.operator.get("/v1/partners/search", params={"q": "c4ir de kiev"})
    hit = answer.json()["items"][0]
    read = (await registry.operator.get(f"/v1/partners/{hit['id']}")).json()
    assert hit == read | {"score": 1.0, "matched": "C4IR de Kiev"}


async def test_an_external_identifier_is_found_with_and_without_its_scheme(registry: PartnersService) -> None:
    for q in ("05001", "dane:05001"):
        assert (await found(registry, q=q))[0] == ("Alcaldía de Medellín", "dane:05001")
    assert await found(registry, q="other:05001") == []


async def test_a_search_is_narrowed_by_country_kind_and_number(registry: PartnersService) -> None:
    assert await found(registry, q="medellin", kind="other") == [("Ruta N Medellín", "Ruta N Medellín")]
    assert await found(registry, q="medellin", country="KR") == []
    assert len(await found(registry, q="alcaldía", country="CO")) == 2
    assert len(await found(registry, q="alcaldía", limit=1)) == 1


async def test_a_partner_is_found_by_what_it_is_called_now(registry: PartnersService) -> None:
    city = await registry.client_of("city", names={"es": "Popayán"})
    changed = {"names": {"es": "Ciudad Blanca"}, "identifiers": [{"scheme": "dane", "value": "19001"}]}
    await city.patch(f"/v1/partners/{city.partner}", json=changed, headers={"If-Match": '"1"'})
    assert await found(registry, q="Popayan") == []
    assert (await found(registry, q="19001"))[0] == ("Ciudad Blanca", "dane:19001")


@pytest.mark.parametrize(
    "q", ["¿?%_", "a", "de", "%", "x" * 300, "de la " * 50, "а" * 200, "서" * 300, "1 2 3 4 5 6 7 8 9 10", "'; --", "中"]
)
async def test_whatever_is_typed_is_answered(registry: PartnersService, q: str) -> None:
    assert len(await found(registry, q=q)) <= 6


async def test_what_cannot_be_asked_is_refused(service: PartnersService) -> None:
    asked = {"q": " ", "country": "Colombia", "kind": "village", "limit": "51", "after": "x"}
    for name, value in asked.items():
        answer = await service.operator.get("/v1/partners/search", params={"q": "medellín", name: value})
        assert answer.status_code in (400, 422), name
        assert (answer.json()["field"], bool(answer.json()["fix"])) == (f"?{name}", True)
    missing = await service.operator.get("/v1/partners/search")
    assert (missing.status_code, missing.json()["field"]) == (422, "?q")


async def test_nobody_searches_without_a_token(service: PartnersService) -> None:
    answer = await service.anyone.get("/v1/partners/search", params={"q": "x"})
    assert (answer.status_code, answer.json()["code"]) == (401, "token-missing")


@given(st.text(max_size=300), st.text(max_size=60))
def test_any_name_answers_any_search_between_not_at_all_and_wholly(text: str, name: str) -> None:
    query = Query.of(text)
    assert 0 <= query.answered([fold(name)], "city") <= 1
    assert len(query.words) <= 8
    if query.folded:
        assert query.answered([query.folded], "city") == 1
