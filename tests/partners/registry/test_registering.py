"""Partners are put on record once, under every name they are known by."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

from tests.partners.conftest import PartnersService

KYIV: dict[str, Any] = {
    "kind": "tech_centre",
    "names": {"es": "Global Government Technology Centre de Kiev", "en": "Global Government Technology Centre Kyiv"},
    "acronym": "GGTC Kyiv",
    "aliases": [{"text": "C4IR de Kiev", "lang": "es", "kind": "press"}],
    "identifiers": [{"scheme": "wef", "value": "ggtc-kyiv"}],
    "country": "UA",
    "subdivision": "UA-30",
    "locality": "Київ",
    "timezone": "Europe/Kyiv",
    "languages": ["uk", "en"],
    "website": "https://ggtc.example.org/",
}
BARE: dict[str, Any] = {"kind": "tech_centre", "country": "UA", "timezone": "Europe/Kyiv"}


async def test_a_partner_is_registered_and_read_again(service: PartnersService) -> None:
    made = await service.operator.post("/v1/partners", json=KYIV)
    assert made.status_code == 201, made.text
    assert made.headers["etag"] == '"1"'
    read = await service.operator.get(made.headers["location"])
    assert read.status_code == 200
    assert read.headers["etag"] == '"1"'
    assert read.json() == made.json()
    assert KYIV.items() <= made.json().items()
    assert made.json()["state"] == "active"


async def test_the_fact_tells_everybody_all_that_is_public(service: PartnersService) -> None:
    made = await service.operator.post("/v1/partners", json=KYIV)
    partner = made.json()["id"]
    (fact,) = await service.facts(f"partner/{partner}")
    assert fact["type"] == "org.interurbe.partner.registered.v1"
    assert fact["sequence"] == 1
    assert fact["headers"]["ce_visibility"] == "public"
    assert fact["headers"]["ce_audience"] == partner
    assert fact["data"]["partner"] == partner
    profile = fact["data"]["profile"]
    told = {name: value for name, value in KYIV.items() if name != "subdivision"}
    assert told.items() <= profile.items()


async def test_only_the_operator_registers(service: PartnersService) -> None:
    city = await service.client_of("city", scopes="read write admin")
    writer = await service.client_of("city", scopes="read write")
    for client, code in ((city, "forbidden"), (writer, "insufficient-scope")):
        answer = await client.post("/v1/partners", json=KYIV)
        assert answer.status_code == 403
        assert answer.json()["code"] == code


SAME_NAMES: list[dict[str, Any]] = [
    {"names": {"uk": "GGTC  KYIV"}},
    {"names": {"es": "Otro nombre"}, "acronym": "ggtc-kyiv"},
    {"names": {"es": "Otro"}, "aliases": [{"text": "c4ir de KIEV."}]},
    {"names": {"en": "«Global Government Technology Centre — Kyiv»"}},
]


async def test_a_name_borne_in_the_country_is_suspected(service: PartnersService) -> None:
    known = (await service.operator.post("/v1/partners", json=KYIV)).json()
    for said in SAME_NAMES:
        answer = await service.operator.post("/v1/partners", json=BARE | said)
        assert answer.status_code == 409, said
        problem = answer.json()
        assert (problem["code"], problem["field"]) == ("suspected-duplicate", "/names")
        assert [suspect["id"] for suspect in problem["suspects"]] == [known["id"]], said
        assert problem["suspects"][0]["names"] == KYIV["names"]
        assert "force" in problem["fix"]
    assert len(await service.facts()) == 1


async def test_a_suspect_is_registered_when_forced_and_none_is_suspected_abroad(service: PartnersService) -> None:
    await service.operator.post("/v1/partners", json=KYIV)
    forced = await service.operator.post("/v1/partners", json=BARE | SAME_NAMES[0] | {"force": True})
    assert forced.status_code == 201
    abroad = await service.operator.post("/v1/partners", json=BARE | SAME_NAMES[0] | {"country": "PL"})
    assert abroad.status_code == 201


async def test_of_two_registrations_in_the_same_instant_one_is_suspected(service: PartnersService) -> None:
    bare = BARE | {"names": KYIV["names"]}
    answers = await asyncio.gather(*(service.operator.post("/v1/partners", json=bare) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]


async def test_near_names_in_the_same_instant_are_suspected_too(service: PartnersService) -> None:
    answers = await asyncio.gather(
        service.operator.post("/v1/partners", json=BARE | {"names": {"es": "GGTC Kiev"}}),
        service.operator.post("/v1/partners", json=BARE | {"names": {"uk": "GGTC Київ"}}),
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    assert {answer.json().get("code") for answer in answers} == {None, "suspected-duplicate"}


async def test_sixty_four_registrations_in_the_same_instant_are_all_done(service: PartnersService) -> None:
    names = [{"es": f"Centro número {number}"} for number in range(64)]
    answers = await asyncio.gather(*(service.operator.post("/v1/partners", json=BARE | {"names": name}) for name in names))
    assert Counter(answer.status_code for answer in answers) == {201: 64}


async def test_one_identifier_claimed_in_two_countries_in_the_same_instant_belongs_to_one(service: PartnersService) -> None:
    claims = [
        BARE | {"names": {"en": name}, "country": name[:2], "identifiers": KYIV["identifiers"]}
        for name in ("PL Łódź", "DE Köln", "EE Tartu")
    ]
    answers = await asyncio.gather(*(service.operator.post("/v1/partners", json=claim) for claim in claims))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409]
    assert {answer.json().get("code") for answer in answers} == {None, "identifier-taken"}


async def test_an_identifier_belongs_to_one_partner(service: PartnersService) -> None:
    known = (await service.operator.post("/v1/partners", json=KYIV)).json()
    other = KYIV | {"names": {"es": "Otro"}, "acronym": None, "aliases": []}
    answer = await service.operator.post("/v1/partners", json=other)
    assert answer.status_code == 409
    assert answer.json()["code"] == "identifier-taken"
    assert answer.json()["field"] == "/identifiers/0"
    assert answer.json()["partner"] == known["id"]


async def test_the_host_must_be_known(service: PartnersService) -> None:
    host = await service.register("other", names={"es": "Ruta N"})
    centre = await service.register("tech_centre", hosted_by=host["id"])
    assert centre["hosted_by"] == host["id"]
    body = KYIV | {"hosted_by": "01939f6e-8f1a-7c3e-9b52-3f7a1c2d4e5f"}
    answer = await service.operator.post("/v1/partners", json=body)
    assert answer.status_code == 422
    assert (answer.json()["code"], answer.json()["field"]) == ("unknown-partner", "/hosted_by")


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"country": "Colombia"}, "/country"),
    ({"country": "co"}, "/country"),
    ({"timezone": "Bogota"}, "/timezone"),
    ({"timezone": 5}, "/timezone"),
    ({"names": {}}, "/names"),
    ({"names": {"xx-notalang": "Nombre"}}, "/names/xx-notalang"),
    ({"names": {"es": "  "}}, "/names/es"),
    ({"names": {"es": "Evil\r\nBcc: a@b.c"}}, "/names/es"),
    ({"names": {"es": "a" * 301}}, "/names/es"),
    ({"names": {"es": "¿?"}}, "/names"),
    ({"kind": "village"}, "/kind"),
    ({"nmaes": {"es": "Nombre"}}, "/nmaes"),
    ({"website": "javascript:alert(1)"}, "/website"),
    ({"languages": ["es", "klingon"]}, "/languages/1"),
    ({"subdivision": "Antioquia"}, "/subdivision"),
    ({"subdivision": "CO-ANT"}, "/subdivision"),
    ({"languages": ["es-XX"]}, "/languages/0"),
    ({"timezone": "GMT+5"}, "/timezone"),
    ({"identifiers": [{"scheme": "Not A Scheme", "value": "1"}]}, "/identifiers/0/scheme"),
    ({"aliases": [{"text": "Medellín\u0000"}]}, "/aliases/0/text"),
    ({"aliases": [{"text": "\u200b"}]}, "/aliases/0/text"),
    ({"aliases": [{"text": "C4IR"}, {"text": "!!!"}]}, "/aliases/1/text"),
    ({"aliases": [{"text": "\u0301"}]}, "/aliases/0/text"),
    ({"acronym": "·"}, "/acronym"),
    ({"names": {"es": "\u200b"}}, "/names/es"),
    ({"hosted_by": "me"}, "/hosted_by"),
    ({"force": "yes"}, "/force"),
]


async def test_what_breaks_a_rule_names_field_rule_and_fix(service: PartnersService) -> None:
    for said, field in REFUSED:
        answer = await service.operator.post("/v1/partners", json=KYIV | said)
        assert answer.status_code in (400, 422), said
        assert answer.headers["content-type"] == "application/problem+json"
        problem = answer.json()
        assert problem["field"] == field, said
        assert problem["detail"], said
        assert problem["fix"], said
    assert await service.facts() == []


async def test_what_every_partner_has_is_required(service: PartnersService) -> None:
    for missing in ("kind", "names", "country", "timezone"):
        answer = await service.operator.post("/v1/partners", json={name: value for name, value in KYIV.items() if name != missing})
        assert answer.status_code == 422
        assert answer.json()["field"] == f"/{missing}"


NO_JSON = [
    b'{"kind": "city", "names": {"es": "\\ud800"}',
    b'{"kind": "city", "names": {"es": "\\ud800"}}',
    b"{",
    b'{"kind": NaN}',
    b"[" * 1000,
    b'{"kind": "city", "kind": "ngo"}',
    b"\xff\xfe",
    b"",
    b'"city"',
]


async def test_what_is_no_proper_json_is_refused(service: PartnersService) -> None:
    for body in NO_JSON:
        answer = await service.operator.post("/v1/partners", content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code in (400, 422), body
        assert answer.json()["fix"], body
    assert await service.facts() == []
