"""Pages behind the links in mails: say yes, say no. Opening one changes nothing, for scanners open every link; a button does."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

from fastapi import APIRouter
from fastapi import Path as PathParameter
from fastapi.responses import HTMLResponse
from starlette.requests import Request

from services.notifications.messages.models import LANGUAGES, served
from services.notifications.subscribers.commands import confirm, unsubscribe
from services.notifications.subscribers.views import behind, language_of_question
from shared.http import OpenRoute, Reader, Session
from shared.pages import Pages
from shared.refusals import Refusal

router = APIRouter(tags=["pages"], route_class=OpenRoute, default_response_class=HTMLResponse)

Token = Annotated[str, PathParameter(max_length=100, description="The token at the end of a link in a mail.", examples=["q3Hn0kq1…"])]

_PAGES: Final = Pages(Path(__file__).parent / "templates")
_WEIGHT: Final = re.compile(r";\s*q=([01](?:\.[0-9]{0,3})?)")


@router.get("/confirm/{token}", summary="The page with the button that confirms")
async def ask(token: Token, request: Request, reader: Reader) -> HTMLResponse:
    """Asks the owner of the address for a yes; changes nothing."""
    try:
        language = await language_of_question(reader, token, datetime.now(UTC))
    except Refusal as refusal:
        return refused(request, refusal)
    return _PAGES.page("confirm.html", language)


@router.post("/confirm/{token}", summary="Confirm an address")
async def say_yes(token: Token, request: Request, session: Session) -> HTMLResponse:
    """The owner of the address says yes. The link works once, and for seven days."""
    try:
        subscriber = await confirm(session, token, datetime.now(UTC))
    except Refusal as refusal:
        return refused(request, refusal)
    return _PAGES.page("confirmed.html", subscriber.mail_language)


@router.get("/unsubscribe/{token}", summary="The page with the button that unsubscribes")
async def ask_whether_to_leave(token: Token, request: Request, reader: Reader) -> HTMLResponse:
    """Asks whether mails shall end; changes nothing."""
    try:
        subscriber = await behind(reader, token)
    except Refusal as refusal:
        return refused(request, refusal)
    return _PAGES.page("unsubscribe.html", subscriber["mail_language"], token=token)


@router.post("/unsubscribe/{token}", summary="Unsubscribe from everything")
async def say_no(token: Token, request: Request, session: Session) -> HTMLResponse:
    """No mail any more, from now on. Also what a mail program sends by itself (RFC 8058); once or often is the same."""
    try:
        subscriber = await unsubscribe(session, token, datetime.now(UTC))
    except Refusal as refusal:
        return refused(request, refusal)
    return _PAGES.page("unsubscribed.html", subscriber.mail_language)


def refused(request: Request, refusal: Refusal) -> HTMLResponse:
    """The refusal as a page for a person; whoever did not ask for a page gets it as a problem document."""
    if "text/html" not in request.headers.get("accept", ""):
        raise refusal
    return _PAGES.page("refused.html", language_of(request), status=refusal.status, code=refusal.code)


def language_of(request: Request) -> str:
    """The language of ours that the browser likes best, Spanish if it does not say."""
    liked: list[tuple[float, str]] = []
    for part in request.headers.get("accept-language", "").split(",")[:20]:
        tag = part.partition(";")[0].strip().lower()
        weight = _WEIGHT.search(part)
        liked.append((float(weight[1]) if weight else 1.0, tag))
    for _, tag in sorted(liked, key=lambda like: -like[0]):
        if tag.partition("-")[0] in LANGUAGES:
            return served(tag)
    return LANGUAGES[0]
