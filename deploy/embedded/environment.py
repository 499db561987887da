"""What each service of the embedded product is told by its environment."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from deploy.embedded.addresses import Ports
from deploy.embedded.postgres import Cluster
from deploy.ports import HOST

ROOT = Path(__file__).resolve().parent.parent.parent
SERVICES = ("partners", "initiatives", "notifications")
PREFIX = "INTERURBE_"
# Ours to decide here, whatever the surrounding shell says.
DECIDED_HERE = ("INTERURBE_KAFKA_BOOTSTRAP_SERVERS", "INTERURBE_LOG_URL", "INTERURBE_ENV_FILE", "INTERURBE_WORKER_PORT")


def environment_of(name: str, *, var: Path, ports: Ports, cluster: Cluster, kafka: str | None) -> dict[str, str]:
    """The environment of a service: our shell's, with where everything is. `kafka` is host:port, or None for the log in PostgreSQL."""
    told = {
        "DATABASE_URL": cluster.url(name),
        "HOST": HOST,
        "PORT": str(getattr(ports, name)),
        "PUBLIC_URL": ports.url(name),
        "ISSUER": ports.url("partners"),
        "INITIATIVES_URL": ports.url("initiatives"),
        "TRACES_DIR": str(var / "traces"),
        "ENVIRONMENT": "embedded",
        **_bus(cluster, kafka),
        **(_mail(ports) if name == "notifications" else {}),
        **({"BOOTSTRAP_CLIENT_SECRET": bootstrap_secret(var)} if name == "partners" else {}),
    }
    inherited = {key: value for key, value in os.environ.items() if key not in DECIDED_HERE}
    return inherited | {PREFIX + key: value for key, value in told.items()}


def settings_file(name: str, environment: Mapping[str, str], *, var: Path) -> Path:
    """Keeps the settings of a service where an operator's commands find them (INTERURBE_ENV_FILE), readable by their owner alone."""
    path = var / "secrets" / f"{name}.env"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    lines = [f"{key}='{value}'\n" for key, value in sorted(environment.items()) if key.startswith(PREFIX)]
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.writelines(lines)
    return path


def bootstrap_secret(var: Path) -> str:
    """The secret of partners' first client, made once and readable by its owner alone."""
    path = var / "secrets" / "bootstrap-client"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(32))
    return path.read_text().strip()


def _bus(cluster: Cluster, kafka: str | None) -> dict[str, str]:
    return {"LOG_URL": cluster.url("log")} if kafka is None else {"KAFKA_BOOTSTRAP_SERVERS": kafka}


def _mail(ports: Ports) -> dict[str, str]:
    return {"SMTP_HOST": HOST, "SMTP_PORT": str(ports.smtp), "SMTP_TLS": "none", "MAIL_FROM": "Interurbe <interurbe@interurbe.example>"}
