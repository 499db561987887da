"""Rows A3, A18 and D8 on the edge: what clients are told when answers are lost, connections idle, or PostgreSQL takes no more of them."""

from __future__ import annotations

import asyncio
import json
import resource
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from sqlalchemy import text

from deploy.embedded.postgres import Cluster
from shared.db import Database, new_id
from shared.process.serving import Serving
from tests.faults.conftest import Tell
from tests.faults.outlets import Outlet
from tests.faults.proxy import FaultProxy, saying
from tests.faults.road import rerouted
from tests.shared.http.conftest import World, close_world, logged, make_tables, make_world
from tests.shared.process.conftest import ferry_url, sail
from tests.shared.process.sailing import Sailing

__all__ = ["ferry_url", "logged", "sail"]

IDLE, DRIPPING, FEW_FILES = 1000, 50, 512
"""Sockets that say nothing, sockets that say a byte now and then, and the files a shell lets the process begin with."""


@dataclass
class Shelf:
    """A shelf whose database is behind one proxy and whose clients may come through another; `direct` goes past both."""

    world: World
    direct: Database
    database: FaultProxy
    clients: FaultProxy

    async def labels(self) -> list[str]:
        """What stands on it."""
        async with self.direct.reader() as reader:
            return list((await reader.execute(text("SELECT label FROM boxes ORDER BY label"))).scalars())


@pytest.fixture
async def shelf(database_url: str, tmp_path: Path) -> AsyncIterator[Shelf]:
    """Such a shelf, listening as the product does."""
    async with FaultProxy(urlsplit(database_url).port or 5432) as database:
        world = make_world(rerouted(database_url, database.port), tmp_path)
        direct = Database(database_url)
        await make_tables(direct)
        listening = socket.create_server(("127.0.0.1", 0))
        serving = Serving(world.app, listening)
        running = asyncio.create_task(serving.run())
        async with FaultProxy(listening.getsockname()[1]) as clients:
            yield Shelf(world, direct, database, clients)
        serving.stop()
        await running
        await close_world(world)
        await direct.close()


async def test_a3_a_change_whose_commit_was_answered_to_nobody_is_done_once(shelf: Shelf, tell: Tell) -> None:
    for number in range(5):
        once = {"Idempotency-Key": new_id()}
        shelf.database.cut(saying(b"COMMIT"))
        lost = await shelf.world.send("POST", "/v1/boxes", json={"label": str(number)}, headers=once)
        assert (lost.status_code, lost.json()["code"]) == (503, "unavailable")
        assert "retry-after" in lost.headers
        answers = [await shelf.world.send("POST", "/v1/boxes", json={"label": str(number)}, headers=once) for _ in range(2)]
        assert {(answer.status_code, answer.headers["idempotency-replayed"]) for answer in answers} == {(201, "true")}
        assert len({answer.content for answer in answers}) == 1
    assert shelf.database.cuts == 5
    assert await shelf.labels() == ["0", "1", "2", "3", "4"]
    tell.counted(15, "I1 I2")


async def test_a3_under_load_each_client_repeats_until_it_knows(shelf: Shelf, tell: Tell) -> None:
    async def insist(label: str) -> tuple[str, str]:
        once = {"Idempotency-Key": label}
        while (answer := await shelf.world.send("POST", "/v1/boxes", json={"label": label}, headers=once)).status_code != 201:
            assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        return label, answer.json()["label"]

    shelf.database.cut(saying(b"COMMIT"), times=12, every=2)
    labels = [f"{number:02}" for number in range(40)]
    answers = await asyncio.gather(*(insist(label) for label in labels))
    assert answers == [(label, label) for label in labels]
    assert shelf.database.cuts == 12
    assert await shelf.labels() == labels
    tell.counted(52, "I1 I2")


async def test_a3_a_client_whose_answer_was_cut_off_asks_again(shelf: Shelf, tell: Tell) -> None:
    headers = {"Authorization": f"Bearer {shelf.world.token}", "Idempotency-Key": "once"}
    address = f"http://127.0.0.1:{shelf.clients.port}/v1/boxes"
    shelf.clients.cut(saying(b"POST"))
    async with httpx.AsyncClient(headers=headers, timeout=30) as client:
        with pytest.raises(httpx.TransportError):
            await client.post(address, json={"label": "x"})
        again = await client.post(address, json={"label": "x"})
    assert (again.status_code, again.json()["label"], again.headers["idempotency-replayed"]) == (201, "x", "true")
    assert await shelf.labels() == ["x"]
    tell.counted(2, "I1 I2")


