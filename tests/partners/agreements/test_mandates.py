"""A partner lets another approve or sign for it, within bounds and for a time; what was done under a mandate is kept."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.partners.agreements.conftest import Table, good, hash_of, refused
from tests.partners.conftest import PartnerClient

SCOPE: dict[str, Any] = {"may_approve": True, "may_sign": True, "valid_from": "2025-01-01"}


async def given(table: Table, **said: Any) -> dict[str, Any]:
    """A mandate that Kyiv gave the stranger."""
    body = SCOPE | {"holder": table.stranger.partner} | said
    return good(await table.kyiv.post(f"/v1/partners/{table.kyiv.partner}/mandates", json=body), 201)


async def end(client: PartnerClient, mandate: dict[str, Any], verb: str, **body: Any) -> dict[str, Any]:
    headers = {"If-Match": f'"{mandate["version"]}"'}
    return good(await client.post(f"/v1/mandates/{mandate['id']}/{verb}", json=body or None, headers=headers))


def for_kyiv(table: Table, agreement: dict[str, Any]) -> dict[str, Any]:
    return {"terms_hash": hash_of(agreement), "partner": table.kyiv.partner}


async def test_a_holder_reads_approves_and_signs_for_the_partner_and_it_is_kept(table: Table) -> None:
    mandate = await given(table)
    agreement = await table.proposed()
    place = f"/v1/agreements/{agreement['id']}"
    assert good(await table.stranger.get(place)) == agreement
    agreement = await table.act(table.stranger, agreement, "approve", **for_kyiv(table, agreement))
    agreement = await table.act(table.medellin, agreement, "approve", terms_hash=hash_of(agreement))
    agreement = await table.act(table.medellin, agreement, "request-signature")
    agreement = await table.act(table.stranger, agreement, "sign", **for_kyiv(table, agreement))
    assert next(party for party in agreement["parties"] if party["partner"] == table.kyiv.partner)["consent"] == "signed"
    uses = (await table.kyiv.get(f"/v1/mandates/{mandate['id']}/uses")).json()["items"]
    assert [(use["action"], use["agreement"], use["terms_hash"]) for use in uses] == [
        (action, agreement["id"], hash_of(agreement)) for action in ("approve", "sign")
    ]


async def test_a_draft_is_hidden_from_the_holder_until_the_party_itself_may_see_it(table: Table) -> None:
    await given(table)
    draft = await table.draft()
    refused(await table.stranger.get(f"/v1/agreements/{draft['id']}"), 404, "not-found")


async def test_a_mandate_is_asked_for_by_its_holder_and_granted_by_the_partner_alone(table: Table) -> None:
    place = f"/v1/partners/{table.kyiv.partner}/mandates"
    asked = good(await table.stranger.post(place, json=SCOPE | {"holder": table.stranger.partner}), 201)
    assert asked["state"] == "requested"
    agreement = await table.proposed()
    refused(await table.attempt(table.stranger, agreement, "approve", **for_kyiv(table, agreement)), 403, "not-for-another")
    own = await table.stranger.post(f"/v1/mandates/{asked['id']}/grant", headers={"If-Match": '"1"'})
    refused(own, 403, "forbidden")
    granted = await end(table.kyiv, asked, "grant")
    assert granted["state"] == "active"
    assert await end(table.kyiv, granted, "grant") == granted
    await table.act(table.stranger, agreement, "approve", **for_kyiv(table, agreement))
    facts = await table.service.facts(f"mandate/{asked['id']}")
    assert [fact["type"] for fact in facts] == ["org.interurbe.mandate.requested.v1", "org.interurbe.mandate.granted.v1"]
    assert {fact["headers"]["ce_visibility"] for fact in facts} == {"parties"}


@pytest.mark.parametrize("said", [{"may_approve": False}, {"kinds": ["mou"]}, {"valid_from": "2999-01-01"}])
async def test_a_mandate_allows_what_it_says_and_nothing_else(table: Table, said: dict[str, Any]) -> None:
    mandate = await given(table, **said)
    agreement = await table.proposed()
    refused(await table.attempt(table.stranger, agreement, "approve", **for_kyiv(table, agreement)), 403, "not-for-another")
    assert (await table.kyiv.get(f"/v1/mandates/{mandate['id']}/uses")).json()["items"] == []


async def test_after_it_is_revoked_nothing_more_is_done_under_it_and_what_was_done_stands(table: Table) -> None:
    mandate = await given(table)
    first, second = await table.proposed(), await table.proposed()
    first = await table.act(table.stranger, first, "approve", **for_kyiv(table, first))
    revoked = await end(table.stranger, mandate, "revoke", reason="El centro firma por sí mismo.")
    assert (revoked["state"], revoked["reason"]) == ("revoked", "El centro firma por sí mismo.")
    refused(await table.attempt(table.stranger, second, "approve", **for_kyiv(table, second)), 403, "not-for-another")
    refused(await table.stranger.get(f"/v1/agreements/{first['id']}"), 404, "not-found")
    assert good(await table.kyiv.get(f"/v1/agreements/{first['id']}")) == first
    again = await table.kyiv.post(
        f"/v1/mandates/{mandate['id']}/revoke", json={"reason": "x"}, headers={"If-Match": f'"{revoked["version"]}"'}
    )
    refused(again, 409, "mandate-over")
    await given(table)


async def test_it_ends_with_its_last_day_in_the_partners_own_time(table: Table) -> None:
    last = datetime.now(UTC).date() + timedelta(days=30)
    mandate = await given(table, valid_to=last.isoformat())
    midnight_in_kyiv = datetime(last.year, last.month, last.day, tzinfo=UTC) + timedelta(days=1, hours=-3)
    await table.service.act(midnight_in_kyiv - timedelta(hours=1))
    assert good(await table.kyiv.get(f"/v1/mandates/{mandate['id']}"))["state"] == "active"
    await table.service.act(midnight_in_kyiv + timedelta(hours=2))
    assert good(await table.kyiv.get(f"/v1/mandates/{mandate['id']}"))["state"] == "expired"
    facts = await table.service.facts(f"mandate/{mandate['id']}")
    assert facts[-1]["type"] == "org.interurbe.mandate.expired.v1"


async def test_it_ends_by_the_new_clocks_of_a_partner_that_moved_west(table: Table) -> None:
    last = datetime.now(UTC).date() + timedelta(days=30)
    mandate = await given(table, valid_to=last.isoformat())
    place = f"/v1/partners/{table.kyiv.partner}"
    version = good(await table.kyiv.get(place))["version"]
    good(await table.kyiv.patch(place, json={"timezone": "America/Bogota"}, headers={"If-Match": f'"{version}"'}))
    midnight = datetime(last.year, last.month, last.day, tzinfo=UTC) + timedelta(days=1)
    await table.service.act(midnight)
    assert good(await table.kyiv.get(f"/v1/mandates/{mandate['id']}"))["state"] == "active"
    await table.service.act(midnight + timedelta(hours=6))
    assert good(await table.kyiv.get(f"/v1/mandates/{mandate['id']}"))["state"] == "expired"


async def test_whether_its_last_day_is_over_already_is_asked_of_the_partners_own_clocks(table: Table) -> None:
    place, mandates = f"/v1/partners/{table.kyiv.partner}", f"/v1/partners/{table.kyiv.partner}/mandates"
    for zone in ("Etc/GMT+12", "Pacific/Kiritimati"):  # at any hour one of the two has another day than UTC
        version = good(await table.kyiv.get(place))["version"]
        good(await table.kyiv.patch(place, json={"timezone": zone}, headers={"If-Match": f'"{version}"'}))
        today = datetime.now(ZoneInfo(zone)).date()
        late = SCOPE | {"holder": table.stranger.partner, "valid_to": str(today - timedelta(days=1))}
        refused(await table.kyiv.post(mandates, json=late), 422, "invalid")
        mandate = await given(table, valid_to=str(today))
        assert mandate["requested_at"].endswith("+00:00")
        await end(table.kyiv, mandate, "revoke", reason="Ya no.")


async def test_one_to_the_last_day_there_is_ends_only_when_it_is_revoked(table: Table) -> None:
    mandate = await given(table, valid_to="9999-12-31")
    assert (mandate["state"], mandate["valid_to"]) == ("active", "9999-12-31")
    await table.service.act(datetime(9999, 12, 31, 12, tzinfo=UTC))
    assert good(await table.kyiv.get(f"/v1/mandates/{mandate['id']}"))["state"] == "active"
    assert (await end(table.kyiv, mandate, "revoke", reason="Ya no."))["state"] == "revoked"


async def test_two_at_a_time_is_one_too_many(table: Table) -> None:
    place, body = f"/v1/partners/{table.kyiv.partner}/mandates", SCOPE | {"holder": table.stranger.partner}
    answers = await asyncio.gather(*(client.post(place, json=body) for client in (table.kyiv, table.stranger, table.kyiv)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409]
    assert {answer.json().get("code") for answer in answers} == {None, "mandate-exists"}


async def test_others_know_nothing_of_it(table: Table) -> None:
    mandate = await given(table)
    refused(await table.medellin.get(f"/v1/mandates/{mandate['id']}"), 404, "not-found")
    refused(await table.medellin.get(f"/v1/mandates/{mandate['id']}/uses"), 404, "not-found")
    refused(await table.medellin.get(f"/v1/partners/{table.kyiv.partner}/mandates"), 403, "forbidden")
    body = SCOPE | {"holder": table.stranger.partner}
    refused(await table.medellin.post(f"/v1/partners/{table.kyiv.partner}/mandates", json=body), 403, "forbidden")
    for client in (table.kyiv, table.stranger):
        listed = (await client.get(f"/v1/partners/{client.partner}/mandates")).json()["items"]
        assert listed == [mandate]


async def test_a_partner_that_is_not_there_has_no_mandates(table: Table) -> None:
    place = "/v1/partners/01939f6e-8f1a-7c3e-9b52-3f7a1c2d4e5f/mandates"
    refused(await table.service.operator.get(place), 404, "not-found")
    refused(await table.stranger.get(place), 403, "forbidden")


async def test_a_list_holds_those_in_a_state(table: Table) -> None:
    revoked = await end(table.kyiv, await given(table), "revoke", reason="Otro.")
    active = await given(table)
    place = f"/v1/partners/{table.kyiv.partner}/mandates"
    for state, expected in (("revoked", [revoked]), ("active", [active]), ("requested", [])):
        assert (await table.kyiv.get(place, params={"state": state})).json()["items"] == expected
    refused(await table.kyiv.get(place, params={"state": "over"}), 422, "invalid")
    refused(await table.kyiv.get(f"/v1/mandates/{active['id']}/uses", params={"state": "active"}), 422, "invalid")


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"may_approve": False, "may_sign": False}, "/may_sign"),
        ({"valid_to": "2024-12-31"}, "/valid_to"),
        ({"kinds": ["treaty"]}, "/kinds/0"),
        ({"holder": "01939f6e-8f1a-7c3e-9b52-3f7a1c2d4e5f"}, "/holder"),
    ],
)
async def test_what_cannot_be_is_refused_by_the_name_of_its_field(table: Table, said: dict[str, Any], field: str) -> None:
    body = SCOPE | {"holder": table.stranger.partner} | said
    answer = await table.kyiv.post(f"/v1/partners/{table.kyiv.partner}/mandates", json=body)
    assert answer.status_code == 422, answer.text
    assert field in (answer.json().get("field"), *(error["field"] for error in answer.json().get("errors", ())))
