"""Rows M4, M9 and M16, as far as the mail room's own tests leave them: servers that greylist, drip, and fall silent in the middle."""

from __future__ import annotations

from datetime import datetime, timedelta

from tests.faults.proxy import FaultProxy
from tests.notifications.conftest import NotificationsService, runtime, server, service, settings
from tests.notifications.mail.people import always, readers, told
from tests.notifications.smtpserver import STALL

__all__ = ["runtime", "server", "service", "settings"]


async def test_m4_a_server_that_greylists_for_ten_minutes_gets_each_mail_once(service: NotificationsService) -> None:
    await readers(service, "ana", "leo")
    opens: datetime = service.clock() + timedelta(minutes=10)
    service.server.script = lambda command, _to: "450 4.2.0 greylisted" if command == "RCPT" and service.clock() < opens else None
    await service.send(service.sender())
    while service.clock() < opens + timedelta(minutes=15):
        service.clock.pass_by(timedelta(seconds=20))
        await service.send()
    assert await told(service, "status", "ambiguous") == [("submitted", 0)] * 2
    assert len(service.server.mails) == 2
    assert all(isinstance(count, int) and 2 <= count < 12 for (count,) in await told(service, "attempts_made"))


async def test_m9_a_server_that_answers_byte_by_byte_takes_each_mail_once(service: NotificationsService) -> None:
    await readers(service, "ana", "leo")
    port = service.server.port
    async with FaultProxy(port) as proxy:
        proxy.trickle, proxy.latency = 1, 0.002
        service.server.port = proxy.port
        sender = await service.send(service.sender())
        service.server.port = port
        await sender.close()
    assert await told(service, "status", "attempts_made", "ambiguous") == [("submitted", 1, 0)] * 2
    assert len(service.server.mails) == 2


async def test_m16_who_unsubscribes_while_the_mail_is_being_sent_gets_that_one_and_no_other(service: NotificationsService) -> None:
    """The server has the content and says nothing; whether it took it is not known, so any other mail would be tried again."""
    await readers(service, "ana")
    await service.send(service.sender())
    service.server.script = always(".", STALL)
    service.neighbours.schedule([service.neighbours.partner("Kyiv")])
    await service.hear()
    sender = service.sender()
    await sender.step()
    await service.server.holds(2)
    await service.browser.post(service.link("unsubscribe", "ana@medellin.example"))
    service.server.script = lambda _command, _to: None
    service.server.drop()
    for _ in range(3):
        await service.send(sender)
        service.clock.pass_by(timedelta(hours=1))
    (told_late,) = await service.messages(template="exchange_scheduled")
    assert (told_late["status"], told_late["reason"]) == ("skipped", "unsubscribed")
    assert len(service.server.mails) == 2
