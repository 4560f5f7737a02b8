"""Commands and Python as documents show them: the verbs, options and names that they use exist."""

from __future__ import annotations

import re
import shlex
from importlib import import_module
from pathlib import Path

import pytest

import gradbook
from gradbook.cli.main import split_command, verb_parser
from tests.cases import for_each

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
SHELL = ("", "sh", "console")
COMMAND = re.compile(r"^(?:\w+=\S+ )?gradbook (?!--version$)((?:(?! > | 2>&1).)+)", re.MULTILINE)
USED = re.compile(r"\bgb\.(\w+)")
IMPORTED = re.compile(r"^from (gradbook[\w.]*) import (.+)", re.MULTILINE)

by_document = for_each("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))


def blocks(path: Path, *languages: str) -> str:
    found = BLOCK.findall(path.read_text("utf-8"))
    return "".join(text for language, text in found if language in languages)


@by_document
def test_a_command_has_only_options_that_exist(path):
    for command in COMMAND.findall(blocks(path, *SHELL).replace("\\\n", "")):
        verb, words = split_command(shlex.split(command, comments=True))
        verb_parser(verb).read(words)


@by_document
def test_python_uses_only_names_that_exist(path):
    text = blocks(path, "python")
    compile(text, path.name, "exec")
    assert set(USED.findall(text)) <= {*gradbook.__all__}
    for module, names in IMPORTED.findall(text):
        assert all(hasattr(import_module(module), name) for name in names.split(", "))


@for_each("command", ["train quick --lines 3", "filmed xor", "play -o xor.wav"])
def test_a_wrong_command_is_noticed(command):
    from gradbook.errors import UsageError

    with pytest.raises((UsageError, SystemExit)):
        verb, words = split_command(command.split())
        verb_parser(verb).read(words)
