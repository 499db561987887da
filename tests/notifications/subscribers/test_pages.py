"""Saying yes and saying no by a link: nothing changes on GET, everything works without signing in and without JavaScript."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.notifications.subscribers.models import CONFIRM_WITHIN
from tests.notifications.conftest import NotificationsService

EMAIL = "ana@medellin.example"
ONE_CLICK = {"Content-Type": "application/x-www-form-urlencoded"}


async def asked(service: NotificationsService, language: str = "es") -> str:
    """Somebody was brought here and got the mail that asks; the path of its link."""
    client = service.client_of(service.neighbours.partner("Medellín"))
    await client.post("/v1/subscribers", json={"email": EMAIL, "language": language})
    await service.send()
    return service.link("confirm", EMAIL)


async def told(service: NotificationsService) -> str:
    """Somebody said yes and got a mail; the path of its unsubscribe link."""
    city = service.neighbours.partner("Medellín")
    await service.hear()
    await service.subscriber(EMAIL, city)
    service.neighbours.sign([city])
    await service.hear()
    await service.send()
    return service.link("unsubscribe", EMAIL)


async def state(service: NotificationsService) -> tuple[str, list[str]]:
    """The subscriber's state, and the facts published about it."""
    (subscriber,) = await service.rows("subscriber")
    return subscriber["state"], [fact["type"].split(".")[-2] for fact in await service.rows("outbox")]


async def test_opening_the_link_changes_nothing_and_the_button_says_yes(service: NotificationsService) -> None:
    path = await asked(service)
    for _ in range(3):
        page = await service.browser.get(path)
        assert page.status_code == 200
        assert page.headers["Content-Type"].startswith("text/html")
        assert '<form method="post">' in page.text
    assert await state(service) == ("pending", [])
    done = await service.browser.post(path)
    assert done.status_code == 200
    assert "Suscripción confirmada" in done.text
    assert await state(service) == ("confirmed", ["confirmed"])


async def test_head_and_scanners_confirm_nobody(service: NotificationsService) -> None:
    path = await asked(service)
    assert (await service.browser.head(path)).status_code == 200
    assert (await service.browser.put(path)).status_code == 405
    assert await state(service) == ("pending", [])


async def test_a_used_link_says_so_and_what_to_do(service: NotificationsService) -> None:
    path = await asked(service)
    await service.browser.post(path)
    for method in ("GET", "POST"):
        page = await service.browser.request(method, path)
        assert page.status_code == 410
        assert "Este enlace ya se usó" in page.text
        assert "/subscribe" in page.text
        problem = await service.client_with({"Accept": "application/json"}).request(method, path)
        assert (problem.status_code, problem.json()["code"]) == (410, "used-link")
        assert problem.json()["fix"]
    assert await state(service) == ("confirmed", ["confirmed"])


async def test_an_expired_link_says_so(service: NotificationsService) -> None:
    path = await asked(service)
    async with service.runtime.database.engine.begin() as connection:
        await connection.exec_driver_sql("UPDATE confirmation SET expires_at = $1", (datetime.now(UTC) - timedelta(seconds=1),))
    page = await service.browser.post(path)
    assert (page.status_code, "Este enlace caducó" in page.text) == (410, True)
    assert (await service.client_with({}).post(path)).json()["code"] == "expired-link"
    assert await state(service) == ("pending", [])


async def test_a_link_works_for_seven_days(service: NotificationsService) -> None:
    await asked(service)
    (question,) = await service.rows("confirmation")
    assert question["expires_at"] - question["created_at"] == CONFIRM_WITHIN == timedelta(days=7)


@pytest.mark.parametrize(
    "path", ["/confirm/nobody", "/unsubscribe/nobody", "/preferences/nobody", "/confirm/%0d%0aSet-Cookie:x", "/confirm/ñ"]
)
async def test_a_link_of_nobody_is_not_known(service: NotificationsService, path: str) -> None:
    page = await service.browser.get(path)
    assert (page.status_code, "No conocemos este enlace" in page.text) == (404, True)
    assert (await service.client_with({}).get(path)).json()["code"] == "unknown-link"


async def test_of_two_clicks_at_once_one_confirms(service: NotificationsService) -> None:
    path = await asked(service)
    pages = await asyncio.gather(*(service.browser.post(path) for _ in range(5)))
    assert sorted(page.status_code for page in pages) == [200, 410, 410, 410, 410]
    assert await state(service) == ("confirmed", ["confirmed"])


