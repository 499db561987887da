"""A database that is older than entitlements owes each membership and each agreement in force its look, and nothing else."""

from __future__ import annotations

from alembic import command

from deploy.embedded.postgres import Cluster
from shared.migrations import configuration, upgrade
from tests.fixtures.postgres import NewDatabase

A, B, C, D = (f"01981a4e-0000-7000-8000-00000000000{digit}" for digit in "1234")
_BEFORE = f"""
SET session_replication_role = replica;
INSERT INTO membership (id, version, sequence, partner, network, role, inherits_agreements, recorded_at, valid_from, valid_to) VALUES
  ('{A}', 1, 1, '{C}', '{D}', 'member', 'auto', now(), '2020-01-01', NULL),
  ('{B}', 1, 1, '{C}', '{D}', 'member', 'auto', now(), '2018-01-01', '2018-12-31');
INSERT INTO agreement (id, version, sequence, code, kind, titles, state, visibility, timezone, drafted_by, parties, party_ids, lines,
  revision, current, evidence, historic, document, created_at, changed_at)
SELECT id::uuid, 1, 1, 'X', 'mou', '{{}}', state, 'public', 'America/Bogota', '{C}', '[]', '{{}}', '{{}}',
  1, '{{}}', '[]', true, '{{}}', now(), now()
FROM (VALUES ('{A}', 'in_force'), ('{B}', 'signed')) AS given(id, state);
"""


def test_what_is_older_is_owed_its_look(cluster: Cluster, new_database: NewDatabase) -> None:
    url = new_database("partners")
    name = url.rpartition("/")[2]
    command.upgrade(configuration("partners", url), "0001")
    cluster.sql(_BEFORE, database=name)
    upgrade("partners", url)
    owed = cluster.sql("SELECT kind || ' ' || subject FROM due WHERE due_at <= now() ORDER BY 1;", database=name).splitlines()
    assert owed == [f"agreement.entitles agreement/{A}", f"membership.day membership/{A}"]
