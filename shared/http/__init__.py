"""The HTTP edge that every service shares: who asks, once and in one transaction, within limits, every error explained."""

from shared.http.access import ANONYMOUS, Admins, Allow, Anyone, Reads, Signed, Signs, Writes, allow
from shared.http.app import build_app, probe_app
from shared.http.edge import CommandRoute, OpenRoute, shown_once, told_anew
from shared.http.etags import IfMatch, etag, tag, versioned
from shared.http.fields import (
    Country,
    Day,
    Email,
    Flag,
    Id,
    LangMap,
    Language,
    Line,
    Moment,
    Names,
    StrictModel,
    Text,
    TimeZone,
    Url,
    Whole,
    Written,
    broken,
)
from shared.http.idempotency import IdempotencyCleanup
from shared.http.keys import RemoteKeys
from shared.http.paging import After, Cursor, Limit, Page, link_next, page_of
from shared.http.session import AtHand, Reader, Session

__all__ = [
    "ANONYMOUS",
    "Admins",
    "After",
    "Allow",
    "Anyone",
    "AtHand",
    "CommandRoute",
    "Country",
    "Cursor",
    "Day",
    "Email",
    "Flag",
    "Id",
    "IdempotencyCleanup",
    "IfMatch",
    "LangMap",
    "Language",
    "Limit",
    "Line",
    "Moment",
    "Names",
    "OpenRoute",
    "Page",
    "Reader",
    "Reads",
    "RemoteKeys",
    "Session",
    "Signed",
    "Signs",
    "StrictModel",
    "Text",
    "TimeZone",
    "Url",
    "Whole",
    "Writes",
    "Written",
    "allow",
    "broken",
    "build_app",
    "etag",
    "link_next",
    "page_of",
    "probe_app",
    "shown_once",
    "tag",
    "told_anew",
    "versioned",
]
