"""Packs the modules that others' Pythons run, such as a browser's or an office's.

Knows which modules the named ones import, and what can't run without NumPy; it doesn't know what
they are packed into.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable

from gradbook.report.scripts import modules_imported

WRITER = "xlsxwriter/__init__.py"  # left empty: only its module that names cells is needed
IMPORT = re.compile(r"^ *from ((?:gradbook|xlsxwriter)[\w.]*) import (\([^)]*\)|.*)", re.MULTILINE)
ONLY_TYPES = re.compile(r"^if TYPE_CHECKING:\n(?:(?: .*)?\n)+", re.MULTILINE)
NAME = re.compile(r"(\w+)(?: as \w+)?[,\s)]*")
WITH_NUMPY = ("gradbook/audit/core/", "gradbook/audit/programs/", "gradbook/recording/")
"""What judges programs: none of them runs one, or has NumPy."""


def packed_modules(
    called: Iterable[str], folders: Iterable[str] = ()
) -> Iterator[tuple[str, bytes]]:
    """The modules that are called, all that they import, and what they read in those folders of
    the package: paths and contents."""
    for path in sorted({*_needed(called), *_read_by_them(folders)}):
        yield path, b"" if path == WRITER else _file(path).read_bytes()


def _needed(called: Iterable[str]) -> set[str]:
    """The paths of all modules and packages that are needed."""
    needed: set[str] = set()
    left = list(called)
    while left:
        path = left.pop()
        if path in needed or path.startswith(WITH_NUMPY) or not _file(path).is_file():
            continue
        needed.add(path)
        if path == WRITER:
            continue
        above = path.split("/")[:-1]
        left += ("/".join((*above[: k + 1], "__init__.py")) for k in range(len(above)))
        left += _imported(_file(path).read_text("utf-8"))
    return needed


def _imported(source: str) -> Iterator[str]:
    """The paths that a module's imports may have: each imported name may be a module itself."""
    for place, names in IMPORT.findall(ONLY_TYPES.sub("", source)):
        path = place.replace(".", "/")
        yield f"{path}.py"
        yield f"{path}/__init__.py"
        yield from (f"{path}/{name}.py" for name in NAME.findall(names.strip("(")))


def _read_by_them(folders: Iterable[str]) -> set[str]:
    """The paths of catalogues, and of scripts and styles of pages that they write."""
    places = [f"gradbook/{folder}" for folder in folders]
    inside = (f"{place}/{entry.name}" for place in places for entry in _file(place).iterdir())
    left = [path for path in inside if path.endswith((".mo", ".js", ".css", ".html"))]
    paths: set[str] = set()
    while left:
        path = left.pop()
        if path not in paths and path.endswith(".js"):
            left += modules_imported(path)
        paths.add(path)
    return paths


def _file(path: str) -> Traversable:
    package, _, within = path.partition("/")
    return files(package.removesuffix(".py")).joinpath(*within.split("/"))
