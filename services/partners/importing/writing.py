"""Files that are given out: partners as rows that an import takes back, and rows that were refused, to be mended and sent again."""

import csv
import io
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from typing import IO, Any, Final

from services.partners.importing.columns import FIELDS, IGNORED, escaped, in_order, told_in_cells

_PIECE: Final = 500
_TOLD: Final = tuple(field.name for field in FIELDS.values() if field.name not in ("force", "state", "sandbox"))
"""What a partner says of itself: where it stands is no part of that, and no file changes it."""


async def spool_partners(file: IO[bytes], partners: AsyncIterator[Mapping[str, Any]]) -> Counter[str]:
    """Write each partner as a line of JSON; gives the columns that a CSV of them has, and how often each."""
    columns: Counter[str] = Counter()
    async for partner in partners:
        told = {name: partner[name] for name in _TOLD if name in partner}
        file.write(json.dumps(told, ensure_ascii=False).encode() + b"\n")
        columns |= Counter({name: len(cells) for name, cells in told_in_cells(told).items()})
    file.seek(0)
    return columns


def as_csv(file: IO[bytes], columns: Counter[str]) -> Iterator[bytes]:
    """The spooled partners as CSV (RFC 4180, UTF-8), below a line with the names of the columns."""
    always = {field.word for field in FIELDS.values() if field.required and field.word in FIELDS}
    order = in_order({*columns, "id", "version"} | {word for word in always if FIELDS[word].shown() == word})
    header = [name for name in order for _ in range(columns[name] or 1)]
    yield from _written([header])
    rows: list[list[str]] = []
    for line in file:
        cells = told_in_cells(json.loads(line))
        rows.append([cell for name in order for cell in _filled(cells.get(name, []), columns[name] or 1)])
        if len(rows) == _PIECE:
            yield from _written(rows)
            rows.clear()
    yield from _written(rows)


def _filled(cells: Sequence[str], wanted: int) -> list[str]:
    return [*cells, *[""] * (wanted - len(cells))]


def as_ndjson(file: IO[bytes]) -> Iterator[bytes]:
    """The spooled partners as they are, one a line."""
    while piece := file.read(64 * 1024):
        yield piece


def given_out(file: IO[bytes], pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same pieces; the file is gone after the last one, or when nobody wants more."""
    try:
        yield from pieces
    finally:
        file.close()


def mendable_csv(header: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> bytes:
    """Rows with what is wrong with them in columns that an import does not read."""
    kept = [place for place, name in enumerate(header) if not IGNORED.fullmatch(name)]
    table = [[*(_cell(row["said"], place) for place in kept), *_wrong(row)] for row in rows]
    names = [*(header[place] for place in kept), "error.line", "error.column", "error.rule", "error.fix"]
    return b"".join(_written([names, *table]))


def mendable_ndjson(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """Rows with what is wrong with them in a member that an import does not read; what is no object is told as a text."""
    lines = []
    for row in rows:
        try:
            said = json.loads(row["said"])
        except ValueError:
            said = None
        told = said if isinstance(said, dict) else {"text": row["said"]}
        lines.append(json.dumps(told | {"error": {"line": row["line"], **row["problem"]}}, ensure_ascii=False))
    return "".join(f"{line}\n" for line in lines).encode()


def _cell(cells: Sequence[str], place: int) -> str:
    # A cell is given back as it came: escaping it once more would change what it says.
    cell = cells[place] if place < len(cells) else ""
    return cell if cell.startswith("'") else escaped(cell)


def _wrong(row: Mapping[str, Any]) -> list[str]:
    problem = row["problem"]
    errors = problem.get("errors") or [problem]
    columns = " | ".join(str(one.get("column") or one.get("field") or "") for one in errors)
    rules = " | ".join(str(one.get("rule") or problem["detail"]) for one in errors)
    fixes = " | ".join(str(one.get("fix") or "") for one in errors)
    return [str(row["line"]), escaped(columns), escaped(rules), escaped(fixes)]


def _written(rows: Iterable[Sequence[str]]) -> Iterator[bytes]:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    if text.tell():
        yield text.getvalue().encode()
