"""What becomes of mails when the mail server says no, says nothing, goes away, or does not want to know us."""

import asyncio
import re
from collections import Counter
from datetime import timedelta

import pytest

from tests.notifications.conftest import NotificationsService
from tests.notifications.smtpserver import CLOSE, RESET, STALL, Script

HOUR = timedelta(hours=1)


def once(command: str, answer: str, to: str = "") -> Script:
    """Answer so the first time a command (to somebody) comes, and as usual afterwards."""
    left = [answer]

    def script(given: str, recipient: str) -> str | None:
        return left.pop() if left and given == command and to in recipient else None

    return script


def always(command: str, answer: str, to: str = "") -> Script:
    """Always answer so when a command (to somebody) comes."""
    return lambda given, recipient: answer if given == command and to in recipient else None


async def readers(service: NotificationsService, *names: str) -> None:
    """People who follow everything, and a signed agreement they are to be told of."""
    city = service.neighbours.partner("Medellín")
    await service.hear()
    for name in names:
        await service.subscriber(f"{name}@medellin.example", city)
    service.neighbours.sign([city])
    await service.hear()


async def told(service: NotificationsService, *columns: str) -> list[tuple[object, ...]]:
    """These columns of the messages about the agreement, by address."""
    rows = sorted(await service.messages(template="agreement_signed"), key=lambda message: str(message["to"]))
    return [tuple(row[column] for column in columns) for row in rows]


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA", "."])
@pytest.mark.parametrize("pipelining", [True, False])
async def test_a_no_for_now_is_tried_again_later(service: NotificationsService, command: str, *, pipelining: bool) -> None:
    await readers(service, "ana", "leo")
    service.server.pipelining = pipelining
    service.server.script = once(command, "450 4.2.0 greylisted", "ana" if command in ("RCPT", ".") else "")
    await service.send(service.sender())
    assert Counter(status for status, in await told(service, "status")) == {"submitted": 1, "deferred": 1}
    await service.send()
    assert len(service.server.mails) == 1
    service.clock.pass_by(HOUR)
    await service.send()
    assert await told(service, "status") == [("submitted",), ("submitted",)]
    assert sorted(count for count, in await told(service, "attempts_made")) == [1, 2]
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
async def test_no_answer_after_the_content_is_counted_and_tried_again_with_the_same_id(
    service: NotificationsService, answer: str
) -> None:
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


async def test_a_server_that_is_away_holds_everything_back_and_nothing_is_lost(service: NotificationsService) -> None:
    await readers(service, "ana", "leo")
    await service.server.stop()
    sender = await service.send(service.sender())
    assert await told(service, "status", "attempts_made") == [("queued", 0)] * 2
    assert "the mail server cannot be used" in str(sender.trouble())
    await service.server.start(service.server.port)
    await service.send(sender)
    assert service.server.mails == []
    service.clock.pass_by(HOUR)
    await service.send(sender)
    assert await told(service, "status", "attempts_made") == [("submitted", 1)] * 2
    assert sender.trouble() is None


async def test_what_was_tried_for_three_days_is_given_up_also_while_the_server_is_away(service: NotificationsService) -> None:
    await readers(service, "ana")
    await service.server.stop()
    sender = await service.send(service.sender())
    service.clock.pass_by(timedelta(days=3, minutes=1))
    await service.send(sender)
    assert await told(service, "status", "reason") == [("failed", "expired")]


async def test_a_sender_that_dies_leaves_its_mails_to_the_next_one(service: NotificationsService) -> None:
    await readers(service, "ana")
    service.server.script = always(".", STALL)
    dying = service.sender()
    await dying.step()
    await service.server.holds(1)
    assert await told(service, "status") == [("queued",)]
    service.senders.remove(dying)
    service.server.script = lambda _command, _to: None
    other = service.sender()
    await service.send(other)
    assert len(service.server.mails) == 1
    service.clock.pass_by(timedelta(seconds=16))
    await service.send(other)
    assert await told(service, "status", "attempts_made", "ambiguous") == [("submitted", 2, 1)]
    assert len({mail.message["Message-ID"] for mail in service.server.mails}) == 1
    await dying.close()
    assert await told(service, "status", "attempts_made", "ambiguous") == [("submitted", 2, 1)]


async def test_two_senders_share_the_queue_and_send_nothing_twice(service: NotificationsService) -> None:
    await readers(service, *(f"reader{number}" for number in range(12)))
    senders = [service.sender(), service.sender()]
    await asyncio.gather(*(service.send(sender) for sender in senders))
    assert Counter(mail.to for mail in service.server.mails).most_common(1)[0][1] == 1
    assert len(service.server.mails) == 12


async def test_slow_mails_stay_with_their_sender(service: NotificationsService) -> None:
    await readers(service, "ana")
    service.server.script = once(".", STALL)
    slow = service.sender()
    await slow.step()
    await service.server.holds(1)
    for _ in range(4):
        service.clock.pass_by(timedelta(seconds=6))
        await slow.step()
        await service.send(service.sender())
    assert len(service.server.mails) == 1


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
    assert [mail.message["Subject"] for mail in service.server.mails] == ["Taller: Taller de datos abiertos"]
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


async def test_connections_are_used_again(service: NotificationsService) -> None:
    await readers(service, "ana", "leo", "eva")
    sender = service.sender()
    before = service.server.connections
    for _ in range(5):
        service.neighbours.schedule([service.neighbours.partner("Kyiv")])
        await service.hear()
        await service.send(sender)
    assert service.server.connections - before <= 4
    assert len(service.server.mails) == 18


async def test_an_idle_connection_that_died_costs_no_attempt(service: NotificationsService) -> None:
    await readers(service, "ana")
    sender = await service.send(service.sender())
    service.server.drop()
    service.neighbours.schedule([service.neighbours.partner("Kyiv")])
    await service.hear()
    await service.send(sender)
    assert [message["attempts_made"] for message in await service.messages(status="submitted", template="exchange_scheduled")] == [1]
