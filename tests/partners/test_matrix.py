"""Every operation of the partners service, asked by every kind of caller: each gets the status of this table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.fixtures.matrix import Ask, Maker, Row, bad_tokens, closed, differences, everybody, operations, whole
from tests.partners.access.test_keys import age
from tests.partners.agreements.conftest import Table, hash_of
from tests.partners.agreements.test_history import past
from tests.partners.agreements.test_mandates import SCOPE
from tests.partners.conftest import ADDRESS, BOOTSTRAP_SECRET, PartnerClient, PartnersService, client_on
from tests.partners.contacts.test_contacts import PERSON
from tests.partners.importing.who import FILES
from tests.partners.merging.asking import UNDOING, merging, on_merged
from tests.partners.networks.asking import MEMBERSHIPS
from tests.partners.registry.standing.asking import on_partner

GRANT = {"grant_type": "client_credentials", "client_id": "bootstrap", "client_secret": BOOTSTRAP_SECRET}


@dataclass
class World:
    """A city that belongs to a network and has agreements with it, and somebody else."""

    service: PartnersService
    callers: dict[str, PartnerClient]
    table: Table

    @property
    def city(self) -> str:
        """The partner that everything is about."""
        return self.table.medellin.partner

    @property
    def network(self) -> str:
        """Its network."""
        return self.table.kyiv.partner

    async def fresh_partner(self) -> str:
        """Somebody nobody has met yet."""
        return str((await self.service.register())["id"])

    async def membership(self) -> str:
        """A membership of the city in the network, which ended before any other begins."""
        listed = (await self.service.operator.get(f"/v1/partners/{self.city}/memberships")).json()["items"]
        year = 1900 + len(listed)
        body = {"partner": self.city, "valid_from": f"{year}-01-01", "valid_to": f"{year}-12-31"}
        made = await self.service.operator.post(f"/v1/networks/{self.network}/members", json=body)
        assert made.status_code == 201, made.text
        return str(made.json()["id"])

    async def standing(self) -> str:
        """The membership of the city in the network that holds today."""
        held = (await self.service.operator.get(f"/v1/partners/{self.city}/memberships", params={"on": "2020-01-01"})).json()["items"]
        if held:
            return str(held[0]["id"])
        body = {"partner": self.city, "valid_from": "2020-01-01"}
        return str((await self.service.operator.post(f"/v1/networks/{self.network}/members", json=body)).json()["id"])

    async def client(self) -> str:
        """A client of the city."""
        body = {"partner": self.city, "name": "Sistema", "scopes": ["read"]}
        return str((await self.service.operator.post("/v1/clients", json=body)).json()["id"])


async def world_of(service: PartnersService) -> World:
    city, network = await service.client_of("tech_centre"), await service.client_of("city_network")
    other = await service.client_of("city")
    tokens = bad_tokens(await service.app.state.access.ring.signing_key(), ADDRESS, city.partner)
    bad = {name: client_on(service.app, {"Authorization": f"Bearer {token}"}) for name, token in tokens.items()}
    service.opened.extend(bad.values())
    known = {"other": other, "member": city, "network": network, "operator": service.operator}
    rulers = {"reader": await service.client_for(city.partner, "read"), "ruler": await service.client_for(city.partner, "read admin")}
    return World(service, {"nobody": service.anyone, **bad, **known, **rulers}, Table(service, city, network, other))


def at(path: str, **more: Any) -> Maker[World]:
    """A request that stands already, about the city and its network."""

    async def ask(world: World) -> Ask:
        return Ask(path.format(city=world.city, network=world.network), **more)

    return ask


def on_agreement(state: str, way: str, **more: Any) -> Maker[World]:
    """A request about an agreement of the city and the network that is in this state; the hash is that of its terms."""

    async def ask(world: World) -> Ask:
        agreement = await getattr(world.table, state)()
        said = {name: hash_of(agreement) if name == "terms_hash" else value for name, value in more.items()}
        if way == "/revisions":
            said["terms"] = world.table.terms(quantity=7)
        return Ask(f"/v1/agreements/{agreement['id']}{way}", json=said or None, version=agreement["version"])

    return ask


async def new_partner(_world: World) -> Ask:
    names = {"kind": "city", "names": {"es": "Ciudad sin registrar"}, "country": "CO", "timezone": "America/Bogota"}
    return Ask("/v1/partners", json=names | {"force": True})


async def known_elsewhere(world: World) -> Ask:
    body = {"kind": "city", "names": {"es": "Ciudad de otro sistema"}, "country": "CO", "timezone": "America/Bogota", "force": True}
    return Ask(f"/v1/partners/by-external-id/system/{await world.fresh_partner()}", json=body)


def on_city(method_body: dict[str, Any] | None, way: str = "", **more: Any) -> Maker[World]:
    async def ask(world: World) -> Ask:
        version = (await world.service.operator.get(f"/v1/partners/{world.city}")).json()["version"]
        return Ask(f"/v1/partners/{world.city}{way}", json=method_body, version=version, **more)

    return ask


async def forget_alias(world: World) -> Ask:
    place = f"/v1/partners/{world.city}"
    version = (await world.service.operator.get(place)).json()["version"]
    added = await world.callers["member"].post(
        f"{place}/aliases", json={"lang": "es", "text": "Otro"}, headers={"If-Match": f'"{version}"'}
    )
    assert added.status_code == 200, added.text
    return Ask(f"{place}/aliases", params={"text": "Otro"}, version=added.json()["version"])


async def join(world: World) -> Ask:
    body = {"partner": await world.fresh_partner(), "valid_from": "2020-01-01"}
    return Ask(f"/v1/networks/{world.network}/members", json=body)


async def one_membership(world: World) -> Ask:
    return Ask(f"/v1/memberships/{await world.membership()}")


async def end_membership(world: World) -> Ask:
    place = f"/v1/memberships/{await world.membership()}"
    return Ask(f"{place}/end", json={"valid_to": (await world.service.operator.get(place)).json()["valid_from"]}, version=1)


def choose(way: str) -> Maker[World]:
    async def ask(world: World) -> Ask:
        agreement = await world.table.signed(visibility="public")
        place = f"/v1/memberships/{await world.standing()}"
        version = (await world.service.operator.get(place)).json()["version"]
        return Ask(f"{place}/agreements/{agreement['id']}/{way}", version=version)

    return ask


async def draft(world: World) -> Ask:
    return Ask("/v1/agreements", json=world.table.draft_body())


async def of_the_past(world: World) -> Ask:
    return Ask("/v1/agreements/historic", json=past(world.table))


async def new_client(world: World) -> Ask:
    return Ask("/v1/clients", json={"partner": world.city, "name": "Sistema", "scopes": ["read"]})


def on_client(way: str, **more: Any) -> Maker[World]:
    async def ask(world: World) -> Ask:
        return Ask(f"/v1/clients/{await world.client()}{way}", **more)

    return ask


async def change_client(world: World) -> Ask:
    return Ask(f"/v1/clients/{await world.client()}", json={"name": "Otro"}, version=1)


async def drop_secret(world: World) -> Ask:
    place = f"/v1/clients/{await world.client()}/secrets"
    assert (await world.service.operator.post(place)).status_code == 201
    return Ask(f"{place}/1")


async def name_contact(world: World) -> Ask:
    return Ask(f"/v1/partners/{world.city}/contacts", json=PERSON)


def on_contact(way: str, **more: Any) -> Maker[World]:
    async def ask(world: World) -> Ask:
        made = await world.callers["member"].post(f"/v1/partners/{world.city}/contacts", json=PERSON)
        return Ask(f"/v1/contacts/{made.json()['id']}{way}", **more)

    return ask


async def ask_for_mandate(world: World) -> Ask:
    """Between the city and its network there is one at a time."""
    member = world.callers["member"]
    for standing in (await member.get(f"/v1/partners/{world.city}/mandates", params={"limit": 200})).json()["items"]:
        if standing["state"] in ("requested", "active"):
            headers = {"If-Match": f'"{standing["version"]}"'}
            await member.post(f"/v1/mandates/{standing['id']}/revoke", json={"reason": "Otro."}, headers=headers)
    return Ask(f"/v1/partners/{world.city}/mandates", json=SCOPE | {"holder": world.network})


def on_mandate(way: str, **more: Any) -> Maker[World]:
    async def ask(world: World) -> Ask:
        wanted = await ask_for_mandate(world)
        made = await world.callers["network"].post(wanted.path, json=wanted.json)
        return Ask(f"/v1/mandates/{made.json()['id']}{way}", **more)

    return ask


async def rotate(world: World) -> Ask:
    await age(world.service)
    return Ask("/v1/keys/rotate")


READ = "200 200 200 200 200 200"
PARTY = "404 200 200 200 200 200"

#           other reader member network ruler operator
TABLE: Mapping[str, Row[World]] = {
    **FILES,
    "POST /oauth/token": whole("200 400 400 400 400 400 400 400 400", at("/oauth/token", form=GRANT)),
    "GET /.well-known/jwks.json": everybody(200, at("/.well-known/jwks.json")),
    "GET /.well-known/oauth-authorization-server": everybody(200, at("/.well-known/oauth-authorization-server")),
    "POST /v1/clients": closed("403 403 403 403 201 201", new_client),
    "GET /v1/clients": closed("403 403 403 403 200 200", at("/v1/clients")),
    "GET /v1/clients/{client}": closed("403 403 403 403 200 200", on_client("")),
    "PATCH /v1/clients/{client}": closed("403 403 403 403 200 200", change_client),
    "POST /v1/clients/{client}/secrets": closed("403 403 403 403 201 201", on_client("/secrets")),
    "DELETE /v1/clients/{client}/secrets/{n}": closed("403 403 403 403 200 200", drop_secret),
    "POST /v1/clients/{client}/revoke": closed("403 403 403 403 200 200", on_client("/revoke")),
    "POST /v1/keys/rotate": closed("403 403 403 403 403 200", rotate),
    "GET /v1/audit": closed("403 403 403 403 200 200", at("/v1/audit")),
    "GET /v1/audit/export": closed("403 403 403 403 200 200", at("/v1/audit/export")),
    "POST /v1/partners": closed("403 403 403 403 403 201", new_partner),
    "GET /v1/partners": closed(READ, at("/v1/partners")),
    "GET /v1/partners/search": closed(READ, at("/v1/partners/search", params={"q": "ciudad"})),
    "PUT /v1/partners/by-external-id/{scheme}/{value}": closed("403 403 403 403 403 201", known_elsewhere),
    "GET /v1/partners/{partner}": closed(READ, at("/v1/partners/{city}")),
    "PATCH /v1/partners/{partner}": closed("403 403 200 403 403 200", on_city({"locality": "Cali"})),
    "POST /v1/partners/{partner}/aliases": closed("403 403 200 403 403 200", on_city({"lang": "es", "text": "Alias"}, "/aliases")),
    "DELETE /v1/partners/{partner}/aliases": closed("403 403 200 403 403 200", forget_alias),
    "POST /v1/partners/{partner}/merge": closed("403 403 403 403 403 201", merging),
    "GET /v1/partners/{partner}/merge": closed(READ, on_merged("/merge")),
    "POST /v1/partners/{partner}/undo-merge": closed("403 403 403 403 403 200", on_merged("/undo-merge", UNDOING)),
    "POST /v1/networks/{network}/members": closed("403 403 403 201 403 201", join),
    "GET /v1/networks/{network}/members": closed(READ, at("/v1/networks/{network}/members")),
    "GET /v1/partners/{partner}/memberships": closed(READ, at("/v1/partners/{city}/memberships")),
    "GET /v1/memberships/{membership}": closed(READ, one_membership),
    "POST /v1/memberships/{membership}/end": closed("403 403 200 200 403 200", end_membership),
    **MEMBERSHIPS,
    "GET /v1/partners/{partner}/history": closed(READ, at("/v1/partners/{city}/history")),
    "GET /v1/partners/{partner}/entitlements": closed(READ, at("/v1/partners/{city}/entitlements")),
    "GET /v1/agreements/{agreement}/beneficiaries": closed(PARTY, on_agreement("signed", "/beneficiaries")),
    "POST /v1/memberships/{membership}/agreements/{agreement}/opt-in": closed("403 403 200 403 403 200", choose("opt-in")),
    "POST /v1/memberships/{membership}/agreements/{agreement}/opt-out": closed("403 403 200 403 403 200", choose("opt-out")),
    "POST /v1/partners/{partner}/submit": closed("404 403 404 404 403 200", on_partner("submit")),
    "POST /v1/partners/{partner}/suspend": closed("403 403 403 403 403 200", on_partner("suspend", reason="X")),
    "POST /v1/partners/{partner}/resume": closed("403 403 403 403 403 200", on_partner("resume", "suspend")),
    "POST /v1/partners/{partner}/archive": closed("403 403 403 403 403 200", on_partner("archive", reason="X")),
    "POST /v1/partners/{partner}/verify": closed("403 403 403 403 403 200", on_partner("verify", method="visit")),
    "GET /v1/partners/{partner}/verifications": closed(READ, at("/v1/partners/{city}/verifications")),
    "PUT /v1/partners/{partner}/hosting": closed("403 403 200 403 403 200", on_city({"host": None}, "/hosting")),
    "GET /v1/partners/{partner}/hostings": closed(READ, at("/v1/partners/{city}/hostings")),
    "POST /v1/partners/{partner}/contacts": closed("403 403 201 403 403 201", name_contact),
    "GET /v1/partners/{partner}/contacts": closed("403 200 200 403 200 200", at("/v1/partners/{city}/contacts")),
    "GET /v1/contacts/{contact}": closed("404 200 200 404 200 200", on_contact("")),
    "PATCH /v1/contacts/{contact}": closed("404 403 200 404 403 200", on_contact("", json={"position": None}, version=1)),
    "POST /v1/contacts/{contact}/erase": closed("404 403 200 404 403 200", on_contact("/erase")),
    "POST /v1/partners/{partner}/mandates": closed("403 403 201 201 403 403", ask_for_mandate),
    "GET /v1/partners/{partner}/mandates": closed("403 200 200 403 200 200", at("/v1/partners/{city}/mandates")),
    "GET /v1/mandates/{mandate}": closed(PARTY, on_mandate("")),
    "GET /v1/mandates/{mandate}/uses": closed(PARTY, on_mandate("/uses")),
    "POST /v1/mandates/{mandate}/grant": closed("404 403 200 403 403 403", on_mandate("/grant", version=1)),
    "POST /v1/mandates/{mandate}/revoke": closed("404 403 200 200 403 200", on_mandate("/revoke", json={"reason": "Otro."}, version=1)),
    "POST /v1/agreements": closed("403 403 201 201 403 201", draft),
    "POST /v1/agreements/historic": closed("403 403 201 201 403 201", of_the_past),
    "GET /v1/agreements": closed(READ, at("/v1/agreements")),
    "GET /v1/agreements/{agreement}": closed(PARTY, on_agreement("proposed", "")),
    "POST /v1/agreements/{agreement}/propose": closed("404 403 200 404 403 200", on_agreement("draft", "/propose")),
    "POST /v1/agreements/{agreement}/revisions": closed("404 403 201 201 403 201", on_agreement("proposed", "/revisions")),
    "POST /v1/agreements/{agreement}/approve": closed("404 403 200 200 403 403", on_agreement("proposed", "/approve", terms_hash="")),
    "POST /v1/agreements/{agreement}/abandon": closed("404 403 200 200 403 200", on_agreement("proposed", "/abandon", reason="Error.")),
    "POST /v1/agreements/{agreement}/request-signature": closed("404 403 200 200 403 200", on_agreement("agreed", "/request-signature")),
    "POST /v1/agreements/{agreement}/sign": closed("404 403 200 200 403 403", on_agreement("signing", "/sign", terms_hash="")),
    "GET /v1/agreements/{agreement}/revisions/{number}": closed(PARTY, on_agreement("proposed", "/revisions/1")),
    "GET /v1/agreements/{agreement}/revisions/{number}/canonical": closed(PARTY, on_agreement("proposed", "/revisions/1/canonical")),
}


async def test_every_operation_has_a_row(service: PartnersService) -> None:
    assert operations((await service.anyone.get("/openapi.json")).json()) == set(TABLE)


async def test_every_caller_gets_from_every_operation_what_the_table_says(service: PartnersService) -> None:
    world = await world_of(service)
    assert await differences(TABLE, world.callers, world) == []
