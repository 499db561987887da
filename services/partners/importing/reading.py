"""A file told apart into rows, line by line: whatever it holds, no more of it is in memory than one row."""

import csv
from collections.abc import Iterator
from itertools import chain
from typing import BinaryIO, Final

from services.partners.importing.models import LONGEST_ROW, FileUnreadable, Sent

_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")
_UTF8: Final = "Save the file as UTF-8 (in a spreadsheet: 'CSV UTF-8') and send it again."
_LINE_ENDS: Final = "Save the file with line ends of today, LF or CRLF (in a spreadsheet: 'CSV UTF-8'), and send it again."
DELIMITERS: Final = ",;\t"


class Lines:
    """The lines of a file as text, numbered from 1; ``begun`` is the first line of the row that is being read.

    Raises `FileUnreadable` for what is not UTF-8, for NUL, and for a row without an end in sight.
    """

    def __init__(self, file: BinaryIO) -> None:
        """Read ``file`` from where it stands."""
        self.line = 0
        self.begun = 1
        self._file, self._offset, self._held = file, 0, 0

    def __iter__(self) -> Iterator[str]:
        """The lines that are left."""
        return self

    def __next__(self) -> str:
        """The next line with its end."""
        raw = self._file.readline(LONGEST_ROW + 1)
        if not raw:
            raise StopIteration
        self.line += 1
        self._held += len(raw)
        if self._held > LONGEST_ROW:
            if self.line == 1 and b"\r" in raw and b"\n" not in raw:
                raise only_returns(1)
            words = f"The row that begins on line {self.begun} has more than {LONGEST_ROW:,} bytes."
            fix = 'Shorten it; in CSV look for a quotation mark (") on that line that is opened and never closed.'
            raise FileUnreadable(words, field="/", fix=fix, line=self.begun)
        text = self._decoded(raw)
        self._offset += len(raw)
        return text

    def next_row(self) -> None:
        """A row has ended; the next one begins on the next line."""
        self.begun, self._held = self.line + 1, 0

    def _decoded(self, raw: bytes) -> str:
        if self.line == 1 and raw.startswith(_UTF16):
            raise FileUnreadable("The file is UTF-16.", field="/", fix=_UTF8, line=1)
        try:
            text = raw.decode("utf-8-sig" if self.line == 1 else "utf-8")
        except UnicodeDecodeError as problem:
            offset = self._offset + problem.start
            words = f"Line {self.line} is not UTF-8: byte {offset} of the file (0x{raw[problem.start]:02x}) fits no character."
            raise FileUnreadable(words, field="/", fix=_UTF8, line=self.line, offset=offset) from None
        if "\x00" in text:
            words = f"Line {self.line} holds the character NUL."
            raise FileUnreadable(words, field="/", fix="Remove it; a text file has none.", line=self.line)
        return text


def only_returns(line: int) -> FileUnreadable:
    """The refusal of a line that holds a carriage return and goes on behind it, as files of old Macintoshes do everywhere."""
    words = f"Line {line} holds a carriage return (CR) outside quotation marks and without the line feed (LF) that ends a line."
    return FileUnreadable(words, field="/", fix=_LINE_ENDS, line=line)


def ndjson_rows(file: BinaryIO) -> Iterator[Sent]:
    """Each line that is not blank, as text: what is wrong with one is said of that row alone."""
    lines = Lines(file)
    for text in lines:
        if text.strip():
            yield Sent(lines.line, text.strip())
        lines.next_row()


def csv_rows(file: BinaryIO) -> tuple[list[str], Iterator[Sent]]:
    """The header, and the rows below it that hold anything; raises `FileUnreadable`.

    Comma, semicolon and tab are told apart by the header, or by a first line ``sep=;`` as some spreadsheets write it.
    """
    lines = Lines(file)
    first = next(lines, "")
    delimiter = max(DELIMITERS, key=first.count)
    if first.lower().startswith("sep=") and first[4:5] in DELIMITERS:
        delimiter, first = first[4], next(lines, "")
    reader = csv.reader(chain([first], lines), delimiter=delimiter, strict=True)
    header = _next(reader, lines)
    lines.next_row()
    return [name.strip() for name in header or ()], _below(reader, lines)


def _below(reader: "Iterator[list[str]]", lines: Lines) -> Iterator[Sent]:
    while (cells := _next(reader, lines)) is not None:
        if any(cell.strip() for cell in cells):
            yield Sent(lines.begun, cells)
        lines.next_row()


def _next(reader: "Iterator[list[str]]", lines: Lines) -> list[str] | None:
    try:
        return next(reader, None)
    except csv.Error as problem:
        if "new-line" in str(problem):
            raise only_returns(lines.line) from None
        words = f"The row that begins on line {lines.begun} is no CSV: {problem}."
        fix = 'Put a text that holds the delimiter, a line break or " into quotation marks, and write " inside as "".'
        raise FileUnreadable(words, field="/", fix=fix, line=lines.begun) from None
