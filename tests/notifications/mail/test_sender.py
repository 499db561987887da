"""What becomes of mails when the mail server says no, says nothing, goes away, or does not want to know us."""

import re
from collections import Counter
from datetime import timedelta

import pytest

from tests.notifications.conftest import NotificationsService
from tests.notifications.mail.people import always, once, readers, told
from tests.notifications.smtpserver import CLOSE, RESET, STALL

HOUR = timedelta(hours=1)


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA", "."])
@pytest.mark.parametrize("pipelining", [True, False])
async def test_a_no_for_now_is_tried_again_later(service: NotificationsService, command: str, *, pipelining: bool) -> None:
    await readers(service, "ana", "leo")
    service.server.pipelining = pipelining
    service.server.script = once(command, "450 4.2.0 greylisted", "ana" if command in ("RCPT", ".") else "")
    await service.send(service.sender())
    assert Counter(status for (status,) in await told(service, "status")) == {"submitted": 1, "deferred": 1}
    await service.send()
    assert len(service.server.mails) == 1
    service.clock.pass_by(HOUR)
    await service.send()
    assert await told(service, "status") == [("submitted",), ("submitted",)]
    assert Counter(await told(service, "attempts_made")) == {(1,): 1, (2,): 1}
    assert len(service.server.mails) == 2


async def test_an_address_that_does_not_exist_is_never_written_to_again(service: NotificationsService) -> None:
    await readers(service, "ana", "leo")
    service.server.script = always("RCPT", "550 5.1.1 no such user", "ana")
    await service.send()
    assert await told(service, "status", "reason") == [("bounced", "recipient-refused"), ("submitted", None)]
    service.server.script = lambda _command, _to: None
    service.neighbours.sign([service.neighbours.partner("Kyiv")])
    await service.hear()
    await service.send()
    assert [mail.to for mail in service.server.mails] == ["leo@medellin.example"] * 2
    assert ("skipped", "suppressed") in await told(service, "status", "reason")


async def test_a_server_that_relays_for_nobody_silences_nobody(service: NotificationsService) -> None:
    await readers(service, "ana")
    service.server.script = always("RCPT", "554 5.7.1 relay access denied")
    await service.send()
    assert await told(service, "status") == [("bounced",)]
    assert [row["state"] for row in await service.rows("subscriber")] == ["confirmed"]


async def test_a_refused_sender_is_a_trouble_of_ours_and_costs_no_mail(service: NotificationsService) -> None:
    await readers(service, "ana")
    service.server.script = always("MAIL", "553 5.7.1 sender refused")
    sender = await service.send()
    assert await told(service, "status") == [("deferred",)]
    assert "refuses mails from us" in str(sender.trouble())
    service.server.script = lambda _command, _to: None
    service.clock.pass_by(HOUR)
    await service.send()
    assert await told(service, "status") == [("submitted",)]
    assert sender.trouble() is None


@pytest.mark.parametrize("command", ["DATA", "."])
async def test_a_refused_content_fails_and_the_address_stays_good(service: NotificationsService, command: str) -> None:
    await readers(service, "ana", "leo")
    service.server.script = once(command, "554 5.6.0 not like this")
    await service.send()
    assert Counter(await told(service, "status", "reason")) == {("failed", "content-refused"): 1, ("submitted", None): 1}
    assert {row["state"] for row in await service.rows("subscriber")} == {"confirmed"}


@pytest.mark.parametrize(("command", "answer"), [("MAIL", "421 4.3.2 closing"), ("RCPT", CLOSE), ("DATA", RESET), ("MAIL", RESET)])
async def test_a_connection_lost_before_the_content_costs_nothing(service: NotificationsService, command: str, answer: str) -> None:
    await readers(service, "ana", "leo", "eva")
    service.server.script = once(command, answer)
    await service.send(service.sender())
    service.clock.pass_by(HOUR)
    await service.send()
    assert await told(service, "status", "ambiguous") == [("submitted", 0)] * 3
    assert len(service.server.mails) == 3


