"""The form for everybody and the preferences behind a link: without signing in, without JavaScript, without telling who is known."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from services.notifications.messages.models import OFFERED
from tests.notifications.conftest import NotificationsService

EMAIL = "ana@medellin.example"
FORM = {"email": EMAIL, "language": "es", "types": list(OFFERED)}


async def told(service: NotificationsService, *wishes: dict[str, Any]) -> str:
    """Somebody who said yes and was told something; the path of their preferences."""
    city = service.neighbours.partner({"es": "Medellín"})
    await service.hear()
    await service.subscriber(EMAIL, city, "es", *wishes)
    service.neighbours.sign([city])
    await service.hear()
    await service.send()
    return service.link("preferences", EMAIL)


async def test_anybody_may_ask_for_public_facts_and_must_confirm_first(service: NotificationsService) -> None:
    form = await service.browser.get("/subscribe")
    assert (form.status_code, form.text.count('type="checkbox"')) == (200, len(OFFERED))
    answer = await service.browser.post("/subscribe", data=FORM)
    assert (answer.status_code, "Revise su correo" in answer.text) == (202, True)
    await service.send()
    assert (await service.browser.post(service.link("confirm", EMAIL))).status_code == 200
    service.neighbours.now = datetime.now(UTC)
    service.neighbours.sign([service.neighbours.partner("Medellín")])
    await service.hear()
    await service.send()
    assert [str(mail.message["Subject"])[:16] for mail in service.server.to(EMAIL)] == ["Confirme su susc", "Acuerdo firmado:"]


async def test_the_answer_does_not_tell_whether_an_address_is_known(service: NotificationsService) -> None:
    await told(service)
    known = await service.browser.post("/subscribe", data=FORM)
    unknown = await service.browser.post("/subscribe", data=FORM | {"email": "nobody@medellin.example"})
    assert (known.status_code, known.text) == (unknown.status_code, unknown.text)


async def test_nobody_can_add_to_the_mail_of_somebody_who_did_not_confirm_it(service: NotificationsService) -> None:
    city = service.neighbours.partner("Medellín")
    await service.hear()
    await service.subscriber(EMAIL, city, "es", {"filter": {"types": ["exchange.cancelled"]}})
    await service.browser.post("/subscribe", data=FORM)
    service.neighbours.now = datetime.now(UTC)
    fact = service.neighbours.sign([service.neighbours.partner("Kyiv")])
    await service.hear()
    await service.send()
    assert [(message["status"], message["reason"]) for message in await service.messages(event=fact.id)] == [("skipped", "pending")]
    await service.browser.post(service.link("confirm", EMAIL))
    service.neighbours.sign([service.neighbours.partner("Berlín")])
    await service.hear()
    await service.send()
    assert [str(mail.message["Subject"])[:15] for mail in service.server.to(EMAIL)] == ["Confirme su sus", "Acuerdo firmado"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"email": "ana@medellin.example\r\nBcc: all@example.org"}, "/email"),
        ({"email": "nobody"}, "/email"),
        ({"email": ""}, "/email"),
        ({"types": []}, "/types"),
        ({"types": ["agreement.drafted"]}, "/filter/types"),
        ({"language": "ko"}, "/language"),
    ],
)
async def test_a_form_that_is_wrong_is_shown_again(service: NotificationsService, change: dict[str, Any], field: str) -> None:
    page = await service.browser.post("/subscribe", data=FORM | change)
    assert (page.status_code, "<form" in page.text) == (422, True)
    problem = await service.client_with({"Accept": "application/json"}).post("/subscribe", data=FORM | change)
    assert (problem.status_code, problem.json()["field"]) == (422, field)
    assert await service.rows("subscriber") == []


async def test_what_somebody_typed_wrong_is_shown_escaped(service: NotificationsService) -> None:
    page = await service.browser.post("/subscribe", data=FORM | {"email": '"><script>alert(1)</script>'})
    assert "<script" not in page.text


async def test_preferences_show_what_is_told_and_change_nothing_when_opened(service: NotificationsService) -> None:
    path = await told(service, {"role": "affected"}, {"filter": {"types": ["agreement.signed"], "topics": ["open_data"]}})
    before = await service.rows("subscription")
    page = await service.browser.get(path)
    assert page.status_code == 200
    said = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text.partition("<fieldset>")[2]))
    assert "Lo que concierne a Medellín" in said
    assert "Novedades: acuerdos firmados · tema open data" in said
    assert "<option selected>America/Bogota</option>" in page.text
    assert EMAIL not in page.text
    assert await service.rows("subscription") == before


async def test_preferences_are_saved_and_what_is_not_kept_ends(service: NotificationsService) -> None:
    path = await told(service, {"filter": {"types": ["agreement.signed"]}}, {"filter": {"types": ["exchange.scheduled"]}})
    kept = (await service.rows("subscription"))[0]["id"]
    saved = await service.browser.post(path, data={"language": "en", "timezone": "Asia/Seoul", "keep": [kept]})
    assert (saved.status_code, saved.headers["Location"]) == (303, f"{path}?saved")
    assert "Saved." in (await service.browser.get(saved.headers["Location"])).text
    assert [row["id"] for row in await service.rows("subscription")] == [kept]
    (subscriber,) = await service.rows("subscriber")
    assert (subscriber["language"], subscriber["mail_language"], subscriber["timezone"]) == ("en", "en", "Asia/Seoul")
    service.server.mails.clear()
    service.neighbours.sign([service.neighbours.partner("Kyiv")])
    await service.hear()
    await service.send()
    assert [mail.message["Content-Language"] for mail in service.server.mails] == ["en"]


@pytest.mark.parametrize(("change", "field"), [({"language": "ko"}, "/language"), ({"timezone": "America/Macondo"}, "/timezone")])
async def test_preferences_that_cannot_be_are_refused_and_change_nothing(
    service: NotificationsService, change: dict[str, str], field: str
) -> None:
    path = await told(service)
    answer = await service.client_with({}).post(path, data={"language": "en", "timezone": "Asia/Seoul"} | change)
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert (await service.rows("subscriber"))[0]["language"] == "es"
    assert len(await service.rows("subscription")) == 1


async def test_nobody_can_keep_the_subscription_of_another(service: NotificationsService) -> None:
    path = await told(service)
    await service.subscriber("leo@medellin.example", service.neighbours.partner("Kyiv"))
    (mine, other) = await service.rows("subscription")
    await service.browser.post(path, data={"language": "es", "timezone": "UTC", "keep": [other["id"]]})
    assert [row["id"] for row in await service.rows("subscription")] == [other["id"]]
    assert mine["id"] != other["id"]


async def test_somebody_who_left_sees_that_nothing_is_told(service: NotificationsService) -> None:
    path = await told(service)
    await service.browser.post(path.replace("preferences", "unsubscribe"))
    assert "Ahora no recibe avisos" in (await service.browser.get(path)).text


async def test_pages_load_nothing_from_elsewhere_and_run_no_script(service: NotificationsService) -> None:
    path = await told(service)
    for page in (await service.browser.get(path), await service.browser.get("/subscribe")):
        assert "<script" not in page.text
        assert re.findall(r'(?:src|href)="(https?:)?//', page.text) == []
        assert "script-src" not in page.headers["Content-Security-Policy"]
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]
        assert page.headers["Referrer-Policy"] == "no-referrer"
