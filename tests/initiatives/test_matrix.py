"""Every operation of the initiatives service, asked by every kind of caller: each gets the status of this table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.events import Visibility
from tests.fixtures.matrix import Ask, Maker, Row, bad_tokens, closed, differences, operations, whole
from tests.initiatives.commitments.test_commitments import promise
from tests.initiatives.conftest import ISSUER, KEY, InitiativesService, PartnerClient
from tests.initiatives.exchanges.plans import Cast, cast_of, next_year
from tests.initiatives.neighbour import line


@dataclass
class World:
    """A city, the network it is in, an agreement of that network that reaches its members, and an exchange that the city hosts."""

    cast: Cast
    callers: dict[str, PartnerClient]
    commitment: str

    async def exchange(self) -> str:
        """The path of an exchange nobody has touched yet."""
        made = await self.callers["member"].post("/v1/exchanges", json=self.plan())
        assert made.status_code == 201, made.text
        return f"/v1/exchanges/{made.json()['id']}"

    def plan(self) -> dict[str, Any]:
        """What the city may hold under the agreement of its network, which takes part."""
        return self.cast.plan() | {"hosts": [self.cast.city], "participants": [self.cast.host]}


async def world_of(service: InitiativesService) -> World:
    cast = await cast_of(service, Visibility.NETWORK)
    promised = line("joint_projects", promise(cast.host, cast.other))
    agreement = service.neighbour.sign([cast.host, cast.other], visibility=Visibility.NETWORK, lines=(promised,))
    await service.hear()
    tokens = bad_tokens(KEY, ISSUER, cast.city)
    callers = {name: service.client_with({"Authorization": f"Bearer {token}"}) for name, token in tokens.items()}
    for name, scopes in (("reader", "read"), ("member", "read write sign"), ("ruler", "read admin")):
        callers[name] = service.client_of(cast.city, scopes)
    callers |= {"nobody": service.client_with({}), "other": service.client_of(cast.stranger)}
    callers |= {"network": service.client_of(cast.host), "operator": service.operator}
    listed = await service.operator.get("/v1/commitments", params={"agreement": agreement})
    return World(cast, callers, listed.json()["items"][0]["id"])


def at(path: str) -> Maker[World]:
    """A request that stands already."""

    async def ask(world: World) -> Ask:
        return Ask(path.format(city=world.cast.city, agreement=world.cast.agreement, commitment=world.commitment))

    return ask


def on_exchange(way: str, version: int | None = None, body: dict[str, Any] | None = None) -> Maker[World]:
    """A request about a fresh exchange."""

    async def ask(world: World) -> Ask:
        return Ask(await world.exchange() + way, json=body, version=version)

    return ask


async def plan(world: World) -> Ask:
    return Ask("/v1/exchanges", json=world.plan())


MOVE = {"starts_at": f"{next_year()}-03-11T09:00", "ends_at": f"{next_year()}-03-11T12:30", "reason": "Festivo."}
READ = "200 200 200 200 200 200"
INSIDE = "404 200 200 200 200 200"

#           other reader member network ruler operator
TABLE: Mapping[str, Row[World]] = {
    "GET /v1/directory/partners/{partner_id}": closed(READ, at("/v1/directory/partners/{city}")),
    "GET /v1/directory/agreements": closed(READ, at("/v1/directory/agreements")),
    "GET /v1/directory/agreements/{agreement_id}": closed(INSIDE, at("/v1/directory/agreements/{agreement}")),
    "GET /v1/partners/{partner_id}/entitlements": closed(READ, at("/v1/partners/{city}/entitlements")),
    "GET /v1/commitments": closed(READ, at("/v1/commitments")),
    "GET /v1/commitments/{commitment_id}": closed(INSIDE, at("/v1/commitments/{commitment}")),
    "POST /v1/exchanges": closed("403 403 201 403 403 201", plan),
    "GET /v1/exchanges": closed(READ, at("/v1/exchanges")),
    "GET /v1/exchanges/{exchange_id}": closed(INSIDE, on_exchange("")),
    "POST /v1/exchanges/{exchange_id}/reschedule": closed("404 403 200 403 403 200", on_exchange("/reschedule", 1, MOVE)),
    "POST /v1/exchanges/{exchange_id}/cancel": closed("404 403 200 403 403 200", on_exchange("/cancel", 1, {"reason": "Sin sede."})),
    "GET /v1/exchanges/{exchange_id}/calendar.ics": whole(f"404 401 401 {INSIDE}", on_exchange("/calendar.ics")),
}


async def test_every_operation_has_a_row(service: InitiativesService) -> None:
    assert operations((await service.client_with({}).get("/openapi.json")).json()) == set(TABLE)


async def test_every_caller_gets_from_every_operation_what_the_table_says(service: InitiativesService) -> None:
    world = await world_of(service)
    assert await differences(TABLE, world.callers, world) == []
