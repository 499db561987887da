"""What doctor finds out about the mail server, and how it says so."""

from __future__ import annotations

import pytest

from deploy.ports import free_port
from services.notifications.mail.checks import checks
from services.notifications.settings import NotificationsSettings
from shared.process import Runtime, Trouble
from tests.notifications.smtpserver import MailServer


async def found(runtime: Runtime, **mail: object) -> str:
    """What the one check says with these settings of mail."""
    runtime.settings = NotificationsSettings.model_validate(runtime.settings.model_dump() | mail)
    [check] = checks(runtime)
    assert check.name == "mail server"
    return await check.ask()


async def test_a_server_that_takes_mails_is_greeted_and_gets_none(runtime: Runtime, server: MailServer) -> None:
    assert await found(runtime, smtp_port=server.port) == f"127.0.0.1:{server.port} takes mails"
    assert server.heard[0].startswith("EHLO")
    assert server.mails == []


async def test_a_server_that_is_away(runtime: Runtime) -> None:
    port = free_port()
    with pytest.raises(Trouble, match=f"the mail server cannot be used: 127.0.0.1:{port}") as trouble:
        await found(runtime, smtp_port=port)
    assert trouble.value.fix.startswith("Start the mail server, or correct INTERURBE_SMTP_HOST")


async def test_a_server_that_sends_us_away(runtime: Runtime, server: MailServer) -> None:
    server.script = lambda command, _to: "554 not you" if command == "CONNECT" else None
    with pytest.raises(Trouble, match="not you"):
        await found(runtime, smtp_port=server.port)


async def test_a_password_that_no_one_asks_for_is_not_sent(runtime: Runtime, server: MailServer) -> None:
    with pytest.raises(Trouble, match="cannot be used") as trouble:
        await found(runtime, smtp_port=server.port, smtp_user="interurbe", smtp_password="correct horse")
    assert "correct horse" not in f"{trouble.value}{server.heard}"
