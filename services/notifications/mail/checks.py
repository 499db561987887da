"""What doctor asks about mail: whether the mail server can be reached, and takes our name and password."""

from functools import partial
from typing import cast

from services.notifications.mail.sender import mail_server
from services.notifications.mail.smtp import ServerAway, SignInRefused
from services.notifications.settings import NotificationsSettings
from shared.process import Check, Runtime, Trouble

_MEANWHILE = "mails wait until then."


def checks(runtime: Runtime) -> list[Check]:
    """The questions of this room."""
    return [Check("mail server", partial(_mail_server, cast("NotificationsSettings", runtime.settings)))]


async def _mail_server(settings: NotificationsSettings) -> str:
    """Greet the server as for a mail, and say goodbye; nothing is sent."""
    try:
        line = await mail_server(settings).connect()
    except SignInRefused as error:
        fix = f"Correct INTERURBE_SMTP_USER and INTERURBE_SMTP_PASSWORD; {_MEANWHILE}"
        raise Trouble(str(error), fix) from None
    except ServerAway as error:
        fix = f"Start the mail server, or correct INTERURBE_SMTP_HOST, INTERURBE_SMTP_PORT and INTERURBE_SMTP_TLS; {_MEANWHILE}"
        raise Trouble(f"the mail server cannot be used: {error}", fix) from None
    line.quit()
    return f"{settings.smtp_host}:{settings.smtp_port} takes mails"
