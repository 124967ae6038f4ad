"""Over real HTTP, on real databases: the webhook, and how a process says how it is."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import shutil
import socket
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import psycopg
import pytest
from sqlmodel import col, select

from bot import logs
from bot.app import problems_of
from bot.clock import MovableClock
from bot.config import SettingsError
from bot.metrics import Metrics
from bot.simulator import Simulator
from bot.simulator.webhook import Webhook as Delivery
from bot.web import LARGEST_BODY, Health, Webhook, application, serve
from storage import wake
from storage.database import Database, Transaction
from storage.migrate import migrate
from storage.models import Inbox
from tests.postgres import PostgresServer
from tests.test_metrics import samples

SECRET = "made-up_at_Random"
HEADER = "X-Telegram-Bot-Api-Secret-Token"
WORDS = "my cheek is hot and swollen"
UPDATE = {
    "update_id": 7001,
    "message": {"message_id": 1, "chat": {"id": 2001, "type": "private"}, "text": WORDS},
}


@dataclass
class Served:
    """What is served, and a caller."""

    health: Health
    caller: aiohttp.ClientSession
    address: str = ""
    problems: list[str] = field(default_factory=list)

    async def post(self, body: Any = UPDATE, **headers: str) -> int:
        """What is answered to an update, or to whatever else the `body` is."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"Content-Type": "application/json", HEADER: SECRET, **headers}
        async with self.caller.post(f"{self.address}/hook", data=data, headers=sent) as answer:
            return answer.status

    async def get(self, path: str, **headers: str) -> tuple[int, str]:
        """What is answered: the status and the words."""
        async with self.caller.get(f"{self.address}{path}", headers=headers) as answer:
            return answer.status, await answer.text()

    async def figure(self, name: str) -> float:
        """A sample of the metrics."""
        _, shown = await self.get("/metrics")
        return samples(shown.encode())[name]

    async def stored(self) -> list[Inbox]:
        return await self.health.database.read(all_updates)


def all_updates(tx: Transaction) -> list[Inbox]:
    return list(tx.exec(select(Inbox).order_by(col(Inbox.id))).all())


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty SQLite file with the current schema, to be copied."""
    file = tmp_path_factory.mktemp("migrated") / "clinic.db"
    migrate(f"sqlite:///{file}")
    return file


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, migrated: Path, tmp_path: Path) -> str:
    """Of an empty database with the current schema: both kinds, unless the test names one."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgres_url"))
    return f"sqlite:///{shutil.copy(migrated, tmp_path)}"


on_sqlite = pytest.mark.parametrize("url", ["sqlite"], indirect=True)
"""For what the database has no part in."""
on_postgres = pytest.mark.parametrize("url", ["postgresql"], indirect=True)


@pytest.fixture
async def web(url: str, clock: MovableClock) -> AsyncIterator[Served]:
    async with served_on(url, clock) as served:
        yield served


@asynccontextmanager
async def served_on(url: str, clock: MovableClock, **health: Any) -> AsyncIterator[Served]:
    """Health and webhook over the database at `url`."""
    logs.configure("warning", "json")
    database = Database(url)
    problems: list[str] = []
    values = {"checks": saying(problems), "metrics": Metrics(), "token": None, **health}
    told = Health(database=database, clock=clock, **values)
    hook = Webhook(
        path="/hook", secret=SECRET, metrics=told.metrics, database=database, clock=clock
    )
    try:
        async with (
            serve(application(told, hook), "0.0.0.0", 0, setting="PORT") as port,
            aiohttp.ClientSession() as caller,
        ):
            yield Served(told, caller, f"http://127.0.0.1:{port}", problems)
    finally:
        await asyncio.to_thread(database.close)


def saying(problems: list[str]) -> Callable[[], Awaitable[Sequence[str]]]:
    """A check that finds whatever is in the list."""

    async def checks() -> Sequence[str]:
        return problems

    return checks


# The webhook: what is stored.


async def test_an_update_is_stored_whole_with_its_chat(web: Served, clock: MovableClock) -> None:
    before = clock.now()
    assert await web.post() == 200
    (row,) = await web.stored()
    assert (row.update_id, row.account, row.state) == (7001, 2001, "new")
    assert json.loads(row.payload) == UPDATE
    assert before <= row.received_at <= clock.now()


