"""The documents hold: every command does what is said of it, every name and link in them is there.

Commands are found in the documents: lines of fenced blocks and inline code that begin as commands
do. Each is in the table `COMMANDS`, which says how it is tried; one that is not fails.
"""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.__main__ import main
from bot.config import NOT_YET, Settings
from bot.metrics import Metrics
from bot.simulator import Simulator
from bot.simulator.methods import METHODS
from bot.simulator.spec import bot_api
from storage.counts import Counts
from storage.migrate import migrate
from tests.story import settings_for

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
OPERATORS, DEVELOPERS = ROOT / "docs" / "operators.md", ROOT / "docs" / "developers.md"
SIDE_BY_SIDE = 3
PATIENCE = 60
"""Seconds for one command, on a machine that is busy with other tests."""

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BEGINS = re.compile(
    r"(?:[A-Z_]+=\S+ )*"
    r"(?:(?:make|cp|git|sqlite3|pg_dump|pg_restore|systemctl|journalctl|sudo|pip) "
    r"|\.venv/bin/python\b|python -m (?:bot|tests)\b)"
)
SETTING = re.compile(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b")
METRIC = re.compile(r"\baftercare_[a-z_]+\b(?!\.)")
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]+)")
TO_BE_MADE = {"content/data/texts/fr"}
"""What a recipe has somebody make."""
PLACE = re.compile(r"`((?:bot|content|storage|tests|docs)/[\w/.-]+)`")


@dataclass(frozen=True, kw_only=True)
class Runs:
    """Run by a shell, as it is written, in a folder that looks like a checkout."""

    says: str = ""
    never: str = ""
    """What it must not say."""
    files: dict[str, str] = field(default_factory=dict)
    """What has to be there first."""
    databases: tuple[str, ...] = ()
    telegram: bool = False
    """With a clinic's settings and the simulator's address; else without any."""
    program: str = ""
    """Not of ours: where it is missing, the command is not tried."""


@dataclass(frozen=True, kw_only=True)
class Called:
    """Called in this process, without any settings: the start of a Python takes seconds."""

    code: int = 0
    says: str
    never: str = ""
    databases: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Serves:
    """Started with a clinic's settings, awaited until it says so, ended by SIGTERM."""

    says: str


@dataclass(frozen=True, kw_only=True)
class Makes:
    """A target of the Makefile that is run for real elsewhere: `make -n` knows what it would do."""


@dataclass(frozen=True, kw_only=True)
class Elsewhere:
    """Run by another test: in this file, which says so."""

    file: str
    word: str


@dataclass(frozen=True, kw_only=True)
class NotRun:
    why: str


How = Runs | Called | Serves | Makes | Elsewhere | NotRun

BOT = ".venv/bin/python -m bot"
WHOLE_PLAN = (
    f"{BOT} plan --at 2026-11-22T14:30 --timezone Europe/London --lang en --area face --depth 1.0 "
    "--number 2 --of 4 --next 2026-12-20T10:00"
)
A_CASE = """
[[case]]
text = "is my face meant to be red"
lang = "en"
hours = 20
topic = "redness"
level = "normal"
"""
SYSTEM = NotRun(why="changes the machine it runs on")
SERVER = NotRun(why="a program of PostgreSQL's, and needs a server")
CHECKED = Elsewhere(file="tests/test_check_command.py", word="check")
REPOSITORY = NotRun(why="asks the repository's server")

