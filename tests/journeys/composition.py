"""docker-compose.yml as processes of this machine: its own commands, environment and health checks, at other addresses and paths."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from deploy.embedded.child import Child
from deploy.embedded.environment import ROOT, SERVICES
from deploy.embedded.postgres import DATABASES, Cluster, programs
from deploy.ports import HOST, free_port

_VARIABLE = re.compile(r"\$\{(\w+)(?::\?[^}]*)?\}")
# host:port where an address can stand: before it @, / or the beginning, behind it / or the end.
_ADDRESS = re.compile(r"(?<![^/@])([a-z][a-z-]*|127\.0\.0\.1):(\d{2,5})(?=/|$)")
_COPIED = re.compile(r"^COPY (?!--from)(\S+/) (\S+/)$", re.MULTILINE)
_TOLD = re.compile(r"^ENV (.+)$", re.MULTILINE)
CHECK_SECONDS = 60.0


def chosen(folder: Path) -> dict[str, str]:
    """The variables that `make .env` chooses, in a folder of their own."""
    shutil.copy(ROOT / ".env.example", folder)
    subprocess.run(["make", "--silent", "--file", str(ROOT / "Makefile"), ".env"], cwd=folder, check=True)
    lines = (folder / ".env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def interpolated(value: Any, told: Mapping[str, str]) -> Any:
    """A part of the file with every ${VARIABLE} replaced, as compose does; one that is missing or empty is an error."""
    if isinstance(value, dict):
        return {key: interpolated(item, told) for key, item in value.items()}
    if isinstance(value, list):
        return [interpolated(item, told) for item in value]
    return _VARIABLE.sub(lambda found: _known(told, found[1]), value) if isinstance(value, str) else value


def _known(told: Mapping[str, str], name: str) -> str:
    if not told.get(name):
        raise KeyError(f"docker-compose.yml asks for {name}, which `make .env` does not choose")
    return told[name]


@dataclass
class Places:
    """Where what compose calls host:port is here. Every address must be known, so that a wrong one in the file is noticed."""

    known: dict[str, str] = field(default_factory=dict)

    def put(self, address: str, port: int) -> None:
        """Say that host:port of the file is this port here."""
        self.known[address] = f"{HOST}:{port}"

    def port(self, address: str) -> int:
        """The port here."""
        return int(self.known[address].rpartition(":")[2])

    def moved(self, value: object) -> str:
        """A setting, or a word of a command, with every address in it replaced; a bare host or port counts as part of one."""
        text = str(value)
        for address, here in self.known.items():
            for was, now in zip(address.rsplit(":", 1), here.rsplit(":", 1), strict=True):
                if text == was:
                    return now
        return _ADDRESS.sub(lambda found: self.known[found.group()], text)


@dataclass(frozen=True)
class Part:
    """One service of the file as a process: `check` is its health check, `folder` the /app of its image."""

    name: str
    child: Child
    check: list[str]
    environment: dict[str, str]
    folder: Path

    def healthy(self) -> bool:
        """What its health check says now."""
        done = subprocess.run(self.check, cwd=self.folder, env=self.environment, capture_output=True, check=False, timeout=CHECK_SECONDS)
        return done.returncode == 0

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Another command in the same container, as `docker compose exec` runs it."""
        return subprocess.run(words, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False, timeout=60)


class Composition:
    """The parts of docker-compose.yml that are ours. `told` are the variables of .env, `images` the files that were put into each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.told = chosen(folder)
        self.file: dict[str, Any] = interpolated(yaml.safe_load((ROOT / "docker-compose.yml").read_text()), self.told)
        self.places = Places()
        self.images: dict[str, dict[Path, int]] = {}
        for name, service in self.file["services"].items():
            if name.endswith(("-serve", "-work")):
                variable = "INTERURBE_PORT" if name.endswith("-serve") else "INTERURBE_WORKER_PORT"
                port, here = service["environment"][variable], free_port()
                self.places.put(f"{name}:{port}", here)
                self.places.put(f"{HOST}:{port}", here)

    def parts(self, act: str) -> list[Part]:
        """`migrate`, `serve` or `work` of every service."""
        return [self.part(f"{name}-{act}", name) for name in SERVICES]

    def url(self, service: str) -> str:
        """Where clients find this service: its public address, moved."""
        return self.places.moved(self.file["services"][f"{service}-serve"]["environment"]["INTERURBE_PUBLIC_URL"])

    def part(self, name: str, service: str) -> Part:
        """One of them, in the image of its service."""
        told, app = self.file["services"][name], self._image(service)
        image = {key: self._here(value) for key, value in image_environment().items()}
        environment = image | {key: self.places.moved(value) for key, value in told["environment"].items()}
        check = [self.places.moved(word) for word in told.get("healthcheck", {}).get("test", ["CMD"])[1:]]
        child = Child(name, told["command"], var=self.folder, directory=app, environment=environment)
        return Part(name, child, check, environment, app)

    @contextmanager
    def server(self) -> Iterator[Cluster]:
        """A PostgreSQL as a new container has it, given what the file mounts for its first start; its health check must say yes."""
        told = self.file["services"]["postgres"]
        [script] = [mount.split(":")[0] for mount in told["volumes"] if ":/docker-entrypoint-initdb.d/" in mount]
        cluster = Cluster(self.folder / "postgres", free_port(), durable=False)
        try:
            cluster.start()
            emptied = [f"DROP DATABASE {name};\nDROP ROLE {name};" for name in DATABASES]
            container = [f"\\setenv {name} '{value}'" for name, value in told["environment"].items()]
            cluster.sql("\n".join([*emptied, *container, (ROOT / script).read_text()]))
            self.places.put("postgres:5432", cluster.port)
            word, *words = told["healthcheck"]["test"][1:]
            subprocess.run([programs() / "bin" / word, *words], env={"PGPORT": str(cluster.port)}, check=True, timeout=CHECK_SECONDS)
            yield cluster
        finally:
            cluster.stop()

    def _here(self, value: str) -> str:
        """A path of the image on this machine."""
        here = {"/tmp/": f"{self.folder}/tmp/", "/packages/bin": str(Path(sys.executable).parent), "$PATH": os.defpath}  # noqa: S108 - in the image
        return re.sub("|".join(map(re.escape, here)), lambda found: here[found.group()], value)

    def _image(self, service: str) -> Path:
        """A folder with what deploy/Dockerfile copies into the image of a service, compiled as there, and nothing else."""
        app = self.folder / "images" / service
        if service not in self.images:
            for source, target in _COPIED.findall(dockerfile().replace("${SERVICE}", service)):
                shutil.copytree(ROOT / source, app / target.removeprefix("/app/"), ignore=shutil.ignore_patterns("__pycache__"))
            subprocess.run([sys.executable, "-m", "compileall", "-q", app], check=True)
            self.images[service] = files(app)
        return app


def files(folder: Path) -> dict[Path, int]:
    """Every file below a folder, with its size."""
    return {path: path.stat().st_size for path in folder.rglob("*") if path.is_file()}


def dockerfile() -> str:
    """deploy/Dockerfile, with continued lines joined."""
    return (ROOT / "deploy" / "Dockerfile").read_text().replace("\\\n", " ")


def image_environment() -> dict[str, str]:
    """What the last stage of the Dockerfile tells every process."""
    final = dockerfile().rpartition("\nFROM ")[2]
    return dict(pair.split("=", 1) for line in _TOLD.findall(final) for pair in line.split())
