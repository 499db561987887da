"""What the initiatives process is told by its environment."""

from typing import ClassVar

from pydantic import Field

from shared.settings import Settings


class InitiativesSettings(Settings):
    """The shared settings with this service's own ports."""

    SERVICE: ClassVar[str] = "initiatives"

    port: int = Field(8002, ge=1, le=65535, description="the port of the API")
    worker_port: int = Field(8012, ge=1, le=65535, description="the port of probes and metrics of a lone `work`")
