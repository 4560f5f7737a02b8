"""Imports go only downward, from the command to the errors, inside functions too."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import gradbook

PACKAGE = Path(gradbook.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))

STOREYS = (
    "cli",
    "notebook",
    "sklearn",
    "report",
    "lab",
    "audit",
    "engine",
    "targets",
    "data",
    "graph",
    "net",
    "files",
    "palette",
    "chance",
    "interruption",
    "errors",
)
FACE = {"__init__", "__main__"}  # the package's own files, which stand outside the house
SHARED_BY_TARGETS = {"dialect"}


def names(path: Path) -> tuple[str, ...]:
    """('targets', 'excel', 'write') for gradbook/targets/excel/write.py."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts


def imported(path: Path) -> Iterator[tuple[str, ...]]:
    """What the module imports from gradbook, anywhere in it, as names below gradbook."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        for dotted in _dotted_names(node, path):
            head, *below = dotted.split(".")
            if head == "gradbook":
                yield tuple(below)


def _dotted_names(node: ast.AST, path: Path) -> Iterator[str]:
    match node:
        case ast.Import():
            yield from (alias.name for alias in node.names)
        case ast.ImportFrom():
            origin = ".".join(filter(None, [_package_of(path, node.level), node.module]))
            yield from (f"{origin}.{alias.name}" for alias in node.names)


def _package_of(path: Path, level: int) -> str:
    if not level:
        return ""
    folders = path.relative_to(PACKAGE.parent).parent.parts
    return ".".join(folders[: len(folders) - level + 1])


def storey(module: tuple[str, ...]) -> int:
    return STOREYS.index(module[0])


def goes_up(origin: tuple[str, ...], goal: tuple[str, ...]) -> bool:
    if not goal or goal[0] == "__version__":
        return False
    return storey(goal) < storey(origin)


def crosses_targets(origin: tuple[str, ...], goal: tuple[str, ...]) -> bool:
    both = origin[0] == goal[0] == "targets" if goal else False
    if not both or len(origin) < 2 or len(goal) < 2:
        return False
    return origin[1] != goal[1] and goal[1] not in SHARED_BY_TARGETS


def inner() -> list[Path]:
    return [path for path in MODULES if names(path)[0] not in FACE]


def shown(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


@pytest.mark.parametrize("path", inner(), ids=shown)
def test_imports_go_only_downward(path):
    origin = names(path)
    assert [goal for goal in imported(path) if goes_up(origin, goal)] == []


@pytest.mark.parametrize("path", inner(), ids=shown)
def test_a_target_knows_no_other_target(path):
    origin = names(path)
    assert [goal for goal in imported(path) if crosses_targets(origin, goal)] == []


@pytest.mark.parametrize("path", MODULES, ids=shown)
def test_every_module_begins_by_saying_what_it_does(path):
    first_line = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").partition(
        "\n"
    )[0]
    assert first_line.endswith((".", ":", "?", "!")) or "\u2500" in first_line


def test_every_room_is_on_the_list():
    rooms = {names(path)[0] for path in inner()}
    assert rooms <= set(STOREYS)


@pytest.mark.parametrize(
    ("origin", "goal", "wrong"),
    [
        (("net", "text"), ("graph", "node"), True),
        (("graph", "build"), ("net", "layers"), False),
        (("targets", "excel", "write"), ("graph",), False),
        (("errors",), ("files",), True),
        (("lab", "sweep"), ("__version__",), False),
    ],
)
def test_the_flow_is_told_apart_from_its_reverse(origin, goal, wrong):
    assert goes_up(origin, goal) is wrong


@pytest.mark.parametrize(
    ("origin", "goal", "wrong"),
    [
        (("targets", "excel", "write"), ("targets", "algebra", "text"), True),
        (("targets", "excel", "write"), ("targets", "excel", "place"), False),
        (("targets", "excel", "write"), ("targets", "dialect", "Form"), False),
    ],
)
def test_targets_share_only_the_dialect(origin, goal, wrong):
    assert crosses_targets(origin, goal) is wrong
