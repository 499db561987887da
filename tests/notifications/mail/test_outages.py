"""What becomes of mails when the mail server goes away, or a sender dies, or several share the work."""

import asyncio
from collections import Counter
from contextlib import suppress
from datetime import timedelta

import asyncpg

from tests.notifications.conftest import NotificationsService
from tests.notifications.mail.people import always, once, readers, told
from tests.notifications.smtpserver import STALL

HOUR = timedelta(hours=1)


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


async def test_a_server_that_nobody_needs_any_more_is_no_trouble(service: NotificationsService) -> None:
    await readers(service, "ana")
    await service.server.stop()
    sender = await service.send(service.sender())
    assert sender.trouble() is not None
    service.clock.pass_by(timedelta(days=4))
    await service.send(sender)
    assert sender.trouble() is None


async def test_a_cut_connection_to_the_database_loses_no_result(service: NotificationsService) -> None:
    await readers(service, "ana", "leo")
    sender = service.sender()
    await sender.step()
    await service.server.holds(2)
    async with service.runtime.database.engine.begin() as connection:
        cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'tests loop'"
        assert (await connection.exec_driver_sql(cut)).scalar() == len(service.senders)
    # the loss may be noticed before the next statement, or by it
    with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError):
        await service.send(sender)
    await service.send(sender)
    assert await told(service, "status", "attempts_made", "ambiguous") == [("submitted", 1, 0)] * 2
    assert len(service.server.mails) == 2
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
