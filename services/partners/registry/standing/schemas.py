"""What is said when a partner's standing changes."""

from typing import Annotated

from pydantic import ConfigDict, StringConstraints

from shared.http import StrictModel, Text


class Reason(StrictModel):
    """Why; everybody reads it, so it names nobody."""

    reason: Annotated[Text, StringConstraints(max_length=2000)]

    model_config = ConfigDict(json_schema_extra={"example": {"reason": "La entidad fue liquidada por decreto."}})
