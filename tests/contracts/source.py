"""The project's own text, as the contracts read it: what git tracks or would track."""

import ast
import subprocess
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import TypeVar

TOP = Path(__file__).parents[2]
SERVICES = ("partners", "initiatives", "notifications")
CODE = ("shared", "services", "deploy", "tests", "bench")

Function = ast.FunctionDef | ast.AsyncFunctionDef
Node = TypeVar("Node", bound=ast.AST)


@cache
def files() -> tuple[str, ...]:
    """Every file of the project that is not ignored, as a path from the top."""
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=TOP, capture_output=True, text=True, check=True)
    return tuple(path for path in sorted(set(listed.stdout.splitlines())) if (TOP / path).is_file())


def code(*folders: str) -> list[str]:
    """The Python files under these folders (all code without any); migrations are left out, a program writes them."""
    inside = tuple(f"{folder}/" for folder in folders or CODE)
    return [path for path in files() if path.endswith(".py") and path.startswith(inside) and "/migrations/versions/" not in path]


@cache
def text(path: str) -> str:
    """What stands in a file; nothing for one that is not text."""
    try:
        return (TOP / path).read_text()
    except UnicodeDecodeError:
        return ""


@cache
def tree(path: str) -> ast.Module:
    """A Python file, parsed."""
    return ast.parse(text(path), path)


def nodes(path: str, kind: type[Node]) -> Iterator[Node]:
    """Every node of this kind in a file."""
    return (node for node in ast.walk(tree(path)) if isinstance(node, kind))


def functions(path: str) -> Iterator[Function]:
    """Every function and method of a file, nested ones too."""
    yield from nodes(path, ast.FunctionDef)
    yield from nodes(path, ast.AsyncFunctionDef)


def imports(path: str) -> Iterator[str]:
    """Every module a file imports, or imports from."""
    for plain in nodes(path, ast.Import):
        yield from (alias.name for alias in plain.names)
    for from_ in nodes(path, ast.ImportFrom):
        yield from_.module or ""


def calls(path: str) -> Iterator[tuple[int, str]]:
    """The line of every call in a file, and what is called."""
    return ((call.lineno, dotted(call.func)) for call in nodes(path, ast.Call))


def module(path: str) -> str:
    """The dotted name that a file is imported by."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def modules(*folders: str) -> list[str]:
    """Everything under these folders that can be imported; a migration's env.py is a script that Alembic runs."""
    return [module(path) for path in code(*folders) if not path.endswith("/migrations/env.py")]


def places(paths: list[str], offends: Callable[[str, str], bool]) -> list[str]:
    """`path:line text` of every line for which `offends(path, line)`."""
    return [
        f"{path}:{number} {line.strip()[:100]}"
        for path in paths
        for number, line in enumerate(text(path).splitlines(), 1)
        if offends(path, line)
    ]


def dotted(node: ast.expr) -> str:
    """`self._bus.send` of the expression; what is no plain name on the way becomes a question mark."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=name):
            return f"{dotted(value)}.{name}"
        case _:
            return "?"