async def test_a8_a_client_that_hangs_up_while_its_command_works_leaves_all_of_it_or_nothing(shelf: Shelf, tell: Tell) -> None:
    """The command waits for a lock when its client goes; whatever becomes of it, the same key makes one box, and nothing is left behind."""
    head = f"POST /v1/boxes HTTP/1.1\r\nHost: shelf\r\nAuthorization: Bearer {shelf.world.token}\r\nContent-Type: application/json\r\n"
    waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'boxes'::regclass"
    blocking = await shelf.direct.raw()
    tasks = at_work()
    for number in range(3):
        body = b'{"label": "%d"}' % number
        async with blocking.transaction():
            await blocking.execute("LOCK TABLE boxes IN SHARE MODE")
            _, writer = await asyncio.open_connection("127.0.0.1", shelf.clients.to)
            writer.write(f"{head}Idempotency-Key: key-{number}\r\nContent-Length: 14\r\n\r\n".encode() + body)
            async with asyncio.timeout(20):
                while not await blocking.fetchval(waits):
                    pass
            writer.transport.abort()
        once = {"Idempotency-Key": f"key-{number}", "Content-Type": "application/json"}
        async with asyncio.timeout(20):
            while (again := await shelf.world.send("POST", "/v1/boxes", content=body, headers=once)).status_code == 409:
                await blocking.fetchval("SELECT pg_sleep(0.01)")
        assert again.status_code == 201
    async with asyncio.timeout(20):
        while at_work() > tasks or await blocking.fetchval(waits):
            await blocking.fetchval("SELECT pg_sleep(0.01)")
    await blocking.close()
    assert await shelf.labels() == ["0", "1", "2"]
    tell.counted(6, "I1 I8 I10")


def at_work() -> int:
    """How many tasks there are but for those of proxies, which carry as long as a pool keeps its connections."""
    return sum("FaultProxy" not in str(task.get_coro()) for task in asyncio.all_tasks())


async def test_d8_without_connections_left_requests_are_told_to_come_again(
    database_url: str, cluster: Cluster, tmp_path: Path, tell: Tell
) -> None:
    world = make_world(database_url, tmp_path)
    await make_tables(world.runtime.database)
    assert (await world.send("POST", "/v1/boxes", json={"label": "before"})).status_code == 201
    outlet = Outlet(cluster, database_url)
    outlet.close()
    for _ in range(5):
        for method, path, body in (("POST", "/v1/boxes", {"label": "during"}), ("GET", "/v1/boxes/1", None)):
            answer = await world.send(method, path, json=body)
            assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
            assert "retry-after" in answer.headers
    assert (await world.http.get("/readyz")).status_code == 503
    outlet.open()
    assert (await world.send("GET", "/v1/boxes/1")).json()["label"] == "before"
    assert (await world.send("POST", "/v1/boxes", json={"label": "after"})).status_code == 201
    assert await world.count() == 2
    await close_world(world)
    tell.counted(13, "I1 I8 I11")


@pytest.fixture
def few_files() -> Iterator[None]:
    """What is started now may open as few files as a shell allows; the test itself as many as it needs."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (FEW_FILES, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a18_a_thousand_idle_sockets_keep_nobody_out(
    few_files: None, sail: Callable[..., Sailing], ferry_url: str, log_url: str, tell: Tell
) -> None:
    sailing = sail("run", INTERURBE_DATABASE_URL=ferry_url, INTERURBE_LOG_URL=log_url)
    sailing.logged("started")
    resource.setrlimit(resource.RLIMIT_NOFILE, (4 * IDLE, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    crowd = [socket.create_connection(("127.0.0.1", sailing.port)) for _ in range(IDLE + DRIPPING)]
    for served in range(40):
        for slow in crowd[:DRIPPING]:
            slow.send(b"POST /ledgers HTTP/1.1\r\nHost: ferry\r\nX-Padding: "[served : served + 1])
        with httpx.Client(base_url=f"http://127.0.0.1:{sailing.port}", timeout=30) as client:
            assert client.post("/ledgers").status_code == 201
            assert client.get("/livez").status_code == 200
    assert "interurbe_outbox" in sailing.get("/metrics").text
    for one in crowd:
        one.close()
    sailing.stop()
    assert sailing.ended() == 0
    assert [line for line in sailing.lines if json.loads(line).get("level") == "error"] == []
    tell.counted(80, "I1 I8 I10")


@pytest.mark.parametrize("begun", [b"", b"GET /"])
async def test_a18_a_head_that_does_not_come_is_not_waited_for(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, tell: Tell, begun: bytes
) -> None:
    monkeypatch.setattr("shared.process.serving.HEAD_SECONDS", 0.3)
    reader, writer = await asyncio.open_connection("127.0.0.1", shelf.clients.to)
    writer.write(begun)
    ended = asyncio.create_task(reader.read())
    async with asyncio.timeout(60):
        while not (await asyncio.wait({ended}, timeout=0.05))[0]:
            writer.write(b"x" if begun else b"")
    assert ended.result() == b""
    writer.close()
    tell.counted(1, "I10")


async def test_a18_a_second_head_that_comes_drop_by_drop_is_not_waited_for_either(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, tell: Tell
) -> None:
    monkeypatch.setattr("shared.process.serving.HEAD_SECONDS", 0.3)
    reader, writer = await asyncio.open_connection("127.0.0.1", shelf.clients.to)
    writer.write(b"GET /livez HTTP/1.1\r\nHost: shelf\r\n\r\nGET /")
    ended = asyncio.create_task(reader.read())
    async with asyncio.timeout(60):
        while not (await asyncio.wait({ended}, timeout=0.05))[0]:
            writer.write(b"x")
    assert ended.result().startswith(b"HTTP/1.1 200")
    assert ended.result().count(b"HTTP/1.1") == 1
    writer.close()
    tell.counted(1, "I10")