async def test_an_update_that_comes_twice_is_stored_once(web: Served) -> None:
    assert [await web.post(), await web.post()] == [200, 200]
    assert len(await web.stored()) == 1
    assert await web.figure("aftercare_updates_received_total") == 1


async def test_the_same_update_many_times_at_once_is_stored_once(web: Served) -> None:
    assert set(await asyncio.gather(*(web.post() for _ in range(30)))) == {200}
    assert len(await web.stored()) == 1


async def test_many_updates_at_once_are_each_stored(web: Served) -> None:
    numbers = range(8000, 8050)
    answers = await asyncio.gather(*(web.post({**UPDATE, "update_id": it}) for it in numbers))
    assert set(answers) == {200}
    assert {row.update_id for row in await web.stored()} == set(numbers)


async def test_what_nobody_can_read_is_still_kept_for_somebody_to_see(web: Served) -> None:
    """It has a number, so it came from Telegram: whoever works on it sets it aside.

    Half a letter, and a NUL, no database takes.
    """
    garbage = {"update_id": 1, "message": {"chat": {"id": {"$gt": 0}}, "text": [[{}]] * 9}}
    letters = {"update_id": 2, "message": {"text": "half \ud83d, none \u0000, é, 好"}}
    assert [await web.post(garbage), await web.post(letters)] == [200, 200]
    kept = await web.stored()
    assert [row.account for row in kept] == [None, None]
    mended = {"update_id": 2, "message": {"text": "half \ufffd, none \ufffd, é, 好"}}
    assert [json.loads(row.payload) for row in kept] == [garbage, mended]


@on_postgres
async def test_whoever_works_on_updates_is_woken(web: Served, url: str) -> None:
    heard = asyncio.Queue[None]()
    listening = asyncio.create_task(wake.listen(url, lambda: heard.put_nowait(None)))
    await asyncio.wait_for(heard.get(), 10)  # it has begun to listen
    assert await web.post() == 200
    await asyncio.wait_for(heard.get(), 10)
    listening.cancel()
    with suppress(asyncio.CancelledError):
        await listening


@on_sqlite
@pytest.mark.parametrize("kind", ["text/plain", "", "application/x-www-form-urlencoded"])
async def test_a_header_that_a_proxy_changed_costs_no_message(web: Served, kind: str) -> None:
    assert await web.post(UPDATE, **{"Content-Type": kind}) == 200


@on_sqlite
async def test_the_largest_update_there_may_be_is_stored(web: Served) -> None:
    body = json.dumps(UPDATE).encode()
    assert await web.post(body + b" " * (LARGEST_BODY - len(body))) == 200


# The webhook: what is refused.


@on_sqlite
@pytest.mark.parametrize(
    "given",
    [None, "", SECRET[:-1], f"{SECRET}x", SECRET.upper(), "né", "a" * 5000],
)
async def test_without_the_secret_nothing_is_stored(web: Served, given: str | None) -> None:
    headers = {} if given is None else {HEADER: given}
    async with web.caller.post(f"{web.address}/hook", json=UPDATE, headers=headers) as answer:
        assert answer.status == 401
    assert await web.stored() == []


@on_sqlite
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"7001",
        b'"update_id"',
        b"[]",
        json.dumps([UPDATE]).encode(),
        b"{}",
        b'{"update_id": "7001"}',
        b'{"update_id": true}',
        b'{"update_id": null}',
        b'{"update_id": 7001.0}',
        b'{"update_id": NaN}',
        b'{"update_id": 9223372036854775808}',
        b'{"update_id": 7001, "x": ' + b"9" * 5000 + b"}",
        b'{"update_id": 7001',
        b"update_id=7001",
        b"\xff\xfe\x00{",
        b'{"update_id": 7001, "text": "\xe9"}',
        b"[" * 200_000,
        b'{"update_id": 7001, "x": ' + b"[" * 200_000 + b"]" * 200_000 + b"}",
    ],
    ids=lambda body: body[:30].decode(errors="replace"),
)
async def test_what_is_not_an_update_is_refused(web: Served, body: bytes) -> None:
    assert await web.post(body) == 400
    assert await web.stored() == []
    assert await web.post() == 200  # and nothing is broken by it


@on_sqlite
async def test_a_body_that_is_too_large_is_refused_before_it_is_read(web: Served) -> None:
    assert await web.post(b" " * (LARGEST_BODY + 1)) == 413
    assert await said_to(web, raw_head(content_length=10**12)) == "HTTP/1.1 413"


