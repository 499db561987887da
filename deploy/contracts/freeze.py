"""`make freeze`: what a new event version looks like, written down once and never again."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from rich.console import Console

from deploy.contracts.samples import NoSample, sample
from shared.events import EVENTS, Event

FOLDER = Path(__file__).parents[2] / "shared" / "events"
DIGESTS = "frozen.sha256"
"""Lines of `sha256sum`: a frozen file that changes, and a line that changes, both show in a review."""


def frozen(folder: Path = FOLDER) -> dict[str, str]:
    """The digest of every frozen file, by its path from `folder`."""
    listed = folder / DIGESTS
    lines = listed.read_text().splitlines() if listed.exists() else []
    return {path: digest for digest, path in (line.split("  ", 1) for line in lines)}


def digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    return sha256(path.read_bytes()).hexdigest()


def freeze(event: type[Event], folder: Path = FOLDER) -> list[Path]:
    """Writes schema and samples of a version that has none, and notes their digests; returns what was written.

    A version that has a schema is left as it is, whatever its class has become. Raises NoSample.
    """
    if (folder / "schemas" / f"{event.TYPE}.json").exists():
        return []
    texts = dict(_texts(event, folder))
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    with (folder / DIGESTS).open("a") as listed:
        listed.writelines(f"{digest(path)}  {path.relative_to(folder)}\n" for path in texts)
    return list(texts)


def schema(event: type[Event]) -> dict[str, Any]:
    """The JSON Schema of an event's data, under the address that its messages name."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **event.model_json_schema()}


def _texts(event: type[Event], folder: Path) -> Iterator[tuple[Path, str]]:
    least, full = sample(event, full=False), sample(event, full=True)
    yield folder / "schemas" / f"{event.TYPE}.json", _json(schema(event))
    yield folder / "samples" / event.TYPE / "least.json", _json(least)
    yield folder / "samples" / event.TYPE / "full.json", _json(full)


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def main() -> int:
    """Freezes what is new and says so; 1 when a new event cannot be sampled yet."""
    console = Console(highlight=False)
    try:
        written = [path for event in EVENTS.values() for path in freeze(event)]
    except NoSample as missing:
        console.print(str(missing), style="red")
        return 1
    for path in written:
        console.print(f"frozen {path.relative_to(FOLDER)}")
    if not written:
        console.print("nothing new: every version is frozen")
    return 0


if __name__ == "__main__":
    sys.exit(main())
