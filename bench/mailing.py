"""Mails about one fact to 5,000 subscribers, against raw pooled SMTP of the same bytes to the same fast sink."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import aiosmtplib
from pydantic import SecretStr

from bench.ground import NOW, Ground, database_of, runtime
from bench.table import Pair, Row
from deploy.embedded.demo.system import until
from deploy.ports import answers, free_port
from services.notifications.alerts.handlers import HANDLERS
from services.notifications.mail.sender import Sender
from services.notifications.models import Model
from services.notifications.settings import NotificationsSettings
from shared.applying import Application
from shared.bus import Message
from shared.bus.postgres import PostgresBus
from shared.db import Database, new_id
from shared.events import DATASCHEMA, AgreementRef, AgreementSigned, Envelope, LineTerms, PartyRef
from shared.inbox import Item
from shared.process.runtime import Runtime

MAILS = 5_000
CONNECTIONS = 20
_PEOPLE = f"""
INSERT INTO subscriber (id, version, sequence, email, fingerprint, state, language, mail_language, timezone, created_at, confirmed_at)
SELECT gen_random_uuid(), 1, 1, 'person' || g || '@example.org', 'f' || g, 'confirmed', 'es', 'es', 'America/Bogota',
  '2020-01-01', '2020-01-01'
FROM generate_series(1, {MAILS}) g;
INSERT INTO subscriber_link (token, subscriber_id) SELECT 'token-of-forty-three-characters-' || id, id FROM subscriber;
INSERT INTO subscription (id, version, subscriber_id, role, cadence, types, partners, networks, agreements, lines, topics, created_at)
SELECT gen_random_uuid(), 1, id, 'follower', 'immediate', '{{}}', '{{}}', '{{}}', '{{}}', '{{}}', '{{}}', '2020-01-01' FROM subscriber;
"""


async def measure(made: Ground) -> list[Row]:
    """One row; each of three runs makes and sends messages of a fact of its own."""
    with _sink() as port:
        async with database_of(made, "notifications", Model.metadata) as database:
            connection = await database.raw()
            await connection.execute(_PEOPLE)
            await connection.close()
            held = runtime(made.directory, database, PostgresBus(made.cluster.url("log", "log")))
            raw = await _one_mail(held, database)
            pair = Pair(ours=lambda: _ours(held, database, port), bare=lambda: _bare(port, raw))
            ratio, detail = await pair.ratio()
    return [Row(f"mails to a fast sink ({MAILS:,} of {len(raw):,} bytes)", ratio, 0.6, 0.8, detail)]


async def _ours(held: Runtime, database: Database, port: int) -> float:
    await _fact(held)
    sender = Sender(database, _settings(port), held.telemetry)
    sent_before, began = await _submitted(database), time.perf_counter()
    while await sender.step():
        pass
    elapsed = time.perf_counter() - began
    await sender.close()
    sent = await _submitted(database) - sent_before
    assert sent == MAILS, f"{sent} of {MAILS} were sent"
    return sent / elapsed


async def _submitted(database: Database) -> int:
    connection = await database.raw()
    found: int = await connection.fetchval("SELECT count(*) FROM message WHERE status = 'submitted'")
    await connection.close()
    return found


async def _bare(port: int, raw: bytes) -> float:
    """A pool of connections of the library, each sending one mail after the other."""
    numbers = iter(range(MAILS))

    async def carry() -> None:
        client = aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False, use_tls=False)
        await client.connect()
        for number in numbers:
            await client.sendmail("interurbe@example.org", f"person{number}@example.org", raw)
        await client.quit()

    began = time.perf_counter()
    await asyncio.gather(*(carry() for _ in range(CONNECTIONS)))
    return MAILS / (time.perf_counter() - began)


async def _fact(held: Runtime) -> None:
    """An agreement is signed, and a message of it is owed to everybody."""
    agreement, parties = new_id(), [new_id(), new_id()]
    names = {"es": "Centro para la Cuarta Revolución Industrial", "en": "Centre for the Fourth Industrial Revolution"}
    about = AgreementRef(
        code="A-1", kind="alliance", titles={"es": "Alianza de datos abiertos", "en": "Open data alliance"},
        parties=tuple(PartyRef(partner=partner, role="signatory", names=names) for partner in parties),
    )  # fmt: skip
    day, line = (
        date(2026, 3, 1),
        LineTerms(line="knowledge_exchange", topics=("open data",), text={"es": "Intercambio de buenas prácticas"}),
    )
    signed = AgreementSigned(
        agreement=agreement, about=about, revision=1, terms_hash="0" * 64, signed_on=day, recorded_at=NOW, effective_on=day, lines=(line,)
    )
    subject = f"agreement/{agreement}"
    envelope = Envelope(
        id=new_id(), source="/interurbe/partners", type=signed.TYPE, subject=subject, time=NOW, sequence=1, data=signed,
        partitionkey=subject, dataschema=DATASCHEMA.format(type=signed.TYPE), visibility="public", audience=tuple(parties),
    )  # fmt: skip
    item = Item(Message(signed.TOPIC, 0, time.time_ns(), subject.encode(), [], b"", 0), envelope)
    await Application("notifications.alerts", held, HANDLERS).together([item])


async def _one_mail(held: Runtime, database: Database) -> bytes:
    """The bytes of one such mail, taken by a server of our own."""
    taken: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 one\r\n")
        while line := await reader.readline():
            if line.upper().startswith(b"DATA"):
                writer.write(b"354 go\r\n")
                taken.append(await reader.readuntil(b"\r\n.\r\n"))
            writer.write(b"250 ok\r\n")

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    await _ours(held, database, server.sockets[0].getsockname()[1])
    server.close()
    return taken[0].removesuffix(b".\r\n")


def _settings(port: int) -> NotificationsSettings:
    return NotificationsSettings(
        database_url=SecretStr("postgresql://unused@127.0.0.1/unused"), smtp_port=port, mail_connections=CONNECTIONS,
        mail_from="Interurbe <interurbe@example.org>", public_url="http://127.0.0.1:8003",
    )  # fmt: skip


@contextmanager
def _sink() -> Iterator[int]:
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "bench.fast_sink", str(port)])
    try:
        until("the sink to listen", lambda: answers(port))
        yield port
    finally:
        process.kill()
        process.wait()
