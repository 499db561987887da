"""Commitments: each promise of a signed agreement is followed, once."""

from datetime import date
from typing import Any

from shared.db import new_id
from shared.events import CommitmentTerms, Visibility
from tests.initiatives.conftest import InitiativesService
from tests.initiatives.neighbour import TRACEPARENT, line


def promise(giver: str, receiver: str, **more: Any) -> CommitmentTerms:
    said: dict[str, Any] = {"id": new_id(), "giver": giver, "receiver": receiver, "statement": {"es": "Un taller al año"}}
    return CommitmentTerms(**said | more)


async def test_each_commitment_is_planned_and_told(service: InitiativesService) -> None:
    say = service.neighbour
    a, b = say.partner("A"), say.partner("B")
    yearly, data = promise(a, b, quantity=1.5, unit="workshop", due=date(2027, 1, 31)), promise(b, a)
    agreement = say.sign([a, b], lines=(line("knowledge_exchange", yearly), line("joint_projects", data)))
    await service.hear()
    listed = (await service.client_of(a).get("/v1/commitments", params={"agreement": agreement, "giver": a})).json()["items"]
    [shown] = listed
    assert (shown["commitment"], shown["line"], shown["quantity"], shown["due"]) == (yearly.id, "knowledge_exchange", 1.5, "2027-01-31")
    assert (shown["state"], shown["version"]) == ("planned", 1)
    [fact] = await service.facts(f"commitment/{shown['id']}")
    assert (fact["type"], fact["sequence"]) == ("org.interurbe.commitment.planned.v1", 1)
    assert fact["data"]["statement"] == {"es": "Un taller al año"}
    assert fact["headers"]["ce_visibility"] == "public"
    assert sorted(fact["headers"]["ce_audience"].split(",")) == sorted([a, b])
    assert fact["headers"]["traceparent"].split("-")[1] == TRACEPARENT.split("-")[1]
    assert fact["headers"]["ce_causationid"] == next(said.id for said in say.said if said.subject == f"agreement/{agreement}")


async def test_a_commitment_is_planned_once_whatever_comes_again(service: InitiativesService) -> None:
    say = service.neighbour
    a, b = say.partner("A"), say.partner("B")
    first, second = promise(a, b), promise(b, a)
    agreement = say.sign([a, b], lines=(line("joint_projects", first),))
    await service.hear()
    await service.hear(say.said)
    say.sign([a, b], agreement=agreement, lines=(line("joint_projects", first, second),))
    await service.hear()
    assert [row["version"] for row in await service.rows("commitment")] == [1, 1]
    assert [fact["sequence"] for fact in await service.facts()] == [1, 1]


async def test_two_agreements_may_use_one_id_for_their_commitments(service: InitiativesService) -> None:
    say = service.neighbour
    a, b = say.partner("A"), say.partner("B")
    same = promise(a, b, id="1")
    for _ in range(2):
        say.sign([a, b], lines=(line("joint_projects", same),))
    await service.hear()
    assert len(await service.rows("commitment")) == 2


async def test_a_commitment_is_hidden_with_its_agreement(service: InitiativesService) -> None:
    say = service.neighbour
    a, b, stranger = say.partner("A"), say.partner("B"), say.partner("C")
    say.sign([a, b], lines=(line("joint_projects", promise(a, b)),), visibility=Visibility.PARTIES)
    await service.hear()
    [row] = await service.rows("commitment")
    read = await service.client_of(b).get(f"/v1/commitments/{row['id']}")
    assert (read.status_code, read.headers["ETag"]) == (200, '"1"')
    hidden = await service.client_of(stranger).get(f"/v1/commitments/{row['id']}")
    missing = await service.client_of(stranger).get(f"/v1/commitments/{(unknown := new_id())}")
    assert hidden.status_code == missing.status_code == 404
    assert hidden.json()["detail"].replace(row["id"], "") == missing.json()["detail"].replace(unknown, "")
    assert (await service.client_of(stranger).get("/v1/commitments")).json()["items"] == []


async def test_pages_of_commitments_hold_each_once(service: InitiativesService) -> None:
    say = service.neighbour
    a, b = say.partner("A"), say.partner("B")
    say.sign([a, b], lines=(line("joint_projects", *(promise(a, b) for _ in range(5))),))
    await service.hear()
    client, met, address = service.client_of(a), [], f"/v1/commitments?receiver={b}&state=planned&limit=2"
    while address:
        answer = await client.get(address)
        met += [one["id"] for one in answer.json()["items"]]
        address = answer.links.get("next", {}).get("url", "")
    assert len(met) == 5
    assert met == sorted(set(met))
    forged = await client.get("/v1/commitments", params={"after": "bm9uc2Vuc2U"})
    assert (forged.status_code, forged.json()["code"]) == (400, "bad-cursor")