@on_sqlite
async def test_a_body_of_unknown_length_is_refused_where_it_becomes_too_large(web: Served) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b" " * 50_000

    headers = {HEADER: SECRET}
    async with web.caller.post(f"{web.address}/hook", data=endless(), headers=headers) as answer:
        assert answer.status == 413


@on_sqlite
async def test_a_small_body_that_unpacks_to_a_large_one_is_refused(web: Served) -> None:
    packed = gzip.compress(b" " * 30_000_000)
    assert len(packed) < LARGEST_BODY
    assert await web.post(packed, **{"Content-Encoding": "gzip"}) == 413


@on_sqlite
async def test_a_body_that_does_not_unpack_is_refused(web: Served) -> None:
    assert await web.post(b"not packed at all", **{"Content-Encoding": "gzip"}) == 400


@on_sqlite
async def test_a_body_that_does_not_come_is_not_awaited_for_ever(
    web: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.web.READ_WITHIN", 0.05)
    assert await said_to(web, raw_head(content_length=100) + b'{"upd') == "HTTP/1.1 408"


@on_sqlite
async def test_a_slow_caller_holds_nobody_up_and_may_leave(
    web: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure("info", "json")
    reader, writer = await connected(web)
    writer.write(raw_head(content_length=100) + b'{"upd')
    await writer.drain()
    assert await web.post() == 200
    writer.close()
    await writer.wait_closed()
    assert await web.post({**UPDATE, "update_id": 7002}) == 200
    assert await reader.read() == b""
    assert capsys.readouterr().err == ""


@on_sqlite
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/hook", 405),
        ("PUT", "/hook", 405),
        ("POST", "/hook/", 404),
        ("POST", "/", 404),
        ("POST", "/healthz", 405),
        ("POST", "/metrics", 405),
        ("GET", "/../etc/passwd", 404),
    ],
)
async def test_there_is_nothing_else(web: Served, method: str, path: str, status: int) -> None:
    async with web.caller.request(
        method, f"{web.address}{path}", json=UPDATE, headers={HEADER: SECRET}
    ) as answer:
        assert answer.status == status
    assert await web.stored() == []


