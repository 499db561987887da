"""Which facts become which mail for whom, and why somebody gets none."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.db import new_id
from shared.events import Visibility
from tests.notifications.conftest import NotificationsService
from tests.notifications.neighbours import TRACE, Reach

ANA = "ana@medellin.example"


async def two_cities(service: NotificationsService) -> tuple[str, str]:
    medellin, kyiv = service.neighbours.partner("Medellín"), service.neighbours.partner({"en": "Kyiv", "es": "Kiev"})
    await service.hear()
    return medellin, kyiv


async def outcome_of(service: NotificationsService, event: str) -> list[tuple[str, str | None]]:
    await service.hear()
    await service.send()
    return [(message["status"], message["reason"]) for message in await service.messages(event=event)]


async def test_every_kind_of_alert_reaches_a_follower_once(service: NotificationsService) -> None:
    medellin, kyiv = await two_cities(service)
    await service.subscriber(ANA, medellin)
    signed = service.neighbours.sign([medellin, kyiv])
    service.neighbours.enters_into_force(signed.subject_id, [medellin, kyiv])
    scheduled = service.neighbours.schedule([medellin, kyiv])
    service.neighbours.reschedule(scheduled.subject_id, [medellin, kyiv])
    service.neighbours.cancel(scheduled.subject_id, [medellin, kyiv])
    await service.hear()
    await service.send()
    assert sorted(str(mail.message["Subject"]) for mail in service.server.to(ANA)) == [
        "Acuerdo en vigor: Memorando sobre ciudades inteligentes",
        "Acuerdo firmado: Memorando sobre ciudades inteligentes",
        "Cambio de fecha: Taller de datos abiertos",
        "Cancelado: Taller de datos abiertos",
        "Taller de datos abiertos",
    ]


async def test_a_fact_told_again_and_again_makes_one_mail(service: NotificationsService) -> None:
    medellin, kyiv = await two_cities(service)
    await service.subscriber(ANA, medellin)
    service.neighbours.sign([medellin, kyiv])
    service.neighbours.schedule([medellin])
    facts = service.neighbours.take()
    for _ in range(3):
        await service.hear(facts)
        await service.send()
    assert len(service.server.mails) == 2


async def test_a_log_read_again_from_its_beginning_mails_nobody_anew(service: NotificationsService) -> None:
    medellin, kyiv = await two_cities(service)
    await service.subscriber(ANA, medellin)
    service.neighbours.sign([medellin, kyiv])
    facts = service.neighbours.take()
    await service.hear(facts)
    await service.send()
    async with service.runtime.database.engine.begin() as connection:
        await connection.exec_driver_sql("DELETE FROM inbox_mark")
    await service.hear(facts)
    await service.send()
    assert len(service.server.mails) == 1
    assert len(await service.messages(template="agreement_signed")) == 1


async def test_somebody_with_many_matching_subscriptions_gets_one_mail(service: NotificationsService) -> None:
    medellin, kyiv = await two_cities(service)
    wishes: tuple[dict[str, Any], ...] = ({"role": "affected"}, {"filter": {"partners": [kyiv]}}, {"filter": {"topics": ["open_data"]}}, {})
    await service.subscriber(ANA, medellin, "es", *wishes)
    service.neighbours.sign([medellin, kyiv])
    await service.hear()
    await service.send()
    assert len(service.server.mails) == 1
    assert "porque el asunto concierne a Medellín" in service.server.mails[0].body()


@pytest.mark.parametrize(
    ("wish", "matches"),
    [
        ({"types": ["agreement.signed"]}, True),
        ({"types": ["exchange.scheduled"]}, False),
        ({"lines": ["knowledge_exchange"], "topics": ["open_data"]}, True),
        ({"lines": ["joint_projects"]}, False),
        ({"topics": ["ciudadano_360"]}, False),
        ({"agreements": ["019a0000-0000-7000-8000-000000000001"]}, True),
        ({"agreements": ["019a0000-0000-7000-8000-000000000002"]}, False),
    ],
)
async def test_a_filter_asks_for_one_of_each_list(service: NotificationsService, wish: dict[str, list[str]], *, matches: bool) -> None:
    medellin, kyiv = await two_cities(service)
    await service.subscriber(ANA, medellin, "es", {"filter": wish})
    service.neighbours.sign([medellin, kyiv], agreement="019a0000-0000-7000-8000-000000000001")
    await service.hear()
    await service.send()
    assert len(service.server.mails) == int(matches)


async def test_a_network_stands_for_its_members_and_itself(service: NotificationsService) -> None:
    medellin, kyiv = await two_cities(service)
    network, other = service.neighbours.partner("Asocapitales", "city_network"), service.neighbours.partner("WeGO", "city_network")
    service.neighbours.joins(medellin, network)
    await service.hear()
    await service.subscriber(ANA, kyiv, "en", {"filter": {"networks": [network]}})
    await service.subscriber("nobody@kyiv.example", kyiv, "en", {"filter": {"networks": [other]}})
    service.neighbours.schedule([medellin])
    service.neighbours.sign([network, kyiv])
    await service.hear()
    await service.send()
    assert [mail.to for mail in service.server.mails] == [ANA, ANA]
    assert "because you follow the network Asocapitales" in service.server.mails[0].body()


async def test_affected_means_the_partner_itself_or_its_network(service: NotificationsService) -> None:
    medellin, kyiv = await two_cities(service)
    network = service.neighbours.partner("Asocapitales", "city_network")
    service.neighbours.joins(medellin, network)
    await service.hear()
    await service.subscriber(ANA, medellin, "es", {"role": "affected"})
    service.neighbours.sign([network, kyiv])
    service.neighbours.schedule([medellin])
    service.neighbours.schedule([kyiv])
    await service.hear()
    await service.send()
    assert len(service.server.mails) == 2


@pytest.mark.parametrize(
    ("visibility", "audience", "voucher", "outcome"),
    [
        ("public", (), "stranger", ("submitted", None)),
        ("parties", ("party",), "party", ("submitted", None)),
        ("parties", ("party",), "stranger", ("skipped", "not-visible")),
        ("parties", ("network",), "member", ("skipped", "not-visible")),
        ("network", ("network",), "member", ("submitted", None)),
        ("network", ("network",), "nested", ("submitted", None)),
        ("parties", ("network",), "nested", ("skipped", "not-visible")),
        ("network", ("network",), "former", ("skipped", "not-visible")),
        ("network", ("network",), "stranger", ("skipped", "not-visible")),
        ("network", ("party",), "party", ("submitted", None)),
        ("owner", ("party",), "party", ("submitted", None)),
        ("owner", (), "party", ("skipped", "not-visible")),
    ],
)
async def test_who_may_know(
    service: NotificationsService, visibility: str, audience: tuple[str, ...], voucher: str, outcome: tuple[str, str | None]
) -> None:
    said = service.neighbours
    known = {name: said.partner(name) for name in ("party", "stranger", "member", "former", "network", "inner", "nested")}
    for member, network in (("member", "network"), ("inner", "network"), ("nested", "inner")):
        said.joins(known[member], known[network])
    said.leaves(said.joins(known["former"], known["network"]), known["former"], known["network"])
    await service.hear()
    await service.subscriber(ANA, known[voucher])
    fact = said.sign([known["party"], known["network"]], Reach(Visibility(visibility), tuple(known[name] for name in audience)))
    assert await outcome_of(service, fact.id) == [outcome]
    assert len(service.server.mails) == int(outcome[0] == "submitted")


async def test_what_may_not_be_seen_is_kept_without_a_word_of_it(service: NotificationsService) -> None:
    medellin, kyiv = await two_cities(service)
    stranger = service.neighbours.partner("Berlín")
    await service.hear()
    await service.subscriber(ANA, stranger)
    service.neighbours.sign([medellin, kyiv], Reach(Visibility.PARTIES, (medellin, kyiv)))
    await service.hear()
    await service.send()
    assert service.server.mails == []
    assert {row["template"] for row in await service.rows("rendering")} == {"confirmation"}


async def test_whoever_has_not_said_yes_gets_a_reason_instead_of_a_mail(service: NotificationsService) -> None:
    medellin, kyiv = await two_cities(service)
    client = service.client_of(medellin)
    subscriber = (await client.post("/v1/subscribers", json={"email": ANA})).json()["id"]
    await client.post(f"/v1/subscribers/{subscriber}/subscriptions", json={})
    service.neighbours.now = datetime.now(UTC)
    fact = service.neighbours.sign([medellin, kyiv])
    assert await outcome_of(service, fact.id) == [("skipped", "pending")]
    await service.subscriber("leo@medellin.example", medellin)
    first = service.neighbours.sign([medellin, kyiv])
    await service.hear()
    await service.send()
    await service.browser.post(service.link("unsubscribe", "leo@medellin.example"))
    second = service.neighbours.sign([medellin, kyiv])
    assert ("submitted", None) in await outcome_of(service, first.id)
    assert ("skipped", "unsubscribed") in await outcome_of(service, second.id)


async def test_a_subscription_does_not_reach_back_in_time(service: NotificationsService) -> None:
    medellin, kyiv = await two_cities(service)
    service.neighbours.now = datetime.now(UTC) - timedelta(days=30)
    old = service.neighbours.sign([medellin, kyiv])
    service.neighbours.take()
    await service.subscriber(ANA, medellin)
    await service.hear([old])
    await service.send()
    assert service.server.mails == []
    assert await service.messages(event=old.id) == []


async def test_the_mail_belongs_to_the_trace_of_the_change_that_caused_it(service: NotificationsService) -> None:
    medellin, kyiv = await two_cities(service)
    await service.subscriber(ANA, medellin)
    service.neighbours.sign([medellin, kyiv])
    await service.hear()
    await service.send()
    (mail,) = service.server.mails
    assert mail.message["X-Trace-Id"] == TRACE
    (message,) = await service.messages(trace_id=TRACE)
    assert mail.message["Message-ID"] == f"<{message['id']}@interurbe.example>"


async def test_a_language_that_is_not_served_falls_back_to_english(service: NotificationsService) -> None:
    medellin, kyiv = await two_cities(service)
    await service.subscriber("kim@seoul.example", medellin, "ko")
    await service.subscriber("bia@lisboa.example", medellin, "es-CO")
    service.neighbours.sign([medellin, kyiv])
    await service.hear()
    await service.send()
    languages = {mail.to: mail.message["Content-Language"] for mail in service.server.mails}
    assert languages == {"kim@seoul.example": "en", "bia@lisboa.example": "es"}


async def test_an_exchange_names_its_agreement_only_to_those_who_may_know_it(service: NotificationsService) -> None:
    medellin, kyiv = await two_cities(service)
    guest = service.neighbours.partner("Invitada")
    await service.hear()
    await service.subscriber(ANA, medellin)
    secret = service.neighbours.sign([medellin, kyiv], Reach(Visibility.PARTIES, (medellin, kyiv)))
    await service.hear()
    service.neighbours.schedule([medellin, guest], Reach(Visibility.PARTIES, (medellin, kyiv)), agreement=secret.subject_id)
    service.neighbours.schedule([medellin, guest], Reach(Visibility.PARTIES, (medellin, guest)), agreement=secret.subject_id)
    await service.hear()
    await service.send()
    texts = [mail.body() for mail in service.server.mails if "Taller" in str(mail.message["Subject"])]
    assert ["Acuerdo: Memorando sobre ciudades inteligentes" in text for text in texts] == [True, False]


async def test_a_partner_that_left_the_agreement_is_told_no_more(service: NotificationsService) -> None:
    medellin, kyiv = await two_cities(service)
    await service.subscriber(ANA, medellin)
    agreement = new_id()
    service.neighbours.sign([medellin, kyiv], Reach(Visibility.PARTIES, (medellin, kyiv)), agreement=agreement)
    service.neighbours.enters_into_force(agreement, [kyiv], Reach(Visibility.PARTIES, (kyiv,)))
    await service.hear()
    await service.send()
    assert service.server.mails == []
    assert {message["reason"] for message in await service.messages() if message["kind"]} == {"not-visible"}
