"""Golden samples: one believable CloudEvent per event, with every field and with only the required ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.events import DATASCHEMA, SOURCE, Event

Schema = Mapping[str, Any]

IDS = {
    "partner": "01981a4e-0000-7000-8000-000000000001",
    "network": "01981a4e-0000-7000-8000-000000000002",
    "membership": "01981a4e-0000-7000-8000-000000000003",
    "agreement": "01981a4e-0000-7000-8000-000000000004",
    "commitment": "01981a4e-0000-7000-8000-000000000005",
    "exchange": "01981a4e-0000-7000-8000-000000000006",
    "subscriber": "01981a4e-0000-7000-8000-000000000007",
    "client": "01981a4e-0000-7000-8000-000000000009",
    "entitlement": "01981a4e-0000-7000-8000-000000000009",
    "mandate": "01981a4e-0000-7000-8000-00000000000a",
}
PARTNER, OTHER = IDS["network"], "01981a4e-0000-7000-8000-000000000008"

# The value of every text field by its name: the facts of the memorandum that Asocapitales and WeGO signed in July 2024.
TEXTS: dict[str, str] = IDS | {
    "abandoned_by": PARTNER,
    "acronym": "WeGO",
    "approved_hash": "1f" * 32,
    "alike_by": "same_name",
    "because": "merged",
    "client_name": "Portal de Medellín",
    "code": "ASOCAPITALES-WEGO-2024",
    "country": "KR",
    "drafted_by": PARTNER,
    "evidence": "5e" * 32,
    "from_state": "negotiating",
    "giver": PARTNER,
    "hosted_by": OTHER,
    "ics_uid": f"{IDS['exchange']}@interurbe.org",
    "id": IDS["commitment"],
    "inherits_agreements": "auto",
    "kind": "mou",
    "lang": "es",
    "language": "es",
    "languages": "es",
    "line": "knowledge_exchange",
    "lines": "knowledge_exchange",
    "locality": "Seoul",
    "into": OTHER,
    "successor": OTHER,
    "was_inherits_agreements": "opt_in",
    "was_network": OTHER,
    "was_partner": PARTNER,
    "was_role": "associate",
    "subdivision": "CO-ANT",
    "holder": PARTNER,
    "kinds": "alliance",
    "method": "electronic",
    "modality": "online",
    "party": PARTNER,
    "place": "Bogotá",
    "prev_hash": "2f" * 32,
    "proposed_by": PARTNER,
    "reason": "La sala no está disponible",
    "receiver": OTHER,
    "role": "party",
    "scheme": "wikidata",
    "terms_hash": "3f" * 32,
    "text": "Organización Mundial de Ciudades Inteligentes y Sostenibles",
    "timezone": "America/Bogota",
    "topics": "smart_city",
    "unit": "workshop",
    "url": "https://meet.example.org/knowledge-exchange",
    "value": "Q16167374",
    "changed": "names",
    "verified_by": OTHER,
    "website": "https://we-gov.org",
}
FORMATS = {"date": "2024-07-12", "date-time": "2024-07-12T15:00:00Z"}
SPOKEN = {"es": "Intercambio de conocimiento", "en": "Knowledge exchange"}


class NoSample(Exception):
    """A field has no believable value yet."""


def sample(event: type[Event], *, full: bool) -> dict[str, Any]:
    """The event as one CloudEvents 1.0 JSON document (structured mode); `full` fills the optional fields too.

    Raises NoSample, naming the field and where its value belongs.
    """
    schema = event.model_json_schema()
    subject = f"{event.SUBJECT}/{IDS.get(event.SUBJECT, PARTNER)}"
    attributes = {
        "specversion": "1.0",
        "id": "01981a4e-0000-7000-8000-0000000000ff",
        "source": SOURCE.format(owner=event.TOPIC.rpartition(".")[2]),
        "type": event.TYPE,
        "subject": subject,
        "time": "2024-07-12T15:00:00.000001Z",
        "datacontenttype": "application/json",
        "dataschema": DATASCHEMA.format(type=event.TYPE),
        "sequence": "1",
        "partitionkey": subject,
        "visibility": "parties",
    }
    optional = {
        "audience": f"{PARTNER},{OTHER}",
        "correlationid": "01981a4e-0000-7000-8000-0000000000fe",
        "causationid": "01981a4e-0000-7000-8000-0000000000fd",
        "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    }
    return attributes | (optional if full else {}) | {"data": _value(schema, schema.get("$defs", {}), event.__name__, full=full)}


def _value(schema: Schema, defs: Schema, field: str, *, full: bool) -> Any:
    if "$ref" in schema:
        return _value(defs[schema["$ref"].rpartition("/")[2]], defs, field, full=full)
    if "anyOf" in schema:
        return _value(schema["anyOf"][0], defs, field, full=full)
    if "properties" in schema:
        names = [name for name in schema["properties"] if full or name in schema.get("required", ())]
        return {name: _value(schema["properties"][name], defs, name, full=full) for name in names}
    if "items" in schema:
        return [_value(schema["items"], defs, field, full=full)]
    return _plain(schema, field)


def _plain(schema: Schema, field: str) -> Any:
    if "const" in schema or "enum" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    number = {"score": 0.93}.get(field, 2.0)
    by_type = {"object": dict(SPOKEN), "boolean": True, "integer": 2, "number": number}
    found = by_type.get(schema["type"]) or FORMATS.get(schema.get("format", "")) or TEXTS.get(field)
    if found is None:
        raise NoSample(f"the field {field!r} has no sample value: give it a believable one in TEXTS of deploy/contracts/samples.py")
    return found
