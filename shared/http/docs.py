"""The API's reference: OpenAPI 3.1 for machines, and one page of it that loads nothing from anywhere else."""

import json
from typing import Any, Final

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from shared.http.examples import example_of
from shared.pages import Pages

_PAGES: Final = Pages()
_VERBS: Final = ("get", "post", "put", "patch", "delete")


def docs_routes(app: FastAPI) -> list[Route]:
    """The routes ``/docs`` and ``/openapi.json`` of ``app``, and ``/`` leading to the first."""
    kept: dict[str, bytes] = {}

    async def page(_request: Request) -> Response:
        if "page" not in kept:
            kept["page"] = _PAGES.text("reference.html", "en", api=app.openapi(), groups=_groups(app.openapi())).encode()
        return Response(kept["page"], media_type="text/html")

    async def machines(_request: Request) -> Response:
        if "json" not in kept:
            kept["json"] = json.dumps(app.openapi(), ensure_ascii=False).encode()
        return Response(kept["json"], media_type="application/json")

    async def root(_request: Request) -> Response:
        return RedirectResponse("/docs")

    return [Route("/docs", page), Route("/openapi.json", machines), Route("/", root)]


def _groups(api: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, item in api["paths"].items():
        for verb in _VERBS:
            if verb in item:
                operation = item[verb]
                name = str((operation.get("tags") or ["general"])[0])
                groups.setdefault(name, []).append(_operation(api, verb, path, operation))
    return groups


def _operation(api: dict[str, Any], verb: str, path: str, operation: dict[str, Any]) -> dict[str, Any]:
    body = operation.get("requestBody", {}).get("content", {})
    return {
        "id": operation["operationId"],
        "verb": verb.upper(),
        "path": path,
        "summary": operation.get("summary", ""),
        "description": operation.get("description", ""),
        "parameters": [_parameter(given) for given in operation.get("parameters", [])],
        "scopes": sorted({scope for need in operation.get("security", []) for scopes in need.values() for scope in scopes}),
        "body": _shown(api, body),
        "answers": [
            {"status": status, "words": answer.get("description", ""), "example": _shown(api, answer.get("content", {}))}
            for status, answer in operation.get("responses", {}).items()
        ],
    }


def _parameter(given: dict[str, Any]) -> dict[str, Any]:
    words = given.get("description", given.get("schema", {}).get("description", ""))
    return {"name": given["name"], "in": given["in"], "required": given.get("required", False), "description": words}


def _shown(api: dict[str, Any], content: dict[str, Any]) -> str:
    for media in content.values():
        example = media.get("example", example_of(media.get("schema", {}), api))
        if example is not None:
            return json.dumps(example, ensure_ascii=False, indent=2)
    return ""
