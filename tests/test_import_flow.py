"""Imports go only downward, from the command to the errors, inside functions and packages too."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import gradbook
from tests.cases import for_each

PACKAGE = Path(gradbook.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
ROOMS = [path.parent.relative_to(PACKAGE).parts for path in MODULES if path.name == "__init__.py"]

STOREYS = (
    "cli",
    "office",
    "serve",
    "sklearn",
    "teaching",
    "report",
    "lab",
    "audit",
    "derivatives",
    "recording",
    "formats",
    "engine",
    "targets",
    "rates",
    "data",
    "net",
    "lowering",
    "layers",
    "cells",
    "graph",
    "statements",
    "arguments",
    "work",
    "builtin_networks",
    "looks",
    "amounts",
    "language",
    "outputs",
    "folders",
    "archives",
    "files",
    "limits",
    "schema",
    "palette",
    "chance",
    "arrays",
    "interruption",
    "plugins",
    "errors",
    "system",
)
ROOT = Path(__file__).parents[1]
TOOLS = sorted(path for folder in ("bench", "scripts") for path in (ROOT / folder).rglob("*.py"))
FACE = {"__init__", "__main__"}  # the package's own files, which stand outside the house

Name = tuple[str, ...]

JUDGES = ("backward", "exercise", "judge", "repair", "rules", "step", "training")
NO_JUDGE = tuple(f"audit/{room}" for room in JUDGES)
UNKNOWN = {  # what a room says that it doesn't know, and what it therefore never imports
    "arrays": ("doesn't know workbooks", ("cells", "derivatives", "targets")),
    "audit": ("how findings are shown", ("report", "cli", "serve")),
    "audit/backward": ("tables with a row per step", ("audit/judge", "audit/repair")),
    "audit/classes": ("how findings are made, nor how they are shown", (*NO_JUDGE, "report")),
    "audit/copies": ("how a mistake is found", NO_JUDGE),
    "audit/edits": ("why a part should have another value", ("audit/judge", "audit/repair")),
    "audit/formulas": ("what is computed", ("audit/edits", "audit/step", *NO_JUDGE)),
    "audit/judge": ("how to correct a wrong claim", ("audit/edits", "audit/repair")),
    "audit/repair": ("how a finding is shown", ("report", "cli")),
    "audit/rules": ("knows no losses", ("audit/judge/loss", "audit/judge/meant_losses")),
    "audit/search": ("how that was found", ("audit/judge", "audit/repair", "audit/backward")),
    "audit/step": ("what is wrong with a step", ("audit/judge", "audit/edits", "audit/repair")),
    "cells": ("how our own workbooks are written", ("targets", "layers")),
    "cells/formula": ("which workbook contains the formula", ("cells/book", "cells/read", "audit")),
    "cli/verbs": ("how the work is done", ("graph", "layers", "lowering", "targets/c", *NO_JUDGE)),
    "data/digits": ("nothing about arrays and data sets", ("arrays", "data/dataset")),
    "derivatives": ("how a formula is differentiated", ("lowering", "layers", "graph/chain")),
    "formats": ("training, reports or how gradbook's own models are stored", ("lab", "report")),
    "formats/keras": ("how a network was trained", ("lab", "data")),
    "formats/onnx": ("how a network was trained", ("lab", "data")),
    "formats/torch": ("except for the settings of the training loop", ("lab", "engine")),
    "graph": ("nothing of languages and files", ("language", "files", "formats", "targets")),
    "lab": ("options, the width of a terminal", ("cli", "report", "targets/c")),
    "lab/arrays": ("how a problem is trained", ("lab/training", "engine")),
    "lab/models": ("how the network was trained", ("lab/training",)),
    "lab/recipes": ("engines, or how a training proceeds", ("engine", "lab/training")),
    "lab/study": ("nor where a trial runs", ("engine", "work/cluster", "cli")),
    "lab/training": ("how results look", ("report", "cli")),
    "layers": ("no networks, targets, formats or files", ("net", "targets", "formats", "files")),
    "net": ("no format but its own text form, and no files", ("formats", "files", "cells")),
    "rates": ("nothing of images, engines or cells", ("data", "engine", "cells")),
    "report": ("how they were found", NO_JUDGE),
    "serve": ("how anything is judged, explained or shown", (*NO_JUDGE, "targets")),
    "targets": ("nothing of other targets or of training", ("lab", "engine")),
    "targets/algebra": ("workbooks, nor how a network is trained", ("cells", "lab", "engine")),
    "targets/drawing": ("nothing of training, pages or sheets", ("lab", "targets/page", "cells")),
    "targets/excel": ("nothing of readers of workbooks", ("cells/read", "cells/book", "lab")),
    "targets/excel/grids": ("how a network is trained", ("lab", "engine", "targets/excel/write")),
    "targets/excel/plan": ("formats, headings or the file", ("files", "targets/excel/sheets")),
    "targets/excel/sheets": ("how a value is computed", ("lowering", "graph/evaluate")),
    "targets/portable": (
        "training, the engine's lanes and threads",
        ("lab", "engine", "targets/c"),
    ),
    "teaching/classes": ("how a book is judged", NO_JUDGE),
}
ADMISSION = re.compile(
    r"\b(?:doesn't|does not|don't) know|\bknows? (?:no|nothing)\b", re.IGNORECASE
)


def name_of(path: Path) -> Name:
    """('targets', 'excel', 'write') for gradbook/targets/excel/write.py."""
    return path.relative_to(PACKAGE).with_suffix("").parts


NAMES = {name_of(path) for path in MODULES}


STATEMENT = re.compile(r"^[ \t]*((?:from [.\w]+ )?import (?:\([^)]*\)|.*))", re.MULTILINE)


def imported(source: str, origin: Name) -> Iterator[Name]:
    """The modules of gradbook that a source imports, anywhere in it."""
    for statement in STATEMENT.findall(source):  # parsing the whole source would take much longer
        for dotted in _dotted_names(ast.parse(statement).body[0], origin):
            head, *below = dotted.split(".")
            if head == "gradbook" and below and below != ["__version__"]:
                yield module_named(tuple(below))


def _dotted_names(node: ast.stmt, origin: Name) -> Iterator[str]:
    match node:
        case ast.Import():
            yield from (alias.name for alias in node.names)
        case ast.ImportFrom():
            folders = ("gradbook", *origin)[: len(origin) + 1 - node.level] if node.level else ()
            start = ".".join([*folders, *filter(None, [node.module])])
            yield from (f"{start}.{alias.name}" for alias in node.names)


def module_named(dotted: Name) -> Name:
    """The module in which a dotted name is found: itself, its package or the file it is in."""
    for end in (len(dotted), len(dotted) - 1):
        for found in (dotted[:end], (*dotted[:end], "__init__")):
            if found in NAMES:
                return found
    raise AssertionError(f"gradbook has no module for {'.'.join(dotted)}")


@cache
def imports() -> dict[Name, list[Name]]:
    """Every module, and what it imports of gradbook."""
    return {
        name_of(path): list(imported(path.read_text(encoding="utf-8"), name_of(path)))
        for path in MODULES
    }


def inner() -> dict[Name, list[Name]]:
    """Those that stand in a room of the house."""
    return {name: goals for name, goals in imports().items() if name[0] not in FACE}


def goes_up(origin: Name, goal: Name) -> bool:
    return STOREYS.index(goal[0]) < STOREYS.index(origin[0])


def crosses_targets(origin: Name, goal: Name) -> bool:
    return (
        origin[0] == goal[0] == "targets"
        and len(origin) > 2
        and len(goal) > 2
        and origin[1] != goal[1]
    )


def doors(room: Name, arrows: dict[Name, list[Name]]) -> dict[str, set[str]]:
    """Which of a room's own files and rooms import which others of them."""
    depth = len(room)
    found: defaultdict[str, set[str]] = defaultdict(set)
    for origin, goals in arrows.items():
        for goal in goals:
            if origin[:depth] == goal[:depth] == room and origin[depth] != goal[depth]:
                found[origin[depth]].add(goal[depth])
    return found


