"""Memberships that are older than warnings and grace keep their meaning: what has a last day ahead comes to it, the rest is no news."""

from __future__ import annotations

from alembic import command

from deploy.embedded.postgres import Cluster
from shared.migrations import configuration, upgrade
from tests.fixtures.postgres import NewDatabase

OPEN, PAST, AHEAD, ENDED, PARTNER, NETWORK = (f"01981a4e-0000-7000-8000-00000000000{digit}" for digit in "123456")
_BEFORE = f"""
SET session_replication_role = replica;
INSERT INTO membership (id, version, sequence, partner, network, role, inherits_agreements, recorded_at, valid_from, valid_to)
SELECT id::uuid, facts, facts, '{PARTNER}', '{NETWORK}', 'member', 'auto', now(), '2018-01-01', valid_to::date
FROM (VALUES ('{OPEN}', 1, NULL), ('{PAST}', 1, '2018-12-31'), ('{AHEAD}', 1, '9000-12-31'), ('{ENDED}', 2, '9000-12-31'))
  AS given(id, facts, valid_to);
"""
_FOUND = "SELECT id || ' ' || state || ' ' || grace_days || ' ' || ended || ' ' || coalesce(told, '-') FROM membership ORDER BY 1;"


def test_what_is_older_keeps_its_meaning(cluster: Cluster, new_database: NewDatabase) -> None:
    url = new_database("partners")
    name = url.rpartition("/")[2]
    command.upgrade(configuration("partners", url), "0009")
    cluster.sql(_BEFORE, database=name)
    upgrade("partners", url)
    assert cluster.sql(_FOUND, database=name).splitlines() == [
        f"{OPEN} approved 0 false -",
        f"{PAST} approved 0 false lapsed",
        f"{AHEAD} approved 0 false -",
        f"{ENDED} approved 0 true -",
    ]
    owed = cluster.sql("SELECT kind || ' ' || subject FROM due WHERE due_at <= now() ORDER BY 1;", database=name).splitlines()
    assert owed == [f"membership.renewable membership/{AHEAD}"]
