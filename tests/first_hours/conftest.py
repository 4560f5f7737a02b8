"""First hours of people who try gradbook, by the commands as the documents have them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from gradbook.cli.main import every_command, main, verb_parser

ROOT = Path(__file__).parents[2]
DOCUMENTS = (ROOT / "README.md", *(ROOT / "docs").rglob("*.md"))
SAID = "\n".join(
    [
        *(path.read_text("utf-8") for path in DOCUMENTS),
        *(verb_parser(verb).format_help() for verb in every_command()),
    ]
)
LINES = {re.split("  +| #", line.strip())[0] for line in SAID.splitlines()}

Typed = Callable[..., str]


@pytest.fixture
def typed(tmp_path, monkeypatch, capsys) -> Typed:
    """`typed(line)`: a command that a document has, typed in an empty folder; what it prints."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")

    def run(line: str, *, students: int = 30, code: int = 0) -> str:
        assert line in LINES, f"no document has the line {line}"
        capsys.readouterr()
        assert main(shlex.split(line.replace("1-30", f"1-{students}"))[1:]) == code
        return capsys.readouterr().out

    return run
