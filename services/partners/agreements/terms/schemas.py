"""Terms, texts and attachments as a request says them and as an answer shows them."""

from enum import StrEnum
from typing import Annotated, Any, Final, Literal, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict, StringConstraints

from services.partners.agreements.revisions.models import Wanted
from services.partners.agreements.terms.models import Attachment, Terms, Wording
from shared.http import Day, Flag, Id, LangMap, Language, Line, StrictModel, Whole, Written
from shared.http.fields import LongText

MEDELLIN: Final = "01939f6e-8f1a-7c3e-9b52-3f7a1c2d4e5f"
KYIV: Final = "01939f6e-8f1b-7d10-8a41-5b6c7d8e9f01"
DIGEST: Final = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
LINE_EXAMPLE: Final[dict[str, Any]] = {
    "line": "knowledge_exchange",
    "topics": ["city challenges", "digital government"],
    "text": {
        "es": "Transferencia de conocimiento para robustecer las capacidades GovTech del Distrito.",
        "en": "Knowledge transfer to strengthen the District's GovTech capacities.",
    },
    "commitments": [
        {
            "giver": KYIV,
            "receiver": MEDELLIN,
            "statement": {"es": "Presentar la estrategia Diia.", "en": "Present the Diia strategy."},
            "quantity": 2,
            "unit": "workshops",
            "due": "2026-06-30",
        },
    ],
}
TERMS_EXAMPLE: Final[dict[str, Any]] = {
    "lines": [LINE_EXAMPLE],
    "effective_rule": "on_signature",
    "expires_on": "2028-12-31",
    "renewal": "by_agreement",
    "notice_period_days": 90,
    "governing_languages": ["es", "en"],
}
TEXTS_EXAMPLE: Final[dict[str, Any]] = {
    "es": {"body": "Las partes acuerdan intercambiar buenas prácticas, aprendizajes y metodologías.", "status": "authentic"},
    "en": {"body": "The parties agree to exchange good practices, lessons and methods.", "status": "authentic"},
    "uk": {"status": "missing"},
}
ATTACHMENT_EXAMPLE: Final[dict[str, Any]] = {"title": "Anexo técnico", "media_type": "application/pdf", "sha256": DIGEST, "size": 182044}


class LineOfCooperation(StrEnum):
    """One of the four lines of cooperation, a to d."""

    KNOWLEDGE_EXCHANGE = "knowledge_exchange"
    JOINT_PROJECTS = "joint_projects"
    ADVOCACY_NETWORKING = "advocacy_networking"
    PARTNERSHIP_FACILITATION = "partnership_facilitation"


Topic = Annotated[Line, StringConstraints(max_length=80)]
Quantity = Annotated[float, Strict(), Field(gt=0, le=1e12, allow_inf_nan=False, examples=[2])]
MediaType = Annotated[
    str,
    StringConstraints(max_length=100),
    Written(r"^[a-z]+/[a-z0-9][a-z0-9.+-]*$", "must be a media type in lower case: a kind, a slash and a name", "application/pdf"),
]
Sha256 = Annotated[str, Written(r"^[0-9a-fA-F]{64}$", "must be a SHA-256: 64 digits and letters a to f", DIGEST), AfterValidator(str.lower)]
"""A SHA-256 in hexadecimal."""
TermsHash = Annotated[Sha256, Field(description="The terms_hash of the revision that is consented to.")]


class CommitmentBody(StrictModel):
    """A promise of one party to another."""

    id: Id | None = Field(None, description="Given by the service. In a revision: the id of the same promise in the revision before.")
    giver: Id
    receiver: Id
    statement: LangMap
    quantity: Quantity | None = None
    unit: Topic | None = None
    due: Day | None = None
    to_be_defined: Flag = Field(False, description="The quantity is still to be settled: the terms can be approved, not signed.")


class LineBody(StrictModel):
    """What is promised in one line of cooperation."""

    line: LineOfCooperation
    topics: list[Topic] = Field(default_factory=list, max_length=30)
    text: LangMap = Field(default_factory=dict)
    commitments: list[CommitmentBody] = Field(default_factory=list, max_length=100)


class TermsBody(StrictModel):
    """What the parties promise, from when and until when."""

    lines: list[LineBody] = Field(min_length=1, max_length=4)
    effective_rule: Literal["on_signature", "fixed_date"] = "on_signature"
    effective_on: Day | None = Field(None, description="With `fixed_date`: the first day on which they bind, in the agreement's time zone.")
    expires_on: Day | None = Field(None, description="The last day on which the terms bind; left out when they have no end.")
    renewal: Literal["none", "automatic", "by_agreement"] = "none"
    notice_period_days: Annotated[Whole, Field(ge=0, le=3650)] = 0
    governing_languages: list[Language] = Field(default_factory=list, max_length=10)

    model_config = ConfigDict(json_schema_extra={"example": TERMS_EXAMPLE})


class WordingBody(StrictModel):
    """The full text in one language; only authentic texts are part of the hash."""

    body: LongText | None = None
    status: Literal["authentic", "translation", "missing"]


class AttachmentBody(StrictModel):
    """A file that belongs to the agreement, known here by its digest only."""

    title: Line
    media_type: MediaType
    sha256: Sha256
    size: Annotated[int, Strict(), Field(ge=1, le=2**53 - 1, description="Bytes.")]

    model_config = ConfigDict(json_schema_extra={"example": ATTACHMENT_EXAMPLE})


Texts = Annotated[dict[Language, WordingBody], Field(max_length=40, examples=[TEXTS_EXAMPLE])]
Attachments = Annotated[list[AttachmentBody], Field(max_length=50, examples=[[ATTACHMENT_EXAMPLE]])]


class RevisionBody(StrictModel):
    """The whole of the terms, texts and attachments as they shall be."""

    terms: TermsBody
    texts: Texts = Field(default_factory=dict)
    attachments: Attachments = Field(default_factory=list)

    def wanted(self) -> Wanted:
        """The body in the words of the agreements: JSON values, without the members that say nothing."""
        said = self.model_dump(mode="json", exclude_none=True, include={"terms", "texts", "attachments"})
        for line in said["terms"]["lines"]:
            for commitment in line["commitments"]:
                if not commitment["to_be_defined"]:
                    del commitment["to_be_defined"]
        return Wanted(cast(Terms, said["terms"]), cast(dict[str, Wording], said["texts"]), cast(list[Attachment], said["attachments"]))


class CommitmentOut(BaseModel):
    """A promise, with the id that names it in every revision and in the facts."""

    id: str
    giver: str
    receiver: str
    statement: dict[str, str]
    quantity: float | None = None
    unit: str | None = None
    due: str | None = None
    to_be_defined: bool = False


class LineOut(BaseModel):
    """One line of cooperation."""

    line: LineOfCooperation
    topics: list[str]
    text: dict[str, str]
    commitments: list[CommitmentOut]


class TermsOut(BaseModel):
    """The terms as they are stored and hashed: lines in their order a to d, topics in alphabetical order."""

    lines: list[LineOut]
    effective_rule: str
    effective_on: str | None = None
    expires_on: str | None = None
    renewal: str
    notice_period_days: int
    governing_languages: list[str]
