"""What the notifications process is told by its environment."""

from email.errors import HeaderParseError
from email.headerregistry import Address, AddressHeader
from email.policy import SMTP
from pathlib import Path
from typing import ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from shared.settings import Settings

LOOPBACK = ("127.0.0.1", "::1", "localhost")


class NotificationsSettings(Settings):
    """The shared settings with this service's own ports, and the mail server it hands mails to."""

    SERVICE: ClassVar[str] = "notifications"

    port: int = Field(8003, ge=1, le=65535, description="the port of the API and pages")
    worker_port: int = Field(8013, ge=1, le=65535, description="the port of probes and metrics of a lone `work`")
    initiatives_url: str = Field("http://127.0.0.1:8002", description="the initiatives service as readers of mails see it")
    smtp_host: str = Field("127.0.0.1", min_length=1, description="the mail server that mails are handed to")
    smtp_port: int = Field(8025, ge=1, le=65535, description="its port: usually 587 with starttls, 465 with tls")
    smtp_user: str = Field("", description="the name to sign in with; empty for none")
    smtp_password: SecretStr = Field(SecretStr(""), description="the password to sign in with")
    smtp_tls: Literal["none", "starttls", "tls"] = Field("none", validate_default=True, description="none, starttls or tls")
    smtp_ca_file: Path | None = Field(None, description="certificates to trust besides the system's, for a mail server of one's own")
    smtp_timeout_seconds: float = Field(60.0, ge=1, le=600, description="how long the mail server may take to answer")
    mail_from: str = Field("Interurbe <interurbe@interurbe.example>", description="who mails come from: Name <address>")
    mail_connections: int = Field(8, ge=1, le=100, description="connections to the mail server at once")
    mail_lease_seconds: float = Field(15.0, ge=2, le=600, description="how long a mail stays with a sender that went silent")

    @field_validator("mail_from")
    @classmethod
    def _one_address(cls, value: str) -> str:
        _address(value)
        return value

    @field_validator("initiatives_url")
    @classmethod
    def _web_address(cls, value: str) -> str:
        if urlsplit(value).scheme not in ("http", "https") or not urlsplit(value).hostname:
            raise ValueError("must be an address such as http://127.0.0.1:8002")
        return value.rstrip("/")

    @field_validator("smtp_tls")
    @classmethod
    def _no_password_in_the_clear(cls, value: str, info: ValidationInfo) -> str:
        if value == "none" and info.data.get("smtp_user") and info.data.get("smtp_host") not in LOOPBACK:
            raise ValueError("must be starttls or tls when INTERURBE_SMTP_USER is set: a password never travels in the clear")
        return value

    @property
    def sender(self) -> Address:
        """Who mails come from: display name and address."""
        return _address(self.mail_from)


def _address(text: str) -> Address:
    try:
        header = SMTP.header_factory("From", text)
        addresses = header.addresses if isinstance(header, AddressHeader) and text.isprintable() else ()
    except (HeaderParseError, ValueError):
        addresses = ()
    if len(addresses) != 1 or not addresses[0].domain or not addresses[0].addr_spec.isascii():
        raise ValueError("must be one address such as 'Interurbe <interurbe@example.org>'")
    return addresses[0]
