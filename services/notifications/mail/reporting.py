"""What operators see of every attempt: a span under the change that caused it, metrics, and the row's own entry."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from opentelemetry.trace import SpanContext, SpanKind

from services.notifications.mail.carrying import Result
from services.notifications.mail.outcomes import Outcome, Stage
from services.notifications.mail.queue import Accepted, Mark, Written
from services.notifications.messages.models import EMAIL, Status
from shared.telemetry import SpanTemplate, Telemetry
from shared.telemetry.spans import recording
from shared.telemetry.tracing import child_of


class Reporter:
    """Turns results into marks, spans and metrics; no address leaves through any of the last two."""

    def __init__(self, telemetry: Telemetry, host: str, port: int) -> None:
        self.trouble: str | None = None
        metrics = telemetry.metrics
        self._latency = metrics.delivery_latency_seconds.labels(channel=EMAIL)
        self._ambiguous = metrics.delivery_ambiguous_total.labels(channel=EMAIL)
        self._outcomes = {status: metrics.delivery_total.labels(channel=EMAIL, outcome=status.value) for status in Status}
        server: dict[str, str | int] = {"server.address": host, "server.port": port, "network.protocol.name": "smtp"}
        self._span = SpanTemplate("send_email", SpanKind.CLIENT, server)

    def report(self, results: Sequence[Result], written: Written, now: datetime) -> None:
        """Put these results among what is to be written, and write their spans and metrics."""
        for status, count in Counter([result.outcome.status for result in results]).items():
            self._outcomes[status].inc(count)
        spans = recording()
        for result in results:
            outcome = result.outcome
            if outcome.status is Status.SUBMITTED:
                self.trouble = None
                self._latency.observe((result.ended - result.letter.since).total_seconds())
                written.accepted.append(Accepted(result.letter.id, result.began, result.ended, outcome.code, outcome.words))
            else:
                self._failed(result)
                written.marks.append(_mark(result, now))
                if outcome.suppress:
                    written.suppressed.add(result.letter.subscriber)
            if spans and result.letter.parent is not None:
                self._trace(result, result.letter.parent)

    def skipped(self, count: int) -> None:
        """Count mails that were not sent after all."""
        self._outcomes[Status.SKIPPED].inc(count)

    def _failed(self, result: Result) -> None:
        outcome = result.outcome
        if outcome.stage is Stage.SENDER and outcome.code >= 500:
            self.trouble = f"the mail server refuses mails from us: {outcome.code} to MAIL FROM"
        if outcome.ambiguous:
            self._ambiguous.inc()

    def _trace(self, result: Result, parent: SpanContext) -> None:
        letter, outcome = result.letter, result.outcome
        attributes: dict[str, str | int] = {
            "messaging.message.id": letter.id,
            "interurbe.template": letter.key[1],
            "messaging.delivery.attempt": letter.attempts + 1,
        }
        if outcome.code:
            attributes["smtp.reply_code"] = outcome.code
        if outcome.status is not Status.SUBMITTED:
            attributes["error.type"] = _error_type(outcome)
        self._span.record(child_of(parent), parent, (_nanoseconds(result.began), _nanoseconds(result.ended)), attributes)


def _mark(result: Result, now: datetime) -> Mark:
    letter, outcome = result.letter, result.outcome
    tried = letter.attempts + 1
    final = outcome.status is not Status.DEFERRED
    return Mark(
        id=letter.id,
        status=outcome.status.value,
        reason=outcome.reason,
        error=f"{outcome.code or ''} {outcome.words}".strip(),
        tried=1,
        ambiguous=int(outcome.ambiguous),
        next=None if final else outcome.next_attempt(tried, now),
        finished=result.ended if final else None,
        entry=outcome.entry(tried, (result.began, result.ended)),
    )


def _error_type(outcome: Outcome) -> str:
    if outcome.ambiguous:
        return "ambiguous"
    return str(outcome.code) if outcome.code else outcome.reason or "connection"


def _nanoseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000) * 1000
