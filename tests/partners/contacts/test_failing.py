"""Who is erased must be erased: a failure leaves nothing of a person in the log, where nobody would look for it."""

from __future__ import annotations

from sqlalchemy import text

from tests.fixtures.logs import Lines
from tests.partners.conftest import PartnersService
from tests.partners.contacts.test_contacts import PERSON


async def test_a_person_who_cannot_be_written_down_is_not_written_into_the_log(service: PartnersService, lines: Lines) -> None:
    async with service.runtime.database.session() as session:
        await session.execute(text("ALTER TABLE contact ADD CONSTRAINT nobody CHECK (phone IS NULL)"))
        await session.commit()
    centre = await service.client_of("tech_centre")
    answer = await centre.post(f"/v1/partners/{centre.partner}/contacts", json=PERSON)
    assert answer.status_code == 500, answer.text
    logged = str(lines())
    assert "request failed" in logged
    assert "INSERT INTO contact" in logged, "what failed is still told"
    assert not any(PERSON[word] in logged for word in ("name", "position", "email", "phone"))
