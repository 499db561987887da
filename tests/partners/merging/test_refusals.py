"""Who may merge whom, and that a merge sent twice happens once."""

from __future__ import annotations

from shared.db import new_id
from tests.partners.agreements.conftest import refused
from tests.partners.merging.conftest import REASON, Two


async def test_nobody_but_the_operator_merges_or_undoes(two: Two) -> None:
    ruler = await two.service.client_for(two.old.partner, "read write admin")
    body, headers = {"into": two.survivor.partner, "reason": REASON}, {"If-Match": '"1"'}
    refused(await ruler.post(f"/v1/partners/{two.old.partner}/merge", json=body, headers=headers), 403, "forbidden")
    await two.merged()
    ruler = await two.service.client_for(two.survivor.partner, "read write admin")
    refused(await ruler.post(f"/v1/partners/{two.old.partner}/undo-merge", json={"reason": REASON}), 403, "forbidden")


async def test_a_partner_is_not_merged_into_itself_or_into_nobody_or_another_kind(two: Two) -> None:
    assert refused(await two.merge(into=two.old.partner), 409, "merge-into-itself")["field"] == "/into"
    assert refused(await two.merge(into=new_id()), 422, "unknown-partner")["field"] == "/into"
    assert refused(await two.merge(into=two.table.stranger.partner), 409, "kinds-differ")["field"] == "/into"
    assert (await two.read(f"/v1/partners/{two.old.partner}"))["version"] == 1


async def test_a_merge_was_decided_on_the_present_version(two: Two) -> None:
    path, body = f"/v1/partners/{two.old.partner}/merge", {"into": two.survivor.partner, "reason": REASON}
    refused(await two.service.operator.post(path, json=body, headers={"If-Match": '"7"'}), 412, "stale")
    refused(await two.service.operator.post(path, json=body), 428, "precondition-required")


async def test_a_merge_sent_twice_happens_once_and_a_second_one_is_refused(two: Two) -> None:
    key = {"Idempotency-Key": new_id()}
    headers = key | {"If-Match": '"1"'}
    path, body = f"/v1/partners/{two.old.partner}/merge", {"into": two.survivor.partner, "reason": REASON}
    first, again = [await two.service.operator.post(path, json=body, headers=headers) for _ in range(2)]
    assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())
    assert first.headers["location"] == path
    assert (await two.types(f"partner/{two.old.partner}")).count("partner.merged") == 1
    other = await two.service.operator.post(path, json=body, headers={"If-Match": '"2"'})
    assert refused(other, 409, "partner-merged")["survivor"] == two.survivor.partner


async def test_what_passed_is_told_to_the_survivor_and_the_operator_alone(two: Two) -> None:
    path = f"/v1/partners/{two.old.partner}/merge"
    refused(await two.table.medellin.get(path), 404, "not-found")
    merge = await two.merged()
    assert (await two.read(path)) == merge
    survivor = await two.service.client_for(two.survivor.partner)
    assert (await survivor.get(path)).json() == merge | {"by": None}
    assert (await two.table.medellin.get(path)).json() == merge | {"by": None, "moved": None, "left": None}
