"""Every error as a problem document (RFC 9457): stable type and code, the field, the rule, the fix, and the trace id."""

import json
import uuid
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DataError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import Scope

from shared.http.lingering import LingeringResponse
from shared.http.refusals import Failed, MethodNotAllowed, NoSuchPath, TooLarge
from shared.http.translation import translated
from shared.http.validation import explained
from shared.refusals import Invalid, Malformed, Refusal
from shared.telemetry import current_trace_id

MEDIA_TYPE: Final = "application/problem+json"
_METHODS: Final = ("DELETE", "GET", "PATCH", "POST", "PUT")

_log = structlog.get_logger("interurbe.http")


def document(refusal: Refusal, instance: str) -> dict[str, Any]:
    """The members of the problem document for ``refusal`` of the request to the path ``instance``."""
    members: dict[str, Any] = dict(refusal.extra)
    members |= {
        "type": f"/problems/{refusal.code}",
        "title": refusal.title,
        "status": refusal.status,
        "detail": refusal.detail,
        "instance": instance,
        "code": refusal.code,
        "trace_id": current_trace_id() or uuid.uuid4().hex,
    }
    if refusal.field is not None:
        members["field"] = refusal.field
    if refusal.fix is not None:
        members["fix"] = refusal.fix
    return members


def answer(refusal: Refusal, scope: Scope) -> Response:
    """The response that tells ``refusal``."""
    body = json.dumps(document(refusal, scope["path"]), ensure_ascii=False, default=str).encode("utf-8", "replace")
    kind = LingeringResponse if isinstance(refusal, TooLarge) else Response
    return kind(body, refusal.status, refusal.headers(), MEDIA_TYPE)


def answer_exception(problem: Exception, scope: Scope) -> Response:
    """The response for any exception: refusals tell themselves, the rest is logged and answered without its words."""
    refusal = problem if isinstance(problem, Refusal) else translated(problem)
    if refusal is None:
        refusal = Failed("The request could not be done; nothing was changed.", fix="Tell the service's operator the trace_id.")
    response = answer(refusal, scope)
    if refusal.status >= 500 or isinstance(problem, DataError):  # the second should have been refused by a schema
        _log.error("request failed", path=shown_path(scope), method=scope["method"], code=refusal.code, exc_info=problem)
    return response


def shown_path(scope: Scope) -> str:
    """The path as logs and traces may show it: that of an open route can end in somebody's token, so its template stands for it."""
    route = scope.get("route")
    return str(scope["path"] if getattr(route, "known_callers", True) else getattr(route, "path", ""))


async def _refused(request: Request, problem: Exception) -> Response:
    return answer_exception(problem, request.scope)


async def _invalid(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, RequestValidationError)
    return answer(invalid(explained(problem.errors())), request.scope)


def invalid(errors: list[dict[str, Any]]) -> Invalid:
    """The refusal that tells these ``errors``, as `explained` gives them; field and fix are those of the first."""
    return Invalid(_summary(errors), field=errors[0].get("field"), fix=errors[0].get("fix"), errors=errors)


def _summary(errors: list[dict[str, Any]]) -> str:
    first = f"{errors[0]['field']} {errors[0]['rule']}." if errors else "A rule is broken."
    return first if len(errors) < 2 else f"{first} {len(errors) - 1} more in 'errors'."


async def _http(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, HTTPException)
    if problem.status_code == 405:
        return _not_allowed(request)
    return answer(_as_refusal(problem, request), request.scope)


def _as_refusal(problem: HTTPException, request: Request) -> Refusal:
    if problem.status_code == 404:
        return NoSuchPath(f"There is no resource at {request.url.path[:200]}.", fix="See /openapi.json for all paths.")
    if 400 <= problem.status_code < 500:
        return Malformed(str(problem.detail))
    return Failed("The request could not be done.")


def _not_allowed(request: Request) -> Response:
    allowed = methods_of(request.app, request.scope)
    if request.method == "OPTIONS":
        return Response(status_code=204, headers={"Allow": ", ".join(allowed)})
    words = ", ".join(allowed)
    return answer(MethodNotAllowed(f"This path knows {words}, not {request.method[:20]}.", allowed=allowed), request.scope)


def methods_of(app: FastAPI, scope: Scope) -> list[str]:
    """All methods that the path of ``scope`` knows, over every route (a router alone tells those of its first match only)."""
    known = {"OPTIONS"}
    for method in _METHODS:
        asked = {**scope, "method": method}
        if any(_matches(route, asked) for route in app.routes):
            known.add(method)
    return sorted(known | {"HEAD"} if "GET" in known else known)


def _matches(route: Any, scope: Scope) -> bool:
    found, _ = route.matches(scope)
    return bool(found is Match.FULL)


def answer_everything(app: FastAPI) -> None:
    """Let every error of ``app`` be a problem document."""
    app.add_exception_handler(Refusal, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
