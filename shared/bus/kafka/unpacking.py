"""Compressed batches of others (our own are not compressed): unpacked within bounds; what cannot be, is damaged like any other bytes."""

from __future__ import annotations

import sys
import zlib

from aiokafka.errors import CorruptRecordException, UnsupportedCodecError
from aiokafka.record.default_records import DefaultRecordBatch
from aiokafka.record.legacy_records import LegacyRecordBatch

LARGEST_BATCH = 16 * 1024 * 1024
"""Bytes; a batch as it lies at the broker has 1 MB."""

MOST_TIMES = 100
"""So many times its size a batch may unpack to: facts in JSON come to 30 at the most, a bomb to 1,000."""

ALWAYS = 64 * 1024
"""A batch may unpack to this whatever its size."""

_GZIP = 31


def unpacked(payload: bytes) -> bytes:
    """What was packed with gzip. Raises CorruptRecordException when it is beyond all bounds, damaged, or ends too early."""
    room = min(LARGEST_BATCH, max(ALWAYS, MOST_TIMES * len(payload)))
    unpacker = zlib.decompressobj(_GZIP)
    try:
        found = unpacker.decompress(payload, room + 1)
    except zlib.error as error:
        raise CorruptRecordException(f"the batch cannot be unpacked: {error}") from error
    if len(found) > room:
        del found  # the error keeps this frame alive, and with it all that stands here
        raise CorruptRecordException(f"the batch of {len(payload)} bytes unpacks to more than {room}")
    if not unpacker.eof:
        raise CorruptRecordException("the packed batch ends too early")
    return found


def unknown(payload: bytes) -> bytes:
    """Refuse a codec whose library would unpack without bounds."""
    raise UnsupportedCodecError("only gzip is unpacked here")


def bound_the_client() -> None:
    """Let aiokafka unpack so: on its own it unpacks whatever comes, however much it becomes."""
    for batch in (DefaultRecordBatch, LegacyRecordBatch):
        module = sys.modules[batch.__module__]
        for codec in ("gzip", "snappy", "lz4", "zstd"):
            if hasattr(module, f"{codec}_decode"):
                setattr(module, f"{codec}_decode", unpacked if codec == "gzip" else unknown)
