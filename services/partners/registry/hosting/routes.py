"""Who hosts a partner, over HTTP."""

from datetime import UTC, datetime

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from services.partners.models import Seen
from services.partners.registry.hosting import commands
from services.partners.registry.hosting.schemas import Hostings, NewHosting
from services.partners.registry.hosting.views import hostings_of
from services.partners.registry.paths import SENT_ON, PartnerPath
from services.partners.registry.schemas import PartnerOut
from services.partners.registry.views import told
from shared.http import CommandRoute, IfMatch, Reader, Reads, Session, Writes, versioned

router = APIRouter(prefix="/v1/partners", tags=["registry"], route_class=CommandRoute)


@router.put("/{partner}/hosting", responses=SENT_ON, response_model=PartnerOut, summary="Say who hosts a partner, on which days")
async def put_hosting(partner: PartnerPath, body: NewHosting, caller: Writes, session: Session, version: IfMatch) -> JSONResponse:
    """Record a host of the past, of today or of days to come; `hosted_by` is the one of today, and changes by itself on its day.

    A host without an end makes way for a new one without an end. Sent again with other days, the hosting of the same host that is
    open or begins on the same day is moved. `"host": null` ends the hosting of `valid_from` the day before. Days on which there is
    another host are a 409 `hosting-overlaps`, a host that the partner itself hosts a 409 `hosting-circle`. By the partner or the operator.
    """
    hosted = await commands.host_partner(session, caller, Seen(partner, version), body.wanted(), datetime.now(UTC))
    return versioned(told(hosted))


@router.get("/{partner}/hostings", responses=SENT_ON, response_model=Hostings, summary="List who hosted a partner when")
async def list_hostings(partner: PartnerPath, reader: Reader, caller: Reads) -> JSONResponse:
    """Every host it had, has or will have, the newest first, with the first and the last day. There are no pages: 100 are the most."""
    return JSONResponse({"items": await hostings_of(reader, caller, partner)})
