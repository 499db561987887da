"""What requests and answers about subscriptions look like."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.notifications.subscriptions.models import Cadence, Filter, LineOfCooperation, Role, Wish
from shared.http import Id, Line, StrictModel

MOST = 100

Kind = Annotated[str, StringConstraints(max_length=60), Field(examples=["agreement.signed"])]
Topic = Annotated[Line, StringConstraints(max_length=100), Field(examples=["open_data"])]


class FilterBody(StrictModel):
    """One of each list that is not empty must match. Nothing at all matches every fact that may be seen."""

    types: list[Kind] = Field(default=[], max_length=MOST, description="Kinds of facts.", examples=[["agreement.signed"]])
    partners: list[Id] = Field(default=[], max_length=MOST, description="Parties, hosts, participants.")
    networks: list[Id] = Field(default=[], max_length=MOST, description="Networks that take part, or that those who do belong to.")
    agreements: list[Id] = Field(default=[], max_length=MOST, description="The agreement itself, and what happens under it.")
    lines: list[LineOfCooperation] = Field(default=[], max_length=4, description="Lines of cooperation.", examples=[["knowledge_exchange"]])
    topics: list[Topic] = Field(default=[], max_length=MOST, description="Topics, as in the agreement or exchange.")

    def filter(self) -> Filter:
        """The same in the domain's words."""
        return Filter(**self.model_dump(mode="json"))


class NewSubscription(StrictModel):
    """What somebody is to be told of, and why."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "filter": {"types": ["agreement.signed", "exchange.scheduled"], "lines": ["knowledge_exchange"], "topics": ["open_data"]},
                "role": "follower",
            }
        }
    )

    filter: FilterBody = Field(default=FilterBody(), description="Which facts; all that may be seen without one.")
    role: Role = Field(
        default=Role.FOLLOWER,
        examples=["follower"],
        description="affected: only what touches the partner that vouches, or a network it belongs to. follower: whatever the filter says.",
    )
    cadence: Cadence = Field(default=Cadence.IMMEDIATE, examples=["immediate"], description="Only immediate is served yet.")

    def wish(self) -> Wish:
        """The same in the domain's words."""
        return Wish(filter=self.filter.filter(), role=self.role, cadence=self.cadence)


class FilterOut(BaseModel):
    """The filter as it is kept."""

    types: list[str] = Field(examples=[["agreement.signed"]])
    partners: list[Id]
    networks: list[Id]
    agreements: list[Id]
    lines: list[str] = Field(examples=[["knowledge_exchange"]])
    topics: list[str] = Field(examples=[["open_data"]])


class SubscriptionOut(BaseModel):
    """A subscription. ``vouched_by`` is the partner on whose word it may see more than public facts."""

    id: Id
    subscriber_id: Id
    vouched_by: Id | None
    role: str = Field(examples=["follower"])
    cadence: str = Field(examples=["immediate"])
    filter: FilterOut
    created_at: datetime
    version: int = Field(examples=[1])
