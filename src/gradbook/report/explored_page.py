"""A page on which a result is explored: its numbers are moved, and everything follows at once."""

from __future__ import annotations

from dataclasses import asdict

from gradbook.amounts import size
from gradbook.derivatives.exploration import Exploration
from gradbook.errors import LimitError
from gradbook.report.document import Report, made_with
from gradbook.report.markup import markup, report_page
from gradbook.report.page_shell import PageTemplate

MOST_BYTES = 8_000_000  # of a page


def explored_page(exploration: Exploration, command: str = "") -> str:
    """The page; `command` makes it again."""
    is_file = any(value.place for value in exploration.inputs)
    template = PageTemplate(
        "explore/page.html",
        command=markup(made_with(command)),
        as_is=PageTemplate("explore/page.html").html("in-file" if is_file else "as-written"),
    )
    page = report_page(
        Report(
            f"{exploration.title} · gradbook",
            [template.chapter(name) for name in ("numbers", "path", "against")],
            lead=[template.block("bar"), template.block("said")],
            is_read=False,
            styles=["controls.css", "explore.css"],
            main="explore/main.js",
            data={"isFile": is_file, **asdict(exploration)},
        )
    )
    if len(page.encode()) > MOST_BYTES:
        raise LimitError(
            f"the page would take {size(len(page.encode()))}, more than {size(MOST_BYTES)}: "
            "choose a result nearer to the inputs"
        )
    return page
