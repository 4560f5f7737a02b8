"""An audit as a notebook shows it: verdict, a row for each finding, the loss."""

from __future__ import annotations

from collections.abc import Iterator

from gradbook.audit.findings.findings import BookReport, Finding, SheetReport
from gradbook.errors import one_line
from gradbook.report import curve_svg
from gradbook.report.audit_page import FRAME, curves, marked
from gradbook.report.audit_text import percent, summary
from gradbook.report.class_text import learning
from gradbook.report.page import text

LEFT = ' style="text-align:left"'  # notebooks put cells to the right
HEADS = ("where", "what", "why", "off by", "is", "rather")


def html(report: BookReport) -> str:
    """The whole audit of one book."""
    line = f"<p><b>{text(one_line(report.book))}</b>: {report.verdict}{text(summary(report))}</p>"
    return "\n".join([line, *(part for sheet in report.sheets for part in _sheet(sheet))])


def _sheet(sheet: SheetReport) -> Iterator[str]:
    if sheet.findings:
        heads = "".join(f"<th{LEFT}>{head}</th>" for head in HEADS)
        rows = "".join(_row(finding, sheet) for finding in sheet.findings)
        yield f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
    for note in sheet.notes:
        yield f"<p>{text(one_line(note))}</p>"
    if sheet.curve is not None:
        yield curve_svg.svg(curves(sheet.curve), FRAME)
        yield f"<p>{text(learning(sheet.curve))}</p>"


def _row(finding: Finding, sheet: SheetReport) -> str:
    off = finding.relative_error
    old, new = marked(one_line(finding.formula), one_line(finding.expected))
    cells = [
        text(one_line(f"{finding.sheet or sheet.sheet}!{finding.cells}")),
        text(one_line(finding.quantity)),
        text(one_line(finding.why)),
        text(percent(off)) if off is not None else "",
        f"<code>{old}</code>" if old else "",
        f"<code>{new}</code>" if new else "",
    ]
    return "<tr>" + "".join(f"<td{LEFT}>{cell}</td>" for cell in cells) + "</tr>"
