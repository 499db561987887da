"""The partners service over HTTP, put together."""

from datetime import UTC, datetime
from typing import cast

from fastapi import FastAPI

from services.partners.access.commands import found
from services.partners.access.models import TOKEN_LIFE
from services.partners.access.routes import Access, open_router
from services.partners.access.routes import router as access_router
from services.partners.access.secrets.models import Guesses
from services.partners.access.views import KeyRing, revoked_since
from services.partners.agreements.routes import ROUTERS as AGREEMENTS
from services.partners.audit.commands import note
from services.partners.audit.routes import router as audit_router
from services.partners.contacts.routes import router as contacts_router
from services.partners.entitlements.routes import router as entitlements_router
from services.partners.importing.routes import ROUTERS as IMPORTING
from services.partners.mandates.routes import router as mandates_router
from services.partners.merging.routes import router as merging_router
from services.partners.networks.applications.routes import router as applications_router
from services.partners.networks.routes import router as networks_router
from services.partners.networks.tenure.routes import router as tenure_router
from services.partners.registry.routes import ROUTERS as REGISTRY
from services.partners.registry.standing.views import must_act
from services.partners.settings import PartnersSettings
from shared.auth import Issuer, Verifier
from shared.http import build_app
from shared.loop import Wake
from shared.process import Runtime
from shared.revoked import refuse_revoked

TITLE = "Interurbe: partners"
DESCRIPTION = "Who cooperates with whom, and under which signed terms."


class Founding:
    """Sees to it, at the start and every minute, that there are keys to sign with and the operator's first client."""

    name = "signing keys"
    poll_seconds = 60.0

    def __init__(self, runtime: Runtime, ring: KeyRing) -> None:
        """Found in the database of ``runtime``, and keep ``ring`` up to date."""
        self.wake = Wake()
        self._runtime, self._ring = runtime, ring
        self._founded = False

    async def step(self) -> int:
        """Found what is missing and read the keys; never anything left to do."""
        secret = cast("PartnersSettings", self._runtime.settings).bootstrap_client_secret
        async with self._runtime.database.session() as session:
            await found(session, secret.get_secret_value() if secret is not None else None, datetime.now(UTC))
            await session.commit()
        await self._ring.read()
        self._founded = True
        return 0

    def trouble(self) -> str | None:
        """What is wrong until it has succeeded once."""
        return None if self._founded else "there are no keys to sign tokens with yet; the database may be away or not migrated"

    async def close(self) -> None:
        """Nothing is held between steps."""


def build(runtime: Runtime) -> FastAPI:
    """The application; it also brings the loop that founds keys, because only a process that answers gives tokens."""
    settings = runtime.settings
    ring = KeyRing(runtime.database)
    runtime.verifier = Verifier(settings.issuer, settings.audience, ring)
    runtime.loops.append(Founding(runtime, ring))
    revoked = refuse_revoked(runtime, revoked_since)
    runtime.witness = note
    runtime.bar = must_act
    rooms = [
        *IMPORTING,
        *REGISTRY,
        networks_router,
        applications_router,
        tenure_router,
        mandates_router,
        *AGREEMENTS,
        entitlements_router,
        contacts_router,
        merging_router,
    ]
    routers = [open_router, access_router, audit_router, *rooms]
    app = build_app(runtime, title=TITLE, description=DESCRIPTION, routers=routers)
    app.state.access = Access(ring, Issuer(settings.issuer, settings.audience, TOKEN_LIFE), Guesses(), revoked)
    return app
