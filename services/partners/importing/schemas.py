"""What is asked of imports and exports, and what is answered."""

import json
from datetime import datetime
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

from services.partners.importing.models import Outcome
from services.partners.registry.schemas import EXAMPLE, PartnerFilters
from shared.http import After, Id, Limit, StrictModel, Whole

CSV: Final = "text/csv"
NDJSON: Final = "application/x-ndjson"
MEDIA: Final = {CSV: "csv", NDJSON: "ndjson", "application/ndjson": "ndjson"}

CSV_EXAMPLE: Final = (
    "kind,name.es,name.en,acronym,country,subdivision,locality,timezone,languages,website,identifier.ruta-n,alias.1,alias.1.lang\r\n"
    "tech_centre,Centro para la Cuarta Revolución Industrial,Centre for the Fourth Industrial Revolution,C4IR,CO,CO-ANT,Medellín,"
    "America/Bogota,es;en,https://www.rutanmedellin.org,c4ir,C4IR Medellín,es\r\n"
)
NDJSON_EXAMPLE: Final = json.dumps(EXAMPLE, ensure_ascii=False) + "\n"
_BODIES: Final = {CSV: CSV_EXAMPLE, NDJSON: NDJSON_EXAMPLE}
_CONTENT: Final = {kind: {"schema": {"type": "string"}, "example": example} for kind, example in _BODIES.items()}
FILE_BODY: Final[dict[str, Any]] = {"requestBody": {"required": True, "content": _CONTENT}}
FILE: Final[dict[int | str, dict[str, Any]]] = {200: {"description": "The file.", "content": _CONTENT}}

IMPORT: Final[dict[str, Any]] = {
    "id": "01939f6e-8f1a-7c3e-9b52-3f7a1c2d4e5f",
    "state": "working",
    "format": "csv",
    "dry_run": False,
    "force": False,
    "client": "bootstrap",
    "rows": 1200,
    "done": 700,
    "registered": 500,
    "updated": 150,
    "unchanged": 40,
    "suspected_duplicate": 7,
    "refused": 3,
    "ended_because": None,
    "received_at": "2025-03-04T15:00:00+00:00",
    "started_at": "2025-03-04T15:00:01+00:00",
    "finished_at": None,
    "rows_until": None,
}
ROW: Final[dict[str, Any]] = {
    "n": 16,
    "line": 17,
    "outcome": "refused",
    "partner": None,
    "said": ["city", "Cali", "Colombia", "America/Bogota"],
    "problem": {
        "type": "/problems/invalid",
        "title": "The request breaks a rule.",
        "status": 422,
        "detail": "/country must be a two-letter country code of ISO 3166-1, in capitals.",
        "instance": "/v1/partners/import",
        "code": "invalid",
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        "field": "/country",
        "column": "country",
        "fix": "Send a code like 'CO', 'KR' or 'UA'.",
    },
}


class RowKey(StrictModel):
    """By what else than an external identifier a row may name a partner on record, and the version it was decided on."""

    id: Id | None = None
    version: Whole | None = None


class ImportWanted(BaseModel):
    """How a file shall be taken."""

    dry_run: bool = Field(False, description="Do everything and keep nothing, so that the report says what would become of each row.")
    force: bool = Field(False, description="Register also what seems to be registered already, as if each row said `force`.")

    model_config = ConfigDict(extra="forbid")


class ImportFilters(BaseModel):
    """Which part of a list of imports a page shall hold."""

    after: After = None
    limit: Limit = 50

    model_config = ConfigDict(extra="forbid")


class RowFilters(BaseModel):
    """Which rows of an import a page shall hold."""

    outcome: Outcome | None = Field(None, description="Only rows of which this became.")
    after: After = None
    limit: Limit = 50

    model_config = ConfigDict(extra="forbid")


class ImportOut(BaseModel):
    """How far an import is: `done` of `rows`, and what became of them."""

    id: str
    state: str = Field(description="`waiting`, `working`, `finished` or `cancelled`.")
    format: str
    dry_run: bool
    force: bool
    client: str
    rows: int
    done: int
    registered: int
    updated: int
    unchanged: int
    suspected_duplicate: int
    refused: int
    ended_because: str | None = Field(description="Why it was cancelled: `cancelled`, `client revoked`, or what is wrong with the file.")
    received_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    rows_until: datetime | None = Field(description="Until when its rows can be read.")

    model_config = ConfigDict(json_schema_extra={"example": IMPORT})


class RowOut(BaseModel):
    """A row as it was sent, and what became of it; `outcome` is null until its turn has come."""

    n: int
    line: int = Field(description="The number of its first line in the file, from 1.")
    outcome: str | None
    partner: str | None
    said: list[str] | str
    problem: dict[str, Any] | None = Field(description="Why it was not taken: a problem document; `column` names the column of a CSV file.")

    model_config = ConfigDict(json_schema_extra={"example": ROW})


Format = Literal["csv", "ndjson"]
_FORMAT: Final = Field(None, description="`csv` or `ndjson`; without it the header Accept decides, and without that it is CSV.")
_LISTED: Final[dict[str, Any]] = {
    name: (field.annotation, field) for name, field in PartnerFilters.model_fields.items() if name not in ("after", "limit")
}
ExportWanted: Any = create_model(
    "ExportWanted",
    __config__=ConfigDict(extra="forbid"),
    __doc__="Which partners a file shall hold, and how it tells them: the filters are those of the list.",
    format=(Format | None, _FORMAT),
    **_LISTED,
)
