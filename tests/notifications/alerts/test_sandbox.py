"""Nobody gets mail of what happens for trying out, nor on the word of who tries out; why is kept with each that would have gone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from shared.sandbox import sandbox_id
from tests.notifications.conftest import NotificationsService

ANA, EVA = "ana@medellin.example", "eva@kyiv.example"


async def reasons(service: NotificationsService, event: str) -> list[tuple[str, str | None]]:
    return [(message["status"], message["reason"]) for message in await service.messages(event=event)]


async def test_a_marked_fact_mails_nobody_and_keeps_why(service: NotificationsService) -> None:
    medellin = service.neighbours.partner("Medellín")
    await service.hear()
    await service.subscriber(ANA, medellin)
    service.neighbours.take()
    marked, real = replace(service.neighbours.schedule([medellin]), sandbox=True), service.neighbours.schedule([medellin])
    await service.hear([marked, real])
    await service.send()
    assert await reasons(service, marked.id) == [("skipped", "sandbox")]
    assert await reasons(service, real.id) == [("submitted", None)]
    assert len(service.server.to(ANA)) == 1


async def test_an_address_brought_from_the_sandbox_is_not_asked_and_can_be_asked_for_real_at_once(service: NotificationsService) -> None:
    tester, medellin = service.client_of(sandbox_id()), service.neighbours.partner("Medellín")
    await service.hear()
    brought = await tester.post("/v1/subscribers", json={"email": EVA, "language": "es"})
    assert (brought.status_code, brought.headers["interurbe-sandbox"]) == (201, "true"), brought.text
    await service.send()
    assert [(message["status"], message["reason"], message["secret"]) for message in await service.rows("message")] == [
        ("skipped", "sandbox", None)
    ]
    assert service.server.mails == []
    await service.client_of(medellin).post("/v1/subscribers", json={"email": EVA, "language": "es"})
    await service.send()
    assert len(service.server.to(EVA)) == 1


async def test_a_subscription_from_the_sandbox_mails_nobody_and_hides_no_real_one(service: NotificationsService) -> None:
    medellin, tester = service.neighbours.partner("Medellín"), sandbox_id()
    await service.hear()
    ana, eva = (
        await service.subscriber(ANA, medellin),
        await service.subscriber(EVA, medellin, "es", {"filter": {"types": ["agreement.signed"]}}),
    )
    for subscriber, email in ((ana, ANA), (eva, EVA)):
        await service.client_of(tester).post("/v1/subscribers", json={"email": email, "language": "es"})
        granted = await service.client_of(tester).post(f"/v1/subscribers/{subscriber}/subscriptions", json={})
        assert granted.status_code == 201, granted.text
    service.neighbours.now = datetime.now(UTC)
    scheduled = service.neighbours.schedule([medellin])
    await service.hear()
    await service.send()
    assert sorted(await reasons(service, scheduled.id)) == [("skipped", "sandbox"), ("submitted", None)]
    assert (len(service.server.to(ANA)), service.server.to(EVA)) == (1, [])
