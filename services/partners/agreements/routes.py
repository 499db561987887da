"""The agreements over HTTP: every room's routes, what is read most first because routes are tried in turn."""

from typing import Final

from fastapi import APIRouter

from services.partners.agreements.drafting.routes import router as drafting
from services.partners.agreements.history.routes import router as history
from services.partners.agreements.negotiation.routes import router as negotiation
from services.partners.agreements.record.routes import router as record
from services.partners.agreements.revisions.routes import router as revisions
from services.partners.agreements.signing.routes import router as signing

ROUTERS: Final[list[APIRouter]] = [record, drafting, history, negotiation, signing, revisions]
"""In the order in which they are tried."""
