"""Rows M4 and M9, which the mail room's own tests leave: a server that greylists for ten minutes, and one that drips its answers."""

from __future__ import annotations

from datetime import datetime, timedelta

from tests.faults.proxy import FaultProxy
from tests.notifications.conftest import NotificationsService, runtime, server, service, settings
from tests.notifications.mail.people import readers, told

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
