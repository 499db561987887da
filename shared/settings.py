"""What a process is told by its environment: every variable, its rule, and what to do when it is wrong.

Nothing is read at import: `load(Settings)` reads the environment once, when a process starts.
"""

from pathlib import Path
from typing import ClassVar, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import AnyHttpUrl, Field, SecretStr, TypeAdapter, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.settings_errors import SettingsError, explain

PREFIX = "INTERURBE_"
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
POSTGRES = ("postgresql", "postgres")

_HTTP = TypeAdapter(AnyHttpUrl)

Loaded = TypeVar("Loaded", bound=BaseSettings)


class _EnvFile(BaseSettings):
    """Where a file of settings is, when the operator names one."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore")

    env_file: Path | None = None


def _http_url(value: str) -> str:
    try:
        _HTTP.validate_python(value)
    except ValidationError:
        raise ValueError("must be an address such as http://127.0.0.1:8001") from None
    return value.rstrip("/")


class TelemetrySettings(BaseSettings):
    """Where traces and logs of a process go."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True, env_ignore_empty=True)

    otlp_endpoint: str | None = Field(None, description="an OTLP/HTTP collector, e.g. http://127.0.0.1:4318; without it spans go to files")
    traces_dir: Path = Field(Path("var/traces"), description="the folder of span files, used when there is no collector")
    trace_ratio: float = Field(1.0, ge=0, le=1, description="the share of new traces that is kept, 0 to 1")
    log_level: str = Field("INFO", description="DEBUG, INFO, WARNING or ERROR")
    environment: str = Field("production", pattern=r"^[a-z][a-z0-9-]{0,31}$", description="a name of the deployment, lower case")

    @field_validator("otlp_endpoint")
    @classmethod
    def _endpoint(cls, value: str | None) -> str | None:
        return None if value is None else _http_url(value)

    @field_validator("log_level")
    @classmethod
    def _level(cls, value: str) -> str:
        if value.upper() not in LEVELS:
            raise ValueError("must be one of DEBUG, INFO, WARNING, ERROR")
        return value.upper()


class Settings(TelemetrySettings):
    """What every service needs; a service subclasses it with its own ports and more."""

    SERVICE: ClassVar[str] = ""

    database_url: SecretStr = Field(description="the service's own database, e.g. postgresql://partners:PASSWORD@127.0.0.1:5432/partners")
    log_url: SecretStr | None = Field(None, description="the database that holds the event log when there is no Kafka")
    kafka_bootstrap_servers: str = Field("", description="host:port,host:port of Apache Kafka; leave empty for the log in PostgreSQL")
    kafka_replication: int = Field(1, ge=1, le=9, description="copies of each topic; 3 is advised with three brokers or more")
    host: str = Field("127.0.0.1", description="the address to listen on; 0.0.0.0 for every network")
    port: int = Field(8001, ge=1, le=65535, description="the port of the API")
    worker_port: int = Field(8011, ge=1, le=65535, description="the port of probes and metrics of a lone `work`")
    public_url: str = Field("", description="this service as its clients see it; host and port when empty")
    issuer: str = Field("http://127.0.0.1:8001", description="the partners service, which issues tokens")
    audience: str = Field("interurbe", min_length=1, description="the `aud` that tokens must carry")
    pool_size: int = Field(10, ge=1, le=200, description="connections to the database per process")
    requests_per_minute: int = Field(0, ge=0, le=1_000_000, description="a client's requests to one process in a minute; 0 is any number")
    relay_lease_seconds: float = Field(10.0, ge=2, le=300, description="how long a relay that went silent stays the leader")
    crash: str = Field("", description="nothing: it ends the process at a named place, in crash tests only")
    relay_deadline_seconds: float = Field(8.0, ge=1, le=300, description="how long a batch may wait for the bus's answer")

    @field_validator("database_url", "log_url")
    @classmethod
    def _postgres(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            _check_postgres(value.get_secret_value())
        return value

    @field_validator("public_url", "issuer")
    @classmethod
    def _address(cls, value: str) -> str:
        return _http_url(value) if value else value

    @field_validator("kafka_bootstrap_servers")
    @classmethod
    def _brokers(cls, value: str) -> str:
        for broker in filter(None, value.split(",")):
            name, _, port = broker.strip().rpartition(":")
            if not name or not port.isdigit():
                raise ValueError(f"must be host:port,host:port; {broker.strip()!r} is not host:port")
        return value.strip()

    @model_validator(mode="after")
    def _where_we_are(self) -> Self:
        if not self.public_url:
            host = "127.0.0.1" if self.host in ("0.0.0.0", "::") else self.host
            object.__setattr__(self, "public_url", f"http://{host}:{self.port}")
        return self

    @property
    def kafka(self) -> bool:
        """Whether the bus is Apache Kafka (else the log in PostgreSQL)."""
        return bool(self.kafka_bootstrap_servers)

    def bus_named(self) -> None:
        """Refuse settings that name no bus; a command that needs one calls this first."""
        if not self.kafka and self.log_url is None:
            rule = "is missing, and INTERURBE_KAFKA_BOOTSTRAP_SERVERS too: one of them must name the bus"
            raise SettingsError([("INTERURBE_LOG_URL", rule, "the event log, e.g. postgresql://log:PASSWORD@127.0.0.1:5432/log")])


def _check_postgres(url: str) -> None:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ValueError("must be postgresql://role:password@host:port/database; a port is a number up to 65535") from None
    if parts.scheme not in POSTGRES:
        raise ValueError("must start with postgresql://")
    if not parts.path.strip("/"):
        raise ValueError("must end with the name of the database, as in postgresql://role:password@host:5432/partners")


def load(settings: type[Loaded]) -> Loaded:
    """Read the environment (and the file `INTERURBE_ENV_FILE` names, if any) into `settings`.

    Raises SettingsError, whose text names each variable, its rule and the fix.
    """
    env_file = _EnvFile().env_file
    if env_file is not None and not env_file.is_file():
        raise SettingsError([("INTERURBE_ENV_FILE", f"names {env_file}, which is not a file", "give the path of a file, or unset it")])
    try:
        return settings(_env_file=env_file)
    except ValidationError as error:
        raise explain(error, settings, PREFIX) from None
