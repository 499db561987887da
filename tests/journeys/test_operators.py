"""What operators are told, and what they can do, while everything runs, while something is away, and after it came back."""

from __future__ import annotations

import json
import re

import httpx
import pytest

from deploy.embedded.demo.ending import Ending
from deploy.embedded.demo.facts import PEOPLE
from deploy.embedded.demo.stories import Stories
from deploy.embedded.demo.system import until
from deploy.embedded.environment import ROOT, SERVICES
from deploy.embedded.stack import MAIL, Stack
from tests.journeys.conftest import ON_ONE_BUS, stories_on
from tests.journeys.operating import SPOILT, asked, asked_of_each, letter, numbers, parked, posted, ready

NOTHING = dict.fromkeys(SERVICES, (0, "Nothing is parked.\n"))
LISTENERS = (
    "initiatives.commitments", "initiatives.directory", "initiatives.directory.entitlements",
    "notifications.alerts", "notifications.directory",
)  # fmt: skip
KINDS = ["failed", "unknown-version", "unreadable", "unreadable"]
TELLS_NO_PLACE = 2


@pytest.fixture(scope="module")
def told(stack: Stack) -> Stories:
    """Both stories, played to their end."""
    stories = stories_on(stack, [])
    stories.play()
    Ending(stories, stack.var / "traces").check()
    return stories


def mails(told: Stories) -> list[str]:
    """The id of every mail that arrived."""
    return [mail["id"] for mail in told.http.get(f"{told.addresses.mail}/mails.json").json()]


def test_doctor_finds_nothing_wrong(stack: Stack, told: Stories) -> None:
    for code, printed in asked_of_each(stack, "doctor").values():
        assert (code, printed.splitlines()[-1]) == (0, "All is well."), printed
        assert "✗" not in printed


@ON_ONE_BUS
def test_nothing_is_parked_at_first(stack: Stack, told: Stories) -> None:
    assert asked_of_each(stack, "parked") == NOTHING


@ON_ONE_BUS
def test_a_mail_s_trace_id_leads_to_the_request(stack: Stack, told: Stories) -> None:
    ending = Ending(told, stack.var / "traces")
    ending._arrived()
    mail = next(mail for mail in ending.mails if mail["to"] == [PEOPLE[0][1]] and "Memorando" in mail["subject"])
    trace_id = ending._trace_id(mail["id"])
    code, printed = asked(stack, "notifications", "trace", trace_id)
    assert (code, printed.split()[:2]) == (0, ["trace", trace_id])
    for name in ("POST /v1/agreements/historic", "send interurbe.partners", "process interurbe.partners", "send_email"):
        assert name in printed, printed


def test_facts_sent_again_change_nothing(stack: Stack, told: Stories) -> None:
    before, sent = facts_of(told), numbers(stack, "partners")["interurbe_relay_published_total"]
    met = {name: skipped(stack, name) for name in LISTENERS}
    code, printed = asked(stack, "partners", "republish", "--subject", f"agreement/{told.agreements['memorandum']}")
    again = int(printed.split()[0])
    assert (code, again > 1, printed) == (0, True, f"{again} facts wait for the relay to send them again.\n")
    until("the relay", lambda: numbers(stack, "partners")["interurbe_relay_published_total"] >= sent + again)
    for name in LISTENERS:
        until(f"{name} to meet them", lambda: skipped(stack, name) >= met[name] + again)  # noqa: B023 - called at once
    assert facts_of(told) == before
    Ending(told, stack.var / "traces").check()


def skipped(stack: Stack, consumer: str) -> float:
    """How many facts this consumer met again."""
    return numbers(stack, consumer.partition(".")[0]).get(f'interurbe_consumer_duplicates_total{{consumer="{consumer}"}}', 0.0)


def facts_of(told: Stories) -> list[object]:
    """What the neighbours know of the memorandum, the messages they made of it, and the mails that arrived."""
    initiatives, notifications, operator = told.addresses.initiatives, told.addresses.notifications, told.operator
    return [
        operator.get(f"{initiatives}/v1/directory/agreements/{told.agreements['memorandum']}"),
        operator.get(f"{initiatives}/v1/commitments", limit="200"),
        operator.get(f"{notifications}/v1/messages", limit="200"),
        sorted(mails(told)),
    ]


async def test_what_does_not_belong_on_the_bus_is_set_aside_and_the_rest_flows_on(stack: Stack, told: Stories) -> None:
    sound = letter()
    await posted(stack, [*(spoil(letter()) for spoil in SPOILT.values()), sound])
    known = f"{told.addresses.initiatives}/v1/directory/partners/{sound.envelope.subject_id}"
    until("the city behind them to be known", lambda: told.operator.find(known))
    for service in ("initiatives", "notifications"):
        places = [name for name in LISTENERS if name.startswith(service)]
        until(f"{service} to set them aside", lambda: aside(stack, service) == len(places) * TELLS_NO_PLACE + 2)  # noqa: B023 - called at once
        found = parked(stack, service)
        assert sorted(one["place"] for one in found if one["kind"] == "unreadable") == sorted(places * TELLS_NO_PLACE)
        assert sorted(one["kind"] for one in found if one["place"] == f"{service}.directory") == KINDS
        for reason in SPOILT:
            assert [one for one in found if reason in one["reason"]], reason


