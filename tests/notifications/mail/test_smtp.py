"""The line to real mail servers (aiosmtpd): signing in, encryption, and what is refused rather than weakened."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult

from services.notifications.mail.pool import Pool
from services.notifications.mail.smtp import ConnectionEnded, MailServer, ServerAway, SignInRefused
from tests.notifications.conftest import Clock, NotificationsService
from tests.notifications.neighbours import STARTS
from tests.notifications.smtpserver import MailServer as Scripted

PASSWORD = "correct horse"


class Box:
    """What the server took."""

    def __init__(self) -> None:
        self.contents: list[bytes] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd looks for this name
        self.contents.append(envelope.content)
        return "250 OK"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost that signs itself."""
    made = tmp_path_factory.mktemp("tls") / "both.pem"
    words = f"req -x509 -newkey rsa:2048 -nodes -keyout {made}.key -out {made}.crt -days 2 -subj /CN=localhost"
    subprocess.run(["openssl", *words.split(), "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
    made.write_text(Path(f"{made}.crt").read_text() + Path(f"{made}.key").read_text())
    return made


@dataclass
class Guarded:
    """A mail server with encryption after STARTTLS, asking for a password."""

    box: Box
    port: int


@pytest.fixture
async def guarded(certificate: Path) -> AsyncIterator[Guarded]:
    trust = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trust.load_cert_chain(certificate)
    box = Box()

    def known(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=data.password == PASSWORD.encode(), handled=False)

    def speak() -> SMTP:
        return SMTP(box, hostname="localhost", tls_context=trust, require_starttls=True, authenticator=known, auth_required=True)

    server = await asyncio.get_running_loop().create_server(speak, "127.0.0.1", 0)
    yield Guarded(box, server.sockets[0].getsockname()[1])
    server.close()


def line_to(guarded: Guarded, certificate: Path | None, password: str = PASSWORD) -> MailServer:
    return MailServer("localhost", guarded.port, "interurbe.example", "starttls", "us", password, certificate, 5.0)


async def test_a_mail_goes_out_encrypted_and_signed_in(guarded: Guarded, certificate: Path) -> None:
    line = await line_to(guarded, certificate).connect()
    assert not line.pipelining
    commands = (b"MAIL FROM:<a@b.example>\r\n", b"RCPT TO:<c@d.example>\r\n", b"DATA\r\n")
    codes = [(await line.ask(command, 1))[0].code for command in commands]
    assert codes == [250, 250, 354]
    assert (await line.ask(b"Subject: x\r\n\r\nHola\r\n.\r\n", 1))[0].ok
    line.quit()
    assert guarded.box.contents == [b"Subject: x\r\n\r\nHola\r\n"]


async def test_a_certificate_that_nobody_vouches_for_is_refused(guarded: Guarded) -> None:
    with pytest.raises(ServerAway, match="CERTIFICATE_VERIFY_FAILED"):
        await line_to(guarded, None).connect()


async def test_encryption_that_was_asked_for_is_never_given_up() -> None:
    plain = Scripted()
    await plain.start()
    with pytest.raises(ServerAway, match="STARTTLS"):
        await MailServer("127.0.0.1", plain.port, "interurbe.example", "starttls").connect()
    assert not any(command.startswith("MAIL") for command in plain.heard)
    await plain.stop()


async def test_a_refused_password_is_not_tried_again_at_once(guarded: Guarded, certificate: Path) -> None:
    clock = Clock(STARTS)
    pool = Pool(line_to(guarded, certificate, "wrong").connect)
    with pytest.raises(SignInRefused):
        await pool.take(clock())
    assert "535" in str(pool.trouble)
    assert "wrong" not in str(pool.trouble)
    assert pool.retry_at is not None
    assert pool.retry_at - clock.now > timedelta(seconds=40)


async def test_mails_wait_while_the_password_is_wrong(service: NotificationsService, guarded: Guarded, certificate: Path) -> None:
    city = service.neighbours.partner("Medellín")
    await service.hear()
    await service.subscriber("ana@medellin.example", city)
    service.neighbours.sign([city])
    await service.hear()
    changes = {"smtp_host": "localhost", "smtp_tls": "starttls", "smtp_user": "us", "smtp_ca_file": certificate}
    service.runtime.settings = service.runtime.settings.model_copy(update=changes)
    service.server.port = guarded.port
    sender = service.sender()
    for _ in range(5):
        await service.send(sender)
    waiting = await service.messages(template="agreement_signed")
    assert [(message["status"], message["attempts_made"]) for message in waiting] == [("queued", 0)]
    assert "name and password" in str(sender.trouble())


@pytest.mark.parametrize("answer", [b"hello\r\n", b"2" * 100_000])
async def test_a_server_that_does_not_speak_smtp_is_left(answer: bytes) -> None:
    server = Scripted(script=lambda command, _to: answer.decode() if command == "MAIL" else None)
    await server.start()
    line = await MailServer("127.0.0.1", server.port, "interurbe.example", seconds=5.0).connect()
    with pytest.raises(ConnectionEnded, match="answer is"):
        await line.ask(b"MAIL FROM:<a@b.example>\r\n", 1)
    assert line.ended is not None
    await server.stop()


async def test_nothing_listens_there() -> None:
    server = Scripted()
    await server.start()
    await server.stop()
    with pytest.raises(ServerAway, match=str(server.port)):
        await MailServer("127.0.0.1", server.port, "interurbe.example").connect()
