"""How a calendar file is asked for."""

from pydantic import Field

from shared.http import Language, StrictModel


class CalendarWanted(StrictModel):
    """In which language."""

    lang: Language | None = Field(None, description="The language of the texts; Spanish, or any there is, when it has none in this one.")
