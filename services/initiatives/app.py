"""The API of the initiatives service."""

from fastapi import FastAPI

from services.initiatives.commitments.routes import router as commitments
from services.initiatives.directory.entitlements.routes import router as entitlements
from services.initiatives.directory.routes import router as directory
from services.initiatives.directory.views import revoked_since
from services.initiatives.exchanges.calendar.routes import router as calendar
from services.initiatives.exchanges.routes import router as exchanges
from shared.http import build_app
from shared.process import Runtime
from shared.revoked import refuse_revoked
from shared.standing import must_act


def build(runtime: Runtime) -> FastAPI:
    """The application with all rooms of this service."""
    refuse_revoked(runtime, revoked_since)
    runtime.bar = must_act
    return build_app(
        runtime,
        title="Interurbe: initiatives",
        description="What partners do together under the agreements they signed: exchanges, commitments, and who may take part and why.",
        routers=[directory, entitlements, commitments, exchanges, calendar],
    )
