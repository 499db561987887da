"""What must not stand in any file: left-overs, where packages come from, paths of a machine, secrets."""

import re

from tests.contracts.source import files, places, text

LEFT_OVER = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b|raise NotImplemented" + r"Error")
# Locks, manifests, images and scripts name packages, never the place they are fetched from.
ADDRESS = re.compile(r"index-" + r"url|find-" + r"links|trusted-" + r"host|<repository>|\"resolved\":|registry\s*=")
MACHINE = re.compile(r"/(?:wo" + r"rk|ro" + r"ot|ho" + r"me/[a-z]+|Us" + r"ers/[A-Za-z]+)/")
SECRET = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.{20}"
    r"|\b(AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{30,}|eyJ[\w-]{20,}\.eyJ[\w-]{20,}\.[\w-]{20,})"
)
# A vendored asset or a specification is somebody else's text.
VENDORED = re.compile(r"/static/|/vendor/|/specifications/")
SETS_ADDRESS = re.compile(r"\.(lock|toml|xml|cfg|ini|sh|ya?ml)$|(^|/)(Makefile|[^/]*Dockerfile|package-lock\.json|\.npmrc)$|^\.ci/")


def test_nothing_is_left_over() -> None:
    written = [path for path in files() if re.search(r"\.(py|ya?ml|md|sql|toml|html|txt)$", path) and not VENDORED.search(path)]
    assert places(written, lambda _, line: bool(LEFT_OVER.search(line))) == []


def test_no_file_says_where_packages_come_from() -> None:
    assert places(list(files()), lambda path, line: bool(SETS_ADDRESS.search(path) and ADDRESS.search(line))) == []


def test_no_file_names_a_path_of_one_machine() -> None:
    assert places(list(files()), lambda _, line: bool(MACHINE.search(line))) == []


def test_no_file_holds_a_secret() -> None:
    assert places(list(files()), lambda _, line: bool(SECRET.search(line))) == []


def test_locks_pin_every_dependency_with_hashes_and_agree() -> None:
    runtime, development = pins("requirements.lock"), pins("requirements-dev.lock")
    unhashed = [name for name, (_, hashes) in (runtime | development).items() if not hashes]
    assert unhashed == []
    assert {name: version for name, (version, _) in runtime.items() if development.get(name, ("absent", 0))[0] != version} == {}


def pins(path: str) -> dict[str, tuple[str, int]]:
    entries = re.findall(r"^([\w.\[\]-]+)==(\S+)[^\n]*((?:\n +--hash=\S+(?: \\)?)*)", text(path), re.MULTILINE)
    return {name: (version, hashes.count("--hash=sha256:")) for name, version, hashes in entries}
