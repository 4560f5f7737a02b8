"""A page that checks the workbooks dropped on it: Python runs in the browser.

The page is one file with all that it runs inside; on a site, where it exists in several languages,
that lies in a folder beside it. The results of given workbooks are in the page from the start.
"""

from __future__ import annotations

import io
import re
import zlib
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any
from zipfile import ZipFile, ZipInfo

from gradbook.archives import FIRST_DAY
from gradbook.audit.classes.submissions import NAMED, READ
from gradbook.engine.pyodide import BrowserPython
from gradbook.language import LANGUAGES, current_language, mark, tr
from gradbook.report.audit_class import COLUMNS
from gradbook.report.document import Passage, Report
from gradbook.report.markup import CHART_STYLE, markup, report_page
from gradbook.report.page_shell import PageTemplate, text
from gradbook.report.scripts import modules_imported, script
from gradbook.report.sheet_heat import HEAT_STYLE
from gradbook.report.styled_text import TableColumn, TextTable

TITLE = mark("Check workbooks")
LEAD = mark(
    "Drop a backpropagation workbook here: every gradient in it is checked against the chain rule "
    "for its own loss. Of any other workbook you see which of its numbers matter."
)
FIRST = ("gradbook/arrays/stand_in.py", "gradbook/serve/in_browser.py")  # the worker calls these
WRITER = "xlsxwriter/__init__.py"  # left empty: only its module that names cells is needed
OTHERS = ("language/catalogues", "web/class", "web/report")  # folders that they read
IMPORT = re.compile(r"^ *from ((?:gradbook|xlsxwriter)[\w.]*) import (\([^)]*\)|.*)", re.MULTILINE)
ONLY_TYPES = re.compile(r"^if TYPE_CHECKING:\n(?:(?: .*)?\n)+", re.MULTILINE)
NAME = re.compile(r"(\w+)(?: as \w+)?[,\s)]*")
WITH_NUMPY = ("gradbook/audit/core/", "gradbook/audit/programs/", "gradbook/recording/")
"""What judges programs: a page runs none, and has no NumPy."""
STYLES = (CHART_STYLE, "audit.css", "drop.css", "check.css")


def check_page(
    parts: Mapping[str, str],
    *,
    folder: str = "",
    places: Mapping[str, str] | None = None,
    found: Sequence[Mapping[str, Any]] = (),
    summary: Mapping[str, Any] | None = None,
) -> str:
    """The page with these parts of Python, which are scripts in a `folder` beside it if that is
    named; without any, no other workbooks can be dropped on it. `places` are the addresses of the
    page in each language; `found` are the results of given workbooks, and `summary` what they have
    in common."""
    columns = (TableColumn(tr(title), words=True) for title in COLUMNS if title != "points")
    template = PageTemplate(
        "check/page.html",
        read=",".join((*READ, *NAMED)),
        tools=PageTemplate("class/tools.html", chips="").html("tools"),
        books=markup([TextTable(tuple(columns), kind="books", has_row_heads=True)]),
        languages=_languages(places or {}),
    )
    versions = {  # by which a browser recognises a newer part
        name: [len(letters), sha256(letters.encode()).hexdigest()[:16]]
        for name, letters in parts.items()
    }
    table = {
        "language": current_language().code,
        "endings": [*READ, *NAMED],
        "folder": folder,
        "parts": versions,
        "found": list(found),
        "summary": summary,
    }
    inside = {} if folder else {f"part-{name}": letters for name, letters in parts.items()}
    return report_page(
        Report(
            tr(TITLE),
            [template.chapter(name) for name in ("drop", "class", "book", "common")],
            lead=[Passage(tr(LEAD), "lead"), template.block("promise")],
            foot=[template.block("foot")],
            styles=STYLES,
            style=HEAT_STYLE,
            main="check/main.js",
            data=table,
            other_scripts={"worker": script("check/worker.js"), **inside},
            computes=True,
            has_parts=bool(folder),
        )
    )


def _languages(places: Mapping[str, str]) -> str:
    """Links to the page in the other languages."""
    spoken = current_language().code
    links = (
        f'<a href="{text(place)}" lang="{code}" hreflang="{code}">{text(LANGUAGES[code].name)}</a>'
        for code, place in places.items()
        if code != spoken
    )
    return " · ".join(links)


# What it runs ---------------------------------------------------------------------


def check_parts(python: BrowserPython) -> dict[str, str]:
    """What the page runs, the same for every language: deflated data in letters, by name."""
    contents = {
        "pyodide": python.script.encode(),
        "wasm": python.code,
        "library": python.library,
        "gradbook": _modules(),
    }
    return {name: b64encode(zlib.compress(it, 9)).decode() for name, it in contents.items()}


def part_script(name: str, letters: str) -> str:
    """A part as a script that lies beside a page: one opened from a file can load nothing else."""
    return f'(self.parts??={{}})["{name}"]="{letters}"\n'


def _modules() -> bytes:
    """The modules that the worker calls, with all their imports and the files that they read."""
    packed = io.BytesIO()
    with ZipFile(packed, "w") as archive:  # `check_parts` deflates all of them at once
        for path in sorted({*_needed(), *_read_by_them()}):
            content = b"" if path == WRITER else _file(path).read_bytes()
            archive.writestr(ZipInfo(path, FIRST_DAY), content)
    return packed.getvalue()


def _needed() -> set[str]:
    """The paths of all modules and packages that are needed."""
    needed: set[str] = set()
    left = list(FIRST)
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


def _read_by_them() -> set[str]:
    """The paths of catalogues, and of scripts and styles of pages that they write."""
    folders = [f"gradbook/{folder}" for folder in OTHERS]
    inside = (f"{folder}/{entry.name}" for folder in folders for entry in _file(folder).iterdir())
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
