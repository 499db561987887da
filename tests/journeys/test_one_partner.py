"""The centre in Kyiv is on record twice: suspected, merged, its agreements follow, the old id leads on; and all of it can be undone."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from deploy.embedded.demo.facts import MEMBERS
from deploy.embedded.demo.stories import Stories
from deploy.embedded.demo.system import System, until
from deploy.embedded.stack import Stack
from services.partners.agreements.canonical.models import hash_of
from tests.journeys.again import at_rest, delivered_again
from tests.journeys.conftest import stories_on

SECOND = {"kind": "tech_centre", "names": {"en": "C4IR Kyiv"}, "country": "UA", "locality": "Kyiv", "timezone": "Europe/Kyiv"}
EVIDENCE = [{"title": "Alianza firmada", "media_type": "application/pdf", "sha256": "b" * 64, "size": 1}]


@pytest.fixture(scope="module")
def told(stack: Stack) -> Iterator[Stories]:
    """Everybody is there, the centre in Kyiv under its newer name."""
    stories = stories_on(stack, [])
    stories.everybody_is_registered()
    stories.members_join(MEMBERS)
    stories.people_subscribe()
    yield stories
    stories.http.close()


@pytest.fixture(scope="module")
def second(told: Stories) -> dict[str, Any]:
    """The second record: refused with the name of the first, then insisted on; it made an agreement with the centre in Malaysia."""
    partners = f"{told.addresses.partners}/v1/partners"
    headers = {"Authorization": f"Bearer {told.operator.token}", "Idempotency-Key": str(uuid4())}
    refused = told.http.post(partners, json=SECOND, headers=headers)
    assert (refused.status_code, told.ids["ggtc-kyiv"] in refused.text) == (409, True)
    made: dict[str, Any] = told.operator.post(partners, SECOND | {"force": True})
    return made | {"agreement": agreement_with_malaysia(told, made["id"])}


def agreement_with_malaysia(told: Stories, partner: str) -> str:
    """An agreement of long ago, on record under the second name."""
    body = {
        "kind": "alliance", "code": "KYIV-MY", "titles": {"es": "Alianza Kiev y Malasia"}, "visibility": "public",
        "parties": [{"partner": partner}, {"partner": told.ids["c4ir-malaysia"]}], "signed_on": "2025-02-01", "evidence": EVIDENCE,
        "terms": {"lines": [{"line": "joint_projects", "text": {"es": "GovTech"}}], "renewal": "none", "governing_languages": ["es"]},
        "texts": {"es": {"body": "GovTech", "status": "authentic"}},
    }  # fmt: skip
    return str(told.operator.post(f"{told.addresses.partners}/v1/agreements/historic", body)["id"])


def looked_up(told: Stories, path: str) -> httpx.Response:
    """What the operator is answered there, sent on or not."""
    told.operator.get(f"{told.addresses.partners}/v1/partners", limit="1")
    return told.http.get(f"{told.addresses.partners}/v1{path}", headers={"Authorization": f"Bearer {told.operator.token}"})


def parties(system: System, url: str) -> set[str]:
    """Who stands in an agreement."""
    return {party["partner"] for party in system.get(url)["parties"]}


def entitled(told: Stories, service: str, partner: str) -> set[str]:
    """What the partner may use, says a service."""
    found = told.operator.get(f"{getattr(told.addresses, service)}/v1/partners/{partner}/entitlements", limit="200")
    return {item["agreement"] for item in found["items"]}


def test_two_records_of_one_centre_become_one_and_everything_follows(told: Stories, second: dict[str, Any]) -> None:
    old, kyiv, malaysia = second["id"], told.ids["ggtc-kyiv"], told.ids["c4ir-malaysia"]
    agreement, initiatives = f"/agreements/{second['agreement']}", f"{told.addresses.initiatives}/v1"
    before = looked_up(told, f"{agreement}/revisions/1/canonical").content
    until("initiatives to know the agreement", lambda: second["agreement"] in entitled(told, "initiatives", malaysia))
    version = told.operator.get(f"{told.addresses.partners}/v1/partners/{old}")["version"]
    body = {"into": kyiv, "reason": "C4IR Kyiv es el nombre anterior de GGTC Kyiv."}
    told.operator.post(f"{told.addresses.partners}/v1/partners/{old}/merge", body, version=version)

    sent_on = looked_up(told, f"/partners/{old}")
    assert (sent_on.status_code, sent_on.headers["location"].endswith(f"/v1/partners/{kyiv}")) == (308, True)
    assert parties(told.operator, f"{told.addresses.partners}/v1{agreement}") == {kyiv, malaysia}
    assert second["agreement"] in entitled(told, "partners", kyiv)
    assert looked_up(told, f"{agreement}/revisions/1/canonical").content == before
    assert hash_of(before) == told.operator.get(f"{told.addresses.partners}/v1{agreement}")["current_revision"]["terms_hash"]
    until("initiatives to know that it passed", lambda: second["agreement"] in entitled(told, "initiatives", kyiv))
    assert parties(told.operator, f"{initiatives}/directory{agreement}") == {kyiv, malaysia}


async def test_the_whole_log_again_and_backwards_makes_them_one_partner_still(stack: Stack, told: Stories, second: dict[str, Any]) -> None:
    kyiv, agreement = told.ids["ggtc-kyiv"], f"{told.addresses.initiatives}/v1/directory/agreements/{second['agreement']}"
    await asyncio.to_thread(at_rest, stack)
    before = [entitled(told, "initiatives", kyiv), told.operator.get(agreement), mails(told)]
    await delivered_again(stack)
    assert [entitled(told, "initiatives", kyiv), told.operator.get(agreement), mails(told)] == before


def mails(told: Stories) -> list[str]:
    """The ids of all mails."""
    return sorted(mail["message_id"] for mail in told.http.get(f"{told.addresses.mail}/mails.json").json())


def test_undone_each_has_its_own_again(told: Stories, second: dict[str, Any]) -> None:
    old, kyiv = second["id"], told.ids["ggtc-kyiv"]
    told.operator.post(f"{told.addresses.partners}/v1/partners/{old}/undo-merge", {"reason": "Son dos centros."})
    assert looked_up(told, f"/partners/{old}").status_code == 200
    assert second["agreement"] in entitled(told, "partners", old)
    until("initiatives to give it back", lambda: second["agreement"] in entitled(told, "initiatives", old))
    until("initiatives to take it away", lambda: second["agreement"] not in entitled(told, "initiatives", kyiv))