@on_sqlite
async def test_nothing_of_an_update_is_logged(
    web: Served,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    logs.configure("debug", "json")
    caplog.set_level(logging.INFO, "aiohttp.access")
    rename(tmp_path, "inbox", "away")
    assert await web.post() == 503
    rename(tmp_path, "away", "inbox")
    assert await web.post() == 200
    assert await web.post({"message": WORDS}) == 400
    assert await web.post(UPDATE, **{HEADER: "guessed"}) == 401
    said = capsys.readouterr().err
    events = [json.loads(line)["event"] for line in said.splitlines() if "bot.web" in line]
    assert events == ["webhook.not_stored", "webhook.not_an_update", "webhook.wrong_secret"]
    assert not [word for word in (WORDS, SECRET, "guessed", "7001", "2001") if word in said]
    assert "aiohttp.access" not in said


@on_sqlite
async def test_a_webhook_without_a_secret_is_not_served(web: Served, clock: MovableClock) -> None:
    health = web.health
    open_to_all = Webhook(
        path="/hook", secret="", metrics=health.metrics, database=health.database, clock=clock
    )
    with pytest.raises(ValueError, match="without a secret"):
        application(health, open_to_all)


# A database that is away.


def rename(folder: Path, old: str, new: str) -> None:
    """Behind the program's back."""
    with sqlite3.connect(folder / "clinic.db") as other:
        other.execute(f"ALTER TABLE {old} RENAME TO {new}")
    other.close()


@on_sqlite
async def test_what_could_not_be_stored_is_asked_for_again(web: Served, tmp_path: Path) -> None:
    rename(tmp_path, "inbox", "away")
    assert await web.post() == 503
    assert await web.figure("aftercare_updates_store_failures_total") == 1
    rename(tmp_path, "away", "inbox")
    assert await web.post() == 200
    assert len(await web.stored()) == 1


@on_postgres
async def test_nothing_is_answered_with_200_before_it_is_stored(
    web: Served, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process holds the table for longer than Telegram would wait."""
    monkeypatch.setattr("bot.web.STORE_WITHIN", 0.1)
    with psycopg.connect(url) as other:
        other.execute("LOCK TABLE inbox")
        assert await web.post() == 503
    monkeypatch.undo()
    assert await web.post() == 200
    assert len(await web.stored()) == 1


async def test_a_server_that_is_away_and_comes_back(clock: MovableClock) -> None:
    with PostgresServer(fsync=False) as server:
        url = server.url(server.create_migrated())
        async with served_on(url, clock) as web:
            assert await web.post() == 200
            await asyncio.to_thread(server.stop, "immediate")
            assert await web.post({**UPDATE, "update_id": 7002}) == 503
            assert (await web.get("/healthz"))[0] == 200
            assert await web.figure("aftercare_database_up") == 0
            await asyncio.to_thread(server.start)
            assert await web.post({**UPDATE, "update_id": 7002}) == 200
            assert [row.update_id for row in await web.stored()] == [7001, 7002]
            assert await web.figure("aftercare_updates_waiting") == 2


@on_sqlite
async def test_a_file_that_another_program_holds_is_said_until_it_lets_go(
    url: str, clock: MovableClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It can be read all the while."""
    monkeypatch.setattr("storage.database.BUSY_TIMEOUT_MS", 20)
    async with served_on(url, clock) as hook:
        database = hook.health.database
        health = replace(hook.health, checks=partial(problems_of, database))
        async with serve(application(health), "127.0.0.1", 0, setting="HEALTH_PORT") as port:
            told = replace(hook, address=f"http://127.0.0.1:{port}")
            assert await told.get("/readyz") == (200, "ready\n")
            other = sqlite3.connect(tmp_path / "clinic.db", isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
            assert await hook.post() == 503
            assert await told.get("/readyz") == (503, "database: another program holds it\n")
            assert await told.figure("aftercare_database_up") == 0
            assert await told.figure("aftercare_updates_waiting") == 0
            other.close()
            await database.try_to_write()
            assert await told.get("/readyz") == (200, "ready\n")
            assert await told.figure("aftercare_database_up") == 1


@on_sqlite
async def test_telegram_brings_what_was_refused_again_and_in_order(
    web: Served, simulator: Simulator, tmp_path: Path
) -> None:
    ana = simulator.add_person(2001, "Ana")
    rename(tmp_path, "inbox", "away")
    simulator.webhook = Delivery(url=f"{web.address}/hook", secret=SECRET, first_wait=0.01)
    ana.open()
    ana.say(WORDS)
    await simulator.activity.until(lambda: simulator.webhook.last_error is not None)
    rename(tmp_path, "away", "inbox")
    await simulator.activity.until(lambda: not simulator.updates.pending())
    texts = [json.loads(row.payload)["message"]["text"] for row in await web.stored()]
    assert texts == ["/start", WORDS]
    assert "503" in (simulator.webhook.last_error or "")


# How the process says how it is.


@on_sqlite
async def test_it_is_alive_and_ready(web: Served) -> None:
    assert await web.get("/healthz") == (200, "alive\n")
    assert await web.get("/readyz") == (200, "ready\n")


@on_sqlite
async def test_what_is_wrong_is_said_a_line_each_while_it_is_alive(web: Served) -> None:
    web.problems += ["the database does not answer", "no poll for 90 s"]
    assert await web.get("/readyz") == (503, "the database does not answer\nno poll for 90 s\n")
    assert (await web.get("/healthz"))[0] == 200
    web.problems.clear()
    assert (await web.get("/readyz"))[0] == 200


@on_sqlite
async def test_a_check_that_fails_is_something_wrong(url: str, clock: MovableClock) -> None:
    async def failing() -> Sequence[str]:
        raise OSError(WORDS)

    async with served_on(url, clock, checks=failing) as web:
        assert await web.get("/readyz") == (503, "the checks failed (OSError)\n")


@on_sqlite
async def test_a_check_that_hangs_is_something_wrong(
    url: str, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hanging() -> Sequence[str]:
        await asyncio.Event().wait()
        return []

    monkeypatch.setattr("bot.web.CHECK_WITHIN", 0.05)
    async with served_on(url, clock, checks=hanging) as web:
        status, said = await web.get("/readyz")
    assert (status, "within 0.05 s" in said) == (503, True)


async def test_the_metrics_count_what_waits(web: Served, clock: MovableClock) -> None:
    await web.post()
    assert await web.figure("aftercare_updates_waiting") == 1
    assert await web.figure("aftercare_database_up") == 1
    async with web.caller.get(f"{web.address}/metrics") as answer:
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"


PROXIES = ["Forwarded", "X-Forwarded-For", "X-Real-IP", "Via"]


@on_sqlite
@pytest.mark.parametrize("header", PROXIES)
async def test_behind_a_proxy_the_metrics_are_closed(web: Served, header: str) -> None:
    assert (await web.get("/metrics"))[0] == 200
    assert (await web.get("/metrics", **{header: "127.0.0.1"}))[0] == 403


@on_sqlite
@pytest.mark.parametrize(
    ("given", "status"),
    [
        ("Bearer open-sesame", 200),
        ("Bearer open-sesam", 401),
        ("Bearer", 401),
        ("open-sesame", 401),
        ("Basic open-sesame", 401),
        ("Bearer né", 401),
        (None, 401),
    ],
)
async def test_a_token_opens_the_metrics_from_elsewhere(
    url: str, clock: MovableClock, given: str | None, status: int
) -> None:
    headers = {"X-Forwarded-For": "203.0.113.9"} | ({"Authorization": given} if given else {})
    async with served_on(url, clock, token="open-sesame") as web:
        assert (await web.get("/metrics", **headers))[0] == status
        assert (await web.get("/metrics"))[0] == 200


@on_sqlite
async def test_beyond_loopback_the_metrics_are_closed(web: Served) -> None:
    elsewhere = replace(web, address=web.address.replace("127.0.0.1", own_address()))
    assert (await elsewhere.get("/metrics"))[0] == 403
    assert (await elsewhere.get("/healthz"))[0] == 200


@on_sqlite
async def test_health_alone_takes_no_updates(url: str, web: Served, clock: MovableClock) -> None:
    async with serve(application(web.health), "127.0.0.1", 0, setting="HEALTH_PORT") as port:
        alone = replace(web, address=f"http://127.0.0.1:{port}")
        assert await alone.post() == 404
        assert (await alone.get("/readyz"))[0] == 200


@on_sqlite
async def test_a_port_that_is_taken_is_said_by_the_name_of_its_setting(web: Served) -> None:
    port = int(web.address.rpartition(":")[2])
    with pytest.raises(SettingsError, match=f"^HEALTH_PORT: port {port} is taken"):
        async with serve(application(web.health), "127.0.0.1", port, setting="HEALTH_PORT"):
            pass
    assert (await web.get("/healthz"))[0] == 200


@on_sqlite
async def test_a_stop_lets_a_request_end_and_frees_the_port(url: str, clock: MovableClock) -> None:
    entered, go_on = asyncio.Event(), asyncio.Event()

    async def slow() -> Sequence[str]:
        entered.set()
        await go_on.wait()
        return []

    async with aiohttp.ClientSession() as caller:
        async with served_on(url, clock, checks=slow) as web:
            asked = asyncio.create_task(replace(web, caller=caller).get("/readyz"))
            await entered.wait()
            asyncio.get_running_loop().call_soon(go_on.set)
        assert await asked == (200, "ready\n")
        with pytest.raises(aiohttp.ClientConnectionError):
            await replace(web, caller=caller).get("/readyz")


def own_address() -> str:
    """This machine's address on a network. Nothing is sent."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
            asked.connect(("192.0.2.1", 9))
            address = str(asked.getsockname()[0])
    except OSError:
        pytest.skip("this machine is on no network")
    if address.startswith("127."):
        pytest.skip("this machine has only loopback")
    return address


def raw_head(*, content_length: int) -> bytes:
    """The beginning of a post, as it goes over the wire."""
    lines = (
        "POST /hook HTTP/1.1",
        "Host: 127.0.0.1",
        f"{HEADER}: {SECRET}",
        "Content-Type: application/json",
        f"Content-Length: {content_length}",
    )
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode()


async def connected(web: Served) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", int(web.address.rpartition(":")[2]))


async def said_to(web: Served, sent: bytes) -> str:
    """The beginning of the answer to what goes over the wire."""
    reader, writer = await connected(web)
    writer.write(sent)
    first = await reader.readline()
    writer.close()
    await writer.wait_closed()
    return first[: len("HTTP/1.1 000")].decode()