def circle(arrows: dict[str, set[str]]) -> set[str]:
    """What is left when whatever begins or ends all its arrows is taken away, again and again."""
    left = set(arrows)
    while True:
        goals = {goal for name in left for goal in arrows[name]}
        inside = {name for name in left & goals if arrows[name] & left}
        if inside == left:
            return left
        left = inside


def shown(name: Name) -> str:
    return "/".join(name)


def wrong_imports(is_wrong: Callable[[Name, Name], bool]) -> list[str]:
    return [
        f"{shown(origin)} -> {shown(goal)}"
        for origin, goals in inner().items()
        for goal in goals
        if is_wrong(origin, goal)
    ]


def test_imports_go_only_downward():
    assert wrong_imports(goes_up) == []


def test_a_target_knows_no_other_target():
    assert wrong_imports(crosses_targets) == []


@for_each("room", UNKNOWN)
def test_a_room_knows_no_more_than_it_says(room):
    phrase, unknown = UNKNOWN[room]
    assert phrase in docstring(PACKAGE / room)
    goals = {(origin, goal) for origin, goals in imports().items() for goal in goals}
    wrong = [
        f"{shown(origin)} -> {shown(goal)}"
        for origin, goal in sorted(goals)
        if f"{shown(origin)}/".startswith(f"{room}/")
        for name in unknown
        if f"{shown(goal)}/".startswith(f"{name}/")
    ]
    assert wrong == []


