"""The API and the pages of the notifications service."""

from fastapi import FastAPI

from services.notifications.directory.views import revoked_since
from services.notifications.mail.routes import router as messages
from services.notifications.subscribers.pages import router as subscriber_pages
from services.notifications.subscribers.routes import router as subscribers
from services.notifications.subscriptions.pages import router as subscription_pages
from services.notifications.subscriptions.routes import router as subscriptions
from shared.http import build_app
from shared.process import Runtime
from shared.revoked import refuse_revoked
from shared.standing import must_act


def build(runtime: Runtime) -> FastAPI:
    """The application with all rooms of this service."""
    refuse_revoked(runtime, revoked_since)
    runtime.bar = must_act
    return build_app(
        runtime,
        title="Interurbe: notifications",
        description="Who is told, when, and how: subscribers and what they follow, and every message with what became of it.",
        routers=[subscribers, subscriptions, messages, subscriber_pages, subscription_pages],
    )
