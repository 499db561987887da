"""One membership and one agreement, in a world of 10,000 cities and in one of a tenth: each costs what it touches, not what there is."""

from __future__ import annotations

import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncSession

from bench.ground import NOW, Ground, database_of
from bench.table import Row
from services.partners.agreements.commands import entitle
from services.partners.agreements.models import Agreement
from services.partners.inheritance.models import BoundParty, InForce, Tie
from services.partners.models import Model
from services.partners.networks.commands import join_network
from services.partners.networks.models import Joining, Membership
from services.partners.registry.models import Partner
from shared.auth import PLATFORM, Caller
from shared.db import Database, new_id

NETWORKS, CITIES, AGREEMENTS, RUNS = 50, 10_000, 500, 15
LINES = ["knowledge_exchange", "joint_projects", "advocacy_networking", "partnership_facilitation"]
OPERATOR = Caller("operator", PLATFORM, frozenset({"read", "write", "admin"}))
_EVERYBODY = """
INSERT INTO entitlement (id, version, sequence, partner, agreement, lines, party, path, since, held)
SELECT gen_random_uuid(), 1, 1, member, agreement, lines, partner, path, now(), true FROM (
  SELECT DISTINCT ON (member, agreement) member, agreement, f.lines, b.partner,
    jsonb_build_array(jsonb_build_object('membership', membership, 'partner', member, 'network', network)) AS path
  FROM bound_party b JOIN agreement_in_force f USING (agreement) JOIN tie ON tie.network = b.partner
  UNION ALL SELECT b.partner, agreement, f.lines, b.partner, '[]' FROM bound_party b JOIN agreement_in_force f USING (agreement)
) AS given
"""


@dataclass(slots=True)
class World:
    """A database with cities in networks, and agreements between networks; what is measured is taken from ``newcomers`` and ``coming``."""

    database: Database
    networks: list[str]
    newcomers: list[str]
    coming: list[str]


async def measure(made: Ground) -> list[Row]:
    """Two rows: a membership that begins and an agreement that enters into force, each at both sizes in turns."""
    async with database_of(made, "partners", Model.metadata) as full, database_of(made, "initiatives", Model.metadata) as tenth:
        worlds = [await _filled(full, 1), await _filled(tenth, 10)]
        return [
            await _row("a membership begins", worlds, _a_city_joins),
            await _row("an agreement enters into force", worlds, _an_agreement_binds),
        ]


async def _row(what: str, worlds: list[World], change: Callable[[AsyncSession, World], Awaitable[None]]) -> Row:
    """The seconds of a pair at full size over those at a tenth, the first two runs left out."""
    taken: list[list[float]] = [[], []]
    pairs = 0
    for _ in range(RUNS + 2):
        for world, seconds in zip(worlds, taken, strict=True):
            spent, pairs = await _timed(world, change)
            seconds.append(spent / pairs)
    full, tenth = (statistics.median(seconds[2:]) for seconds in taken)
    detail = f"{full * 1e6:,.0f} µs a pair against {tenth * 1e6:,.0f} µs, {pairs} pairs a change"
    return Row(f"entitlements: {what}, at {CITIES:,} cities over at a tenth", full / tenth, 1.5, 1.1, detail, at_most=True)


async def _timed(world: World, change: Callable[[AsyncSession, World], Awaitable[None]]) -> tuple[float, int]:
    """How long the change took with its commit, and how many pairs it touched."""
    async with world.database.session() as session:
        before = await session.scalar(text("SELECT coalesce(max(seq), 0) FROM outbox"))
        began = time.perf_counter()
        await change(session, world)
        await session.commit()
        spent = time.perf_counter() - began
        granted = "SELECT count(*) FROM outbox WHERE seq > :before AND type = 'org.interurbe.entitlement.granted.v1'"
        return spent, int(await session.scalar(text(granted), {"before": before}) or 0)


