"""Styles served from the service itself, under addresses that change with their content."""

import hashlib
from functools import cache
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from shared.refusals import NotFound

FOLDER: Final = Path(__file__).parent / "static"
PREFIX: Final = "/assets"

_TYPES: Final = {".css": "text/css; charset=utf-8", ".svg": "image/svg+xml", ".md": "text/plain; charset=utf-8"}


@cache
def _content(name: str) -> tuple[str, bytes]:
    content = (FOLDER / name).read_bytes()
    return hashlib.sha256(content).hexdigest()[:16], content


def asset(name: str) -> str:
    """The path of the file ``name`` in the folder of styles; it changes when the content does."""
    return f"{PREFIX}/{_content(name)[0]}/{name}"


async def _serve(request: Request) -> Response:
    name = request.path_params["name"]
    kind = _TYPES.get(Path(name).suffix)
    if kind is None or name not in {path.name for path in FOLDER.iterdir()}:
        raise NotFound("There is no such file.")
    headers = {"Content-Type": kind, "Cache-Control": "public, max-age=31536000, immutable"}
    return Response(_content(name)[1], headers=headers)


ASSET_ROUTE: Final = Route(PREFIX + "/{digest}/{name}", _serve)
"""The route every app with pages has; ``build_app`` adds it."""
