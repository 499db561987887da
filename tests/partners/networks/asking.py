"""Rows of the table of who gets which status: how a membership is applied for, decided, changed, renewed and suspended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from tests.fixtures.matrix import Ask, Maker, Row, closed
from tests.partners.conftest import PartnerClient, PartnersService


class Place(Protocol):
    """A city that belongs to a network, and who asks."""

    service: PartnersService
    callers: dict[str, PartnerClient]

    @property
    def city(self) -> str:
        """The partner that everything is about."""

    @property
    def network(self) -> str:
        """Its network."""

    async def membership(self) -> str:
        """A membership of the city in the network."""


async def a_free_year(world: Place) -> str:
    """A year of the past that no membership of the city in the network has."""
    listed = (await world.service.operator.get(f"/v1/partners/{world.city}/memberships", params={"limit": 200})).json()["items"]
    return str(1700 + len(listed))


async def apply(world: Place) -> Ask:
    return Ask(f"/v1/networks/{(await world.service.register('city_network'))['id']}/applications", json={"message": "Hola."})


async def list_applications(world: Place) -> Ask:
    return Ask(f"/v1/networks/{world.network}/applications")


def on_application(way: str, **more: Any) -> Maker[Any]:
    """A request about an application of the city to the network, where none is open; 'day' is one that it can be approved for."""

    async def ask(world: Place) -> Ask:
        place = f"/v1/networks/{world.network}/applications"
        for left in (await world.service.operator.get(place, params={"status": "applied"})).json()["items"]:
            await world.service.operator.post(f"/v1/memberships/{left['id']}/withdraw", headers={"If-Match": '"1"'})
        made = await world.callers["member"].post(place, json={"valid_from": "1600-01-01"})
        day = f"{await a_free_year(world)}-01-01"
        said = {name: day if value == "day" else value for name, value in more.items()}
        return Ask(f"/v1/memberships/{made.json()['id']}/{way}", json=said or None, version=1)

    return ask


def on_membership(way: str, **more: Any) -> Maker[Any]:
    """A request about a membership that the network has with nobody else, of a city that is new to it."""

    async def ask(world: Place) -> Ask:
        body = {"partner": (await world.service.register())["id"], "valid_from": "2020-01-01", "valid_to": "9000-01-01"}
        made = (await world.service.operator.post(f"/v1/networks/{world.network}/members", json=body)).json()
        place = f"/v1/memberships/{made['id']}"
        if way == "resume":
            suspended = await world.service.operator.post(f"{place}/suspend", json={"reason": "Otro."}, headers={"If-Match": '"1"'})
            made = suspended.json()
        return Ask(f"{place}/{way}".rstrip("/"), json=more or None, version=made["version"])

    return ask


async def choices(world: Place) -> Ask:
    return Ask(f"/v1/memberships/{await world.membership()}/agreements")


MEMBERSHIPS: Mapping[str, Row[Any]] = {
    "POST /v1/networks/{network}/applications": closed("201 403 201 201 403 403", apply),
    "GET /v1/networks/{network}/applications": closed("200 200 200 200 200 200", list_applications),
    "GET /v1/memberships/{membership}/agreements": closed("403 200 200 200 200 200", choices),
    "POST /v1/memberships/{membership}/approve": closed(
        "404 403 403 200 403 200", on_application("approve", valid_from="day", valid_to="day")
    ),
    "POST /v1/memberships/{membership}/reject": closed("404 403 403 200 403 200", on_application("reject", reason="Otro.")),
    "POST /v1/memberships/{membership}/withdraw": closed("404 403 200 403 403 200", on_application("withdraw")),
    "PATCH /v1/memberships/{membership}": closed("403 403 403 200 403 200", on_membership("", role="associate")),
    "POST /v1/memberships/{membership}/renew": closed("403 403 403 200 403 200", on_membership("renew", valid_to="9001-01-01")),
    "POST /v1/memberships/{membership}/suspend": closed("403 403 403 200 403 200", on_membership("suspend", reason="Otro.")),
    "POST /v1/memberships/{membership}/resume": closed("403 403 403 200 403 200", on_membership("resume")),
}
"""In the order of `CALLERS` after the strangers: other, reader, member, network, ruler, operator."""
