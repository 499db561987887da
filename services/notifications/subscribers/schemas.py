"""What requests and answers about subscribers look like."""

from datetime import datetime

from pydantic import BaseModel, Field

from shared.http import Email, Id, Language, StrictModel, TimeZone


class NewSubscriber(StrictModel):
    """Somebody who is to be told; the address is asked to confirm by a mail in ``language`` (Spanish, English, else English)."""

    email: Email
    language: Language = Field(default="es", examples=["es-CO"])
    timezone: TimeZone = "America/Bogota"


class SubscriberOut(BaseModel):
    """A subscriber. ``email`` is shown to operators alone."""

    id: Id
    state: str = Field(description="pending, confirmed, unsubscribed or suppressed.", examples=["pending"])
    language: str = Field(description="As asked for.", examples=["es-CO"])
    mail_language: str = Field(description="The language mails are written in: es or en.", examples=["es"])
    timezone: str = Field(examples=["America/Bogota"])
    created_at: datetime
    confirmed_at: datetime | None = None
    unsubscribed_at: datetime | None = None
    email: str | None = Field(default=None, examples=[None])
    version: int = Field(examples=[1])
