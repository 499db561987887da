"""Both stories, from the first registration to the last mail; and once more, which changes nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deploy.embedded.demo.ending import Ending
from deploy.embedded.demo.stories import Stories
from deploy.embedded.demo.system import Refused
from deploy.embedded.stack import Stack
from services.partners.agreements.canonical.models import hash_of
from tests.journeys.conftest import stories_on


@pytest.fixture(scope="module")
def told(stack: Stack) -> Iterator[Stories]:
    """The stories, played to their end."""
    stories = stories_on(stack, [])
    stories.play()
    yield stories
    stories.http.close()


def test_everybody_who_should_know_was_told_once_and_nobody_else(stack: Stack, told: Stories) -> None:
    Ending(told, stack.var / "traces").check()


def test_played_again_nothing_is_done_twice(stack: Stack, told: Stories, request: pytest.FixtureRequest) -> None:
    again = stories_on(stack, [])
    request.addfinalizer(again.http.close)
    again.play()
    Ending(again, stack.var / "traces").check()
    assert again.ids == told.ids
    assert again.agreements == told.agreements
    assert again.workshop["id"] == told.workshop["id"]


def test_from_a_mail_s_trace_id_to_the_request_that_caused_it(stack: Stack, told: Stories) -> None:
    ending = Ending(told, stack.var / "traces")
    ending.check()
    drawn = ending._trace()
    for step in ("POST /v1/agreements/{agreement}/sign", "send interurbe.partners", "process interurbe.partners", "send_email"):
        assert step in drawn
    first = next(line for line in drawn.splitlines() if "POST /v1/agreements" in line)
    assert "partners" in first


def test_both_sides_can_verify_what_they_signed_without_us(told: Stories) -> None:
    url = f"{told.addresses.partners}/v1/agreements/{told.agreements['ggtc-kyiv']}"
    hashes = set()
    for side in ("c4ir-medellin", "ggtc-kyiv"):
        system = told.systems[side]
        terms_hash = system.get(url)["current_revision"]["terms_hash"]
        answer = told.http.get(f"{url}/revisions/1/canonical", headers={"Authorization": f"Bearer {system.token}"})
        assert hash_of(answer.content) == terms_hash
        hashes.add(terms_hash)
    assert len(hashes) == 1


def test_a_draft_is_known_to_nobody_but_who_writes_it(stack: Stack, told: Stories) -> None:
    medellin, berlin = told.systems["c4ir-medellin"], told.systems["ggtc-berlin"]
    secret = "Borrador que nadie más debe ver"
    parties = [{"partner": told.ids["c4ir-medellin"]}, {"partner": told.ids["c4ir-malaysia"]}]
    draft = medellin.post(
        f"{told.addresses.partners}/v1/agreements",
        {"kind": "alliance", "titles": {"es": secret}, "parties": parties, "terms": {"lines": [{"line": "joint_projects"}]}},
    )
    with pytest.raises(Refused) as refused:
        berlin.get(f"{told.addresses.partners}/v1/agreements/{draft['id']}")
    assert refused.value.status == 404
    assert secret not in str(refused.value)
    seen = berlin.get(f"{told.addresses.partners}/v1/agreements", limit="200")["items"]
    assert draft["id"] not in [item["id"] for item in seen]
    assert secret not in str(told.http.get(f"{told.addresses.mail}/mails.json").json())
    assert berlin.find(f"{told.addresses.initiatives}/v1/directory/agreements/{draft['id']}") is None
    medellin.post(f"{told.addresses.partners}/v1/agreements/{draft['id']}/abandon", {"reason": "fin"}, version=draft["version"])
