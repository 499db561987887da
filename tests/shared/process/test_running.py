"""A service's process from start to end: it starts although others are away, finishes what is in flight, and always ends."""

import asyncio
import signal
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import asyncpg
import httpx
import pytest

from deploy.ports import free_port
from tests.shared.process.conftest import Sail
from tests.shared.process.sailing import Sailing


@pytest.fixture
def held(ferry_url: str) -> "Held":
    return Held(ferry_url)


class Held:
    """The lock that requests in flight wait for, held by the test in a thread of its own."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def _while(self, sailing: Sailing) -> httpx.Response:
        connection = await asyncpg.connect(self._url)
        await connection.execute("SELECT pg_advisory_lock(7)")
        with ThreadPoolExecutor() as pool:
            asked = pool.submit(sailing.get, "/wait")
            while not await connection.fetchval("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"):
                continue
            sailing.stop()
            await asyncio.to_thread(sailing.logged, "told to stop")
            while await asyncio.to_thread(_accepts, sailing.port):
                continue
            await connection.execute("SELECT pg_advisory_unlock(7)")
            await connection.close()
            return await asyncio.wrap_future(asked)

    def while_stopping(self, sailing: Sailing) -> httpx.Response:
        """Ask, tell it to stop, and only when nobody new is let in let the request go on."""
        return asyncio.run(self._while(sailing))


def _accepts(port: int) -> bool:
    with socket.socket() as knock:
        return knock.connect_ex(("127.0.0.1", port)) == 0


def test_a_stop_lets_requests_finish_and_refuses_new_ones(sail: Sail, ferry_url: str, log_url: str, held: Held) -> None:
    sailing = sail("run", INTERURBE_DATABASE_URL=ferry_url, INTERURBE_LOG_URL=log_url)
    started = sailing.logged("started")
    assert started["loops"] == ["outbox", "idempotency cleanup", "topics", "relay"]
    answer = held.while_stopping(sailing)
    assert (answer.status_code, answer.json()) == (200, {"done": True})
    assert sailing.ended() == 0
    sailing.logged("stopped")


@pytest.mark.parametrize("hangs", ["bus", "loop"])
def test_it_ends_although_something_hangs(sail: Sail, ferry_url: str, log_url: str, hangs: str) -> None:
    sailing = sail("run", INTERURBE_DATABASE_URL=ferry_url, INTERURBE_LOG_URL=log_url, FERRY_HANGS=hangs)
    sailing.logged("started")
    sailing.stop(signal.SIGINT)
    assert sailing.ended() in (0, 1)
    assert any("took too long" in line or "cancelled" in line for line in sailing.lines)


def test_a_second_signal_ends_it_at_once(sail: Sail, ferry_url: str, log_url: str) -> None:
    sailing = sail("run", INTERURBE_DATABASE_URL=ferry_url, INTERURBE_LOG_URL=log_url, FERRY_HANGS="loop")
    sailing.logged("started")
    sailing.stop()
    sailing.logged("told to stop")
    sailing.stop()
    assert sailing.ended() == 1
    sailing.logged("told to stop a second time: ending at once")


def test_it_starts_degraded_and_recovers(sail: Sail, ferry_url: str, log_url: str) -> None:
    port = free_port()
    place = httpx.URL(ferry_url)
    log = httpx.URL(log_url).copy_with(port=port)
    away = place.copy_with(port=port)
    sailing = sail("run", INTERURBE_DATABASE_URL=str(away), INTERURBE_LOG_URL=str(log))
    sailing.logged("started")
    answer = sailing.get("/readyz")
    assert answer.status_code == 503
    assert not answer.json()["checks"]["database"]["ok"]
    assert not answer.json()["checks"]["bus"]["ok"]
    assert sailing.get("/livez").status_code == 200
    with forwarding(port, place.port or 5432):
        sailing.until("/readyz", lambda answer: answer.status_code == 200)
    sailing.stop()
    assert sailing.ended() == 0


class forwarding:  # noqa: N801 - reads as what it does in a `with`
    """Carries connections from one port to another, in a thread of its own."""

    def __init__(self, port: int, to: int) -> None:
        self._port, self._to = port, to
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),))

    def __enter__(self) -> None:
        self._thread.start()
        self._ready.wait()

    def __exit__(self, *_error: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._carry, "127.0.0.1", self._port)
        self._ready.set()
        await self._stop.wait()
        server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
            await asyncio.wait({task})

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._to)
        try:
            await asyncio.gather(_pour(reader, there_writer), _pour(there_reader, writer))
        except (asyncio.CancelledError, OSError):
            writer.close()
            there_writer.close()


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(65536):
        writer.write(chunk)
        await writer.drain()
    writer.close()


def test_serving_and_working_apart(sail: Sail, ferry_url: str, log_url: str) -> None:
    served = sail("serve", INTERURBE_DATABASE_URL=ferry_url, INTERURBE_LOG_URL=log_url)
    working = sail("work", INTERURBE_DATABASE_URL=ferry_url, INTERURBE_LOG_URL=log_url)
    assert served.logged("started")["loops"] == ["outbox", "idempotency cleanup"]
    assert working.logged("started")["loops"] == ["outbox", "topics", "relay", "wake-up"]
    assert httpx.post(f"http://127.0.0.1:{served.port}/ledgers", timeout=30).status_code == 201
    published = "interurbe_relay_published_total 1.0"
    assert published in working.until("/metrics", lambda answer: published in answer.text).text
    assert working.get("/readyz").status_code == served.get("/readyz").status_code == 200
    assert working.get("/ledgers").status_code == 404
    for one in (served, working):
        one.stop()
        assert one.ended() == 0


def test_a_taken_port_is_said_before_anything_starts(sail: Sail, ferry_url: str, log_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        sailing = sail("run", INTERURBE_DATABASE_URL=ferry_url, INTERURBE_LOG_URL=log_url, INTERURBE_PORT=str(port))
        assert sailing.ended() == 2
    said = f"INTERURBE_PORT is {port}, but another program listens on 127.0.0.1:{port}.\n  Set it to a free port.\n"
    assert "".join(sailing.lines) == said


def test_wrong_settings_end_it_with_words_and_no_traceback(sail: Sail) -> None:
    sailing = sail("work", INTERURBE_PORT="high")
    assert sailing.ended() == 2
    said = "".join(sailing.lines)
    assert "INTERURBE_DATABASE_URL is missing." in said
    assert "INTERURBE_PORT must be a whole number." in said
    assert "Traceback" not in said


def test_a_crash_test_names_the_place_where_it_ends(sail: Sail, ferry_url: str, log_url: str) -> None:
    sailing = sail("run", INTERURBE_DATABASE_URL=ferry_url, INTERURBE_LOG_URL=log_url, INTERURBE_CRASH="relay.before_send")
    sailing.logged("started")
    assert httpx.post(f"http://127.0.0.1:{sailing.port}/ledgers", timeout=30).status_code == 201
    assert sailing.ended() == -signal.SIGKILL


def test_spans_are_written_before_it_ends(sail: Sail, ferry_url: str, log_url: str, tmp_path: Path) -> None:
    sailing = sail("run", INTERURBE_DATABASE_URL=ferry_url, INTERURBE_LOG_URL=log_url)
    sailing.logged("started")
    trace = httpx.post(f"http://127.0.0.1:{sailing.port}/ledgers", timeout=30).headers["x-trace-id"]
    sailing.until("/metrics", lambda answer: "interurbe_relay_published_total 1.0" in answer.text)
    sailing.stop()
    assert sailing.ended() == 0
    written = next((tmp_path / "traces").glob("ferry.*.jsonl")).read_text()
    assert f'"trace":"{trace}"' in written
    assert '"name":"send interurbe.partners"' in written
