"""The registry over HTTP."""

from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import JSONResponse
from pydantic import StringConstraints

from services.partners.models import Seen
from services.partners.registry import commands, views
from services.partners.registry.history.routes import router as history
from services.partners.registry.hosting.routes import router as hosting
from services.partners.registry.listing.views import partners_wanted
from services.partners.registry.models import Partner
from services.partners.registry.paths import SENT_ON, PartnerPath
from services.partners.registry.schemas import Alias, NewPartner, PartnerChanges, PartnerFilters, PartnerOut, Scheme, changes_of
from services.partners.registry.search.routes import router as search
from services.partners.registry.standing.routes import router as standing
from services.partners.registry.verifying.routes import router as verifying
from shared.http import Admins, CommandRoute, Cursor, IfMatch, Line, Page, Reader, Reads, Session, Writes, page_of, versioned
from shared.http.etags import IfMatchGiven

router = APIRouter(prefix="/v1/partners", tags=["registry"], route_class=CommandRoute)

ROUTERS: Final[list[APIRouter]] = [search, router, history, standing, verifying, hosting]
"""In the order in which they are tried: a word in the path that is no partner's id comes first."""

AliasText = Annotated[Line, Query(description="The alias exactly as the partner's `aliases` show it.")]


async def _known_as(
    scheme: Annotated[Scheme, Path(description="Whose key it is, a short lower-case name.")],
    value: Annotated[Line, StringConstraints(max_length=200), Path(description="The partner's key in that system.", examples=["c4ir"])],
) -> tuple[str, str]:
    return scheme, value


KnownAs = Annotated[tuple[str, str], Depends(_known_as)]
"""The external identifier in the path: (scheme, value)."""


@router.post("", status_code=201, response_model=PartnerOut, summary="Register a partner")
async def register(body: NewPartner, caller: Admins, session: Session) -> JSONResponse:
    """Put a partner on record, active at once, or as a `draft` of which only its own clients and the operator know. By the operator.

    When a partner of that name, or of one near it in whatever script, spelling or order, is registered in the country the answer is
    409 `suspected-duplicate` with the `suspects`, most likely first: each with a `score` up to 1 (the very name) and `because`, which
    says which of its names (`theirs`) is like which of yours and `how`: `same_name`, `same_acronym`, `one_within_the_other` or
    `alike`. Send `"force": true` to register it all the same. With `"sandbox": true` it is a partner for trying out: it has nothing
    to do with real ones, its clients can change nothing real, and nobody gets mail about it.
    """
    partner = await commands.register_partner(session, caller, body.registration(), datetime.now(UTC))
    return _answer(partner, 201)


@router.get("", response_model=Page[PartnerOut], summary="List partners")
async def list_partners(request: Request, reader: Reader, caller: Reads, filters: Annotated[PartnerFilters, Query()]) -> JSONResponse:
    """Partners in the order of their registration, a page at a time; every filter given narrows the list.

    Partners for trying out are not among real ones: `sandbox=true` lists them, and nothing but them.
    """
    after, wanted = Cursor.read_id(filters.after), filters.wanted(caller, datetime.now(UTC).date())
    found = await partners_wanted(reader, wanted, after, filters.limit + 1)
    return page_of(request, found, filters.limit)


@router.put(
    "/by-external-id/{scheme}/{value:path}",  # noqa: FAST003 - both are read by _known_as
    response_model=PartnerOut,
    responses={201: {"model": PartnerOut, "description": "No partner had this identifier: it was registered."}},
    summary="Register or update the partner your own system knows",
)
async def put_by_external_id(known_as: KnownAs, body: NewPartner, caller: Writes, session: Session, version: IfMatchGiven) -> JSONResponse:
    """Bring a partner up to date by the key that *your* system has for it, without knowing ours.

    200 when a partner has the identifier: fields given replace what was there, fields left out stay, identifiers add to those
    known. 201 when none has it: the partner is registered, which only the platform's operator may do. `If-Match` is optional here
    and nowhere else: the sender's own record is the source, it has read no version of ours, and sending the same twice changes nothing.
    """
    partner, new = await commands.put_partner(session, caller, body.registration(known_as), version, datetime.now(UTC))
    return _answer(partner, 201 if new else 200)


@router.get("/{partner}", responses=SENT_ON, response_model=PartnerOut, summary="Read a partner")
async def read(partner: PartnerPath, reader: Reader, caller: Reads) -> JSONResponse:
    """A partner as everybody may know it; its `ETag` is what a change must send in `If-Match`."""
    found = await views.partner_by_id(reader, partner, caller)
    return versioned(found)


@router.patch("/{partner}", responses=SENT_ON, response_model=PartnerOut, summary="Change a partner's profile")
async def update(partner: PartnerPath, body: PartnerChanges, caller: Writes, session: Session, version: IfMatch) -> JSONResponse:
    """Each field given replaces what was there, fields left out stay. By the partner itself or the operator.

    Null empties a field, a list too; `kind`, `names`, `country` and `timezone` cannot be emptied.
    Its `kind` is the operator's to change. A partner that changes its names or country itself is no longer verified: ask for it anew.
    """
    changed = await commands.update_partner(session, caller, Seen(partner, version), changes_of(body), datetime.now(UTC))
    return _answer(changed)


@router.post("/{partner}/aliases", responses=SENT_ON, response_model=PartnerOut, summary="Know a partner under one more name")
async def add_alias(partner: PartnerPath, body: Alias, caller: Writes, session: Session, version: IfMatch) -> JSONResponse:
    """Add an alias; one it already has changes nothing. By the partner itself or the operator."""
    return _answer(await commands.add_alias(session, caller, Seen(partner, version), body.model_dump(), datetime.now(UTC)))


@router.delete("/{partner}/aliases", responses=SENT_ON, response_model=PartnerOut, summary="Forget one of a partner's names")
async def remove_alias(partner: PartnerPath, text: AliasText, caller: Writes, session: Session, version: IfMatch) -> JSONResponse:
    """Remove the alias with this text, in whichever language it is known. By the partner itself or the operator."""
    return _answer(await commands.remove_alias(session, caller, Seen(partner, version), text, datetime.now(UTC)))


def _answer(partner: Partner, status: int = 200) -> JSONResponse:
    return versioned(views.told(partner), status, among="/v1/partners")
