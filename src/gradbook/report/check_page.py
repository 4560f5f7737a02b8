"""A page that checks the workbooks dropped on it: Python runs in the browser.

The page is one file with all that it runs inside; on a site, where it exists in several languages,
that lies in a folder beside it. The results of given workbooks are in the page from the start.
"""

from __future__ import annotations

import io
import zlib
from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any
from zipfile import ZipFile, ZipInfo

from gradbook.archives import FIRST_DAY
from gradbook.audit.classes.submissions import NAMED, READ
from gradbook.engine.pyodide import BrowserPython
from gradbook.language import LANGUAGES, current_language, mark, tr
from gradbook.report.audit_class import COLUMNS
from gradbook.report.document import Passage, Report
from gradbook.report.markup import CHART_STYLE, markup, report_page
from gradbook.report.packed_modules import packed_modules
from gradbook.report.page_shell import PageTemplate, text
from gradbook.report.scripts import script
from gradbook.report.sheet_heat import HEAT_STYLE
from gradbook.report.styled_text import TableColumn, TextTable

TITLE = mark("Check workbooks")
LEAD = mark(
    "Drop a backpropagation workbook here: every gradient in it is checked against the chain rule "
    "for its own loss. Of any other workbook you see which of its numbers matter."
)
CALLED = ("gradbook/arrays/stand_in.py", "gradbook/serve/in_browser.py")  # by the worker
READ_THERE = ("language/catalogues", "web/class", "web/report")  # folders
OFFICE_SCRIPT = "https://appsforoffice.microsoft.com/lib/1/hosted/office.js"
"""By which a task pane reaches Excel: Microsoft allows no copy of it."""
CHAPTERS = ("drop", "class", "book", "common")
STYLES = (CHART_STYLE, "audit.css", "drop.css", "check.css")


def check_page(
    parts: Mapping[str, str],
    *,
    folder: str = "",
    places: Mapping[str, str] | None = None,
    found: Sequence[Mapping[str, Any]] = (),
    summary: Mapping[str, Any] | None = None,
    is_pane: bool = False,
) -> str:
    """The page with these parts of Python, which are scripts in a `folder` beside it if that is
    named; without any, no other workbooks can be dropped on it. `places` are the addresses of the
    page in each language; `found` are the results of given workbooks, and `summary` what they have
    in common. As a task pane of Excel, it also checks the workbook that is open there."""
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
        "isPane": is_pane,
    }
    inside = {} if folder else {f"part-{name}": letters for name, letters in parts.items()}
    return report_page(
        Report(
            tr(TITLE),
            [template.chapter(name) for name in ("excel",) * is_pane + CHAPTERS],
            lead=[Passage(tr(LEAD), "lead"), template.block("promise")],
            foot=[template.block("foot")],
            styles=STYLES,
            style=HEAT_STYLE,
            main="check/main.js",
            data=table,
            other_scripts={"worker": script("check/worker.js"), **inside},
            computes=True,
            has_parts=bool(folder),
            host=OFFICE_SCRIPT if is_pane else "",
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
        "gradbook": _packed(),
    }
    return {name: b64encode(zlib.compress(it, 9)).decode() for name, it in contents.items()}


def part_script(name: str, letters: str) -> str:
    """A part as a script that lies beside a page: one opened from a file can load nothing else."""
    return f'(self.parts??={{}})["{name}"]="{letters}"\n'


def _packed() -> bytes:
    """The modules that the worker calls; `check_parts` deflates all of them at once."""
    packed = io.BytesIO()
    with ZipFile(packed, "w") as archive:
        for path, content in packed_modules(CALLED, READ_THERE):
            archive.writestr(ZipInfo(path, FIRST_DAY), content)
    return packed.getvalue()
