"""The partner in a path: whoever asks for one that was merged into another is sent on to that one, whatever is asked of it."""

from typing import Annotated, Any, ClassVar, Final

from fastapi import Depends, Path, Request

from services.partners.registry.refusals import PartnerIsMerged
from services.partners.registry.views import survivor_of
from shared.http import AtHand, Id
from shared.refusals import Refusal

SENT_ON: Final[dict[int | str, dict[str, Any]]] = {
    308: {
        "description": "The partner was merged into another: ask there, in the same way (RFC 9110, 15.4.9).",
        "headers": {"Location": {"description": "The same under the id of the survivor.", "schema": {"type": "string"}}},
    }
}
"""What a route with a partner in its path says of that in its ``responses``."""


class PartnerMoved(Refusal):
    """The partner in the path was merged into ``survivor``. Send the same request to ``Location``, and keep that id."""

    status: ClassVar[int] = 308
    code: ClassVar[str] = "partner-moved"
    title: ClassVar[str] = "The partner was merged into another."

    def __init__(self, partner: str, survivor: str, location: str) -> None:
        """``location`` is the path asked for, with the id of the survivor in the place of the partner's."""
        self._location = location
        super().__init__(f"The partner {partner} was merged into {survivor}.", fix=f"Send the request to {location}.", survivor=survivor)

    def headers(self) -> dict[str, str]:
        """Where the survivor is."""
        return {"Location": self._location}


async def _standing(request: Request, at_hand: AtHand, name: str, partner: str) -> str:
    """The partner, unless it was merged: raises `PartnerMoved`, or `PartnerIsMerged` for a change of a version of it.

    A version of the old record may be a number that the survivor's has too, so a request with ``If-Match`` is not sent on.
    """
    survivor = await survivor_of(at_hand, partner)
    if survivor == partner:
        return partner
    if "if-match" in request.headers:
        raise PartnerIsMerged(partner, survivor, f"path/{name}")
    query = request.url.query
    path = request.scope["path"].replace(request.path_params[name], survivor, 1)
    raise PartnerMoved(partner, survivor, f"{path}?{query}" if query else path)


async def _partner(request: Request, at_hand: AtHand, partner: Annotated[Id, Path(description="The partner's id.")]) -> str:
    return await _standing(request, at_hand, "partner", partner)


async def _network(request: Request, at_hand: AtHand, network: Annotated[Id, Path(description="The network's id.")]) -> str:
    return await _standing(request, at_hand, "network", network)


PartnerPath = Annotated[str, Depends(_partner)]
"""The partner in the path, who was not merged into another."""

NetworkPath = Annotated[str, Depends(_network)]
"""The network in the path, which was not merged into another."""
