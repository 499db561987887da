"""Whoever is archived belongs to nothing from the next day on, and nobody waits for its answer; agreements stay."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select

from services.partners.networks.archiving.commands import ACTS
from shared.due import due
from tests.partners.conftest import PartnersService
from tests.partners.networks.conftest import Pair, on, today


async def archived(service: PartnersService, partner: str) -> None:
    """Archive the partner, and let the worker do all that follows."""
    version = (await service.operator.get(f"/v1/partners/{partner}")).json()["version"]
    body, headers = {"reason": "La entidad fue liquidada."}, {"If-Match": f'"{version}"'}
    answer = await service.operator.post(f"/v1/partners/{partner}/archive", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    while await service.act(datetime.now(UTC)):
        pass
    async with service.runtime.database.reader() as reader:
        assert not (await reader.execute(select(due.c.kind).where(due.c.kind.in_(ACTS)))).all(), "each was done, none failed"


def shown(membership: dict[str, Any]) -> tuple[str, str | None, str | None]:
    return membership["status"], membership["valid_to"], membership["reason"]


async def test_a_member_that_is_archived_belongs_and_is_entitled_up_to_that_day(pair: Pair) -> None:
    agreement, made = await pair.agreement(), await pair.join(valid_to=str(today() + timedelta(days=400)), grace_days=30)
    await archived(pair.service, pair.city.partner)
    assert shown(await pair.read(made)) == ("current", str(today()), "The partner was archived.")
    assert await pair.entitled(agreement)
    await pair.service.act(on(today() + timedelta(days=1)))
    assert not await pair.entitled(agreement)
    assert await pair.told(made) == [("started", "public"), ("ended", "public")]
    withdrawn = (await pair.service.facts())[-1]
    assert (withdrawn["type"].split(".")[2:4], withdrawn["data"]["reason"]) == (["entitlement", "withdrawn"], "membership_ended")
    assert (await pair.service.operator.get(f"/v1/agreements/{agreement}")).json()["state"] == "in_force"


async def test_when_a_network_is_archived_its_members_go_and_what_was_over_stays_as_it_was(pair: Pair) -> None:
    over = await pair.join(valid_from="2019-01-01", valid_to="2019-12-31")
    standing, first_day = await pair.join(), str(today() + timedelta(days=60))
    coming = await pair.join(partner=(await pair.service.register())["id"], valid_from=first_day)
    other = await pair.join(partner=(await pair.service.register())["id"])
    stopped = await pair.act(pair.network, other, "suspend", reason="Cuota sin pagar.")
    assert stopped.status_code == 200
    was = await pair.read(over)
    await archived(pair.service, pair.network.partner)
    assert shown(await pair.read(standing)) == ("current", str(today()), "The network was archived.")
    assert shown(await pair.read(coming)) == ("approved", first_day, "The network was archived.")
    assert shown(await pair.read(other)) == ("suspended", str(today()), "The network was archived.")
    assert await pair.read(over) == was


async def test_applications_of_and_to_an_archived_partner_are_closed(pair: Pair) -> None:
    network = await pair.service.client_of("city_network")
    own = await pair.apply()
    asked = (await pair.city.post(f"/v1/networks/{network.partner}/applications", json={})).json()
    await archived(pair.service, network.partner)
    assert shown(await pair.read(asked))[::2] == ("rejected", "The network was archived.")
    assert (await pair.read(own))["status"] == "applied"
    await archived(pair.service, pair.city.partner)
    assert (await pair.read(own))["status"] == "withdrawn"
    assert (await pair.told(asked), await pair.told(own)) == (
        [("applied", "parties"), ("rejected", "parties")],
        [("applied", "parties"), ("application_withdrawn", "parties")],
    )
