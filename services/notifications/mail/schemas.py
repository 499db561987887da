"""What operators see of messages."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import BaseModel, Field

from services.notifications.mail.views import Wanted
from shared.http import After, Id, Limit, StrictModel, Written

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
Digest = Annotated[str, Written("^[0-9a-f]{64}$", "must be a SHA-256: 64 digits and letters a to f, in lower case", DIGEST)]
TraceId = Annotated[str, Written("^[0-9a-f]{32}$", "must be a trace's id: 32 digits and letters a to f, in lower case", TRACE)]
Template = Annotated[str, Written("^[a-z_]{1,60}$", "must be a word of letters and _, in lower case", "agreement_signed")]
Outcome = Literal["queued", "submitted", "deferred", "bounced", "skipped", "failed"]


class MessageFilters(StrictModel):
    """Every filter given narrows the list."""

    status: Outcome | None = Field(default=None, description="How far it has come.")
    to: Digest | None = Field(
        default=None,
        description="SHA-256 of the address in lower case, in hexadecimal: an address itself would be logged.",
    )
    subscriber: Id | None = Field(default=None, description="Whom it is for.")
    event: Id | None = Field(default=None, description="The fact it tells of.")
    trace_id: TraceId | None = Field(default=None, description="The trace of the request that caused it.")
    template: Template | None = Field(default=None, description="What it says, such as agreement_signed.")
    limit: Limit = 50
    after: After = None

    def wanted(self) -> Wanted:
        """The same in the view's words."""
        return Wanted(**self.model_dump(exclude={"limit", "after"}))


Filters = Annotated[MessageFilters, Query()]


class AttemptOut(BaseModel):
    """One time a mail was handed to the mail server, and what that said. ``ambiguous``: it may have arrived although nobody said so."""

    number: int = Field(examples=[1])
    outcome: str = Field(examples=["submitted"])
    at: datetime | None = None
    ended_at: datetime | None = None
    stage: str | None = Field(default=None, examples=["content"])
    code: int | None = Field(default=None, examples=[250])
    words: str = Field(default="", examples=["2.0.0 Ok: queued as 4Xyz"])
    ambiguous: bool = Field(default=False, examples=[False])


class MessageOut(BaseModel):
    """A message, and all that became of it. ``reason`` says why it was not sent, ``why`` which part of a subscription it is sent for."""

    id: Id
    event_id: Id
    kind: str | None = Field(examples=["agreement.signed"])
    subject: str | None = Field(examples=["agreement/01939f6e-8f1a-7c3e-9b52-3f7a1c2d4e5f"])
    subscriber_id: Id
    to: str = Field(examples=["name@example.org"])
    channel: str = Field(examples=["email"])
    template: str = Field(examples=["agreement_signed"])
    language: str = Field(examples=["es"])
    status: str = Field(examples=["submitted"])
    reason: str | None = Field(examples=[None])
    why: dict[str, Any] | None = Field(examples=[{"role": "follower", "lines": ["knowledge_exchange"]}])
    attempts_made: int = Field(examples=[1])
    ambiguous: int = Field(description="Attempts whose end is unknown: so many copies too many may have arrived.", examples=[0])
    last_error: str | None = Field(examples=[None])
    attempts: list[AttemptOut]
    next_attempt_at: datetime | None
    created_at: datetime
    finished_at: datetime | None
    expires_at: datetime
    trace_id: str | None = Field(examples=[TRACE])
