"""From a fact to messages: one notice, and a row for everybody it matches, sent or not, with the reason."""

from typing import Any

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications.alerts.affairs import affected
from services.notifications.directory.views import Surroundings, surroundings
from services.notifications.messages.models import EMAIL, PATIENCE, Notice
from services.notifications.subscriptions.views import FITS, MAY_SEE, WAITS
from shared.events import (
    AgreementEnteredIntoForce,
    AgreementSigned,
    ClientExpiryWarned,
    Envelope,
    ExchangeCancelled,
    ExchangeRescheduled,
    ExchangeScheduled,
    MembershipApproved,
    MembershipChanged,
    MembershipLapsed,
    MembershipLapseWarned,
    PartnerDuplicateSuspected,
)
from shared.events.partners import Names
from shared.handling import Handlers
from shared.sandbox import IN_SANDBOX
from shared.telemetry.tracing import current_traceparent, trace_id_of

_OVERLAP = "(SELECT coalesce(jsonb_agg(x), '[]') FROM (SELECT unnest(s.{0}) AS x INTERSECT SELECT unnest(n.{0}) ORDER BY x) AS same)"
_WHY = ", ".join(f"'{name}', {_OVERLAP.format(name)}" for name in ("partners", "networks", "agreements", "lines", "topics"))

# On the word of a partner for trying out nobody gets mail, not even about real things.
_FROM_SANDBOX = IN_SANDBOX.format("s.vouched_by")

_TELL = text(
    f"""
    INSERT INTO message (id, event_id, subscriber_id, channel, template, language, why, status, reason,
                         next_attempt_at, created_at, expires_at, finished_at, traceparent, tracestate, trace_id)
    SELECT uuidv7(), n.event_id, b.id, '{EMAIL}', n.template, b.mail_language,
           jsonb_build_object('role', s.role, 'vouched_by', s.vouched_by, {_WHY}),
           CASE WHEN said.reason IS NULL THEN 'queued' ELSE 'skipped' END, said.reason,
           n.occurred_at, now(), now() + CAST(:patience AS interval), CASE WHEN said.reason IS NOT NULL THEN now() END,
           :traceparent, :tracestate, :trace_id
    FROM notice n
    CROSS JOIN LATERAL (SELECT CAST(n.occurred_at AT TIME ZONE 'UTC' AS date) AS day) AS d
    CROSS JOIN LATERAL (
      SELECT DISTINCT ON (s.subscriber_id) s.*, seen.may, seen.waits
      FROM subscription s CROSS JOIN LATERAL (SELECT {MAY_SEE} AS may, {WAITS} AS waits) AS seen
      WHERE {FITS}
      ORDER BY s.subscriber_id, ({_FROM_SANDBOX}) IS NOT TRUE DESC, (seen.may AND NOT seen.waits) DESC, seen.may DESC, s.role, s.id
    ) AS s
    JOIN subscriber b ON b.id = s.subscriber_id
    CROSS JOIN LATERAL (SELECT CASE WHEN :sandbox OR {_FROM_SANDBOX} THEN 'sandbox' WHEN b.state <> 'confirmed' THEN b.state
                                    WHEN NOT s.may THEN 'not-visible' WHEN s.waits THEN 'pending' END AS reason) AS said
    WHERE n.event_id = :event_id
    ON CONFLICT (event_id, subscriber_id, channel, template) DO NOTHING
    """  # noqa: S608 - put together from constants of this service
)
"""A message is made by the clock of the database, not by the time of the fact: one that comes days late is still tried for as long."""


async def tell(session: AsyncSession, fact: Envelope) -> None:
    """Keep what the fact says as a notice, and owe a message to everybody whose subscriptions it matches: three statements.

    A fact that comes again makes nothing anew. Somebody is told once, however many subscriptions match. Of what happens
    for trying out nobody is: each message that would have gone is kept as skipped, because of the sandbox.
    """
    around = await surroundings(session, fact, concerned(fact), _agreement(fact))
    await session.execute(insert(Notice).values(**_notice(fact, around)).on_conflict_do_nothing())
    traceparent, tracestate = current_traceparent()
    trace = {"traceparent": traceparent or fact.traceparent, "tracestate": tracestate or fact.tracestate}
    told = {"event_id": fact.id, "sandbox": fact.sandbox, "patience": PATIENCE, "trace_id": trace_id_of(trace["traceparent"]), **trace}
    await session.execute(_TELL, told)


def concerned(fact: Envelope) -> tuple[str, ...]:
    """The partners a fact is about: parties to an agreement; hosts of an exchange and those who take part; whoever an affair affects."""
    if own := affected(fact.data):
        return tuple(own)
    said: Any = fact.data
    if isinstance(said, AgreementSigned | AgreementEnteredIntoForce):
        return tuple(dict.fromkeys(party.partner for party in said.about.parties))
    return tuple(dict.fromkeys(each.partner for each in (*said.about.hosts, *said.about.participants)))


def _names(fact: Envelope) -> dict[str, Names]:
    """The names a fact brings along; they are those of its own moment."""
    if own := affected(fact.data):
        return own
    said: Any = fact.data
    if isinstance(said, AgreementSigned | AgreementEnteredIntoForce):
        return {said.agreement: said.about.titles} | {party.partner: party.names for party in said.about.parties}
    return {each.partner: each.names for each in (*said.about.hosts, *said.about.participants)}


def _agreement(fact: Envelope) -> str | None:
    if affected(fact.data):
        return None
    said: Any = fact.data
    return said.agreement if isinstance(said, AgreementSigned | AgreementEnteredIntoForce) else said.about.agreement


def _notice(fact: Envelope, around: Surroundings) -> dict[str, Any]:
    agreement, kind = _agreement(fact), f"{fact.data.SUBJECT}.{fact.data.FACT}"
    lines, topics = _lines_and_topics(fact, around)
    return {
        "event_id": fact.id,
        "type": fact.type,
        "template": kind.replace(".", "_"),
        "kind": kind,
        "subject": fact.subject,
        "occurred_at": fact.time,
        "data": fact.data.model_dump(mode="json"),
        "names": around.names | _names(fact),
        "partners": list(around.partners),
        "networks": list(around.networks),
        "agreements": [agreement] if agreement else [],
        "lines": lines,
        "topics": topics,
        "visibility": fact.visibility,
        "audience": list(fact.audience),
        "trace_id": trace_id_of(fact.traceparent),
    }


def _lines_and_topics(fact: Envelope, around: Surroundings) -> tuple[list[str], list[str]]:
    """What a fact is about; what it does not say itself is that of its agreement."""
    if affected(fact.data):
        return [], []
    said: Any = fact.data
    if isinstance(said, AgreementSigned):
        return [line.line for line in said.lines], sorted({topic for line in said.lines for topic in line.topics})
    if isinstance(said, AgreementEnteredIntoForce):
        return list(said.lines), list(around.topics)
    return [said.about.line] if said.about.line else [], list(said.about.topics or around.topics)


HANDLERS: Handlers = {
    AgreementSigned: tell,
    AgreementEnteredIntoForce: tell,
    ExchangeScheduled: tell,
    ExchangeRescheduled: tell,
    ExchangeCancelled: tell,
    MembershipApproved: tell,
    MembershipLapseWarned: tell,
    MembershipLapsed: tell,
    MembershipChanged: tell,
    PartnerDuplicateSuspected: tell,
    ClientExpiryWarned: tell,
}
