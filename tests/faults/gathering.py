"""From a running product to a `History`: wait until it is at rest, then read tables, log, mails and files."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import asyncpg
import httpx

from deploy.embedded.demo.facts import PEOPLE
from deploy.embedded.demo.stories import Stories
from deploy.embedded.readiness import not_ready
from deploy.embedded.stack import Stack
from services.initiatives.commitments.handlers import HANDLERS as COMMITMENTS
from services.initiatives.directory.entitlements.handlers import HANDLERS as ENTITLEMENTS
from services.initiatives.directory.handlers import HANDLERS as DIRECTORY
from services.notifications.alerts.handlers import HANDLERS as ALERTS
from services.notifications.directory.handlers import HANDLERS as NOTIFICATIONS_DIRECTORY
from shared.bus import Bus
from shared.bus.kafka import KafkaBus
from shared.bus.postgres import PostgresBus
from shared.telemetry.tracing import trace_id_of
from tests.faults.entitling import succeeded
from tests.faults.footprint import SERVICES, leaks
from tests.faults.history import Fact, History, Mail, Quiet, Told
from tests.fixtures.log import whole_log

LISTENS = {
    "initiatives.directory": DIRECTORY, "initiatives.directory.entitlements": ENTITLEMENTS, "initiatives.commitments": COMMITMENTS,
    "notifications.directory": NOTIFICATIONS_DIRECTORY, "notifications.alerts": ALERTS,
}  # fmt: skip
TOPICS = [f"interurbe.{service}" for service in SERVICES]
SETTLE_SECONDS = 120.0

_WAITING = """
SELECT (SELECT count(*) FROM outbox WHERE published_at IS NULL) AS unpublished, (SELECT count(*) FROM due WHERE due_at <= now()) AS due,
       (SELECT count(*) FROM outbox) AS facts