COMMANDS: dict[str, How] = {
    "make bench": Makes(),
    "make check": Makes(),
    "make demo": Makes(),
    "make demo CONTENT_DIR=my-clinic": Makes(),
    "make faults": Makes(),
    "make format": Makes(),
    "make install": Makes(),
    "make learn": Makes(),
    "make lock": Makes(),
    "make pictures": Makes(),
    "make test": Makes(),
    "cp .env.example .env": Runs(),
    f"{BOT} invite-owner": Runs(telegram=True, says="https://t.me/aftercare_test_bot?start="),
    f"{BOT} run": Serves(says="ready"),
    f"{BOT} check": CHECKED,
    f"{BOT} migrate": Called(says="is of the current schema"),
    f"{BOT} web": Elsewhere(file="tests/test_web_and_worker.py", word='"web"'),
    f"{BOT} worker": Elsewhere(file="tests/test_web_and_worker.py", word='"worker"'),
    f'{BOT} ask "is my face meant to be red" --hours 30 --lang en': Called(
        says="[redness, normal]"
    ),
    f'{BOT} ask "can I dye my hair" --hours 20 --explain': Called(says="- topic"),
    WHOLE_PLAN: Called(says="step first_hours"),
    f"{BOT} plan --at 2026-11-22T14:30 --timezone Europe/London": Called(says="step first_hours"),
    f"{BOT} plan --at 2026-11-22T14:30 --timezone Europe/London --depth 1.0": Called(
        says="step first_hours"
    ),
    f"{BOT} plan --at 2026-11-22T14:30 --html aftercare.html": Called(says="aftercare.html: "),
    f"{BOT} plan --at 2026-11-22T14:30 --timezone Europe/London --html aftercare.html": Called(
        says="aftercare.html: "
    ),
    "python -m bot migrate": Runs(says="is of the current schema"),
    "python -m bot check": CHECKED,
    "python -m bot invite-owner": Called(code=2, says="TELEGRAM_TOKEN: is needed and not set"),
    "python -m bot web": Called(code=2, says="WEBHOOK_URL: is needed and not set"),
    "python -m bot worker": Called(code=2, says="needs PostgreSQL"),
    "DATABASE_URL=sqlite:///copy.db .venv/bin/python -m bot check": Called(
        code=1, says="not ok", never="error DATABASE", databases=("copy.db",)
    ),
    'sqlite3 aftercare.db ".backup copy.db"': Runs(
        databases=("aftercare.db",), program="sqlite3", never="rror"
    ),
    'sqlite3 aftercare.db ".backup before.db"': Runs(
        databases=("aftercare.db",), program="sqlite3", never="rror"
    ),
    'sqlite3 copy.db "PRAGMA integrity_check; PRAGMA foreign_key_check; '
    'SELECT count(*) FROM patient"': Runs(databases=("copy.db",), program="sqlite3", says="ok\n0"),
    ".venv/bin/python -c 'import sqlite3; "
    'sqlite3.connect("aftercare.db").execute("VACUUM INTO ?", ["copy.db"])\'': Runs(
        databases=("aftercare.db",)
    ),
    "python -m tests.answers.compare FILE": Runs(files={"FILE": A_CASE}, says="both"),
    "python -m tests.benchmarks --profile": Elsewhere(
        file="tests/test_benchmarks.py", word="benchmarks"
    ),
    'pg_dump --format=custom --file=aftercare.dump "$DATABASE_URL"': SERVER,
    'pg_restore --clean --if-exists --no-owner --dbname="$DATABASE_URL" aftercare.dump': SERVER,
    "systemctl enable --now aftercare": SYSTEM,
    "systemctl stop aftercare": SYSTEM,
    "systemctl start aftercare": SYSTEM,
    "journalctl --unit aftercare --follow": SYSTEM,
    "git clone <this repository> /srv/aftercare": REPOSITORY,
    "git pull": REPOSITORY,
    "cd /srv/aftercare": NotRun(why="a folder of the machine it runs on"),
}


def commands_of(text: str) -> Iterator[str]:
    """Every command a document tells somebody to give."""
    for language, block in FENCE.findall(text):
        for line in block.replace("\\\n", " ").splitlines():
            command = " ".join(re.split(r"\s{2,}#|^#", line)[0].split())
            if command and (language == "sh" or (not language and BEGINS.match(command))):
                yield command
    for span in re.findall(r"`([^`]+)`", FENCE.sub("", text)):
        if BEGINS.match(command := " ".join(span.split())):
            yield command


