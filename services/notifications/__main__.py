"""The notifications service on the command line."""

from services.notifications.app import build
from services.notifications.mail.checks import checks
from services.notifications.models import Model
from services.notifications.settings import NotificationsSettings
from services.notifications.worker import loops
from shared.process import Service, main

SERVICE = Service("notifications", settings=NotificationsSettings, app=build, loops=loops, models=lambda: Model.metadata, checks=checks)

if __name__ == "__main__":
    main(SERVICE)
