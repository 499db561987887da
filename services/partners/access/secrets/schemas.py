"""What is told and answered about secrets."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from shared.http import Moment, StrictModel

SECRET: dict[str, Any] = {"n": 1, "created_at": "2025-03-04T15:00:00+00:00", "expires_at": None, "last_used_at": None}
SHOWN = "iub_mZ1x0m0d8m1oTqVw0yq7mX3hQm5jv6e2rXb0o3o9x5c"


class NewSecret(StrictModel):
    """A secret that follows the one a client has."""

    old_valid_until: Moment | None = Field(None, description="Until when the older one stays good: in seven days when left out.")

    model_config = ConfigDict(json_schema_extra={"example": {"old_valid_until": None}})


class SecretOut(BaseModel):
    """A good secret of a client, without the secret itself."""

    n: int
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None

    model_config = ConfigDict(json_schema_extra={"example": SECRET})


class SecretMade(SecretOut):
    """A new secret, shown this once and never again."""

    secret: str

    model_config = ConfigDict(json_schema_extra={"example": SECRET | {"n": 2, "secret": SHOWN}})
