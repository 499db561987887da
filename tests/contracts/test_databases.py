"""What deploy/postgres.sql makes of a new server: three databases, and no role opens another's."""

import itertools
from collections.abc import Iterator

import asyncpg
import pytest

from deploy.embedded.postgres import DATABASES, Cluster
from deploy.ports import HOST, free_port
from tests.contracts.source import SERVICES, text


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A server as the container is before its first start, then given the script."""
    made = Cluster(tmp_path_factory.mktemp("server"), free_port(), durable=False)
    made.start()
    made.sql("\n".join(f"DROP DATABASE {name};\nDROP ROLE {name};" for name in DATABASES))
    with pytest.MonkeyPatch.context() as environment:
        for service in SERVICES:
            environment.setenv(f"{service.upper()}_DB_PASSWORD", f"{service}-password")
        made.sql(text("deploy/postgres.sql"))
    yield made
    made.stop()


async def opens(server: Cluster, role: str, database: str) -> bool:
    try:
        connection = await asyncpg.connect(host=HOST, port=server.port, user=role, password=f"{role}-password", database=database)
    except asyncpg.InsufficientPrivilegeError:
        return False
    await connection.close()
    return True


async def test_each_role_opens_its_own_database_alone(server: Cluster) -> None:
    everything = itertools.product(SERVICES, (*SERVICES, "postgres", "template1"))
    opened = [(role, database) for role, database in everything if await opens(server, role, database)]
    assert opened == [(service, service) for service in SERVICES]


async def test_no_role_may_do_more_than_own_its_database(server: Cluster) -> None:
    found = server.sql("SELECT rolname FROM pg_roles WHERE rolcanlogin AND (rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication)")
    assert found.split() == ["postgres"]
    for service in SERVICES:
        connection = await asyncpg.connect(host=HOST, port=server.port, user=service, password=f"{service}-password", database=service)
        await connection.execute("CREATE TABLE mine (id int)")
        await connection.close()
