"""A mail server that delivers nothing: it keeps each mail as a file, and shows them on a page of its own.

`python -m deploy.embedded.mailsink --smtp-port 8025 --http-port 8026 --dir var/mail`
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP

from deploy.embedded.mailbox import Mailbox
from deploy.embedded.mailpages import list_page, mail_page, missing_page
from deploy.ports import HOST, PortTaken, demand_free

LARGEST_MAIL = 20_000_000
# The frame of an HTML part is the one thing shown that a mail brought along: it may style itself and nothing else.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; base-uri 'none'; form-action 'none'"


class Receiver:
    """aiosmtpd's hooks: takes whatever comes for whomever."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 -- aiosmtpd looks for this name
        """Keeps the mail before it says so."""
        name = self._mailbox.keep(envelope.content, envelope.mail_from or "", envelope.rcpt_tos)
        return f"250 OK: kept as {name}"


class Sink:
    """The SMTP server (in this event loop) and the page (in a thread) on the loopback address."""

    def __init__(self, mailbox: Mailbox, *, smtp_port: int, http_port: int) -> None:
        self.mailbox = mailbox
        self._smtp_port = smtp_port
        self._http_port = http_port
        self._smtp: asyncio.Server | None = None
        self._http: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None

    async def start(self) -> None:
        """Begins to listen. Raises PortTaken."""
        demand_free(self._smtp_port, "the mail sink", "INTERURBE_PORT_SMTP")
        demand_free(self._http_port, "the page of the mail sink", "INTERURBE_PORT_MAIL")
        receiver = Receiver(self.mailbox)

        def speak() -> SMTP:
            return SMTP(receiver, data_size_limit=LARGEST_MAIL, enable_SMTPUTF8=True, ident="Interurbe mail sink", hostname="localhost")

        self._smtp = await asyncio.get_running_loop().create_server(speak, HOST, self._smtp_port)
        self._http = ThreadingHTTPServer((HOST, self._http_port), _pages(self.mailbox))
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, name="pages", daemon=True)
        self._thread.start()

    async def stop(self) -> None:
        """Ends both."""
        if self._smtp is not None:
            self._smtp.close()
        if self._http is not None and self._thread is not None:
            await asyncio.to_thread(self._http.shutdown)
            self._http.server_close()
            self._thread.join()


def _pages(mailbox: Mailbox) -> type[BaseHTTPRequestHandler]:
    class Pages(BaseHTTPRequestHandler):
        """Answers GET with a page, JSON or a file."""

        protocol_version = "HTTP/1.1"
        server_version = "Interurbe"
        sys_version = ""

        def do_GET(self) -> None:
            """One of the addresses that `answer` knows."""
            status, kind, body = answer(mailbox, self.path.partition("?")[0])
            self.send_response(status)
            headers = {"Content-Type": kind, "Content-Length": str(len(body)), "Content-Security-Policy": POLICY}
            for name, value in (headers | {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- named so in http.server
            """Nothing: who looks at mails is nobody's business."""

    return Pages


def answer(mailbox: Mailbox, path: str) -> tuple[int, str, bytes]:
    """(status, content type, body) of `/`, `/mails.json`, `/mails/ID`, `/mails/ID.json`, `/mails/ID.eml` and `/livez`."""
    if path == "/":
        return _html(list_page(mailbox.mails()))
    if path == "/mails.json":
        return _json([mail.as_json() for mail in mailbox.mails()])
    if path == "/livez":
        return _json({"status": "ok"})
    name = path.removeprefix("/mails/")
    if path != name:
        found = _one(mailbox, name)
        if found is not None:
            return found
    return _html(missing_page(), status=404)


def _one(mailbox: Mailbox, name: str) -> tuple[int, str, bytes] | None:
    raw = mailbox.raw(name.removesuffix(".eml"))
    if name.endswith(".eml"):
        return None if raw is None else (200, "message/rfc822", raw)
    content = mailbox.open(name.removesuffix(".json"))
    if content is None:
        return None
    return _json(content.as_json()) if name.endswith(".json") else _html(mail_page(content))


def _html(page: str, status: int = 200) -> tuple[int, str, bytes]:
    return status, "text/html; charset=utf-8", page.encode()


def _json(found: object) -> tuple[int, str, bytes]:
    return 200, "application/json", json.dumps(found, ensure_ascii=False).encode()


async def _serve(sink: Sink) -> None:
    await sink.start()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()
    await sink.stop()


def main(arguments: list[str] | None = None) -> int:
    """Runs the sink until it is asked to end; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m deploy.embedded.mailsink", description="A mail server that keeps every mail as a file."
    )
    parser.add_argument("--smtp-port", type=int, default=8025, help="where mails arrive (default 8025)")
    parser.add_argument("--http-port", type=int, default=8026, help="where they can be read (default 8026)")
    parser.add_argument("--dir", type=Path, default=Path("var/mail"), help="where they are kept (default var/mail)")
    told = parser.parse_args(arguments)
    try:
        asyncio.run(_serve(Sink(Mailbox(told.dir), smtp_port=told.smtp_port, http_port=told.http_port)))
    except PortTaken as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
