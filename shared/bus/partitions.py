"""Which partition a key belongs to: Kafka's own murmur2, so that every client in every language agrees."""

from __future__ import annotations

from functools import lru_cache
from struct import unpack_from

SEED = 0x9747B28C
MIX = 0x5BD1E995
WORD = 0xFFFFFFFF
POSITIVE = 0x7FFFFFFF


@lru_cache(maxsize=65_536)
def partition_of(key: bytes, partitions: int) -> int:
    """The partition (from 0) of a key among `partitions`, as Kafka's default partitioner chooses it."""
    return (murmur2(key) & POSITIVE) % partitions


def murmur2(data: bytes) -> int:
    """The 32-bit hash of org.apache.kafka.common.utils.Utils.murmur2."""
    length = len(data)
    hashed = SEED ^ length
    words = length >> 2
    for word in unpack_from(f"<{words}I", data):
        mixed = (word * MIX) & WORD
        hashed = ((hashed * MIX) & WORD) ^ (((mixed ^ (mixed >> 24)) * MIX) & WORD)
    rest = data[words << 2 :]
    if rest:
        hashed = ((hashed ^ int.from_bytes(rest, "little")) * MIX) & WORD
    hashed = ((hashed ^ (hashed >> 13)) * MIX) & WORD
    return hashed ^ (hashed >> 15)
