"""What is sent to begin an agreement."""

from typing import Annotated, Any, Final, Literal, cast

from pydantic import ConfigDict, Field, StringConstraints

from services.partners.agreements.drafting.models import Frame, Invited
from services.partners.agreements.record.models import Role
from services.partners.agreements.record.schemas import TITLES
from services.partners.agreements.terms.schemas import ATTACHMENT_EXAMPLE, KYIV, MEDELLIN, TERMS_EXAMPLE, TEXTS_EXAMPLE, RevisionBody
from services.partners.models import AgreementKind as Kind
from shared.http import Day, Flag, Id, Line, Names, StrictModel, TimeZone

EXAMPLE: Final[dict[str, Any]] = {
    "kind": "alliance",
    "titles": TITLES,
    "parties": [{"partner": MEDELLIN, "role": "signatory"}, {"partner": KYIV, "role": "signatory", "respond_by": "2099-12-31"}],
    "visibility": "public",
    "terms": TERMS_EXAMPLE,
    "texts": TEXTS_EXAMPLE,
    "attachments": [ATTACHMENT_EXAMPLE],
}

Code = Annotated[Line, StringConstraints(max_length=40)]


class PartyBody(StrictModel):
    """A partner's place in the agreement."""

    partner: Id
    role: Role = Role.SIGNATORY
    required: Flag | None = Field(None, description="Whether its approval and signature are waited for; yes for signatories unless said.")
    respond_by: Day | None = Field(None, description="The day the party is asked to answer by; it is told with the invitation.")


class FrameBody(RevisionBody):
    """An agreement with its first terms, whoever its parties are."""

    code: Code | None = Field(None, description="The parties' own reference; one is chosen when it is left out.")
    kind: Kind
    titles: Names
    timezone: TimeZone | None = Field(None, description="Where its dates begin and end; the first party's when left out.")
    visibility: Literal["parties", "network", "public"] = Field(
        "parties",
        description="Who may know of it once it is signed. `parties`: these alone, so choose another where members of a party are to know "
        "what they may take part in; `network`: also who belongs to a party, directly or through networks; `public`: everybody.",
    )

    def frame_of(self, parties: list[Any]) -> Frame:
        """The body in the words of the agreements; ``parties`` are party bodies."""
        said = self.model_dump(mode="json", exclude_none=True, include={"code", "kind", "titles", "timezone", "visibility"})
        invited = [cast(Invited, party.model_dump(mode="json", exclude_none=True)) for party in parties]
        return Frame(parties=invited, **said)


class NewAgreement(FrameBody):
    """An agreement to draft."""

    parties: list[PartyBody] = Field(min_length=1, max_length=60)

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    def frame(self) -> Frame:
        """The body in the words of the agreements."""
        return self.frame_of(self.parties)
