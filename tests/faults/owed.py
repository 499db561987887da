"""Which fault rows are owed, and why some of them do not run on both buses."""

from __future__ import annotations


def _ids(*lines: str) -> list[str]:
    return " ".join(lines).split()


OWED = _ids(
    "A1 A2 A3 A4 A5 A6 A8 A9 A11 A12 A13 A14 A16 A17 A18 A19 B1 B2 B3 B4 B5 B7 B8 B9 B10 B11 B12 B13 B14 B16 B17 B18 B19",
    "R1 R2 R3 R4 R5 R6 R7 R8 R9 R10 R12 R13 R14 R15 R16 R17 R19 R20 R21",
    "C1 C2 C3 C4 C5 C6 C7 C8 C9 C10 C11 C13 C14 C15 C16 C17 C18 C19 C20 C21 C22 C23 C24",
    "E1 E2 E3 E4 E5 E6 E8 E9 E11 E14 D1 D5 D6 D7 D8 D10 M1 M2 M3 M5 M6 M7 M8 M9 M13 M14 M16 M19 T1 T2 T3 T4 T5 T6 X8",
    "N1 N2 S1 S2 S3",
)
"""Every row that is owed now."""

OPEN_REASON = "no test of it yet"
OPEN: dict[str, str] = {}
"""Reasons of open rows that are more than that nobody has written the test yet."""

_FAMILIES = {
    "A": "it is over before a fact leaves the outbox",
    "E": "what a fact may look like, on whatever bus",
    "M": "mails go out when the bus has done its part",
    "D": "the owner's database alone",
    "T": "telemetry, whatever the bus",
}
_ROWS = {
    "B9": "the log in PostgreSQL has no leaders",
    "B10": "the log in PostgreSQL has no coordinators",
    "B11": "errors of Kafka's protocol; that PostgreSQL has failures that pass too is D5 to D8",
    "B12": "errors of Kafka's protocol; what PostgreSQL refuses for good is R15",
    "B13": "the log in PostgreSQL has no producers with a place",
    "R10": "the lease is in the owner's database",
    "R20": "the log in PostgreSQL has no producer to stop",
    "C9": "of the log in PostgreSQL one member reads at a time: nothing is shared out anew",
    "C17": "PostgreSQL guards its own pages with checksums",
    "C18": "nothing is packed in the log in PostgreSQL",
}


def reason(row: str) -> str:
    """Why a row runs on one bus only, or on none."""
    return _ROWS.get(row) or _FAMILIES.get(row[:1], "")
