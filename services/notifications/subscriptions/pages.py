"""Pages about what somebody is told: choose and leave out, and for anybody, ask for the public facts."""

import zoneinfo
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse
from pydantic import ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError
from starlette.requests import Request

from services.notifications.messages.models import LANGUAGES, OFFERED
from services.notifications.subscribers.commands import Person
from services.notifications.subscribers.models import Address, State
from services.notifications.subscribers.pages import Token, language_of, refused
from services.notifications.subscribers.views import behind
from services.notifications.subscriptions.commands import Preferences, ask_publicly, choose
from services.notifications.subscriptions.models import Filter, Wish
from services.notifications.subscriptions.views import own_subscriptions
from shared.http import Email, OpenRoute, Reader, Session, StrictModel, TimeZone
from shared.pages import Pages
from shared.refusals import Invalid, Refusal

router = APIRouter(tags=["pages"], route_class=OpenRoute, default_response_class=HTMLResponse)

TIME_ZONE = "America/Bogota"
_PAGES: Final = Pages(Path(__file__).parent / "templates")
_EMAIL: Final = TypeAdapter[str](Email)
_ZONE: Final = TypeAdapter[str](TimeZone)

Written = Annotated[str, StringConstraints(max_length=300)]
Chosen = Annotated[list[Written], Field(max_length=200)]


class ChoiceForm(StrictModel):
    """What the preferences page sends."""

    model_config = ConfigDict(json_schema_extra={"example": {"language": "es", "timezone": TIME_ZONE, "keep": []}})

    language: Written = Field(default="", examples=["es"])
    timezone: Written = Field(default="", examples=[TIME_ZONE])
    keep: Chosen = Field(default=[], description="The ids of the subscriptions that stay.")


class SubscribeForm(StrictModel):
    """What the subscription form sends."""

    model_config = ConfigDict(json_schema_extra={"example": {"email": "name@example.org", "language": "es", "types": ["agreement.signed"]}})

    email: Written = Field(default="", examples=["name@example.org"])
    language: Written = Field(default="", examples=["es"])
    types: Chosen = Field(default=[], examples=[["agreement.signed"]])


@router.get("/preferences/{token}", summary="What somebody is told, and how")
async def show(token: Token, request: Request, reader: Reader) -> HTMLResponse:
    """The preferences of whoever has the link; changes nothing."""
    try:
        subscriber = await behind(reader, token)
    except Refusal as refusal:
        return refused(request, refusal)
    subscriptions = await own_subscriptions(reader, subscriber["id"])
    return _preferences(token, subscriber, subscriptions, saved="saved" in request.query_params)


@router.post("/preferences/{token}", status_code=303, summary="Choose what to be told, and how")
async def save(token: Token, request: Request, session: Session, wanted: Annotated[ChoiceForm, Form()]) -> HTMLResponse:
    """Write in another language, count days in another zone, and end the subscriptions that are not kept."""
    try:
        chosen = Preferences(_language(wanted.language), _checked(_ZONE, wanted.timezone, "timezone"), frozenset(wanted.keep))
        subscriber = await choose(session, token, chosen)
    except Refusal as refusal:
        return refused(request, refusal)
    return HTMLResponse("", 303, {"Location": f"/preferences/{token}?saved", "Content-Language": subscriber.mail_language})


@router.get("/subscribe", summary="The form with which anybody asks for public facts by mail")
async def form(request: Request) -> HTMLResponse:
    """An address, a language, and what to be told of."""
    return _form(request, {}, None)


@router.post("/subscribe", summary="Ask for public facts by mail")
async def ask(request: Request, session: Session, wanted: Annotated[SubscribeForm, Form()]) -> HTMLResponse:
    """Sends a mail that asks for confirmation. The answer is the same whether the address is known or not."""
    try:
        address = Address.of(_checked(_EMAIL, wanted.email, "email"))
        wish = Wish(filter=Filter(types=_types(wanted.types)))
        await ask_publicly(session, Person(address, _language(wanted.language), TIME_ZONE), wish, datetime.now(UTC))
    except Invalid as refusal:
        if "text/html" not in request.headers.get("accept", ""):
            raise
        return _form(request, {"email": wanted.email, "types": wanted.types}, refusal.field)
    return _PAGES.page("asked.html", language_of(request), status=202)


def _types(chosen: list[str]) -> list[str]:
    if not chosen:
        raise Invalid("Nothing to be told of was chosen.", field="/types", fix="Choose at least one kind of news.")
    return [] if set(chosen) >= set(OFFERED) else chosen


@cache
def _zones() -> frozenset[str]:
    """Zones named after places, and UTC: what a person would look for in a list."""
    places = (zone for zone in zoneinfo.available_timezones() if "/" in zone and not zone.startswith(("Etc/", "SystemV/")))
    return frozenset({*places, "UTC"})


def _language(language: str) -> str:
    if language not in LANGUAGES:
        raise Invalid("Mails are written in Spanish or English.", field="/language", fix="Send es or en.")
    return language


def _checked(kind: TypeAdapter[str], value: str, field: str) -> str:
    """The value of a form's field; raises Invalid."""
    try:
        return kind.validate_python(value.strip())
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        context = first.get("ctx") or {}
        rule, fix = context.get("rule", first["msg"]), context.get("fix", "Correct it.")
        raise Invalid(f"{field} {rule}.", field=f"/{field}", fix=str(fix)) from None


def _form(request: Request, given: Mapping[str, Any], wrong: str | None) -> HTMLResponse:
    values = {"email": "", "types": list(OFFERED)} | dict(given)
    return _PAGES.page("subscribe.html", language_of(request), status=422 if wrong else 200, kinds=list(OFFERED), given=values, wrong=wrong)


def _preferences(token: str, subscriber: Mapping[str, Any], subscriptions: list[dict[str, Any]], *, saved: bool) -> HTMLResponse:
    return _PAGES.page(
        "preferences.html",
        subscriber["mail_language"],
        token=token,
        subscriber=subscriber,
        subscriptions=subscriptions,
        saved=saved,
        told=subscriber["state"] == State.CONFIRMED,
        zones=sorted({*_zones(), subscriber["timezone"]}),
    )