def test_whatever_a_room_says_it_does_not_know_is_tested():
    rooms = {path.parent.relative_to(PACKAGE).as_posix() for path in MODULES if path.stem in FACE}
    said = {room for room in rooms if ADMISSION.search(docstring(PACKAGE / room))}
    assert said == set(UNKNOWN)


def docstring(room: Path) -> str:
    source = (room / "__init__.py").read_text("utf-8")
    return " ".join((ast.get_docstring(ast.parse(source)) or "").split())


def test_no_files_or_rooms_stand_in_a_circle():
    circles = {shown(room): circle(doors(room, inner())) for room in ROOMS}
    assert {room: names for room, names in circles.items() if names} == {}


def test_the_storeys_are_the_rooms_there_are():
    assert {name[0] for name in inner()} == set(STOREYS)


@for_each(
    ("origin", "goal", "wrong"),
    [
        (("graph", "node"), ("net", "text"), True),
        (("net", "build"), ("graph", "node"), False),
        (("targets", "excel", "write"), ("graph", "__init__"), False),
        (("errors",), ("files",), True),
    ],
)
def test_the_flow_is_told_apart_from_its_reverse(origin, goal, wrong):
    assert goes_up(origin, goal) is wrong


@for_each(
    ("origin", "goal", "wrong"),
    [
        (("targets", "excel", "write"), ("targets", "algebra", "text"), True),
        (("targets", "excel", "write"), ("targets", "excel", "place"), False),
    ],
)
def test_targets_are_told_apart(origin, goal, wrong):
    assert crosses_targets(origin, goal) is wrong


def test_a_circle_is_found_through_rooms():
    arrows = {
        ("a", "x", "one"): [("a", "y", "two")],
        ("a", "y", "three"): [("a", "x", "four")],
        ("a", "z"): [("a", "x", "one")],
    }
    assert circle(doors(("a",), arrows)) == {"x", "y"}
    assert circle(doors(("a", "x"), arrows)) == set()


def test_an_import_inside_a_method_counts():
    source = """
class Net:
    def _repr_svg_(self):
        from gradbook.targets import drawing
    def other(self):
        from gradbook.errors import GradbookError
"""
    assert set(imported(source, ("net", "network"))) == {
        ("targets", "drawing", "__init__"),
        ("errors",),
    }


@for_each("tool", TOOLS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_measurements_and_scripts_import_of_the_package_is_there(tool):
    """Nothing else runs all of them."""
    for node in ast.walk(ast.parse(tool.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "gradbook":
            room = import_module(node.module)
            missing = [alias.name for alias in node.names if not hasattr(room, alias.name)]
            assert [name for name in missing if not find_spec(f"{node.module}.{name}")] == []
