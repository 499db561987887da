"""Examples for the API's description, put together from those of its fields where a body has none of its own."""

from typing import Any, Final

DEEPEST: Final = 12

_PLAIN: Final[dict[str, Any]] = {"string": "text", "integer": 1, "number": 1.5, "boolean": True, "null": None}
_FORMATS: Final = {"date": "2024-07-12", "date-time": "2025-03-04T15:00:00-05:00", "uuid": "01939f6e-8f1a-7c3e-9b52-3f7a1c2d4e5f"}


def example_of(schema: dict[str, Any], api: dict[str, Any], depth: int = 0) -> Any:
    """An example of what ``schema`` describes, its references looked up in ``api``; None for the empty schema."""
    schema = _looked_up(schema, api)
    for given in ("example", "const", "default"):
        if schema.get(given) is not None:
            return schema[given]
    for given in ("examples", "enum"):
        if schema.get(given):
            return schema[given][0]
    if depth > DEEPEST:
        return None
    for choice in ("anyOf", "oneOf", "allOf"):
        if choice in schema:
            return example_of(schema[choice][0], api, depth + 1)
    return _by_type(schema, api, depth)


def _by_type(schema: dict[str, Any], api: dict[str, Any], depth: int) -> Any:
    kind = schema.get("type")
    if kind == "object" or "properties" in schema:
        return {name: example_of(member, api, depth + 1) for name, member in schema.get("properties", {}).items()}
    if kind == "array":
        items = schema.get("items") or {}
        return [example_of(items, api, depth + 1)] if items else []
    if schema.get("format") in _FORMATS:
        return _FORMATS[schema["format"]]
    return _PLAIN.get(str(kind))


def _looked_up(schema: dict[str, Any], api: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        found: Any = api
        for step in str(schema["$ref"]).removeprefix("#/").split("/"):
            found = found[step]
        schema = found
    return schema


def complete(api: dict[str, Any]) -> None:
    """Give every request and response body of the OpenAPI document ``api`` an example."""
    for item in api.get("paths", {}).values():
        for operation in item.values():
            if isinstance(operation, dict):
                _complete(operation, api)


def _complete(operation: dict[str, Any], api: dict[str, Any]) -> None:
    bodies = [operation.get("requestBody", {}), *operation.get("responses", {}).values()]
    for body in bodies:
        for media in body.get("content", {}).values():
            if "example" not in media and "examples" not in media:
                example = example_of(media.get("schema", {}), api)
                if example is not None:
                    media["example"] = example
