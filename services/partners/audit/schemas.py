"""What the audit answers."""

import json
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from shared.http import After, Id, Limit, Line

MOST_EXPORTED: Final = 5000

ENTRY: dict[str, Any] = {
    "n": 1,
    "at": "2025-03-04T15:00:00.123456Z",
    "client": "bootstrap",
    "partner": "00000000-0000-0000-0000-000000000000",
    "action": "POST /v1/partners",
    "subject": "/v1/partners/01939f6e-8f1a-7c3e-9b52-3f7a1c2d4e5f",
    "outcome": "201",
    "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
    "prev_hash": None,
    "hash": "9d3c5f0c7d9f7c2f6d0a3a5b8e0f4c1d2b6a7988e7d6c5b4a3928170f6e5d4c3",
}
EXPORT: dict[int | str, dict[str, Any]] = {
    200: {
        "description": 'One entry a line (NDJSON). The header `Link: rel="next"` leads to the lines that follow.',
        "content": {"application/x-ndjson": {"schema": {"type": "string"}, "example": json.dumps(ENTRY) + "\n"}},
    }
}


class EntryOut(BaseModel):
    """One change that somebody made; `hash` covers all other members (SHA-256 over their RFC 8785 form)."""

    n: int
    at: str
    client: str
    partner: str
    action: str
    subject: str
    outcome: str
    trace_id: str | None
    prev_hash: str | None
    hash: str

    model_config = ConfigDict(json_schema_extra={"example": ENTRY})


class AuditFilters(BaseModel):
    """Which part of the audit a page shall hold; every filter given narrows it."""

    partner: Id | None = Field(None, description="Only what clients of this partner did, and of those that were merged into it.")
    action: Line | None = Field(None, description="Only this operation, as entries name it.", examples=["POST /v1/partners"])
    after: After = None
    limit: Limit = 50

    model_config = ConfigDict(extra="forbid")


class ExportWanted(BaseModel):
    """Which part of the audit an export shall hold."""

    after: After = None
    limit: int = Field(MOST_EXPORTED, ge=1, le=MOST_EXPORTED, description="How many lines at most.")

    model_config = ConfigDict(extra="forbid")
