"""What holds of every file and folder of the house: sizes, first sentences, names."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import gradbook

PACKAGE = Path(gradbook.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
SOURCES = [
    path
    for path in PACKAGE.rglob("*")
    if path.suffix in (".py", ".js", ".css") and path.name != "__init__.py"
]
ROOMS = [path for path in MODULES if path.name == "__init__.py" and path.parent != PACKAGE]
MOST_LINES = 800
CODE = (".py", ".js", ".css", ".html", ".c")
AT_THE_TOP = "."
CEILINGS = {  # lines of code that each room may have, about 4 % more than it had
    AT_THE_TOP: 3950,
    "arrays": 1050,
    "audit": 33900,
    "cells": 16900,
    "cli": 5320,
    "data": 6050,
    "derivatives": 3550,
    "engine": 1700,
    "formats": 11350,
    "graph": 2350,
    "lab": 11900,
    "language": 400,
    "layers": 4600,
    "net": 6500,
    "office": 1390,
    "rates": 1400,
    "recording": 3400,
    "report": 11900,
    "serve": 2250,
    "targets": 27750,
    "teaching": 4000,
    "web": 22700,
    "work": 500,
}


def shown(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


def docstring(path: Path) -> str:
    """What a module begins with: parsing all modules for it would take seconds."""
    found = re.match(r'"""(.*?)"""', path.read_text(encoding="utf-8"), re.DOTALL)
    return found[1] if found else ""


OF_ONE_SUBJECT = ("cli/verbs/", "report/", "serve/", "targets/excel/sheets/")
"""Rooms whose files are named by the subject that they command, show or fill a sheet with."""
OF_MANY_ROOMS = {  # modules that are the same thing, in each of several rooms
    *("activation_names", "content", "op_words", "program", "read", "write"),  # of formats
    *("arranging", "criteria", "names", "pictures", "sequences", "signals", "tables", "windows"),
}


def test_no_two_modules_have_the_same_name_unless_they_are_the_same_thing():
    named = defaultdict(list)
    for path in map(shown, MODULES):
        if not path.startswith(OF_ONE_SUBJECT) and Path(path).stem not in ("__init__", "__main__"):
            named[Path(path).stem].append(path)
    assert {name for name, paths in named.items() if len(paths) > 1} == OF_MANY_ROOMS


def test_functions_are_named_by_what_they_do():
    bare = re.compile(r"^ *(?:async )?def (_(?:found|made|one|own|said|whole))\(", re.MULTILINE)
    wrong = [
        f"{shown(path)}: {name}"
        for path in MODULES
        for name in bare.findall(path.read_text(encoding="utf-8"))
    ]
    assert wrong == []


def test_every_module_begins_by_saying_what_it_does():
    first_lines = {path: docstring(path).partition("\n")[0] for path in MODULES}
    assert [shown(path) for path, line in first_lines.items() if not _is_a_sentence(line)] == []


def _is_a_sentence(line: str) -> bool:
    return line.endswith((".", ":", "?", "!")) or "\u2500" in line


def test_every_package_says_what_it_does_not_know():
    words = {path: " ".join(docstring(path).split()) for path in ROOMS}
    unknowing = re.compile(r"(n't|nor|not|nothing|no)\b")
    assert [shown(path) for path, said in words.items() if not unknowing.search(said)] == []


def test_a_file_holds_one_idea():
    counts = {shown(path): len(path.read_text("utf-8").splitlines()) for path in SOURCES}
    assert {file: count for file, count in counts.items() if count > MOST_LINES} == {}


def test_no_room_outgrows_its_ceiling():
    lines = dict.fromkeys(CEILINGS, 0)
    for path in PACKAGE.rglob("*"):
        if path.suffix in CODE:
            room = path.relative_to(PACKAGE).parts[0] if path.parent != PACKAGE else AT_THE_TOP
            lines[room] = lines.get(room, 0) + len(path.read_text("utf-8").splitlines())
    too_many = {
        room: f"{count} lines, {count - CEILINGS.get(room, 0)} too many"
        for room, count in lines.items()
        if count > CEILINGS.get(room, 0)
    }
    assert too_many == {}, (
        "Is something there needless, or said twice? If not, raise the room's ceiling (CEILINGS, "
        "above) to a round number about 4 % above what it has now, and say in ARCHITECTURE.md what "
        "the lines bring."
    )


def test_a_class_name_means_one_thing():
    homes = defaultdict(list)
    for path in MODULES:
        for name in re.findall(r"^class (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE):
            homes[name].append(shown(path))
    assert {name: places for name, places in homes.items() if len(places) > 1} == {}
