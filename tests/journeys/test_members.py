"""A network signs, a member takes part and leaves: what it may do ends everywhere; and what is not its business it never learns."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from deploy.embedded.demo.facts import MEMBERS
from deploy.embedded.demo.stories import Stories
from deploy.embedded.demo.system import Refused, System, until
from deploy.embedded.stack import Stack
from tests.journeys.again import at_rest, delivered_again
from tests.journeys.conftest import stories_on

SECRET = "Borrador que nadie más debe ver"


@pytest.fixture(scope="module")
def told(stack: Stack) -> Iterator[Stories]:
    """Everybody is there, and the networks' memorandum is in force."""
    stories = stories_on(stack, [])
    stories.everybody_is_registered()
    stories.members_join(MEMBERS)
    stories.people_subscribe()
    stories.the_memorandum_is_recorded()
    yield stories
    stories.http.close()


def entitled(told: Stories, service: str, partner: str) -> bool:
    """Whether a service says that the partner may use the memorandum."""
    url = f"{getattr(told.addresses, service)}/v1/partners/{partner}/entitlements"
    found = told.operator.find(url, limit="200") or {"items": []}
    return told.agreements["memorandum"] in [item["agreement"] for item in found["items"]]


def workshop(told: Stories, participant: str) -> dict[str, Any]:
    """A workshop under the memorandum with this participant."""
    day = datetime.now(UTC).date() + timedelta(days=60)
    return {
        "kind": "workshop", "modality": "online", "url": "https://sala.example", "timezone": "America/Bogota", "languages": ["es"],
        "titles": {"es": "Datos abiertos"}, "starts_at": f"{day}T09:00", "ends_at": f"{day}T11:00", "line": "knowledge_exchange",
        "agreement": told.agreements["memorandum"], "hosts": [told.ids["asocapitales"]], "participants": [participant],
    }  # fmt: skip


def refusal(system: System, url: str, body: dict[str, Any], version: int | None = None) -> str:
    """What is answered to a command that is refused."""
    with pytest.raises(Refused) as refused:
        system.post(url, body, version=version)
    return str(refused.value)


def test_a_member_takes_part_until_it_leaves_and_what_stands_stays(stack: Stack, told: Stories) -> None:
    network, member, partner = told.systems["asocapitales"], told.systems["c4ir-medellin"], told.ids["c4ir-medellin"]
    partners, exchanges = told.addresses.partners, f"{told.addresses.initiatives}/v1/exchanges"
    at_rest(stack)
    assert "not-entitled" in refusal(network, exchanges, workshop(told, partner))
    joined = network.post(f"{partners}/v1/networks/{told.ids['asocapitales']}/members", {"partner": partner, "valid_from": "2024-01-01"})
    own = f"{partners}/v1/memberships/{joined['id']}"
    chosen = member.post(f"{own}/agreements/{told.agreements['memorandum']}/opt-in", {}, version=joined["version"])
    until("initiatives to know that it may take part", lambda: entitled(told, "initiatives", partner))
    held = network.post(exchanges, workshop(told, partner))

    member.post(f"{own}/end", {"valid_to": f"{datetime.now(UTC).date() - timedelta(days=2)}"}, version=chosen["version"])
    assert not entitled(told, "partners", partner)
    until("initiatives to know that it left", lambda: not entitled(told, "initiatives", partner))
    assert "not-entitled" in refusal(network, exchanges, workshop(told, partner))
    stands = network.get(f"{exchanges}/{held['id']}")
    assert (stands["state"], [guest["partner"] for guest in stands["participants"]]) == ("scheduled", [partner])
    later = {"starts_at": f"{workshop(told, partner)['starts_at'][:11]}15:00", "reason": "Otra hora."}
    later["ends_at"] = later["starts_at"].replace("15:00", "17:00")
    assert "not-entitled" in refusal(network, f"{exchanges}/{held['id']}/reschedule", later, stands["version"])


def test_a_member_is_made_an_observer_and_a_member_again_and_reads_of_it(stack: Stack, told: Stories) -> None:
    network, city = told.systems["asocapitales"], told.ids["bogota"]
    exchanges = f"{told.addresses.initiatives}/v1/exchanges"
    (own,) = items(network, f"{told.addresses.partners}/v1/partners/{city}/memberships")
    place = f"{told.addresses.partners}/v1/memberships/{own['id']}"
    until("initiatives to know that it may take part", lambda: entitled(told, "initiatives", city))
    observing = network.patch(place, {"role": "observer"}, own["version"])
    assert not entitled(told, "partners", city)
    until("initiatives to know that it looks on", lambda: not entitled(told, "initiatives", city))
    assert "not-entitled" in refusal(network, exchanges, workshop(told, city))
    back = network.patch(place, {"role": own["role"]}, observing["version"])
    assert back == own | {"version": own["version"] + 2}
    until("initiatives to know that it takes part again", lambda: entitled(told, "initiatives", city))
    at_rest(stack)
    mails = told.http.get(f"{told.addresses.mail}/mails.json").json()
    assert [mail["to"] for mail in mails if "Cambió la membresía de" in mail["subject"]].count(["internacional@bogota.example"]) == 2