"""
_OPEN_MESSAGES = "SELECT count(*) FROM message WHERE status IN ('queued', 'deferred')"
_HASTEN = "UPDATE message SET next_attempt_at = now() WHERE status = 'deferred' AND claim IS NULL AND next_attempt_at > now()"
_OUTBOX = "SELECT id::text, subject, sequence, type, topic, headers, payload FROM outbox ORDER BY seq"
_ASKED = "SELECT email, min(t.created_at) AS since FROM subscription t JOIN subscriber s ON s.id = subscriber_id GROUP BY 1"
_SET_ASIDE = "SELECT concat((SELECT string_agg(p::text, ' ') FROM inbox_parked p), (SELECT string_agg(last_error, ' ') FROM outbox))"
COUNTED = {
    "partners": tuple((name, name) for name in ("partner", "agreement", "membership", "mandate", "entitlement", "client")),
    "initiatives": (("exchange", "exchange"), ("commitment", "commitment")),
    "notifications": (("subscriber", "subscriber"),),
}
"""By service: the tables of things that count their own facts, and the subject of these."""


def settle(stack: Stack, seconds: float = SETTLE_SECONDS) -> Quiet:
    """Wait until nothing waits anywhere and all are ready, for at most so long; the pauses between attempts at a mail are passed over.

    Only a second look at the same facts is believed: what a fact leads to (a mail, say) may come between one question and the next.
    """
    until = time.monotonic() + seconds
    known = -1
    while True:
        quiet, facts = asyncio.run(_quiet(stack))
        resting = quiet == Quiet(0, 0, 0)
        if (resting and facts == known) or time.monotonic() > until:
            return quiet
        known = facts if resting else -1
        threading.Event().wait(0.2)


async def _quiet(stack: Stack) -> tuple[Quiet, int]:
    """How it looks now, and how many facts there are."""
    unpublished = due = lag = facts = 0
    for service in SERVICES:
        connection = await asyncpg.connect(stack.cluster.url(service))
        try:
            row = (await connection.fetch(_WAITING))[0]
            unpublished, due, facts = unpublished + row["unpublished"], due + row["due"], facts + row["facts"]
            if service == "notifications":
                await connection.execute(_HASTEN)
                due += await connection.fetchval(_OPEN_MESSAGES)
        finally:
            await connection.close()
    if not unpublished + due:
        lag = await _lag(stack)
    reasons = tuple(f"{name}: {why}" for name in SERVICES if (why := not_ready(stack.ports.url(name))) is not None)
    return Quiet(unpublished, lag, due, reasons), facts


async def _lag(stack: Stack) -> int:
    """How far marks are behind outboxes, over all consumers: what the broker calls lag may be a committed view already."""
    told: dict[str, dict[str, int]] = {topic: {} for topic in TOPICS}
    marks: dict[str, dict[str, int]] = {}
    for service in SERVICES:
        connection = await asyncpg.connect(stack.cluster.url(service))
        try:
            for row in await connection.fetch("SELECT topic, subject, max(sequence) AS last FROM outbox GROUP BY 1, 2"):
                told[row["topic"]][row["subject"]] = row["last"]
            for row in await connection.fetch("SELECT consumer, subject, sequence FROM inbox_mark"):
                marks.setdefault(row["consumer"], {})[row["subject"]] = row["sequence"]
        finally:
            await connection.close()
    listening = [(marks.get(name, {}), told[topic]) for name, topics in topics_of().items() for topic in topics]
    return sum(last - seen.get(subject, 0) for seen, about in listening for subject, last in about.items())


def topics_of() -> dict[str, list[str]]:
    """The topics of every consumer there is."""
    return {name: sorted({event.TOPIC for event in handlers}) for name, handlers in LISTENS.items()}


def gather(stack: Stack, stories: Stories, history: History) -> History:
    """Fill in everything that can be read once all is at rest; ``commands`` and what was seen meanwhile are there already."""
    history.listens = topics_of()
    history.readers = {email: stories.ids[name] for name, email, *_ in PEOPLE}
    asyncio.run(_tables(stack, history))
    history.log = asyncio.run(_log(stack))
    history.mails = mails(stack)
    history.leaks = leaks(stack, stories, history)
    return history


async def _tables(stack: Stack, history: History) -> None:
    for service in SERVICES:
        await read_tables(service, stack.cluster.url(service), history)


async def read_tables(service: str, url: str, history: History) -> None:
    """Fill in what the database of one service holds."""
    connection = await asyncpg.connect(url)
    try:
        history.outbox += [_committed(row) for row in await connection.fetch(_OUTBOX)]
        for row in await connection.fetch("SELECT consumer, subject, sequence FROM inbox_mark"):
            history.marks.setdefault(row["consumer"], {})[row["subject"]] = row["sequence"]
        for row in await connection.fetch("SELECT consumer, count(*) AS n FROM inbox_parked GROUP BY 1"):
            history.parked[row["consumer"]] = row["n"]
        history.texts[f"what {service} set aside"] = str(await connection.fetchval(_SET_ASIDE))
        for table, subject in COUNTED[service]:
            rows = await connection.fetch(f"SELECT id::text, sequence FROM {table}")
            history.counted |= {f"{subject}/{row['id']}": row["sequence"] for row in rows}
        await _VIEWS[service](connection, history)
    finally:
        await connection.close()


async def _owners(connection: Any, history: History) -> None:
    for row in await connection.fetch("SELECT id::text, aliases FROM partner"):
        history.owned[f"partner/{row['id']}"] = [alias["text"] for alias in json.loads(row["aliases"])]
    for row in await connection.fetch("SELECT id::text, code, parties FROM agreement ORDER BY id"):
        history.owned.setdefault("agreements", []).append(row["code"])
        signed = [party["partner"] for party in json.loads(row["parties"]) if party["consent"] == "signed"]
        history.owned[f"signed/{row['id']}"] = [f"sign {row['id']} {partner}" for partner in signed]
    await _belonging(connection, history)


async def _belonging(connection: Any, history: History) -> None:
    """Memberships, what members decided, and who is entitled by that."""
    rows = await connection.fetch("SELECT partner::text, network::text, valid_from, reason FROM membership ORDER BY id")
    history.owned["memberships"] = [f"join {row['partner']} {row['network']} {row['valid_from']}" for row in rows]
    history.owned["endings"] = [row["reason"] for row in rows if row["reason"]]
    history.owned["changes"] = [fact.mark for fact in history.outbox if ".membership.changed." in fact.type and fact.mark]
    history.owned["choices"] = [fact.mark for fact in history.outbox if ".membership.opted_" in fact.type and fact.mark]
    pairs = await connection.fetch("SELECT id::text, partner::text, agreement::text, held FROM entitlement")
    history.views["partners.entitlements"] = {row["id"]: row["held"] for row in pairs}
    history.views["partners.entitled"] = {f"{row['partner']} {row['agreement']}": True for row in pairs if row["held"]}


async def _directory(connection: Any, history: History, service: str) -> None:
    for view, table in (("partners", "known_partner"), ("agreements", "known_agreement")):
        rows = await connection.fetch(f"SELECT id::text, heard_at FROM {table}")
        history.views[f"{service}.{view}"] = {row["id"]: row["heard_at"].isoformat() for row in rows}
    agreements = history.views[f"{service}.agreements"]
    agreements |= dict.fromkeys(succeeded(history) & agreements.keys())


async def _initiatives(connection: Any, history: History) -> None:
    await _directory(connection, history, "initiatives")
    titles = await connection.fetch("SELECT titles FROM exchange ORDER BY id")
    history.owned["exchanges"] = [json.loads(row["titles"])["es"] for row in titles]
    rows = await connection.fetch("SELECT agreement::text, array_agg(commitment ORDER BY commitment) AS all FROM commitment GROUP BY 1")
    history.views["initiatives.commitments"] = {row["agreement"]: row["all"] for row in rows}


async def _notifications(connection: Any, history: History) -> None:
    await _directory(connection, history, "notifications")
    messages = (
        "SELECT m.id::text, event_id::text, email, status, ambiguous, m.trace_id, template"
        " FROM message m JOIN subscriber s ON s.id = subscriber_id"
    )
    asked = await connection.fetch(_ASKED)
    history.since = {row["email"]: row["since"] for row in asked}
    rows = await connection.fetch("SELECT id::text, partner::text, network::text, valid_to::text FROM known_membership")
    history.views["notifications.memberships"] = {row["id"]: [row["partner"], row["network"], row["valid_to"]] for row in rows}
    view: dict[str, list[str]] = {}
    for row in await connection.fetch(messages):
        if row["template"] != "confirmation":
            view.setdefault(row["event_id"], []).append(row["email"])
            history.told.append(Told(row["id"], row["event_id"], row["email"], row["status"], row["ambiguous"], row["trace_id"]))
    history.views["notifications.messages"] = {event: sorted(readers) for event, readers in view.items()}


_VIEWS: dict[str, Any] = {"partners": _owners, "initiatives": _initiatives, "notifications": _notifications}


def _committed(row: Any) -> Fact:
    return _fact(dict(json.loads(row["headers"])), row["topic"], row["payload"])


def _fact(headers: dict[str, str], topic: str, payload: bytes | None) -> Fact:
    data = json.loads(payload or b"{}")
    subject, kind = headers["ce_subject"], headers["ce_type"]
    return Fact(
        headers["ce_id"], subject, int(headers["ce_sequence"]), kind, topic, trace_id_of(headers.get("traceparent")),
        headers["ce_time"].replace("Z", "+00:00"), _mark(kind, data), headers.get("ce_causationid"), data,
    )  # fmt: skip


def _mark(kind: str, data: dict[str, Any]) -> str | None:
    """The mark of the command that a fact answers, as the workload gave it."""
    fact = kind.removeprefix("org.interurbe.").rpartition(".")[0]
    if fact == "partner.updated":
        return str(data["profile"]["aliases"][-1]["text"]) if data["changed"] == ["aliases"] else None
    return _MARKS[fact](data) if fact in _MARKS else None


_MARKS: dict[str, Callable[[dict[str, Any]], str]] = {
    "agreement.drafted": lambda data: str(data["about"]["code"]),
    "agreement.party_signed": lambda data: f"sign {data['agreement']} {data['partner']}",
    "exchange.scheduled": lambda data: str(data["about"]["titles"]["es"]),
    "membership.started": lambda data: f"join {data['partner']} {data['network']} {data['valid_from']}",
    "membership.opted_in": lambda data: f"opted_in {data['membership']}",
    "membership.opted_out": lambda data: f"opted_out {data['membership']}",
    "membership.changed": lambda data: f"changed to {data['inherits_agreements']} {data['membership']}",
    "membership.ended": lambda data: str(data["reason"]),
}
"""By the short name of a fact."""


async def _log(stack: Stack) -> list[Fact]:
    bus: Bus = KafkaBus(stack.broker.bootstrap) if stack.broker else PostgresBus(stack.cluster.url("log"))
    await bus.start()
    try:
        return await facts_on(bus, TOPICS)
    finally:
        await bus.close()


async def facts_on(bus: Bus, topics: Sequence[str]) -> list[Fact]:
    """Every fact on these topics, in the order of the log."""
    messages = await whole_log(bus, topics)
    return [_fact({name: value.decode() for name, value in one.headers}, one.topic, one.value) for one in messages]


def mails(stack: Stack) -> list[Mail]:
    """What the mail server has taken so far, but for requests to confirm an address."""
    url = stack.ports.url("mail")
    with httpx.Client(timeout=30) as http:
        listed = http.get(f"{url}/mails.json").json()
        opened = [(one, http.get(f"{url}/mails/{one['id']}.json").json()["headers"]) for one in listed]
    told = [(one, {name.lower(): value for name, value in headers}) for one, headers in opened]
    asked = [(one, headers) for one, headers in told if "<confirmation." not in headers.get("list-id", "")]
    return [Mail(one["message_id"], one["to"][0], one["subject"], headers.get("x-trace-id")) for one, headers in asked]
