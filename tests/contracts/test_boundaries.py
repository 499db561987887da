"""Who may touch what: one importer of the Kafka client, one sender, no sleeping, no hidden queries."""

import ast
import re
import sys
from collections.abc import Iterator
from importlib import import_module

from sqlalchemy.orm import Mapper

from tests.contracts.source import SERVICES, calls, code, functions, imports, module, nodes, places

PRODUCT = ("shared", "services", "deploy")
DOMAIN_WORDS = {"agreement", "commitment", "membership", "signatory", "subscriber", "workshop"}
REASON_LETTERS = 5
BROAD = re.compile(r"^\s*except\b(?!\*)\s*(\(?.*\b(Base)?Exception\b.*)?:")
SUPPRESSION = re.compile(
    r"#\s*(?:noqa(?::\s*[A-Z]+\d+(?:,\s*[A-Z]+\d+)*)?|type: ignore(?:\[[\w, -]+\])?|pragma: \w+(?: \w+)*)(?P<reason>.*)$"
)


def test_only_the_kafka_bus_imports_the_kafka_client() -> None:
    importers = {path for path in code(*PRODUCT) if any(name.split(".")[0] == "aiokafka" for name in imports(path))}
    assert [path for path in sorted(importers) if not path.startswith("shared/bus/kafka")] == []


def test_only_the_relay_sends_to_the_bus() -> None:
    sends = {path for path in code(*PRODUCT) for _, name in calls(path) if re.search(r"bus\.send$", name)}
    assert sends == {"shared/relay.py"}


def test_events_import_the_standard_library_and_pydantic_alone() -> None:
    allowed = sys.stdlib_module_names | {"pydantic", "pydantic_core"}
    strangers = [
        f"{path}: {name}"
        for path in code("shared/events")
        for name in imports(path)
        if name.split(".")[0] not in allowed and not f"{name}.".startswith("shared.events.")
    ]
    assert strangers == []


def test_no_test_sleeps() -> None:
    assert [f"{path}:{line}" for path in code("tests") for line, name in calls(path) if name.split(".")[-1] == "sleep"] == []


def test_shared_speaks_no_domain_word_outside_its_events() -> None:
    spoken = [
        f"{path}:{line} {name}"
        for path in code("shared")
        if not path.startswith("shared/events/")
        for line, name in names(path)
        if DOMAIN_WORDS & set(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower().split("_"))
    ]
    assert spoken == []


def names(path: str) -> Iterator[tuple[int, str]]:
    yield from ((node.lineno, node.id) for node in nodes(path, ast.Name))
    yield from ((node.lineno, node.attr) for node in nodes(path, ast.Attribute))
    yield from ((node.lineno, node.arg) for node in nodes(path, ast.arg))
    yield from ((node.lineno, node.name) for node in nodes(path, ast.ClassDef))
    yield from ((node.lineno, node.name) for node in functions(path))


def test_every_broad_except_says_why() -> None:
    broad = places(code(*PRODUCT), lambda _, line: bool(BROAD.search(line)))
    assert [place for place in broad if not re.search(r"#.{15,}", place)] == []


def test_every_suppression_says_why() -> None:
    def unexplained(_: str, line: str) -> bool:
        found = SUPPRESSION.search(line)
        return found is not None and len(re.findall(r"[^\W\d_]", found["reason"])) < REASON_LETTERS

    assert places(code(), unexplained) == []


def test_no_relationship_queries_behind_the_readers_back() -> None:
    mappers: set[Mapper[object]] = set()
    for service in SERVICES:
        for path in code(f"services/{service}"):
            if path.endswith(("/models.py", "/views.py")):
                import_module(module(path))
        model = import_module(f"services.{service}.models").Model
        mappers |= set(model.registry.mappers)
    lazy = [
        str(relation) for mapper in mappers for relation in mapper.relationships if relation.lazy not in ("raise", "write_only", "noload")
    ]
    assert lazy == []