async def test_everything_delivered_again_and_backwards_changes_nothing_and_mails_nobody(stack: Stack, told: Stories) -> None:
    await asyncio.to_thread(at_rest, stack)
    before = everything(told)
    assert await delivered_again(stack) > len(told.ids)
    assert everything(told) == before


def everything(told: Stories) -> list[Any]:
    """What neighbours know and what was mailed, once nothing is on its way any more."""
    initiatives, operator = told.addresses.initiatives, told.operator
    messages = f"{told.addresses.notifications}/v1/messages"
    until("every mail to be sent", lambda: all(one["status"] not in ("queued", "deferred") for one in items(operator, messages)))
    return [
        {key: items(operator, f"{initiatives}/v1/partners/{partner}/entitlements") for key, partner in told.ids.items()},
        {key: operator.get(f"{initiatives}/v1/directory/partners/{partner}") for key, partner in told.ids.items()},
        items(operator, f"{initiatives}/v1/directory/agreements"),
        items(operator, f"{initiatives}/v1/commitments"),
        items(operator, messages),
        sorted(mail["message_id"] for mail in told.http.get(f"{told.addresses.mail}/mails.json").json()),
    ]


def items(system: System, url: str) -> list[Any]:
    return list(system.get(url, limit="200")["items"])


def test_contacts_change_no_hash(told: Stories) -> None:
    system, partner = told.systems["asocapitales"], told.ids["asocapitales"]
    agreement = f"{told.addresses.partners}/v1/agreements/{told.agreements['memorandum']}"
    before = (system.get(agreement)["current_revision"]["terms_hash"], canonical(told, agreement))
    person = {
        "name": "Ana Restrepo",
        "email": "ana@asocapitales.example",
        "roles": ["signatory"],
        "language": "es",
        "valid_from": "2024-01-01",
    }
    made = system.post(f"{told.addresses.partners}/v1/partners/{partner}/contacts", person)
    system.post(f"{told.addresses.partners}/v1/contacts/{made['id']}/erase", {}, version=made["version"])
    assert (system.get(agreement)["current_revision"]["terms_hash"], canonical(told, agreement)) == before


def canonical(told: Stories, agreement: str) -> bytes:
    """The bytes that were hashed."""
    token = told.systems["asocapitales"].token
    return told.http.get(f"{agreement}/revisions/1/canonical", headers={"Authorization": f"Bearer {token}"}).raise_for_status().content


@pytest.fixture(scope="module")
def draft(told: Stories) -> dict[str, Any]:
    """A draft of Asocapitales and WeGO, of which their members and everybody else know nothing."""
    parties = [{"partner": told.ids["asocapitales"]}, {"partner": told.ids["wego"]}]
    body = {"kind": "mou", "code": "SECRETO-1", "titles": {"es": SECRET}, "parties": parties, "visibility": "parties"}
    terms = {"lines": [{"line": "joint_projects", "text": {"es": SECRET}}]}
    made: dict[str, Any] = told.systems["asocapitales"].post(f"{told.addresses.partners}/v1/agreements", body | {"terms": terms})
    return made


def curious(told: Stories, key: str) -> dict[str, str]:
    """The headers of a client of this partner that may do all a partner's client can."""
    made = told.operator.post(
        f"{told.addresses.partners}/v1/clients",
        {"partner": told.ids[key], "name": "curiosa", "scopes": ["read", "write", "sign", "admin"]},
    )
    system = System(key, made["id"], made["secret"], told.addresses, told.http)
    return {"Authorization": f"Bearer {system._new_token()}"}


@pytest.mark.parametrize("who", ["bogota", "ggtc-berlin"], ids=["a member of a party", "a stranger"])
def test_a_draft_is_in_no_list_of_whoever_is_no_party(told: Stories, draft: dict[str, Any], who: str) -> None:
    headers, partners = curious(told, who), f"{told.addresses.partners}/v1"
    party, initiatives, memorandum = told.ids["asocapitales"], f"{told.addresses.initiatives}/v1", told.agreements["memorandum"]
    until("the draft to be in the audit", lambda: draft["id"] in str(items(told.operator, f"{partners}/audit")))
    places = [
        f"{partners}/agreements?limit=200", f"{partners}/partners/{party}/entitlements?limit=200",
        f"{partners}/partners/{told.ids[who]}/entitlements?limit=200", f"{partners}/agreements/{memorandum}/beneficiaries",
        f"{partners}/partners/search?q=Borrador", f"{partners}/partners?q=Borrador", f"{partners}/partners/{party}/history?limit=200",
        f"{partners}/networks/{party}/members?limit=200", f"{partners}/audit?limit=200", f"{partners}/audit/export?limit=200",
        f"{initiatives}/directory/agreements?limit=200", f"{initiatives}/directory/partners/{party}", f"{initiatives}/exchanges?limit=200",
        f"{initiatives}/partners/{party}/entitlements?limit=200", f"{initiatives}/commitments?limit=200",
    ]  # fmt: skip
    for place in places:
        answer = told.http.get(place, headers=headers)
        assert answer.status_code == 200, (place, answer.text)
        assert [word for word in (SECRET, "SECRETO-1", draft["id"]) if word in answer.text] == [], place
    assert SECRET not in told.http.get(f"{told.addresses.mail}/mails.json").text