async def test_pages_speak_the_language_of_the_subscriber(service: NotificationsService) -> None:
    path = await asked(service, "en")
    page = await service.browser.get(path)
    assert (page.headers["Content-Language"], 'lang="en"' in page.text, "Yes, I want them" in page.text) == ("en", True, True)


@pytest.mark.parametrize(
    ("accepted", "language"), [("en-GB,en;q=0.8", "en"), ("ko,en;q=0.2,es;q=0.9", "es"), ("ko", "es"), (";;q=x,,", "es"), ("", "es")]
)
async def test_a_page_for_nobody_in_particular_speaks_the_browsers_language(
    service: NotificationsService, accepted: str, language: str
) -> None:
    page = await service.client_with({"Accept": "text/html", "Accept-Language": accepted}).get("/confirm/nobody")
    assert page.headers["Content-Language"] == language


async def test_opening_the_unsubscribe_link_changes_nothing_and_the_button_unsubscribes(service: NotificationsService) -> None:
    path = await told(service)
    page = await service.browser.get(path)
    assert (page.status_code, "¿Darse de baja de todo?" in page.text) == (200, True)
    assert await state(service) == ("confirmed", ["confirmed"])
    done = await service.browser.post(path)
    assert (done.status_code, "Ya no recibirá avisos" in done.text) == (200, True)
    assert await state(service) == ("unsubscribed", ["confirmed", "unsubscribed"])


@pytest.mark.parametrize(
    "request_",
    [
        {"content": "List-Unsubscribe=One-Click", "headers": ONE_CLICK},
        {"files": {"List-Unsubscribe": (None, "One-Click")}},
        {},
    ],
    ids=["urlencoded", "multipart", "empty"],
)
async def test_a_mail_program_unsubscribes_with_one_click_and_no_more(service: NotificationsService, request_: dict[str, Any]) -> None:
    path = await told(service)
    (mail,) = service.server.to(EMAIL)
    assert mail.message["List-Unsubscribe"] == f"<http://notifications.test{path}>"
    assert mail.message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    for _ in range(2):
        assert (await service.client_with({}).post(path, **request_)).status_code == 200
    assert await state(service) == ("unsubscribed", ["confirmed", "unsubscribed"])


async def test_whoever_left_is_asked_anew_before_anything_is_sent(service: NotificationsService) -> None:
    path = await told(service)
    await service.browser.post(path)
    service.server.mails.clear()
    city = service.neighbours.partner("Kyiv")
    await service.hear()
    again = await service.client_of(city).post("/v1/subscribers", json={"email": EMAIL})
    assert again.json()["state"] == "unsubscribed"
    await service.send()
    assert (await service.browser.post(service.link("confirm", EMAIL))).status_code == 200
    assert (await state(service))[0] == "confirmed"


async def test_a_no_also_ends_the_questions_that_were_open(service: NotificationsService) -> None:
    unsubscribe = await told(service)
    await service.browser.post("/subscribe", data={"email": EMAIL, "language": "es", "types": "agreement.signed"})
    await service.send()
    confirm = service.link("confirm", EMAIL)
    await service.browser.post(unsubscribe)
    assert (await service.browser.post(confirm)).status_code == 410


async def test_a_suppressed_address_stays_suppressed_whoever_asks(service: NotificationsService) -> None:
    path = await asked(service)
    async with service.runtime.database.engine.begin() as connection:
        await connection.exec_driver_sql("UPDATE subscriber SET state = 'suppressed'")
    page = await service.browser.post(path)
    assert (page.status_code, "fue devuelto" in page.text) == (409, True)
    async with service.runtime.database.engine.begin() as connection:
        await connection.exec_driver_sql("UPDATE confirmation SET created_at = created_at - interval '1 hour'")
    service.server.mails.clear()
    await service.browser.post("/subscribe", data={"email": EMAIL, "language": "es", "types": "agreement.signed"})
    await service.send()
    assert service.server.mails == []
    assert [message["reason"] for message in await service.messages(status="skipped")] == ["suppressed"]


async def test_published_facts_name_nobody(service: NotificationsService) -> None:
    path = await told(service)
    await service.browser.post(path)
    facts = await service.rows("outbox")
    assert [dict(fact["headers"])["ce_visibility"] for fact in facts] == ["owner", "owner"]
    assert not any(EMAIL.encode() in fact["payload"] or EMAIL in str(fact["headers"]) for fact in facts)
