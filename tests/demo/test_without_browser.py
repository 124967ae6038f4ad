"""Where there is no Chromium the other tests go on and one line says so, but not in CI."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.demo.browser import MISSING, NEEDED

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(("needed", "code"), [("", 0), ("1", 1)])
def test_without_a_browser(needed: str, code: int) -> None:
    bare = {"PATH": str(ROOT / "nowhere"), "HOME": os.environ.get("HOME", "/"), NEEDED: needed}
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-k", "clock_and",
         "tests/demo/test_browser.py"],
        cwd=ROOT, env=bare, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert run.returncode == code, run.stdout + run.stderr
    assert (f"1 left out: {MISSING}" in run.stdout) is not bool(needed)