async def _a_city_joins(session: AsyncSession, world: World) -> None:
    joining = Joining(partner=world.newcomers.pop(), network=world.networks[0], role="member", valid_from=date(2020, 1, 1))
    await join_network(session, OPERATOR, joining, NOW)


async def _an_agreement_binds(session: AsyncSession, world: World) -> None:
    await entitle(session, f"agreement/{world.coming.pop()}", NOW)


async def _filled(database: Database, part: int) -> World:
    """A world of one ``part``-th of the networks, cities and agreements, each network as large as in the whole."""
    networks = [new_id() for _ in range(NETWORKS // part)]
    cities = [new_id() for _ in range(CITIES // part)]
    newcomers, coming = [new_id() for _ in range(RUNS + 2)], [new_id() for _ in range(RUNS + 2)]
    agreements = [new_id() for _ in range(AGREEMENTS // part)]
    parties = {one: [networks[place % len(networks)], networks[(place + 1) % len(networks)]] for place, one in enumerate(agreements)}
    # The coming ones are between two networks that no newcomer joins, so that each run touches as many pairs.
    known = parties | dict.fromkeys(coming, networks[2:4])
    async with database.session() as session:
        await session.execute(insert(Partner), [_partner(one, "city_network") for one in networks])
        await session.execute(insert(Partner), [_partner(one, "city") for one in [*cities, *newcomers]])
        await session.execute(insert(Agreement), [_agreement(one, bound) for one, bound in known.items()])
        memberships = [(new_id(), city, networks[place % len(networks)]) for place, city in enumerate(cities)]
        await session.execute(insert(Membership), [_membership(*one) for one in memberships])
        await session.execute(insert(Tie), [_tie(*one) for one in memberships])
        await session.execute(insert(InForce), [_in_force(one, bound) for one, bound in parties.items()])
        await session.execute(insert(BoundParty), [{"agreement": one, "partner": party} for one, both in parties.items() for party in both])
        await session.execute(text(_EVERYBODY))
        await session.execute(text("ANALYZE"))
        await session.commit()
    return World(database, networks, newcomers, coming)


def _partner(identity: str, kind: str) -> dict[str, Any]:
    said = {
        "names": {"es": "Ciudad"},
        "aliases": [],
        "country": "CO",
        "timezone": "America/Bogota",
        "languages": ["es"],
        "folded": [],
        "grams": [],
    }
    return _versioned(identity) | said | {"kind": kind, "state": "active", "registered_at": NOW, "changed_at": NOW}


def _agreement(identity: str, bound: list[str]) -> dict[str, Any]:
    parties = [{"partner": party, "role": "signatory", "required": True, "consent": "signed", "names": {}} for party in bound]
    words = {"code": identity, "kind": "mou", "titles": {"es": "Memorando"}, "state": "in_force", "visibility": "public", "document": "{}"}
    days = {"created_at": NOW, "changed_at": NOW, "signed_on": date(2024, 7, 12), "timezone": "America/Bogota"}
    more = {"lines": LINES, "revision": 1, "current": {}, "evidence": [], "historic": True, "drafted_by": bound[0]}
    return _versioned(identity) | words | days | more | {"parties": parties, "party_ids": bound}


def _membership(identity: str, city: str, network: str) -> dict[str, Any]:
    said = {"partner": city, "network": network, "role": "member", "inherits_agreements": "auto"}
    return _versioned(identity) | said | {"valid_from": date(2020, 1, 1), "recorded_at": NOW}


def _tie(identity: str, city: str, network: str) -> dict[str, Any]:
    return {"membership": identity, "member": city, "network": network, "by_choice": False}


def _in_force(identity: str, bound: list[str]) -> dict[str, Any]:
    return {"agreement": identity, "lines": LINES, "visibility": "public", "parties": bound}


def _versioned(identity: str) -> dict[str, Any]:
    return {"id": identity, "version": 1, "sequence": 0}
