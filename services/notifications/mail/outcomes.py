"""What became of an attempt, and what follows from it."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any

from services.notifications.mail.smtp import Reply
from services.notifications.messages.models import Status

PAUSES = tuple(timedelta(seconds=seconds) for seconds in (30, 120, 300, 600, 1200, 2400, 3600, 7200, 14400))
"""How long to wait after the first, second … failed attempt; the last one again and again."""

SOON = timedelta(seconds=5)
"""How long to wait after the first attempt that the connection cut short."""


class Stage(StrEnum):
    """How far an attempt came before it failed."""

    SENDER = "MAIL"
    RECIPIENT = "RCPT"
    DATA = "DATA"
    CONTENT = "content"
    COMPOSING = "composing"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one attempt. ``code`` is the server's (0 without one); ``words`` say it for an operator.

    ``ambiguous``: the content went out and no answer came back, so the mail may have arrived. ``suppress``: the address does
    not exist, nothing more is to be sent to it.
    """

    status: Status
    stage: Stage
    code: int = 0
    words: str = ""
    reason: str | None = None
    ambiguous: bool = False
    suppress: bool = False

    def next_attempt(self, attempts: int, now: datetime) -> datetime:
        """When to try again after ``attempts`` attempts: later each time, and never all at once."""
        pause = PAUSES[min(max(attempts, 1), len(PAUSES)) - 1]
        if self.code == 0 and attempts <= 1 and not self.ambiguous:
            pause = SOON
        return now + pause * random.uniform(0.8, 1.2)  # noqa: S311 - jitter, not a secret

    def entry(self, number: int, times: tuple[datetime, datetime]) -> dict[str, Any]:
        """The attempt as its message remembers it."""
        began, ended = times
        entry: dict[str, Any] = {
            "number": number,
            "at": began.isoformat(),
            "ended_at": ended.isoformat(),
            "outcome": self.status.value,
            "stage": self.stage.value,
            "code": self.code or None,
            "words": self.words,
            "ambiguous": self.ambiguous,
        }
        return entry


@lru_cache(maxsize=256)
def accepted(reply: Reply) -> Outcome:
    """The server took the mail over."""
    return Outcome(Status.SUBMITTED, Stage.CONTENT, reply.code, reply.words)


def cut_short(stage: Stage, why: str) -> Outcome:
    """No answer to what was said in ``stage``: a mail whose content was on its way may have arrived."""
    return Outcome(Status.DEFERRED, stage, 0, why, ambiguous=stage is Stage.CONTENT)


def unusable(reason: str, words: str) -> Outcome:
    """The mail can never be sent as it is."""
    return Outcome(Status.FAILED, Stage.COMPOSING, 0, words, reason=reason)


def refused(stage: Stage, reply: Reply) -> Outcome:
    """The server said no: for now (4xx), for ever (5xx), or to us rather than to this mail (then we wait and it is tried again).

    A final no to the recipient suppresses the address, unless it is about policy (enhanced code 5.7, RFC 3463): a server that
    relays for nobody would otherwise silence everybody.
    """
    if 500 <= reply.code < 600 and stage is Stage.RECIPIENT:
        policy = reply.words.startswith("5.7.") or reply.code in (530, 535)
        return Outcome(Status.BOUNCED, stage, reply.code, reply.words, reason="recipient-refused", suppress=not policy)
    if 500 <= reply.code < 600 and stage in (Stage.DATA, Stage.CONTENT):
        return Outcome(Status.FAILED, stage, reply.code, reply.words, reason="content-refused")
    return Outcome(Status.DEFERRED, stage, reply.code, reply.words)
