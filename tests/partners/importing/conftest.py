"""A file of partners sent over HTTP, the loop that works on it, and its report."""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from services.partners.importing import working
from services.partners.importing.working import Importing
from tests.partners.conftest import PartnerClient, PartnersService

PLACE = "/v1/partners/import"
HEADER = ("kind", "name.es", "country", "timezone", "identifier.dane")


@dataclass
class Files:
    """The service, as somebody with files sees it."""

    service: PartnersService

    async def send(
        self, content: str | bytes, kind: str = "text/csv", client: PartnerClient | None = None, **params: Any
    ) -> httpx.Response:
        """Send a file; by the operator, unless another client is named."""
        headers = {"Content-Type": kind}
        return await (client or self.service.operator).post(PLACE, content=content, headers=headers, params=params)

    async def work(self) -> None:
        """Let a fresh loop work until nothing is left to do."""
        loop = Importing(self.service.runtime)
        while await loop.step():
            pass

    async def done(
        self, content: str | bytes, kind: str = "text/csv", client: PartnerClient | None = None, **params: Any
    ) -> dict[str, Any]:
        """Send a file and have it done; the import as it ended."""
        sent = await self.send(content, kind, client, **params)
        assert sent.status_code == 202, sent.text
        await self.work()
        return dict((await self.service.operator.get(sent.headers["location"])).json())

    async def rows(self, importing: Mapping[str, Any], **params: Any) -> list[dict[str, Any]]:
        """The report of its rows."""
        answer = await self.service.operator.get(f"/v1/imports/{importing['id']}/rows", params={"limit": 200} | params)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["items"])

    async def count(self) -> int:
        """How many partners there are."""
        return len([fact for fact in await self.service.facts() if fact["type"] == "org.interurbe.partner.registered.v1"])


@pytest.fixture
def files(service: PartnersService) -> Files:
    """The service, as somebody with files sees it."""
    return Files(service)


def batches_of(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the loop take so many rows at a time, however slow the machine is."""
    monkeypatch.setattr(working, "BATCH", rows)
    monkeypatch.setattr(working, "LONGEST_SECONDS", 3600.0)


def table(rows: Sequence[Sequence[str]], header: Sequence[str] = HEADER, **more: Any) -> str:
    """A CSV file."""
    text = io.StringIO()
    csv.writer(text, **more).writerows([header, *rows])
    return text.getvalue()


def cities(count: int, start: int = 0) -> str:
    """So many cities that are nothing like one another, each with its key."""
    return table([city(number) for number in range(start, start + count)])


def city(number: int) -> list[str]:
    """One of those cities."""
    letters = random.Random(number)
    name = "".join(letters.choice("bcdfghjklmnpqrstvz") + letters.choice("aeiou") for _ in range(7))
    return ["city", name.title(), "CO", "America/Bogota", f"{number:05}"]


def lines(*partners: Any) -> str:
    """An NDJSON file."""
    return "".join(f"{json.dumps(partner, ensure_ascii=False)}\n" for partner in partners)
