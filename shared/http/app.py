"""The application every service builds the same way: its routes inside the guard, problems, probes and reference around them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.applications import Starlette
from starlette.middleware import Middleware

from shared.http.allowances import Allowances
from shared.http.catalogue import CATALOGUE_ROUTES
from shared.http.description import tell_keys, tell_problems
from shared.http.docs import docs_routes
from shared.http.examples import complete
from shared.http.guard import Guard
from shared.http.idempotency import Running
from shared.http.keys import trust_issuer
from shared.http.limits import LIMITS, Limits
from shared.http.probes import probe_routes
from shared.http.problems import answer_everything
from shared.pages import ASSET_ROUTE

if TYPE_CHECKING:
    from shared.process import Runtime

VERSION = "1"


class _Api(FastAPI):
    """FastAPI whose description has an example for every body and problem documents for every error."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI 3.1 document, made once."""
        if self.openapi_schema is None:
            self.openapi_schema = get_openapi(
                title=self.title, version=self.version, description=self.description, routes=self.routes, openapi_version="3.1.0"
            )
            tell_problems(self.openapi_schema)
            tell_keys(self.openapi_schema, self.routes)
            complete(self.openapi_schema)
        return self.openapi_schema


def build_app(runtime: "Runtime", *, title: str, routers: Sequence[APIRouter], description: str = "", limits: Limits = LIMITS) -> FastAPI:
    """The application of a service: ``routers`` with all that HTTP owes; no request goes beyond ``limits``.

    A service that brought no verifier of its own verifies tokens with the keys its issuer publishes.
    """
    if runtime.verifier is None:
        trust_issuer(runtime)
    if runtime.settings.requests_per_minute:
        runtime.allowances = Allowances(runtime.settings.requests_per_minute)
    app = _Api(
        title=title,
        version=VERSION,
        description=description,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},
        middleware=[Middleware(Guard, runtime=runtime, limits=limits)],
    )
    app.state.runtime = runtime
    app.state.running = Running()
    app.state.limits = limits
    for router in routers:
        # include_router would match every request twice, against a second copy of each route
        app.router.routes.extend(router.routes)
    app.router.routes.extend([*probe_routes(runtime), *CATALOGUE_ROUTES, ASSET_ROUTE, *docs_routes(app)])
    answer_everything(app)
    return app


def probe_app(runtime: "Runtime") -> Starlette:
    """Probes and metrics alone, for a process that serves no API."""
    app = FastAPI(
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        telemetry={"tracing": False},
        middleware=[Middleware(Guard, runtime=runtime, limits=LIMITS)],
    )
    app.router.routes.extend(probe_routes(runtime))
    answer_everything(app)
    return app
