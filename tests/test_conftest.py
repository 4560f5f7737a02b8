"""The tests' own ground: what happens to a test whose witness is missing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import BUT_THE_FIRST, LONG

ROOT = Path(__file__).parent.parent
SCRIPT = """
import sys, pytest, tests.outside.witness as witness
witness.PROGRAMS["chromium"] = ("no-such-program",)
sys.exit(pytest.main([{file!r}, "-q", "-p", "no:cacheprovider", "-n0", "-rs", "--rootdir", {root!r},
                      "-c", {root!r} + "/pyproject.toml", "--confcutdir", {root!r}]))
"""


def test_what_takes_long_is_there():
    for line in LONG.read_text("utf-8").splitlines():
        seconds, _, name = line.removesuffix(BUT_THE_FIRST).partition(" ")
        file, _, test = name.partition("::")
        assert float(seconds) > 0
        assert f"def {test}(" in (ROOT / "tests" / file).read_text("utf-8"), line


def test_no_command_compiles_the_package_anew():
    told = "import sys; print(sys.dont_write_bytecode, sys.pycache_prefix)"
    process = subprocess.run(
        [sys.executable, "-c", told], capture_output=True, text=True, check=True
    )
    assert process.stdout.split() == ["False", str(sys.pycache_prefix)]


@pytest.fixture
def run_without_chromium():
    file = ROOT / "tests" / "outside" / "test_witness.py"
    script = SCRIPT.format(
        file=f"{file}::test_chromium_takes_the_picture_it_is_asked_for", root=str(ROOT)
    )

    def run(require_all):
        return subprocess.run(
            [sys.executable, "-c", script],
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
            env=os.environ | {"REQUIRE_ALL": require_all},
            timeout=120,
        )

    return run


def test_a_missing_witness_is_a_skip_that_names_it(run_without_chromium):
    said = run_without_chromium("")
    assert said.returncode == 0, said.stdout
    assert "no witness here: chromium" in said.stdout
    assert "witness missing: chromium (1 tests skipped; see CONTRIBUTING.md)" in said.stdout


def test_a_missing_witness_is_a_failure_where_all_are_required(run_without_chromium):
    said = run_without_chromium("1")
    assert said.returncode == 1, said.stdout
    assert "no witness here: chromium" in said.stdout
