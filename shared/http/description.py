"""What FastAPI does not know to say about our operations: problem documents, and the key that a POST carries."""

from collections.abc import Sequence
from typing import Any

from starlette.routing import BaseRoute

from shared.http.edge import CommandRoute
from shared.http.idempotency import HEADER, LONGEST_KEY
from shared.http.problems import MEDIA_TYPE


def tell_keys(api: dict[str, Any], routes: Sequence[BaseRoute]) -> None:
    """Let every POST of known callers among ``routes`` say in ``api`` that it needs an Idempotency-Key."""
    for route in routes:
        if isinstance(route, CommandRoute) and route.known_callers and "POST" in (route.methods or ()):
            operation = api["paths"].get(route.path_format, {}).get("post")
            if operation is not None:
                operation.setdefault("parameters", []).append(_KEY)


_KEY: dict[str, Any] = {
    "name": HEADER,
    "in": "header",
    "required": True,
    "description": "A text of your own: new for every new request, the same when you send one again within 24 hours.",
    "schema": {
        "type": "string",
        "minLength": 1,
        "maxLength": LONGEST_KEY,
        "pattern": "^[!-~]([ -~]*[!-~])?$",
        "examples": ["8e03978e-40d5-43e8-bc93-6894a57f9324"],
    },
}


def tell_problems(api: dict[str, Any]) -> None:
    """Let every operation of ``api`` say that it refuses with a problem document, and how that looks."""
    schemas = api.setdefault("components", {}).setdefault("schemas", {})
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    schemas["Problem"] = _PROBLEM
    for item in api.get("paths", {}).values():
        for operation in item.values():
            responses = operation.get("responses", {})
            responses.pop("422", None)
            responses["default"] = {
                "description": "Any refusal, as a problem document; its `code` is listed at /problems.",
                "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
            }


_TEXT = {"type": "string"}
_PROBLEM: dict[str, Any] = {
    "title": "Problem",
    "description": "RFC 9457.",
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance", "code", "trace_id"],
    "properties": {
        "type": _TEXT,
        "title": _TEXT,
        "status": {"type": "integer"},
        "detail": _TEXT,
        "instance": _TEXT,
        "code": _TEXT,
        "trace_id": _TEXT,
        "field": _TEXT,
        "fix": _TEXT,
        "errors": {"type": "array", "items": {"type": "object"}},
    },
    "example": {
        "type": "/problems/invalid",
        "title": "The request breaks a rule.",
        "status": 422,
        "detail": "/names is required.",
        "instance": "/v1/partners",
        "code": "invalid",
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        "field": "/names",
        "fix": "Add it.",
        "errors": [{"in": "body", "field": "/names", "rule": "is required", "fix": "Add it."}],
    },
}