def test_commands_are_found_wherever_a_document_has_them() -> None:
    text = "Do `make\nx`, not `making` or `make`.\n```\nmake y  # why\n/plan\nmake \\\n  z\n```\n"
    assert list(commands_of(text)) == ["make y", "make z", "make x"]
    assert list(commands_of("```sh\n# first\nrm -r x\n```\n```toml\nmake = 1\n```\n")) == [
        "rm -r x"
    ]


def test_every_command_of_every_document_is_in_the_table() -> None:
    found = {command for path in DOCUMENTS for command in commands_of(path.read_text("utf-8"))}
    assert sorted(found - COMMANDS.keys()) == []


def checkout(folder: Path) -> Path:
    """A folder that looks like this one, where a command may leave what it likes."""
    folder.mkdir()
    for name in ("bot", "content", "storage", "tests", "docs", "Makefile", ".env.example"):
        (folder / name).symlink_to(ROOT / name)
    for name in ("pyproject.toml", "requirements.txt", "requirements-dev.txt"):
        shutil.copy(ROOT / name, folder)
    (folder / ".venv").symlink_to(sys.prefix)
    return folder


async def fault_of(command: str, how: Runs | Serves, folder: Path, telegram: Simulator) -> str:
    """What is wrong with how a command ran; empty: nothing."""
    checkout(folder)
    environment = {**os.environ, "PATH": f"{folder}/.venv/bin:{os.environ['PATH']}"}
    if isinstance(how, Serves) or how.telegram:
        settings = settings_for(telegram, folder / "aftercare.db")
        told = settings.model_dump(exclude_defaults=True)
        environment |= {name.upper(): str(value) for name, value in told.items() if value}
    if isinstance(how, Runs):
        for name, words in how.files.items():
            (folder / name).write_text(words, "utf-8")
        for name in how.databases:
            migrate(f"sqlite:///{folder / name}")  # one at a time: Alembic knows one only
    process = await asyncio.create_subprocess_shell(
        f"exec {command}" if isinstance(how, Serves) else command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout
    said = ""
    async with asyncio.timeout(PATIENCE):
        if isinstance(how, Serves):
            while how.says not in said and (line := await process.stdout.readline()):
                said += line.decode()
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
        said += (await process.stdout.read()).decode()
        code = await process.wait()
    never = isinstance(how, Runs) and bool(how.never) and how.never in said
    is_right = code == 0 and how.says in said and not never and "Traceback" not in said
    return "" if is_right else f"{command}: exit {code}, and it said:\n{said}"


async def test_every_command_that_can_be_run_does_what_is_said(
    simulator: Simulator, tmp_path: Path
) -> None:
    """Some beside each other: most of their time is the start of a Python."""
    places = asyncio.Semaphore(SIDE_BY_SIDE)

    async def tried(number: int, command: str, how: Runs | Serves) -> str:
        async with places:
            return await fault_of(command, how, tmp_path / str(number), simulator)

    faults = await asyncio.gather(
        *(
            tried(number, command, how)
            for number, (command, how) in enumerate(COMMANDS.items())
            if isinstance(how, Serves)
            or (isinstance(how, Runs) and (not how.program or shutil.which(how.program)))
        )
    )
    assert [fault for fault in faults if fault] == []


@pytest.mark.parametrize(
    "command", [command for command, how in COMMANDS.items() if isinstance(how, Called)]
)
def test_every_command_that_can_be_called_does_what_is_said(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    how = COMMANDS[command]
    assert isinstance(how, Called)
    for name in how.databases:
        migrate(f"sqlite:///{name}")
    words = shlex.split(command)
    while "=" in words[0]:
        monkeypatch.setenv(*words.pop(0).split("=", 1))
    python, dash_m, bot, *arguments = words
    assert (Path(python).name, dash_m, bot) == ("python", "-m", "bot")
    code = main(arguments)
    said = "".join(capsys.readouterr())
    assert how.says in said
    assert not how.never or how.never not in said
    assert code == how.code


@pytest.mark.skipif(not shutil.which("make"), reason="there is no make")
def test_every_target_of_make_is_there(tmp_path: Path) -> None:
    folder = checkout(tmp_path / "checkout")
    listed = re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    found = {command for path in DOCUMENTS for command in commands_of(path.read_text("utf-8"))}
    for command in sorted(found):
        if isinstance(COMMANDS.get(command), Makes):
            assert command.split()[1] in listed, command
            dry = subprocess.run(
                [*command.split(), "--dry-run"],
                cwd=folder, check=False, capture_output=True, text=True,
            )  # fmt: skip
            assert (dry.returncode, dry.stderr) == (0, ""), command


def test_what_another_test_runs_is_run_there() -> None:
    for command, how in COMMANDS.items():
        if isinstance(how, Elsewhere):
            assert how.word in (ROOT / how.file).read_text("utf-8"), command


@pytest.mark.parametrize("path", [*DOCUMENTS, ROOT / "CHANGELOG.md"], ids=lambda path: path.name)
def test_every_link_within_the_repository_leads_somewhere(path: Path) -> None:
    links = LINK.findall(path.read_text("utf-8"))
    assert [link for link in links if not (path.parent / link).exists()] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_file_and_folder_named_is_there(path: Path) -> None:
    named = set(PLACE.findall(path.read_text("utf-8"))) - TO_BE_MADE
    assert sorted(place for place in named if not (ROOT / place).exists()) == []


def code() -> str:
    rooms = ("bot", "content", "storage", "tests")
    files = (path for room in rooms for path in (ROOT / room).rglob("*.py"))
    return "\n".join(path.read_text("utf-8") for path in files if path != Path(__file__))


def test_every_setting_named_is_one() -> None:
    """Where it is told how to run it; to developers constants of the code are named as well."""
    settings = {name.upper() for name in Settings.model_fields} | set(NOT_YET)
    for path in DOCUMENTS:
        unknown = set(SETTING.findall(path.read_text("utf-8"))) - settings
        if path in (DEVELOPERS, ROOT / "CONTRIBUTING.md"):
            source = code()
            unknown = {name for name in unknown if not re.search(rf"\b{name}\b", source)}
        assert unknown == set(), path.name


def test_operators_read_of_every_setting_and_its_default() -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \| (.+?) \|", OPERATORS.read_text("utf-8"), re.MULTILINE)
    wanted = {
        name.upper(): f"`{it.default}`" if it.default is not None else "none"
        for name, it in Settings.model_fields.items()
    }
    assert len(rows) == len(wanted)
    assert dict(rows) == wanted


def metrics_shown() -> set[str]:
    """The name of every metric, as an operator asks for it."""
    metrics = Metrics()
    metrics.polled(datetime(2026, 11, 23, tzinfo=UTC))
    shown = metrics.show(Counts(**dict.fromkeys(Counts.__dataclass_fields__, 0))).decode()
    names = re.findall(r"^# HELP (aftercare_\w+)", shown, re.MULTILINE)
    return {name for name in names if not name.endswith("_created")}


def test_every_metric_named_is_counted() -> None:
    known = metrics_shown()
    for path in DOCUMENTS:
        named = set(METRIC.findall(path.read_text("utf-8")))
        assert named <= known, path.name


def test_operators_read_of_every_metric() -> None:
    rows = re.findall(
        r"^\| `(aftercare_\w+)` \| [^>\n]+ \|$", OPERATORS.read_text("utf-8"), re.MULTILINE
    )
    assert sorted(rows) == sorted(metrics_shown())


def test_developers_read_of_every_method_the_simulator_knows() -> None:
    text = DEVELOPERS.read_text("utf-8")
    counted = f"It does these {len(METHODS)} methods of the Bot API's {len(bot_api()['methods'])}:"
    assert counted in text
    paragraph = text.split(counted)[1].split("\n\n")[1]
    assert sorted(re.findall(r"`(\w+)`", paragraph)) == sorted(METHODS)
    assert bot_api()["version"] in text
