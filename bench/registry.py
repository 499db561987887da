"""The registry with 100,000 partners: how long a search takes whatever is typed, and a registration that looks for duplicates first."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

from asyncpg import Connection, Record
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex

from bench.ground import NOW, Ground
from bench.load import exchange, get, post
from bench.serving import partners_service
from bench.table import Row
from services.partners.registry.models import Partner, Profile
from shared.db import Database

PARTNERS, BATCH = 100_000, 5_000
SEARCHES, REGISTRATIONS = 1_000, 300
_SYLLABLES = {
    "CO": "ba bo ca cha cu da gua ja la lo ma me na nu pa po que ra ri sa so ta tu va vi ya zi llo pe rro",
    "UA": "ба ви го дні жи за ки ло ми но пі ро сва те ур ха че ша ще я сько вець град пол",
    "KR": "가 강 경 고 광 구 남 대 동 마 부 산 서 성 수 안 영 용 원 인 전 정 주 천 춘 포 평 해 현 화",
    "DE": "ber bach burg dorf feld furt hei kirch lin lü mün neu ober ro schwein stein wald wei zell gen",
    "MY": "ba ku la lam pur kua tan jung se re pe nang jo hor me la ka ke dah sa bah",
    "BR": "ara ba cam ca do gua ita ja la ma na pa pi ra são so tu u va xa",
}  # fmt: skip
_ZONES = {
    "CO": "America/Bogota",
    "UA": "Europe/Kyiv",
    "KR": "Asia/Seoul",
    "DE": "Europe/Berlin",
    "MY": "Asia/Kuala_Lumpur",
    "BR": "America/Bahia",
}
_CALLED = {
    "city": ["Alcaldía de {}", "Municipio de {}", "City of {}", "{}", "Stadt {}", "Prefeitura de {}", "{} міська рада", "{}시"],
    "tech_centre": ["C4IR {}", "Centro de Innovación de {}", "GovTech {} {}", "Centre for the Fourth Industrial Revolution {}"],
    "academia": ["Universidad de {}", "University of {}", "Universidad {} de {}", "Universität {}", "Instituto Tecnológico {}"],
    "government": ["Ministerio de {} y {}", "Secretaría de {} de {}", "Ministry of {}", "Gobernación de {}"],
    "company": ["{} S.A.S.", "{} {} Ltda", "{} Technologies", "Grupo {}", "{} GmbH"],
    "ngo": ["Fundación {}", "Fundación {} por {}", "{} Foundation", "Corporación {} {}"],
    "city_network": ["Red de Ciudades {}", "Asociación de Municipios de {}", "{} Cities Network"],
}  # fmt: skip
_HOSTILE = [
    "a",
    "de",
    "universidad",
    "alcaldia",
    "city of",
    "¿?",
    "서울",
    "київ",
    "x" * 200,
    "san " * 50,
    "а б в г д е",
    "fundacion de la",
    "ra",
]


async def measure(made: Ground) -> list[Row]:
    """Two rows, p95 in milliseconds over HTTP, one request after the other; the searches are partly hostile."""
    chance = random.Random(7)
    async with partners_service(made) as (port, _, token, _):
        known = await _fill(Database(made.cluster.url("partners", "partners")), chance)
        searches = [get(f"/v1/partners/search?q={quote(q)}", token) for q in _queries(known, chance, SEARCHES)]
        searched = await _timed(port, searches, {200})
        registrations = [post("/v1/partners", body, token) for body in _registrations(known, chance)]
        registered = await _timed(port, registrations, {201, 409})
    what = f"with {PARTNERS:,} partners, p95"
    return [
        Row(f"search {what}", _p95(searched), 30, 15, _told(searched), at_most=True, unit=" ms"),
        Row(f"register, duplicates looked for, {what}", _p95(registered), 50, 30, _told(registered), at_most=True, unit=" ms"),
    ]


async def _timed(port: int, requests: list[Callable[[], bytes]], expected: set[int]) -> list[float]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    took = []
    for place, request in enumerate([*requests[:50], *requests]):
        began = time.perf_counter()
        status, body = await exchange(reader, writer, request())
        if place >= 50:  # the first fifty only warm up what the process remembers
            took.append((time.perf_counter() - began) * 1000)
        assert status in expected, body
    writer.close()
    return sorted(took)


def _p95(took: list[float]) -> float:
    return took[int(len(took) * 0.95)]


def _told(took: list[float]) -> str:
    return f"p50 {took[len(took) // 2]:.1f}, p99 {took[int(len(took) * 0.99)]:.1f}, longest {took[-1]:.1f} ms of {len(took):,}"


async def _fill(database: Database, chance: random.Random) -> list[Profile]:
    """So many partners in the registry, copied as the product would have written them; every one of their profiles."""
    connection = await database.raw({"statement_timeout": "0"})
    indexes = [index for index in Partner.metadata.tables["partner"].indexes if index.name != "ix_partner_country_kind"]
    for index in indexes:
        await connection.execute(f"DROP INDEX {index.name}")
    known: list[Profile] = []
    for _ in range(PARTNERS // BATCH):
        profiles = [_profile(chance) for _ in range(BATCH)]
        await _copy(connection, profiles)
        known += profiles
    for index in indexes:
        await connection.execute(str(CreateIndex(index).compile(dialect=postgresql.dialect())), timeout=600)  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped
    await connection.execute("VACUUM ANALYZE partner", timeout=600)
    await connection.close()
    await database.close()
    return known


async def _copy(connection: Connection[Record], profiles: list[Profile]) -> None:
    columns = [column.key for column in Partner.__table__.columns]
    rows = []
    for profile in profiles:
        partner, _ = Partner.register(profile, NOW)
        partner.version, partner.sequence = 1, 1
        row = (getattr(partner, column) for column in columns)
        rows.append([json.dumps(value) if column in ("names", "aliases") else value for column, value in zip(columns, row, strict=True)])
    await connection.copy_records_to_table("partner", records=rows, columns=columns, timeout=600)
    keys = [
        (scheme, value, row[columns.index("id")])
        for profile, row in zip(profiles, rows, strict=True)
        for scheme, value in profile.identifiers
    ]
    await connection.copy_records_to_table("external_id", records=keys, columns=["scheme", "value", "partner"], timeout=600)


_numbers = iter(range(10_000_000))
_PLACES: dict[str, list[str]] = {}


def _profile(chance: random.Random) -> Profile:
    """A partner as partners are: two names mostly, an acronym or an alias sometimes, its key in one other system."""
    country = chance.choices(list(_SYLLABLES), [40, 10, 10, 15, 10, 15])[0]
    kind = chance.choices(list(_CALLED), [25, 5, 15, 10, 25, 15, 5])[0]
    places = _places(country, chance)
    words = [chance.choice(places), chance.choice(places)]
    names = [pattern.format(*words) for pattern in chance.sample(_CALLED[kind], 2)]
    aliases = [{"text": f"{words[0]} {chance.choice(places)}", "lang": None, "kind": "other"}] if chance.random() < 0.3 else []
    return Profile(
        kind=kind, names={"es": names[0], "en": names[1]}, country=country, timezone=_ZONES[country], locality=words[0],
        acronym="".join(word[0] for word in names[0].split()).upper() if chance.random() < 0.4 else None,
        aliases=tuple(aliases), identifiers=(("bench", f"{country.lower()}-{next(_numbers)}"),), languages=("es", "en"),
    )  # fmt: skip


def _places(country: str, chance: random.Random) -> list[str]:
    if country not in _PLACES:
        made = ("".join(chance.choices(_SYLLABLES[country].split(), k=chance.randint(2, 4))).capitalize() for _ in range(4_000))
        saints = ("San ", "Santa ", "Villa ", "Puerto ") if country in ("CO", "BR") else ("",)
        _PLACES[country] = [chance.choice(saints) * (chance.random() < 0.3) + place for place in made]
    return _PLACES[country]


def _queries(known: list[Profile], chance: random.Random, count: int) -> Iterator[str]:
    """Names as people type them: whole, begun, misspelt, some words of them; keys; and what nobody should type."""
    for number in range(count):
        profile = chance.choice(known)
        name = chance.choice([*profile.names.values()])
        yield (
            name, _misspelt(name, chance), name[: len(name) * 2 // 3], chance.choice(name.split()), _misspelt(name.split()[-1], chance),
            profile.identifiers[0][1], " ".join(reversed(name.split())), _misspelt(profile.locality or "", chance), name,
            _HOSTILE[number // 10 % len(_HOSTILE)],
        )[number % 10]  # fmt: skip


def _misspelt(text: str, chance: random.Random) -> str:
    place = chance.randrange(len(text))
    return text[:place] + chance.choice(["", text[place] * 2, "e", "z"]) + text[place + 1 :] or text


def _registrations(known: list[Profile], chance: random.Random) -> Iterator[dict[str, Any]]:
    """Half of them nearly there already."""
    for number in range(REGISTRATIONS):
        profile = chance.choice(known) if number % 2 else _profile(chance)
        said = {name: value for name, value in profile.said().items() if value and name != "identifiers"}
        yield said | {"names": {language: _misspelt(name, chance) for language, name in profile.names.items()}}
