"""The broker's programs: fetched once from Maven Central through the ordinary Maven, then kept."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
POM = HERE / "pom.xml"
FEWEST_JARS = 30


class KafkaUnavailable(Exception):
    """A real Kafka cannot be had here; the message says what is missing and how to get it."""


def lib_directory() -> Path:
    """Where the jars are kept: INTERURBE_KAFKA_LIB, or var/kafka/lib of this project, shared by tests and demo."""
    told = os.environ.get("INTERURBE_KAFKA_LIB")
    return Path(told).resolve() if told else HERE.parent.parent / "var" / "kafka" / "lib"


def missing_tools() -> str | None:
    """None when Java is here and the jars are here or can be fetched, else one sentence saying what to install."""
    lacking = [] if shutil.which("java") else ["Java (17 or newer)"]
    if not fetched() and not shutil.which("mvn"):
        lacking.append("Maven")
    return f"{' and '.join(lacking)} not found: install e.g. Debian's openjdk-17-jre-headless and maven" if lacking else None


def fetched() -> bool:
    """Whether the jars are already in place, for the version this project asks for."""
    stamp = lib_directory() / "pom.xml"
    return stamp.exists() and stamp.read_bytes() == POM.read_bytes()


def fetch() -> Path:
    """The directory of jars, filled when it is not yet (about 43 MB, 20 s the first time). Raises KafkaUnavailable."""
    lib = lib_directory()
    problem = missing_tools()
    if problem:
        raise KafkaUnavailable(problem)
    if fetched():
        return lib
    lib.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=lib.parent, prefix="lib.") as growing:
        _download(Path(growing))
        shutil.rmtree(lib, ignore_errors=True)
        Path(growing).rename(lib)
        Path(growing).mkdir()  # the context manager removes what it made
    return lib


def _download(into: Path) -> None:
    """Copies the jars and, last, the pom they belong to, as the sign that all are there."""
    command = ["mvn", "-q", "-B", "-f", str(POM), "dependency:copy-dependencies", f"-DoutputDirectory={into}", "-DincludeScope=runtime"]
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=into)
    if done.returncode != 0 or len(list(into.glob("*.jar"))) < FEWEST_JARS:
        raise KafkaUnavailable(
            f"Maven could not fetch Apache Kafka (is the network or the proxy of Maven working?):\n{done.stdout[-2000:].strip()}"
        )
    shutil.copy(POM, into / "pom.xml")
    into.chmod(0o755)