@pytest.mark.parametrize("who", ["bogota", "ggtc-berlin"], ids=["a member of a party", "a stranger"])
def test_of_a_draft_whoever_is_no_party_hears_what_they_hear_of_one_that_never_was(told: Stories, draft: dict[str, Any], who: str) -> None:
    headers, never = curious(told, who), f"{draft['id'][:-12]}{uuid4().hex[:12]}"
    membership = items(told.operator, f"{told.addresses.partners}/v1/partners/{told.ids['bogota']}/memberships")[0]
    heard = {}
    for agreement in (draft["id"], never):
        answers = asked_about(told, agreement, headers, membership)
        heard[agreement] = [(answer.status_code, answer.text.replace(agreement, "it")) for answer in answers]
    assert [status for status, _ in heard[draft["id"]] if status < 400] == []
    assert SECRET not in str(heard)
    assert without_traces(heard[draft["id"]]) == without_traces(heard[never])


def asked_about(told: Stories, agreement: str, headers: dict[str, str], membership: dict[str, Any]) -> Iterator[httpx.Response]:
    """Everything that can be asked or told about an agreement."""
    partners, http = f"{told.addresses.partners}/v1", told.http
    own = f"{partners}/agreements/{agreement}"
    for place in ("", "/revisions", "/revisions/1", "/revisions/1/canonical", "/beneficiaries", "/certificate"):
        yield http.get(f"{own}{place}", headers=headers)
    yield http.get(f"{told.addresses.initiatives}/v1/directory/agreements/{agreement}", headers=headers)
    sent = {**headers, "If-Match": '"1"'}
    for verb in ("propose", "approve", "request-signature", "sign", "abandon"):
        yield http.post(f"{own}/{verb}", headers=sent | {"Idempotency-Key": str(uuid4())}, json=BODIES.get(verb, {}))
    choice = f"{partners}/memberships/{membership['id']}/agreements/{agreement}/opt-in"
    yield http.post(choice, headers=sent | {"Idempotency-Key": str(uuid4())})
    plan = workshop(told, told.ids["bogota"]) | {"agreement": agreement, "hosts": [told.ids["bogota"]]}
    yield http.post(f"{told.addresses.initiatives}/v1/exchanges", headers=sent | {"Idempotency-Key": str(uuid4())}, json=plan)


BODIES: dict[str, dict[str, str]] = {"approve": {"terms_hash": "0" * 64}, "sign": {"terms_hash": "0" * 64}, "abandon": {"reason": "fin"}}


def without_traces(answers: list[tuple[int, str]]) -> list[tuple[int, dict[str, Any]]]:
    """The same without what differs from request to request, or from one second to the next."""
    differs = ("trace_id", "instance", "heard_seconds_ago")
    documents = [(status, httpx.Response(status, text=text).json()) for status, text in answers]
    return [(status, {name: said for name, said in one.items() if name not in differs}) for status, one in documents]


def barred(system: System, url: str) -> bool:
    """Whether a partner is kept from sending anything there, right or wrong."""
    return "partner-barred" in refusal(system, url, {})


def test_a_suspended_partner_acts_nowhere_and_nobody_names_it_until_it_is_resumed(told: Stories) -> None:
    berlin, network, partner = told.systems["ggtc-berlin"], told.systems["asocapitales"], told.ids["ggtc-berlin"]
    record, exchanges = f"{told.addresses.partners}/v1/partners/{partner}", f"{told.addresses.initiatives}/v1/exchanges"
    subscribers = f"{told.addresses.notifications}/v1/subscribers"
    version = berlin.get(record)["version"]
    suspended = told.operator.post(f"{record}/suspend", {"reason": "Sin respuesta."}, version=version)
    until("both neighbours to bar it", lambda: barred(berlin, exchanges) and barred(berlin, subscribers))
    visit = workshop(told, partner) | {"outside_agreement": True, "outside_reason": "Visita."}
    visit = {name: said for name, said in visit.items() if name not in ("agreement", "line")}
    assert "partner-not-active" in refusal(network, exchanges, visit)
    assert berlin.get(exchanges)["items"] is not None

    told.operator.post(f"{record}/resume", {}, version=suspended["version"])
    until("both neighbours to let it act", lambda: not barred(berlin, exchanges) and not barred(berlin, subscribers))
    assert [guest["partner"] for guest in network.post(exchanges, visit)["participants"]] == [partner]
