"""People to be told of an agreement, and scripts for the mail server."""

from __future__ import annotations

from tests.notifications.conftest import NotificationsService
from tests.notifications.smtpserver import Script


def once(command: str, answer: str, to: str = "") -> Script:
    """Answer so the first time a command (to somebody) comes, and as usual afterwards."""
    left = [answer]

    def script(given: str, recipient: str) -> str | None:
        return left.pop() if left and given == command and to in recipient else None

    return script


def always(command: str, answer: str, to: str = "") -> Script:
    """Always answer so when a command (to somebody) comes."""
    return lambda given, recipient: answer if given == command and to in recipient else None


async def readers(service: NotificationsService, *names: str) -> None:
    """People who follow everything, and a signed agreement they are to be told of."""
    city = service.neighbours.partner("Medellín")
    await service.hear()
    for name in names:
        await service.subscriber(f"{name}@medellin.example", city)
    service.neighbours.sign([city])
    await service.hear()


async def told(service: NotificationsService, *columns: str) -> list[tuple[object, ...]]:
    """These columns of the messages about the agreement, by address."""
    rows = sorted(await service.messages(template="agreement_signed"), key=lambda message: str(message["to"]))
    return [tuple(row[column] for column in columns) for row in rows]
