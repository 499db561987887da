"""What the partners service is told by its environment."""

import re
from typing import ClassVar

from pydantic import Field, SecretStr, field_validator

from shared.settings import Settings

# Signs that need no coding in a form or in a header, so that `curl -u` and a form send the same secret.
_SECRET = re.compile(r"[A-Za-z0-9._~-]{16,200}")


class PartnersSettings(Settings):
    """The settings of every service, and the secret of the operator's first client."""

    SERVICE: ClassVar[str] = "partners"

    port: int = Field(8001, ge=1, le=65535, description="the port of the API")
    worker_port: int = Field(8011, ge=1, le=65535, description="the port of probes and metrics of a lone `work`")
    bootstrap_client_secret: SecretStr | None = Field(
        None, description="the secret of the client `bootstrap`, with which an operator begins; 16 or more of A-Z a-z 0-9 . _ ~ -"
    )

    @field_validator("bootstrap_client_secret")
    @classmethod
    def _long_and_plain(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and _SECRET.fullmatch(value.get_secret_value()) is None:
            raise ValueError("must be 16 to 200 signs of A-Z a-z 0-9 . _ ~ -")
        return value
