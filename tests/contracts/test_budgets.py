"""Small enough to read: files, functions, arguments, and names that say something."""

from collections import defaultdict
from pathlib import PurePath

from tests.contracts.source import Function, code, files, functions, text

FILE_LINES, FUNCTION_LINES, ARGUMENTS, TWIN_LINES = 300, 30, 5, 15
SAYS_NOTHING = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc", "service", "lib", "core"}


def test_no_file_is_longer_than_300_lines() -> None:
    assert [path for path in code() if len(text(path).splitlines()) > FILE_LINES] == []


def test_no_function_is_longer_than_30_lines() -> None:
    found = ((path, node, (node.end_lineno or 0) - node.lineno + 1) for path in code() for node in functions(path))
    assert [f"{path}:{node.lineno} {node.name} ({lines})" for path, node, lines in found if lines > FUNCTION_LINES] == []


def test_no_function_takes_more_than_5_arguments() -> None:
    found = ((path, node, len(arguments(node))) for path in code() for node in functions(path))
    assert [f"{path}:{node.lineno} {node.name} ({count})" for path, node, count in found if count > ARGUMENTS] == []


def test_every_file_and_folder_name_says_something() -> None:
    assert [path for path in files() if {PurePath(part).stem for part in PurePath(path).parts} & SAYS_NOTHING] == []


def test_no_two_files_say_the_same() -> None:
    twins = defaultdict(list)
    for path in code():
        meaning = [line for line in text(path).splitlines() if line.strip()]
        if len(meaning) > TWIN_LINES:
            twins["\n".join(meaning)].append(path)
    assert [paths for paths in twins.values() if len(paths) > 1] == []


def arguments(node: Function) -> list[str]:
    spoken = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    return [argument.arg for place, argument in enumerate(spoken) if place or argument.arg not in ("self", "cls")]
