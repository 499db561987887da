"""Which facts become which mail for whom."""

from tests.notifications.conftest import NotificationsService


async def test_a_signed_agreement_reaches_a_mailbox(service: NotificationsService) -> None:
    city = service.neighbours.partner("Medellín")
    other = service.neighbours.partner("Kyiv")
    await service.hear()
    await service.subscriber("ana@medellin.example", city)
    service.neighbours.sign([city, other])
    await service.hear()
    await service.send()
    assert [mail.to for mail in service.server.mails] == ["ana@medellin.example"]
    print(service.server.mails[0].raw.decode())
    print(await service.messages())
