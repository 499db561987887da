"""What the papers name exists: paths, make targets, settings."""

import re
from collections.abc import Iterator
from dataclasses import fields
from importlib import import_module
from pathlib import PurePath

import pytest

from deploy.embedded.addresses import Ports
from shared.settings import PREFIX, Settings
from tests.contracts.source import SERVICES, TOP, files, text

PAPERS = ("README.md", "CONTRIBUTING.md", "DECISIONS.md", "CHANGELOG.md")
SUFFIXES = {".py", ".md", ".toml", ".yml", ".yaml", ".lock", ".sql", ".json", ".xml", ".properties"}
SPAN = re.compile(r"`([^`\n]+)`|\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def named_paths(paper: str) -> Iterator[str]:
    """What looks like a path: begins with a folder of ours, or is one word with a suffix we use; `<…>` stands for any name."""
    tops = {PurePath(path).parts[0] for path in files()}
    for span, link in SPAN.findall(FENCE.sub("", text(paper))):
        for word in (span or link).split():
            path = re.sub(r"(:\d+|#.*)$", "", word).strip(",;:").rstrip("/")
            first = path.split("/")[0]
            if re.match(r"https?:|mailto:|/|-|\$", word) or not path or first in ("var", ".venv"):
                continue
            if ("/" in path and first in tops) or (PurePath(path).suffix in SUFFIXES and not path.startswith("*")):
                yield path


def exists(path: str) -> bool:
    """In the tree as it stands, or, for a bare file name, anywhere in it."""
    pattern = re.sub(r"<[^>]+>|…", "*", path)
    if "/" not in pattern and any(PurePath(file).match(pattern) for file in files()):
        return True
    return any(TOP.glob(pattern))


@pytest.mark.parametrize("paper", PAPERS)
def test_every_path_that_a_paper_names_exists(paper: str) -> None:
    assert text(paper)
    assert [path for path in named_paths(paper) if not exists(path)] == []


@pytest.mark.parametrize("paper", PAPERS)
def test_every_make_target_that_a_paper_names_exists(paper: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", text("Makefile"), re.MULTILINE))
    spoken = re.findall(r"(?:`|^\s*\$ |^)make ([a-z-]+)", text(paper), re.MULTILINE)
    assert set(spoken) - targets == set()


@pytest.mark.parametrize("paper", [*PAPERS, ".env.example"])
def test_every_setting_that_a_paper_names_exists(paper: str) -> None:
    known = {name.upper() for service in SERVICES for name in settings_of(service).model_fields} | {"ENV_FILE"}
    ports = set(re.findall(rf"\b{PREFIX}([A-Z0-9_]+)\b", "\n".join(text(path) for path in files() if path.startswith("deploy/"))))
    assert set(re.findall(rf"\b{PREFIX}([A-Z0-9_]+)\b", text(paper))) - known - ports == set()


def test_the_readme_tells_how_two_copies_run_beside_each_other() -> None:
    told = text("README.md")
    assert "INTERURBE_VAR" in told
    assert [field.name for field in fields(Ports) if f"`{field.name.upper()}`" not in told] == []


def settings_of(service: str) -> type[Settings]:
    """The one Settings class of a service."""
    found = [item for item in vars(import_module(f"services.{service}.settings")).values() if isinstance(item, type)]
    own = [item for item in found if issubclass(item, Settings) and item is not Settings]
    assert len(own) == 1, f"services/{service}/settings.py must define one Settings class, found {own}"
    return own[0]
