"""The mail sink: what arrives over SMTP can be read on its page, as JSON and as a file."""

from __future__ import annotations

import asyncio
import smtplib
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path

import httpx
import pytest

from deploy.embedded.mailbox import Mailbox
from deploy.embedded.mailsink import Sink, answer, main
from deploy.ports import free_port


class Running:
    """A sink that listens."""

    def __init__(self, directory: Path) -> None:
        self.smtp_port, self.http_port = free_port(), free_port()
        self.sink = Sink(Mailbox(directory), smtp_port=self.smtp_port, http_port=self.http_port)
        self.client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.http_port}")

    async def send(self, message: EmailMessage, *to: str) -> None:
        def deliver() -> None:
            with smtplib.SMTP("127.0.0.1", self.smtp_port) as smtp:
                smtp.send_message(message, "bounce@interurbe.example", to)

        await asyncio.to_thread(deliver)


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    made = Running(tmp_path / "mail")
    await made.sink.start()
    yield made
    await made.client.aclose()
    await made.sink.stop()


def alert(subject: str = "Acuerdo firmado: A Coruña y Tandil") -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = subject
    message["From"] = "Interurbe <bounce@interurbe.example>"
    message["To"] = "ana@tandil.example"
    message["Message-ID"] = "<1@interurbe.example>"
    message["Date"] = "Mon, 05 Jan 2026 10:00:00 +0100"
    message.set_content("Las ciudades han firmado.\n.\nUn punto solo.")
    message.add_alternative("<p>Las ciudades han <b>firmado</b>. <script>alert(1)</script></p>", subtype="html")
    message["Content-Language"] = "es"
    return message


async def test_lists_what_arrived(running: Running) -> None:
    await running.send(alert(), "ana@tandil.example", "leo@coruna.example")
    (mail,) = (await running.client.get("/mails.json")).json()
    assert mail["to"] == ["ana@tandil.example", "leo@coruna.example"]
    assert (mail["language"], mail["subject"]) == ("es", "Acuerdo firmado: A Coruña y Tandil")
    assert (mail["sender"], mail["message_id"]) == ("bounce@interurbe.example", "<1@interurbe.example>")
    assert mail["date"] == "2026-01-05T10:00:00+01:00"
    page = (await running.client.get("/")).text
    assert "A Coruña y Tandil" in page
    assert "ana@tandil.example" in page


async def test_opens_one(running: Running) -> None:
    await running.send(alert(), "ana@tandil.example")
    (mail,) = (await running.client.get("/mails.json")).json()
    opened = (await running.client.get(f"/mails/{mail['id']}.json")).json()
    assert "Un punto solo." in opened["text"]
    assert "<b>firmado</b>" in opened["html"]
    assert ["Message-ID", "<1@interurbe.example>"] in opened["headers"]
    response = await running.client.get(f"/mails/{mail['id']}")
    assert "Un punto solo." in response.text
    file = await running.client.get(f"/mails/{mail['id']}.eml")
    assert b"Content-Language: es" in file.content


async def test_runs_nothing_that_a_mail_brings(running: Running) -> None:
    await running.send(alert("<script>alert(2)</script>"), "ana@tandil.example")
    (mail,) = (await running.client.get("/mails.json")).json()
    for path in ("/", f"/mails/{mail['id']}"):
        response = await running.client.get(path)
        assert "<script" not in response.text
        assert "default-src 'none'" in response.headers["content-security-policy"]
    assert "iframe" in response.text
    assert "sandbox srcdoc" in response.text


async def test_keeps_mails_over_a_restart_and_shows_the_newest_first(running: Running) -> None:
    await running.send(alert("one"), "a@example.org")
    await running.send(alert("two"), "b@example.org")
    again = Mailbox(running.sink.mailbox.directory)
    assert [mail.subject for mail in again.mails()] == ["two", "one"]


def test_shows_nothing_but_mails(tmp_path: Path) -> None:
    mailbox = Mailbox(tmp_path / "mail")
    (tmp_path / "secret.eml").write_text("Subject: secret\n\n")
    (tmp_path / "mail" / "other.eml").write_text("Subject: secret\n\n")
    for path in ("/mails/../secret", "/mails/../secret.eml", "/mails/other", "/nothing", "/mails/", "/mails/20260101T000000000000Z-1-1"):
        status, _, body = answer(mailbox, path)
        assert status == 404
        assert b"secret" not in body
    assert b"No mail has arrived yet" in answer(mailbox, "/")[2]
    assert answer(mailbox, "/livez")[0] == 200


def test_keeps_a_mail_in_a_charset_nobody_knows(tmp_path: Path) -> None:
    mailbox = Mailbox(tmp_path)
    name = mailbox.keep(b"Subject: x\r\nContent-Type: text/plain; charset=klingon\r\n\r\nqapla", "a@b", ["c@d\r\nX-Evil: 1"])
    opened = mailbox.open(name)
    assert opened is not None
    assert "qapla" in opened.text
    assert "X-Evil" not in dict(opened.headers)


async def test_says_which_port_is_taken(running: Running, capsys: pytest.CaptureFixture[str]) -> None:
    wanted = ["--smtp-port", str(running.smtp_port), "--http-port", str(free_port()), "--dir", str(running.sink.mailbox.directory)]
    assert await asyncio.to_thread(main, wanted) == 1
    message = capsys.readouterr().err
    assert str(running.smtp_port) in message
    assert "INTERURBE_PORT_SMTP" in message
