"""Every operation of the notifications service, asked by every kind of caller: each gets the status of this table."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.fixtures.matrix import Ask, Maker, Row, bad_tokens, closed, differences, everybody, operations
from tests.notifications.conftest import ISSUER, KEY, NotificationsService, PartnerClient

CHOICE = {"language": "es", "timezone": "America/Bogota"}
WISH = {"email": "lectora@ejemplo.example", "language": "es", "types": "agreement.signed"}


@dataclass
class World:
    """A city that brings people here, the network it is in, and somebody else."""

    service: NotificationsService
    callers: dict[str, PartnerClient]
    city: str
    numbers: itertools.count[int] = field(default_factory=itertools.count)

    async def person(self) -> tuple[str, str]:
        """Somebody whom the city brought here just now: the address, and the path."""
        email = f"lectora{next(self.numbers)}@medellin.example"
        made = await self.callers["member"].post("/v1/subscribers", json={"email": email})
        assert made.status_code == 201, made.text
        return email, f"/v1/subscribers/{made.json()['id']}"

    async def link(self, kind: str) -> str:
        """The path of a link of this kind in a mail to such a person."""
        email, path = await self.person()
        await self.service.send()
        if kind == "confirm":
            return self.service.link(kind, email)
        await self.callers["member"].post(f"{path}/subscriptions", json={})
        await self.service.browser.post(self.service.link("confirm", email))
        self.service.neighbours.now = self.service.clock()
        self.service.neighbours.sign([self.city])
        await self.service.hear()
        await self.service.send()
        return self.service.link(kind, email)


async def world_of(service: NotificationsService) -> World:
    say = service.neighbours
    city, network, other = say.partner("Medellín"), say.partner("Asocapitales"), say.partner("Berlin")
    await service.hear()
    tokens = bad_tokens(KEY, ISSUER, city)
    callers = {name: service.client_with({"Authorization": f"Bearer {token}"}) for name, token in tokens.items()}
    for name, scopes in (("reader", "read"), ("member", "read write sign"), ("ruler", "read admin")):
        callers[name] = service.client_of(city, scopes)
    callers |= {"nobody": service.client_with({}), "other": service.client_of(other)}
    return World(service, callers | {"network": service.client_of(network), "operator": service.operator}, city)


def on_person(way: str, body: dict[str, Any] | None = None) -> Maker[World]:
    """A request about somebody the city brought here."""

    async def ask(world: World) -> Ask:
        return Ask((await world.person())[1] + way, json=body)

    return ask


def on_link(kind: str, form: dict[str, str] | None = None) -> Maker[World]:
    """A request for what a link in a mail leads to."""

    async def ask(world: World) -> Ask:
        return Ask(await world.link(kind), form=form)

    return ask


def at(path: str, form: dict[str, str] | None = None) -> Maker[World]:
    """A request that stands already."""

    async def ask(_world: World) -> Ask:
        return Ask(path, form=form)

    return ask


async def newcomer(world: World) -> Ask:
    return Ask("/v1/subscribers", json={"email": f"nueva{next(world.numbers)}@medellin.example"})


async def subscription(world: World) -> Ask:
    _, path = await world.person()
    made = await world.callers["member"].post(f"{path}/subscriptions", json={})
    assert made.status_code == 201, made.text
    return Ask(f"{path}/subscriptions/{made.json()['id']}", version=1)


async def message(world: World) -> Ask:
    await world.person()
    return Ask(f"/v1/messages/{(await world.service.messages())[0]['id']}")


#           other reader member network ruler operator
TABLE: Mapping[str, Row[World]] = {
    "POST /v1/subscribers": closed("201 403 201 201 403 201", newcomer),
    "GET /v1/subscribers/{subscriber}": closed("404 200 200 404 200 200", on_person("")),
    "POST /v1/subscribers/{subscriber}/subscriptions": closed("404 403 201 404 403 201", on_person("/subscriptions", {})),
    "GET /v1/subscribers/{subscriber}/subscriptions": closed("404 200 200 404 200 200", on_person("/subscriptions")),
    "DELETE /v1/subscribers/{subscriber}/subscriptions/{subscription}": closed("404 403 204 404 403 204", subscription),
    "GET /v1/messages": closed("403 403 403 403 403 200", at("/v1/messages")),
    "GET /v1/messages/{message}": closed("403 403 403 403 403 200", message),
    "GET /confirm/{token}": everybody(200, on_link("confirm")),
    "POST /confirm/{token}": everybody(200, on_link("confirm")),
    "GET /unsubscribe/{token}": everybody(200, on_link("unsubscribe")),
    "POST /unsubscribe/{token}": everybody(200, on_link("unsubscribe")),
    "GET /preferences/{token}": everybody(200, on_link("preferences")),
    "POST /preferences/{token}": everybody(303, on_link("preferences", CHOICE)),
    "GET /subscribe": everybody(200, at("/subscribe")),
    "POST /subscribe": everybody(202, at("/subscribe", WISH)),
}


async def test_every_operation_has_a_row(service: NotificationsService) -> None:
    assert operations((await service.browser.get("/openapi.json")).json()) == set(TABLE)


async def test_every_caller_gets_from_every_operation_what_the_table_says(service: NotificationsService) -> None:
    world = await world_of(service)
    assert await differences(TABLE, world.callers, world) == []
