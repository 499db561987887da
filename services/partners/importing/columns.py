"""The columns of a CSV file of partners, worked out from the body of a registration: a field added there has a column here."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum
from typing import Any, Final

from services.partners.importing.schemas import RowKey
from services.partners.registry.schemas import NewPartner
from shared.http.problems import invalid

IGNORED: Final = re.compile(r"error(\..*)?")
"""Columns that a report of refused rows adds; a mended report may be sent as it is."""
_PLURALS: Final = {"names": "name", "aliases": "alias", "identifiers": "identifier"}
_BETWEEN: Final = re.compile(r"[;,\s]+")
_DANGER: Final = "=+\\-@\t\r＝＋－＠"
_ESCAPED: Final = re.compile(rf"'+[{_DANGER}]")
_DANGEROUS: Final = re.compile(rf"'*[{_DANGER}]")


class Sort(Enum):
    """What the cells of a field hold."""

    TEXT = "a text"
    NUMBER = "a number"
    FLAG = "true or false"
    LIST = "several words, with ; or a space between them"
    MAP = "one column for each language"
    KEYS = "one column for each scheme, as often as needed"
    ITEMS = "numbered from 1"
    PARTS = "one column for each part"
    NOTHING = "not read"


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a partner and how columns tell it; ``parts`` are its members where it has some."""

    name: str
    sort: Sort
    required: bool
    parts: tuple["Field", ...] = ()

    @property
    def word(self) -> str:
        """What its columns are called."""
        return _PLURALS.get(self.name, self.name)

    def shown(self) -> str:
        """Its columns, as a list of all columns tells them."""
        more = {Sort.MAP: ".<language>", Sort.KEYS: ".<scheme>", Sort.ITEMS: ".<number>"}.get(self.sort, "")
        parts = [f"{self.word}{more}.{part.name}" for part in self.parts if not (self.sort is Sort.ITEMS and part is self.parts[0])]
        return ", ".join(parts if self.sort is Sort.PARTS else [self.word + more, *parts])


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a file: whose field, which part of it (a language, a scheme, a number), which member of that, and what it holds."""

    field: str
    sort: Sort
    part: str = ""
    member: str = ""


def _fields(schema: Mapping[str, Any], defs: Mapping[str, Any]) -> list[Field]:
    required = set(schema.get("required", ()))
    return [_field(name, said, defs, name in required) for name, said in schema["properties"].items()]


def _field(name: str, said: Mapping[str, Any], defs: Mapping[str, Any], required: bool) -> Field:
    said = _plain(said, defs)
    if name == "identifiers":
        return Field(name, Sort.KEYS, required)
    kind = said.get("type", "string")
    if kind == "array":
        items = _plain(said.get("items") or said.get("prefixItems", [{}])[0], defs)
        return Field(name, Sort.ITEMS, required, tuple(_fields(items, defs))) if "properties" in items else Field(name, Sort.LIST, required)
    if kind == "object":
        return Field(name, Sort.PARTS, required, tuple(_fields(said, defs))) if "properties" in said else Field(name, Sort.MAP, required)
    sorts = {"boolean": Sort.FLAG, "integer": Sort.NUMBER, "number": Sort.NUMBER}
    return Field(name, sorts.get(str(kind), Sort.TEXT), required)


def _plain(said: Mapping[str, Any], defs: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in said or "anyOf" in said:
        said = defs[said["$ref"].rpartition("/")[2]] if "$ref" in said else next(one for one in said["anyOf"] if one.get("type") != "null")
    return said


_SCHEMA: Final = NewPartner.model_json_schema()
KEYS: Final = _fields(RowKey.model_json_schema(), {})
FIELDS: Final = {field.word: field for field in [*KEYS, *_fields(_SCHEMA, _SCHEMA.get("$defs", {}))]}
KNOWN: Final = ", ".join(field.shown() for field in FIELDS.values())


def columns_of(header: Sequence[str]) -> list[Column]:
    """What each column of a file is; raises Invalid, naming every column that is unknown, doubled or missing."""
    columns: list[Column] = []
    errors: list[dict[str, Any]] = []
    for place, name in enumerate(header, 1):
        column = column_named(name)
        if column is None:
            errors.append(_wrong(name or f"number {place}", "is not a column that is known here", _correction(name)))
        elif column in columns and column.sort not in (Sort.KEYS, Sort.NOTHING):
            errors.append(_wrong(name, "is there twice", "Keep one of the two columns."))
        columns.append(column or Column("", Sort.NOTHING))
    there = {column.field for column in columns}
    missing = [field for field in FIELDS.values() if field.required and field.name not in there]
    errors += [_wrong(field.shown(), "is missing", f"Add it to the first line. Known are: {KNOWN}.") for field in missing]
    if errors:
        raise invalid(errors)
    return columns


def column_named(name: str) -> Column | None:
    """The column of that name, None if there is none."""
    word, _, rest = name.partition(".")
    field = FIELDS.get(word)
    if field is None:
        return Column("", Sort.NOTHING) if IGNORED.fullmatch(name) else None
    if field.sort is Sort.ITEMS:
        return _item(field, rest)
    if field.sort is Sort.PARTS:
        part = next((part for part in field.parts if part.name == rest), None)
        return Column(field.name, part.sort, member=rest) if part else None
    if bool(rest) != (field.sort in (Sort.MAP, Sort.KEYS)):
        return None
    return Column(field.name, field.sort, rest)


def _item(field: Field, rest: str) -> Column | None:
    number, _, member = rest.partition(".")
    member = member or field.parts[0].name
    if not re.fullmatch(r"[1-9][0-9]?", number) or member not in {part.name for part in field.parts}:
        return None
    return Column(field.name, field.sort, number, member)


def _wrong(name: str, rule: str, fix: str) -> dict[str, Any]:
    return {"in": "header", "field": name[:100], "rule": rule, "fix": fix}


def _correction(name: str) -> str:
    near = get_close_matches(name.partition(".")[0].lower(), FIELDS, 1)
    meant = f"Perhaps '{FIELDS[near[0]].shown()}' is meant. " if near else ""
    return f"{meant}Remove the column or correct its name. Known are: {KNOWN}."


def said_by(columns: Sequence[Column], cells: Sequence[str]) -> dict[str, Any]:
    """What the cells of a row say, as the JSON of a registration says it; an empty cell says nothing. Raises Invalid."""
    if len(cells) != len(columns) and any(cell.strip() for cell in cells[len(columns) :] or ["short"]):
        fix = 'Give it as many as the first line has; put a text that holds the delimiter into quotation marks (").'
        rule = f"has {len(cells)} cells; the first line of the file has {len(columns)}"
        raise invalid([{"in": "row", "field": "/", "rule": rule, "fix": fix}])
    said: dict[str, Any] = {}
    for column, cell in zip(columns, cells, strict=False):
        if cell.strip() and column.sort is not Sort.NOTHING:
            _say(said, column, unescaped(cell))
    return {name: list(value.values()) if isinstance(value, _Numbered) else value for name, value in said.items()}


class _Numbered(dict[str, dict[str, str]]):
    """Things of a list, by their numbers."""


def _say(said: dict[str, Any], column: Column, cell: str) -> None:
    if column.sort is Sort.LIST:
        said[column.field] = [word for word in _BETWEEN.split(cell.strip()) if word]
    elif column.sort is Sort.MAP:
        said.setdefault(column.field, {})[column.part] = cell
    elif column.sort is Sort.KEYS:
        said.setdefault(column.field, []).append({"scheme": column.part, "value": cell})
    elif column.sort is Sort.ITEMS:
        said.setdefault(column.field, _Numbered()).setdefault(column.part, {})[column.member] = cell
    elif column.member:
        said.setdefault(column.field, {})[column.member] = _value(column.sort, cell)
    else:
        said[column.field] = _value(column.sort, cell)


def _value(sort: Sort, cell: str) -> Any:
    """What a cell says; what it should say and does not is left to the rules of the field."""
    word = cell.strip()
    if sort is Sort.FLAG:
        return {"true": True, "false": False}.get(word.lower(), cell)
    if sort is Sort.NUMBER:
        try:
            return int(word) if re.fullmatch(r"-?\d{1,18}", word) else float(word)
        except ValueError:
            return cell
    return cell


def named(pointer: str, said: Mapping[str, Any]) -> str:
    """The column in which the place of a JSON ``pointer`` is told."""
    name, *more = pointer.strip("/").split("/")
    field = next((field for field in FIELDS.values() if field.name == name), None)
    if field is None:
        return name
    if field.sort is Sort.KEYS:
        place = int(more[0]) if more and more[0].isdigit() else -1
        given = said.get(name, [])
        return f"{field.word}.{given[place]['scheme']}" if 0 <= place < len(given) else field.shown()
    if field.sort is Sort.ITEMS and more and more[0].isdigit():
        return ".".join([field.word, str(int(more[0]) + 1), *([more[1]] if more[1:] and more[1] != field.parts[0].name else [])])
    return ".".join([field.word, *more]) if more else field.shown()


def told_in_cells(partner: Mapping[str, Any]) -> dict[str, list[str]]:
    """A partner as cells, by the names of their columns; more than one where a column is there more than once."""
    cells: dict[str, list[str]] = {}
    for field in FIELDS.values():
        value = partner.get(field.name)
        if value in (None, "", [], (), {}):
            continue
        for name, cell in _cells(field, value):
            if cell is not None:
                cells.setdefault(name, []).append(_written(cell))
    return cells


def _cells(field: Field, value: Any) -> list[tuple[str, Any]]:
    if field.sort is Sort.MAP:
        return [(f"{field.word}.{tag}", text) for tag, text in value.items()]
    if field.sort is Sort.KEYS:
        return [(f"{field.word}.{key['scheme']}", key["value"]) for key in value]
    if field.sort is Sort.PARTS:
        return [(f"{field.word}.{part.name}", value.get(part.name)) for part in field.parts]
    if field.sort is Sort.ITEMS:
        numbered = [(f"{field.word}.{place}", item) for place, item in enumerate(value, 1)]
        first = field.parts[0].name
        return [
            (name if part.name == first else f"{name}.{part.name}", item.get(part.name)) for name, item in numbered for part in field.parts
        ]
    return [(field.word, " ".join(value) if field.sort is Sort.LIST else value)]


def _written(value: Any) -> str:
    # A negative number begins like a formula and is none: with an apostrophe before it no spreadsheet could calculate with it.
    return str(value).lower() if isinstance(value, bool | int | float) else escaped(str(value))


def escaped(cell: str) -> str:
    """A text that no spreadsheet takes for a formula (OWASP): an apostrophe before what begins like one."""
    return f"'{cell}" if _DANGEROUS.match(cell) else cell


def unescaped(cell: str) -> str:
    """The text that was escaped: one apostrophe less before what begins like a formula."""
    return cell[1:] if _ESCAPED.match(cell) else cell


def in_order(names: set[str]) -> list[str]:
    """The columns of a file in the order of their fields, then by language, scheme or number."""
    words = list(FIELDS)

    def place(name: str) -> tuple[int, list[tuple[int, str]]]:
        word, _, rest = name.partition(".")
        return words.index(word), [(int(part) if part.isdigit() else 0, part) for part in rest.split(".")]

    return sorted(names, key=place)
