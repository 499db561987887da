"""One institution under several names is registered once; two institutions are never taken for one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from deploy.embedded.demo.facts import PARTNERS
from services.partners.registry.duplicates.views import suspected_duplicates
from services.partners.registry.models import Partner
from tests.partners.conftest import PartnersService

Row = tuple[str, str, str, list[str], list[str]]
ONE_OR_TWO: list[Row] = [
    ("city", "VE", "Caracas", ["Caracas D.C.", "Caracas D. C.", "Gran Caracas"], ["Valencia D.C.", "Gran Valencia", "Caraballeda"]),
    ("city", "MY", "Kota Bharu", ["Kotabharu", "Kota Baru", "Majlis Perbandaran Kotabharu"], ["Kota Tinggi", "Kota Kinabalu"]),
    ("city", "FR", "Saint-Étienne", ["St-Etienne", "St. Étienne", "Ville de St Étienne"], ["St-Denis", "Saint-Nazaire"]),
    ("city", "AR", "San Isidro", ["S. Isidro", "Municipalidad de S. Isidro"], ["San Pedro", "S. Pedro", "San Luis", "Isla Sur"]),
    ("city", "AR", "Villa María", ["Villamaría", "Ciudad de Villa Maria"], ["Villa Mercedes", "Villa Ocampo"]),
    ("city", "AR", "Santa Rosa", ["Sta. Rosa"], ["Santa Fe", "Santa Elena"]),
    ("city", "MX", "Ciudad de México", ["México D.F."], ["Ciudad Juárez", "Ciudad Victoria"]),
    ("city", "CO", "Alcaldía de Cali", ["Cali"], ["Alcaldía de Pasto", "Alcaldía de Calima"]),
    ("city", "MY", "Distrito 1 2", ["Distrito 1-2"], ["Distrito 12"]),
    ("city_network", "AR", "RAMCC", ["R.A.M.C.C.", "R. A. M. C. C.", "RAMCC Argentina"], ["Red Argentina", "RANCO"]),
    ("city_network", "CL", "RAMCC Argentina", ["R.A.M.C.C."], ["RAMCC Chile", "Argentina"]),
    ("multilateral", "CO", "ONU", ["O.N.U."], ["ONU Mujeres"]),
    (
        "city_network",
        "BE",
        "Global Covenant of Mayors for Climate & Energy",
        ["Covenant of Mayors"],
        ["Global Parliament of Mayors", "Conference of Mayors", "Climate Alliance", "Mayors"],
    ),
    ("company", "CO", "Aurora S.A.S.", ["Aurora S.A.", "AURORA"], ["Norte S.A.S."]),
]
"""Of a kind and a country: a name on record, those that it might be, and those of others."""
ZONES = {"CO": "America/Bogota", "KR": "Asia/Seoul", "DE": "Europe/Berlin", "UA": "Europe/Kyiv", "MY": "Asia/Kuala_Lumpur"}
CENTRE_OF_KYIV = ["C4IR de Kiev", "GGTC Kyiv", "Global Government Technology Centre de Kiev", "Центр GovTech Київ"]


def profile(kind: str, name: str, country: str = "CO", **more: Any) -> dict[str, Any]:
    return {"kind": kind, "names": {"es": name}, "country": country, "timezone": ZONES.get(country, "UTC"), **more}


async def test_each_name_of_one_centre_is_suspected_beside_each_other(service: PartnersService) -> None:
    for known, country in zip(CENTRE_OF_KYIV, ["UA", "PL", "SK", "RO"], strict=True):
        partner = await service.register(**profile("tech_centre", known, country))
        for other in set(CENTRE_OF_KYIV) - {known}:
            answer = await service.operator.post("/v1/partners", json=profile("tech_centre", other, country))
            assert answer.status_code == 409, (known, other)
            (suspect,) = answer.json()["suspects"]
            how = "same_acronym" if {known, other} == {*CENTRE_OF_KYIV[1:3]} else "alike"
            assert (suspect["id"], suspect["because"]) == (partner["id"], [{"yours": other, "theirs": known, "how": how}])
            assert 0.5 < suspect["score"] < 1


NEAR: list[tuple[str, str, str, str, str]] = [
    ("city", "CO", "Alcaldía de Medellín", "MEDELLIN, alcaldia", "same_name"),
    ("city", "CO", "Alcaldía Mayor de Bogotá", "Alcaldia Mayor de Bogata", "alike"),
    ("city", "CO", "Municipio de Pereira", "Ciudad de Pereira", "alike"),
    ("city", "KR", "서울특별시", "Ayuntamiento de Seúl", "alike"),
    ("city", "DE", "Stadt Köln", "Koeln", "one_within_the_other"),
    ("city", "UA", "Харків", "Kharkiv", "same_name"),
    ("other", "CO", "Ruta N", "Corporación Ruta N Medellín", "one_within_the_other"),
    ("academia", "CO", "Universidad Nacional de Colombia", "Universidad Nacional", "one_within_the_other"),
    ("multilateral", "DE", "Organisation for Economic Cooperation and Development", "OECD", "same_acronym"),
    ("tech_centre", "MY", "C4IR Malaysia", "Centre for the Fourth Industrial Revolution Malaysia", "same_acronym"),
    ("tech_centre", "CO", "Centro para la Cuarta Revolución Industrial", "C4IR", "same_acronym"),
    ("ngo", "CO", "World Smart Sustainable Cities Organization", "Organization of Smart, Sustainable Cities of the World", "same_name"),
]


async def test_a_near_name_is_suspected_and_says_how_it_is_near(service: PartnersService) -> None:
    for kind, country, known, other, how in NEAR:
        partner = await service.register(**profile(kind, known, country))
        answer = await service.operator.post("/v1/partners", json=profile(kind, other, country))
        assert answer.status_code == 409, (known, other)
        suspect = answer.json()["suspects"][0]
        assert (suspect["id"], suspect["because"][0]) == (partner["id"], {"yours": other, "theirs": known, "how": how})
        assert suspect["names"] == {"es": known}


@pytest.mark.parametrize("row", ONE_OR_TWO, ids=[row[2] for row in ONE_OR_TWO])
async def test_one_of_two_names_of_a_country_is_suspected_beside_the_other_if_they_are_one(service: PartnersService, row: Row) -> None:
    kind, country, known, near, others = row
    partner = await service.register(**profile(kind, known, country))
    for name in near:
        answer = await service.operator.post("/v1/partners", json=profile(kind, name, country))
        assert (answer.status_code, [one["id"] for one in answer.json().get("suspects", [])]) == (409, [partner["id"]]), name
    for name in others:
        answer = await service.operator.post("/v1/partners", json=profile(kind, name, country))
        assert partner["id"] not in [one["id"] for one in answer.json().get("suspects", [])], name


TWO: list[list[tuple[str, str, str]]] = [
    [
        ("city", "CO", "Alcaldía de Medellín"),
        ("tech_centre", "CO", "C4IR Medellín"),
        ("other", "CO", "Ruta N"),
        ("city_network", "CO", "Asocapitales"),
        ("academia", "CO", "Universidad de Medellín"),
        ("academia", "CO", "Universidad de Antioquia"),
        ("academia", "CO", "Universidad Pontificia Bolivariana de Medellín"),
        ("city", "CO", "Alcaldía de Bogotá"),
        ("city", "CO", "Alcaldía de Cali"),
        ("tech_centre", "CO", "C4IR Bogotá"),
        ("government", "CO", "Ministerio de Salud"),
        ("government", "CO", "Ministerio de Educación"),
        ("city_network", "CO", "Red Colombiana de Ciudades Cómo Vamos"),
    ],
    [("city", "KR", "Seoul Metropolitan Government"), ("city", "KR", "Busan Metropolitan City"), ("city", "KR", "인천광역시")],
    [("tech_centre", "UA", "GGTC Kyiv"), ("tech_centre", "UA", "Global Government Technology Centre Lviv")],
    [("academia", "DE", "Technische Universität Berlin"), ("academia", "DE", "Freie Universität Berlin")],
    [("city", "MY", "Distrito 1"), ("city", "MY", "Distrito 2"), ("city", "MY", "Distrito 12")],
]


@pytest.mark.parametrize("localities", [False, True])
async def test_two_institutions_are_two(service: PartnersService, localities: bool) -> None:
    for together in TWO:
        for kind, country, name in together:
            place = {"locality": name.split()[-1]} if localities else {}
            answer = await service.operator.post("/v1/partners", json=profile(kind, name, country, **place))
            assert answer.status_code == 201, (name, answer.json().get("suspects"))


async def test_the_partners_of_the_demo_are_no_duplicates_of_each_other(service: PartnersService) -> None:
    for key, said in PARTNERS.items():
        answer = await service.operator.put(f"/v1/partners/by-external-id/demo/{key}", json=said)
        assert answer.status_code == 201, answer.text


async def test_the_most_likely_comes_first(service: PartnersService) -> None:
    near = await service.register(**profile("tech_centre", "C4IR de Kiev", "UA"))
    same = await service.register(**profile("tech_centre", "GGTC Kyiv", "UA", force=True))
    answer = await service.operator.post("/v1/partners", json=profile("tech_centre", "ggtc kyiv", "UA"))
    assert [(suspect["id"], suspect["score"]) for suspect in answer.json()["suspects"]] == [(same["id"], 1.0), (near["id"], 0.78)]


async def test_the_same_place_makes_a_near_name_more_likely(service: PartnersService) -> None:
    await service.register(**profile("tech_centre", "C4IR de Kiev", "UA", locality="Kyiv"))
    scores = []
    for place in ({}, {"locality": "Київ"}):
        answer = await service.operator.post("/v1/partners", json=profile("tech_centre", "GGTC Kyiv", "UA", **place))
        scores += [suspect["score"] for suspect in answer.json()["suspects"]]
    assert len(scores) == 2
    assert scores[0] < scores[1]


async def test_a_name_without_a_place_is_of_its_partners_place(service: PartnersService) -> None:
    await service.register(**profile("tech_centre", "GGTC", "UA", locality="Kyiv"))
    answer = await service.operator.post("/v1/partners", json=profile("tech_centre", "C4IR de Kiev", "UA"))
    assert (answer.status_code, answer.json()["suspects"][0]["because"][0]["theirs"]) == (409, "GGTC")


async def test_nobody_is_a_suspect_of_its_own(service: PartnersService) -> None:
    await service.register(**profile("tech_centre", CENTRE_OF_KYIV[0], "UA", aliases=[{"text": CENTRE_OF_KYIV[1]}]))
    async with service.runtime.database.session() as session:
        partner = (await session.scalars(select(Partner).options(joinedload(Partner.external_ids)))).unique().one()
        assert await suspected_duplicates(session, partner) == []


async def test_a_partner_of_very_many_names_is_compared_too(service: PartnersService) -> None:
    def many(letter: str) -> Sequence[dict[str, Any]]:
        return [{"text": f"{letter * 12} {chr(97 + number // 26) * 7}{chr(97 + number % 26) * 7} {letter * 9}"} for number in range(50)]

    known = await service.register(**profile("ngo", "Zorro", aliases=many("k")))
    backwards = " ".join(reversed(many("k")[37]["text"].split()))
    answer = await service.operator.post("/v1/partners", json=profile("ngo", "Otro", aliases=[*many("w")[:49], {"text": backwards}]))
    assert [suspect["id"] for suspect in answer.json()["suspects"]] == [known["id"]]
