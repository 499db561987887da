"""Who is erased must be erased: a failure leaves nothing of a person in the log, where nobody would look for it."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator

import pytest
import structlog
from sqlalchemy import text

from shared.telemetry import logs
from tests.partners.conftest import PartnersService
from tests.partners.contacts.test_contacts import PERSON


@pytest.fixture
def configured() -> Iterator[None]:
    """Logs as a process writes them."""
    root = logging.getLogger()
    before = (root.handlers[:], root.level, sys.excepthook, {name: logging.getLogger(name).level for name in logs.NOISY})
    logs.configure("partners", "INFO")
    yield
    root.handlers[:], sys.excepthook = before[0], before[2]
    root.setLevel(before[1])
    for name, level in before[3].items():
        logging.getLogger(name).setLevel(level)
    structlog.reset_defaults()


@pytest.mark.usefixtures("configured")
async def test_a_person_who_cannot_be_written_down_is_not_written_into_the_log(
    service: PartnersService, capsys: pytest.CaptureFixture[str]
) -> None:
    async with service.runtime.database.session() as session:
        await session.execute(text("ALTER TABLE contact ADD CONSTRAINT nobody CHECK (phone IS NULL)"))
        await session.commit()
    centre = await service.client_of("tech_centre")
    answer = await centre.post(f"/v1/partners/{centre.partner}/contacts", json=PERSON)
    assert answer.status_code == 500, answer.text
    logged = str([json.loads(line) for line in capsys.readouterr().err.splitlines()])
    assert "request failed" in logged
    assert "INSERT INTO contact" in logged, "what failed is still told"
    assert not any(PERSON[word] in logged for word in ("name", "position", "email", "phone"))
