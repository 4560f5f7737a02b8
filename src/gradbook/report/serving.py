"""The page that is served on one's own machine, to mark workbooks and to train networks.

Knows what is on the page, not how the requests of its script are answered.
"""

from __future__ import annotations

from gradbook.audit.classes.submissions import NAMED, READ
from gradbook.builtin_networks import LESSONS
from gradbook.language import mark, numeral, tr
from gradbook.net.description import DEFAULT_RATES
from gradbook.rates import USUAL_EPOCHS
from gradbook.report.audit_class import COLUMNS
from gradbook.report.document import Passage, Report
from gradbook.report.markup import CHART_STYLE, markup, report_page
from gradbook.report.page_shell import PageTemplate, text
from gradbook.report.styled_text import TableColumn, TextTable
from gradbook.targets.drawing import style as drawing_style

ROOM = (
    *(mark("student"), mark("points"), mark("of"), mark("verdict")),
    *(mark("changed to"), mark("days late"), mark("remark"), ""),
)
LEAD = mark(
    "Every gradient of a workbook is checked against the chain rule. Nothing leaves this computer, "
    "and nothing that you drop here is kept when gradbook stops."
)
LEAD_OF_A_CLASS = mark(
    "Every gradient of a workbook is checked against the chain rule. Nothing leaves this computer, "
    "and nothing that you drop here is kept when gradbook stops, except what is handed in to the "
    "class."
)


def serve_page(has_class: bool = False) -> str:
    """The page, the same for every request; a class comes first if there is one."""
    low, high = (numeral(f"{rate:g}") for rate in (min(DEFAULT_RATES), max(DEFAULT_RATES)))
    lessons = (
        f'<option value="{text(words)}">{text(name)}</option>' for name, words in LESSONS.items()
    )
    template = PageTemplate(
        "serve/page.html",
        read=",".join((*READ, *NAMED)),
        handed_in=",".join((*READ, ".zip")),
        tools=PageTemplate("class/tools.html", chips="").html("tools"),
        books=_empty_table(COLUMNS, "books"),
        students=_empty_table(ROOM, "room"),
        worked=text(LESSONS["worked"]),
        lessons="".join(lessons),
        epochs=str(USUAL_EPOCHS),
        rates=tr("{low} to {high}", low=low, high=high),
    )
    names = ["classroom"] * has_class + ["workbooks", "work"]
    return report_page(
        Report(
            tr("gradbook, on this computer"),
            list(map(template.chapter, names)),
            lead=[
                Passage(tr(LEAD_OF_A_CLASS if has_class else LEAD), "lead"),
                template.block("no-script"),
            ],
            styles=[CHART_STYLE, "audit.css", "sweep.css", "drop.css", "serve.css"],
            style=drawing_style(),
            main="serve/main.js",
            has_a_server=True,
        )
    )


def _empty_table(titles: tuple[str, ...], kind: str) -> str:
    columns = (TableColumn(tr(title) if title else "", words=True) for title in titles)
    return markup([TextTable(tuple(columns), kind=kind, has_row_heads=True)])
