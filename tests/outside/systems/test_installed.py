"""gradbook as `pip install` leaves it on a machine that has Python and nothing else."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture
def installed(tmp_path):
    """The command, from an archive of the sources, where no other program can be found."""
    programs = tmp_path / "environment" / ("Scripts" if sys.platform == "win32" else "bin")
    python = str(programs / "python")
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "environment"], check=True)
    subprocess.run([python, "-m", "pip", "install", "-qq", "hatchling"], check=True)
    packing = [python, "-m", "hatchling", "build", "--target", "sdist", "--directory", tmp_path]
    subprocess.run(packing, cwd=ROOT, check=True, capture_output=True)
    subprocess.run([python, "-m", "pip", "install", "-qq", *tmp_path.glob("*.gz")], check=True)
    (tmp_path / "desk").mkdir()
    own = {"PATH": str(tmp_path / "desk"), "GRADBOOK_CACHE": str(tmp_path / "kept")}
    surroundings = {key: word for key, word in os.environ.items() if key != "PYTHONPATH"} | own

    def run(*words):
        done = subprocess.run(
            [programs / "gradbook", *words],
            cwd=tmp_path / "desk",
            env=surroundings,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        return done.stdout

    return run


def test_what_is_installed_writes_every_page_without_a_compiler_for_browsers(installed, tmp_path):
    assert "draw a digit" in installed("play", "tiny", "-o", "draw.html")
    assert "Train, then draw a digit" in installed("play", "quick", "-o", "learn.html")
    assert "open the file in yours" in installed("play", "tiny")
    for name in ("draw.html", "learn.html"):
        assert "WebAssembly" in (tmp_path / "desk" / name).read_text("utf-8")
