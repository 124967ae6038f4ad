"""Facts about the project itself: what is locked, what is promised in its files, what stays out."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from bot.config import Settings

ROOT = Path(__file__).parent.parent
ROOMS = ("bot", "content", "storage")
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PINNED = re.compile(r"([a-z0-9-]+)==[\w.]+( ; [\w.<>=!' ]+)?( --hash=sha256:[0-9a-f]{64})+")
HAS_NO_IMPORT = {"tzdata"}  # data, read by zoneinfo where the system has none


def requirements_of(name: str) -> list[str]:
    """The requirements of a lock file, each on one line."""
    lines = (ROOT / name).read_text().replace("\\\n", " ").splitlines()
    return [" ".join(line.split()) for line in lines]


def names_of(requirements: list[str]) -> set[str]:
    """The distributions named, as the package index spells them."""
    return {
        re.sub(r"[._]", "-", re.split(r"[^\w.-]", line, maxsplit=1)[0]).lower()
        for line in requirements
    }


@pytest.mark.parametrize("lock", ["requirements.txt", "requirements-dev.txt"])
def test_a_lock_file_holds_exact_versions_and_hashes_and_nothing_else(lock: str) -> None:
    """No address, no path, no comment: what is not a pinned requirement does not match."""
    odd = [line[:100] for line in requirements_of(lock) if not PINNED.fullmatch(line)]

    assert odd == []


def test_what_runs_is_locked_together_with_what_builds_it() -> None:
    """Every dependency of pyproject.toml and the build backend is in requirements.txt."""
    wanted = [*PYPROJECT["project"]["dependencies"], *PYPROJECT["build-system"]["requires"]]

    assert names_of(wanted) <= names_of(requirements_of("requirements.txt"))


def test_development_runs_on_the_very_versions_that_clinics_run() -> None:
    """requirements-dev.txt is requirements.txt and the tools."""
    development = requirements_of("requirements-dev.txt")

    assert set(requirements_of("requirements.txt")) <= set(development)
    tools = PYPROJECT["project"]["optional-dependencies"]["dev"]
    assert names_of(tools) <= names_of(development)


def imported_libraries() -> Iterator[str]:
    """The first name of every absolute import in the three rooms."""
    for path in (file for room in ROOMS for file in (ROOT / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(), filename=str(path))):
            if isinstance(node, ast.Import):
                yield from (alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module.partition(".")[0]


def test_the_dependencies_declared_are_the_libraries_imported() -> None:
    """None is there by accident of another's needs, and none that nobody uses."""
    libraries = set(imported_libraries()) - sys.stdlib_module_names - set(ROOMS)
    owners = packages_distributions()
    imported = names_of([owners[library][0] for library in libraries])

    assert imported == names_of(PYPROJECT["project"]["dependencies"]) - HAS_NO_IMPORT


def test_every_setting_is_in_the_example() -> None:
    """`.env.example` names each setting once, and none that is not read."""
    example = (ROOT / ".env.example").read_text()
    named = re.findall(r"^(?:# )?([A-Z_]+)=", example, flags=re.MULTILINE)

    assert sorted(named) == sorted(name.upper() for name in Settings.model_fields)


def test_the_example_copied_as_it_is_changes_no_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What it leaves empty counts as not set."""
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    defaults = Settings()

    shutil.copy(ROOT / ".env.example", tmp_path / ".env")

    assert Settings() == defaults


def documented_commands() -> list[str]:
    """Every COMMAND of `python -m bot` that a host or make is told to run.

    Those in the documents are run by tests/test_documents.py.
    """
    files = ("Procfile", "Makefile")
    text = "\n".join((ROOT / name).read_text() for name in files)
    return sorted(set(re.findall(r"python -m bot ([a-z-]+)", text)))


@pytest.mark.parametrize("command", documented_commands())
def test_every_command_that_is_written_down_exists(command: str) -> None:
    """Its `--help` is there to read."""
    asked = subprocess.run(
        [sys.executable, "-m", "bot", command, "--help"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )

    assert (asked.returncode, asked.stderr) == (0, "")
    assert command in asked.stdout


def tracked_files() -> list[Path]:
    """What git keeps of this checkout."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_no_tracked_file_names_a_package_registry_or_a_path_of_one_machine() -> None:
    """What is installed from where, and where the checkout lies, is each machine's own matter."""
    hosts = [
        f"{name}.{end}"
        for name, end in (
            ("pypi", "org"),
            ("pythonhosted", "org"),
            ("npmjs", "org"),
            ("npmjs", "com"),
            ("deb.debian", "org"),
        )
    ]
    paths = [f"{ROOT}/", f"{Path.home()}/."]
    unwanted = re.compile("|".join(map(re.escape, [*hosts, *paths])).encode())

    found = [str(path) for path in tracked_files() if unwanted.search(path.read_bytes())]

    assert found == []