def aside(stack: Stack, service: str) -> float:
    """How many facts its consumers have set aside."""
    return sum(value for name, value in numbers(stack, service).items() if name.startswith("interurbe_inbox_parked"))


@ON_ONE_BUS
def test_what_was_set_aside_can_be_read_and_given_up(stack: Stack, told: Stories) -> None:
    code, printed = asked(stack, "initiatives", "parked")
    listed = dict(re.findall(r"^(\S+)  .*\n    (.+)$", printed, re.MULTILINE))
    assert code == 0
    assert printed.splitlines()[-1].startswith(f"{len(listed)} parked. `parked retry ID…` tries again, `parked discard ID --reason")
    for reason in ("is not UTF-8", "data does not fit"):
        parked_id = next(one for one, words in listed.items() if reason in words)
        del listed[parked_id]
        code, said = asked(stack, "initiatives", "parked", "discard", parked_id, "--reason", "put there by a test")
        assert (code, said[:9], "(put there by a test)" in said) == (0, "given up:", True), said
    until("the others to be left", lambda: {one["id"] for one in parked(stack, "initiatives")} == set(listed))


@ON_ONE_BUS
def test_the_dashboard_finds_its_numbers(stack: Stack, told: Stories) -> None:
    asked_for = "".join((ROOT / "deploy" / path).read_text() for path in ("grafana/dashboards/interurbe.json", "prometheus/alerts.yml"))
    given = {re.sub(r"\{.*", "", name) for service in SERVICES for name in numbers(stack, service)}
    assert set(re.findall(r"\binterurbe_[a-z_]+", asked_for)) - given == {"interurbe_relay_errors_total"}  # there were none
    accepted = numbers(stack, "notifications")['interurbe_delivery_total{channel="email",outcome="submitted"}']
    assert accepted == len(mails(told))


@ON_ONE_BUS
def test_a_mail_server_that_is_away(stack: Stack, told: Stories) -> None:
    stack.children[MAIL].stop()
    before = len(mails_kept(stack))
    code, printed = asked(stack, "notifications", "doctor")
    assert (code, "1 of" in printed) == (1, True), printed
    assert f"✗ mail server  the mail server cannot be used: 127.0.0.1:{stack.ports.smtp}" in printed
    assert "→ Start the mail server, or correct INTERURBE_SMTP_HOST" in printed
    subscriber = {"email": "tarde@bogota.example", "language": "es", "timezone": "America/Bogota"}
    told.systems["bogota"].post(f"{told.addresses.notifications}/v1/subscribers", subscriber)
    wrong = until("notifications to notice", lambda: ready(stack, "notifications"))
    assert list(wrong) == ["mail"]
    assert wrong["mail"].startswith("mails wait, the mail server cannot be used")
    assert [ready(stack, service) for service in ("partners", "initiatives")] == [{}, {}]
    stack.children[MAIL].start()
    until("notifications to be ready again", lambda: not ready(stack, "notifications"))
    until("the mail", lambda: len(mails_kept(stack)) == before + 1)


def mails_kept(stack: Stack) -> list[object]:
    """What lies in the folder of the mail sink."""
    return list((stack.var / "mail").glob("*.eml"))


@ON_ONE_BUS
def test_an_issuer_that_is_away(stack: Stack, told: Stories) -> None:
    stack.children["partners"].ask_to_end()
    assert stack.children["partners"].ended() == 0
    code, printed = asked(stack, "initiatives", "doctor")
    assert (code, "1 of" in printed) == (1, True), printed
    assert f"✗ issuer      {stack.ports.url('partners')} does not publish its keys" in printed
    assert "→ Start the partners service, or correct INTERURBE_ISSUER" in printed
    assert ready(stack, "initiatives") == {}  # it knows the keys, and goes on without
    assert told.operator.get(f"{told.addresses.initiatives}/v1/exchanges")["items"]
    stack.restart("partners")


def test_a_database_that_is_away(stack: Stack, told: Stories) -> None:
    stack.cluster.stop()
    for service in SERVICES:
        wrong = until(f"{service} to notice", lambda: ready(stack, service))  # noqa: B023 - called at once
        assert "database" in wrong
        assert httpx.get(f"{stack.ports.url(service)}/livez", timeout=60).status_code == 200
    code, printed = asked(stack, "partners", "doctor")
    assert code == 1
    assert f"nothing listens on 127.0.0.1:{stack.ports.postgres}" in printed
    assert "→ Start PostgreSQL, or correct host and port in INTERURBE_DATABASE_URL." in printed
    assert "not asked, because database is not well" in printed
    stack.cluster.start()
    for service in SERVICES:
        until(f"{service} to be ready again", lambda: not ready(stack, service))  # noqa: B023 - called at once
    Ending(told, stack.var / "traces")._check_states()


def test_each_ends_in_good_order_when_told(stack: Stack, told: Stories) -> None:
    children = [stack.children[service] for service in SERVICES]
    for child in children:
        child.ask_to_end()
    assert [child.ended() for child in children] == [0, 0, 0]
    assert [json.loads(child.last_lines(1))["event"] for child in children] == ["stopped"] * len(SERVICES)