@pytest.mark.parametrize("answer", [CLOSE, RESET, STALL])
async def test_no_answer_after_the_content_is_counted_and_tried_again_with_the_same_id(service: NotificationsService, answer: str) -> None:
    service.runtime.settings = service.runtime.settings.model_copy(update={"smtp_timeout_seconds": 1.0})
    await readers(service, "ana", "leo")
    service.server.script = once(".", answer, "ana")
    await service.send(service.sender())
    (ana, leo) = await told(service, "status", "ambiguous", "attempts_made")
    assert (ana, leo) == (("deferred", 1, 1), ("submitted", 0, 1))
    service.clock.pass_by(HOUR)
    await service.send()
    assert (await told(service, "status", "ambiguous", "attempts_made"))[0] == ("submitted", 1, 2)
    copies = service.server.to("ana@medellin.example")
    assert len(copies) == 2
    assert len({mail.message["Message-ID"] for mail in copies}) == 1


async def test_a_421_after_the_content_is_a_clear_no(service: NotificationsService) -> None:
    await readers(service, "ana", "leo")
    service.server.script = once(".", "421 4.3.2 shutting down", "ana")
    await service.send()
    service.clock.pass_by(HOUR)
    await service.send()
    assert await told(service, "status", "ambiguous") == [("submitted", 0)] * 2
    assert len(service.server.mails) == 2


async def test_unsubscribing_is_heeded_by_what_waits_and_what_is_retried(service: NotificationsService) -> None:
    await readers(service, "ana")
    await service.send(service.sender())
    path = service.link("unsubscribe", "ana@medellin.example")
    service.server.script = always("RCPT", "450 4.2.0 later")
    service.neighbours.schedule([service.neighbours.partner("Kyiv")])
    await service.hear()
    await service.send()
    service.neighbours.schedule([service.neighbours.partner("Berlín")])
    await service.hear()
    await service.browser.post(path)
    service.server.script = lambda _command, _to: None
    service.clock.pass_by(HOUR)
    await service.send()
    outcomes = [(message["status"], message["reason"]) for message in await service.messages(template="exchange_scheduled")]
    assert outcomes == [("skipped", "unsubscribed")] * 2
    assert len(service.server.mails) == 1


async def test_what_was_checked_a_while_ago_is_checked_again_before_it_is_sent(service: NotificationsService) -> None:
    await readers(service, "ana", "leo")
    await service.send(service.sender())
    path = service.link("unsubscribe", "leo@medellin.example")
    service.neighbours.schedule([service.neighbours.partner("Kyiv")])
    await service.hear()
    service.runtime.settings = service.runtime.settings.model_copy(update={"mail_connections": 1})
    taken = service.server.script

    def slowly(command: str, to: str) -> str | None:
        service.clock.pass_by(timedelta(seconds=2))
        return taken(command, to)

    service.server.script = slowly
    sender = service.sender()
    await sender.step()
    await service.browser.post(path)
    await service.send(sender)
    sent = [mail.to for mail in service.server.mails if "Taller" in str(mail.message["Subject"])]
    assert sent in (["ana@medellin.example"], ["leo@medellin.example", "ana@medellin.example"])


async def test_a_mail_too_large_for_the_server_is_not_even_begun(service: NotificationsService) -> None:
    await readers(service, "ana")
    service.server.size = 500
    await service.send(service.sender())
    assert await told(service, "status", "reason") == [("failed", "too-large")]
    assert service.server.mails == []


async def test_a_template_with_a_defect_delays_its_own_mails_alone(service: NotificationsService) -> None:
    await readers(service, "ana")
    async with service.runtime.database.engine.begin() as connection:
        await connection.exec_driver_sql("UPDATE notice SET data = '{}'")
    service.neighbours.schedule([service.neighbours.partner("Kyiv")])
    await service.hear()
    await service.send(service.sender())
    assert [mail.message["Subject"] for mail in service.server.mails] == ["Taller de datos abiertos"]
    ((status, error),) = await told(service, "status", "last_error")
    assert status == "deferred"
    assert re.match(r"cannot be rendered: ValidationError", str(error))


async def test_an_address_that_was_tampered_with_reaches_no_server(service: NotificationsService) -> None:
    await readers(service, "ana", "leo")
    async with service.runtime.database.engine.begin() as connection:
        poisoned = "a@medellin.example>\r\nRCPT TO:<leo@medellin.example"
        await connection.exec_driver_sql("UPDATE subscriber SET email = $1 WHERE email LIKE 'ana@%%'", (poisoned,))
    await service.send(service.sender())
    assert [mail.to for mail in service.server.mails] == ["leo@medellin.example"]
    assert Counter(await told(service, "status", "reason")) == {("failed", "unsafe-address"): 1, ("submitted", None): 1}
