"""What the notifications service does beside requests: keeps its views, makes messages of facts, and sends them."""

from typing import cast

from services.notifications.alerts.handlers import HANDLERS as ALERTS
from services.notifications.directory.handlers import HANDLERS as DIRECTORY
from services.notifications.directory.models import VIEWS as DIRECTORY_VIEWS
from services.notifications.mail.sender import Sender
from services.notifications.settings import NotificationsSettings
from shared.consumer import Consumer
from shared.loop import Loop
from shared.process import Runtime


def loops(runtime: Runtime) -> list[Loop]:
    """One consumer for each room that has handlers, and the sender of mails; what was told to people is no view."""
    settings = cast("NotificationsSettings", runtime.settings)
    return [
        Consumer("notifications.directory", runtime, DIRECTORY, DIRECTORY_VIEWS),
        Consumer("notifications.alerts", runtime, ALERTS),
        Sender(runtime.database, settings, runtime.telemetry),
    ]
