"""The published catalogue of problems: what each code means and what to do, for people and for machines."""

import json
import re
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from shared.pages import Pages
from shared.refusals import NotFound, every_refusal

_PAGES: Final = Pages()


def entries() -> list[dict[str, Any]]:
    """Every problem this process may answer, by code: type, code, status, title and meaning."""
    found = {refusal.code: refusal for refusal in reversed(list(every_refusal()))}
    return [
        {
            "type": f"/problems/{code}",
            "code": code,
            "status": refusal.status,
            "title": refusal.title,
            "meaning": re.sub(r"\s+", " ", refusal.__doc__ or "").replace("``", "`").strip(),
        }
        for code, refusal in sorted(found.items())
    ]


async def _all(request: Request) -> Response:
    return _answer(request, entries(), {"problems": entries()})


async def _one(request: Request) -> Response:
    code = request.path_params["code"]
    found = [entry for entry in entries() if entry["code"] == code]
    if not found:
        raise NotFound(f"No problem has the code {code[:60]}.", fix="See /problems for all codes.")
    return _answer(request, found, found[0])


def _answer(request: Request, shown: list[dict[str, Any]], document: dict[str, Any]) -> Response:
    if _prefers_html(request.headers.get("accept", "")):
        page = _PAGES.page("problems.html", "en", problems=shown)
        page.headers["Vary"] = "Accept"
        return page
    return Response(json.dumps(document, ensure_ascii=False), media_type="application/json", headers={"Vary": "Accept"})


def _prefers_html(accept: str) -> bool:
    html, other = accept.find("text/html"), accept.find("json")
    return html >= 0 and (other < 0 or html < other)


CATALOGUE_ROUTES: Final = [Route("/problems", _all), Route("/problems/{code}", _one)]
