"""Tutorials, a guide and the README's Python, followed to the letter: all says what is quoted."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cases import for_each

DOCS = Path(__file__).parent.parent / "docs"
FOLDER = DOCS / "tutorials"
TUTORIALS = [*sorted(FOLDER.glob("*.md")), DOCS / "guides" / "derivatives.md"]
README = DOCS.parent / "README.md"
BLOCK = re.compile(r'^```(\w*)(?: title="([^"]+)")?\n(.*?)^```', re.MULTILINE | re.DOTALL)
LEFT_OUT = "…"
ROUGHLY = "something like this"  # figures that another processor or another day gives otherwise
COMMAND = re.compile(r"^gradbook ", re.MULTILINE)


@for_each("path", [*TUTORIALS, README], ids=lambda path: path.stem)
def test_a_tutorial_can_be_followed(path, tmp_path):
    for file in FOLDER.iterdir():
        if file.suffix != ".md":
            shutil.copy(file, tmp_path)
    said = ""
    for language, title, text in BLOCK.findall(path.read_text("utf-8")):
        if language == "text" and title not in ("", ROUGHLY):
            (tmp_path / title).write_text(text, encoding="utf-8")
        elif language == "text":
            assert_quoted(text, said, roughly=title == ROUGHLY)
        elif language == "python":
            said = run(tmp_path, sys.executable, "-c", text)
        elif language == "sh":
            said = run(tmp_path, "bash", "-c", text)


def run(folder: Path, *words: str) -> str:
    """What it prints; a check that finds something wrong exits with 1."""
    here = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        words,
        capture_output=True,
        check=False,
        cwd=folder,
        encoding="utf-8",
        env=os.environ | here | {"COLUMNS": "80", "PYTHONUTF8": "1"},
        timeout=300,
    )
    assert (done.returncode, done.stderr) in ((0, ""), (1, "")), done
    return done.stdout


def assert_quoted(quoted: str, said: str, *, roughly: bool) -> None:
    """Line by line; … stands for what is left out, of a line or of several."""
    if roughly:
        quoted, said = (re.sub(r"\d+", "0", text) for text in (quoted, said))
    parts = [re.escape(part) for part in quoted.strip("\n").split(LEFT_OUT)]
    pattern = "(?s:.*?)".join(parts)
    assert re.search(rf"(?m)^{pattern}", said), f"quoted:\n{quoted}\nsaid:\n{said}"


def test_a_quotation_that_differs_is_noticed():
    with pytest.raises(AssertionError):
        assert_quoted("a\n…\nc", "a\nb\nd\n", roughly=False)
    assert_quoted("a\n…\nd 1", "a\nb\nd 2\n", roughly=True)


@for_each("path", TUTORIALS, ids=lambda path: path.stem)
def test_a_tutorial_has_no_command_that_is_not_run(path):
    """But for those on files of the reader's own, which are `console`."""
    text = path.read_text("utf-8")
    blocks = [(kind, block) for kind, _, block in BLOCK.findall(text)]
    shells = "".join(block for kind, block in blocks if kind in ("sh", "console"))
    assert len(COMMAND.findall(text)) == len(COMMAND.findall(shells))
    assert shells or any(kind == "python" for kind, _ in blocks)
