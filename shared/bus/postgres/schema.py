"""The tables and the two functions of the log, created by whoever comes first."""

from __future__ import annotations

from collections.abc import Sequence

import asyncpg

from shared.bus import PARTITIONS

CREATION = 0x496E7465726C6F67  # "Interlog": the advisory lock under which the tables are made
CHANNEL = "interurbe_log_{topic}"

TABLES = """
CREATE TABLE IF NOT EXISTS log_topic (
    id int PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    name text NOT NULL UNIQUE,
    partitions smallint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE IF NOT EXISTS log_partition (
    topic int NOT NULL REFERENCES log_topic (id) ON DELETE CASCADE,
    partition smallint NOT NULL,
    first_offset bigint NOT NULL DEFAULT 0,
    next_offset bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (topic, partition)
) WITH (fillfactor = 50);
CREATE TABLE IF NOT EXISTS log_record (
    topic int NOT NULL,
    partition smallint NOT NULL,
    "offset" bigint NOT NULL,
    at timestamptz NOT NULL,
    key bytea NOT NULL,
    headers text NOT NULL,
    value bytea,
    PRIMARY KEY (topic, partition, "offset")
);
CREATE TABLE IF NOT EXISTS log_progress (
    consumer_group text NOT NULL,
    topic int NOT NULL REFERENCES log_topic (id) ON DELETE CASCADE,
    partition smallint NOT NULL,
    next_offset bigint NOT NULL,
    PRIMARY KEY (consumer_group, topic, partition)
) WITH (fillfactor = 50);
"""

# The topic's row is locked before offsets are given out and until they are committed: a reader never sees a later one first.
APPEND = """
CREATE OR REPLACE FUNCTION log_append(topic_name text, partitions smallint[], keys bytea[], headers text[], contents bytea[])
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    wanted int;
BEGIN
    SELECT id INTO wanted FROM log_topic WHERE name = topic_name FOR NO KEY UPDATE;
    IF wanted IS NULL THEN RETURN false; END IF;
    INSERT INTO log_record (topic, partition, "offset", at, key, headers, value)
    SELECT wanted, sent.p, state.next_offset - 1 + row_number() OVER (PARTITION BY sent.p ORDER BY sent.position),
           clock_timestamp(), sent.k, sent.h, sent.v
    FROM unnest(partitions, keys, headers, contents) WITH ORDINALITY AS sent (p, k, h, v, position)
    JOIN log_partition state ON state.topic = wanted AND state.partition = sent.p;
    UPDATE log_partition state SET next_offset = state.next_offset + sent.amount
    FROM (SELECT p, count(*) AS amount FROM unnest(partitions) AS p GROUP BY p) AS sent
    WHERE state.topic = wanted AND state.partition = sent.p;
    PERFORM pg_notify('interurbe_log_' || wanted, '');
    RETURN true;
END $$;
"""

# What is trimmed is always the beginning of a partition, so that what is left has no holes. Topics are locked as for an append.
TRIM = """
CREATE OR REPLACE FUNCTION log_trim(before timestamptz, most bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    removed bigint;
BEGIN
    PERFORM id FROM log_topic ORDER BY id FOR NO KEY UPDATE;
    WITH kept AS (
        SELECT state.topic, state.partition, coalesce((
            SELECT record."offset" FROM log_record record
            WHERE record.topic = state.topic AND record.partition = state.partition
              AND record."offset" < state.first_offset + most AND record.at >= before
            ORDER BY record."offset" LIMIT 1), least(state.next_offset, state.first_offset + most)) AS first_offset
        FROM log_partition state
    ), moved AS (
        UPDATE log_partition state SET first_offset = kept.first_offset FROM kept
        WHERE state.topic = kept.topic AND state.partition = kept.partition AND state.first_offset < kept.first_offset
        RETURNING state.topic, state.partition, state.first_offset
    ), gone AS (
        DELETE FROM log_record record USING moved
        WHERE record.topic = moved.topic AND record.partition = moved.partition AND record."offset" < moved.first_offset
        RETURNING 1
    )
    SELECT count(*) INTO removed FROM gone;
    RETURN removed;
END $$;
"""


async def create(connection: asyncpg.Connection) -> None:
    """Makes the tables and functions when they are not there; several processes may try at once."""
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", CREATION)
        await connection.execute(TABLES + APPEND + TRIM)


async def create_topics(connection: asyncpg.Connection, topics: Sequence[str]) -> None:
    """Makes the topics that are not there, with all their partitions at once."""
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", CREATION)
        await connection.execute(
            "WITH made AS (INSERT INTO log_topic (name, partitions) SELECT name, $2::smallint FROM unnest($1::text[]) AS name "
            "ON CONFLICT (name) DO NOTHING RETURNING id) "
            "INSERT INTO log_partition (topic, partition) SELECT id, number FROM made, generate_series(0, $2::smallint - 1) AS number",
            sorted(set(topics)),
            PARTITIONS,
        )
