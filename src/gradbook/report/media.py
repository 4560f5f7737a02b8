"""Write a report in any medium, by its name; Markdown, CSV and JSON are written here.

Programs get numbers to the last bit; NaN and infinity are left empty.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from typing import Any

from gradbook.report.document import (
    Block,
    Figure,
    Items,
    Listing,
    Passage,
    Report,
    Subheading,
)
from gradbook.report.styled_text import RichCell, TextTable, plain_words

# Markdown ---------------------------------------------------------------------


def markdown(report: Report) -> str:
    """For a page on a code host."""
    _, *blocks = report.in_short()
    return f"### {report.title}\n\n" + "\n".join(filter(None, map(_markdown, blocks)))


def _markdown(block: Block) -> str:
    match block:
        case Passage(words):
            return f"{plain_words(words)}\n"
        case Items(items):
            return "".join(f"- {plain_words(item)}\n" for item in items)
        case Subheading(words):
            return f"#### {plain_words(words)}\n"
        case Figure(blocks):
            return "\n".join(map(_markdown, blocks))
        case Listing(text):
            return f"```\n{text.rstrip()}\n```\n"
        case TextTable():
            return markdown_table(block)
        case _:
            return ""


def markdown_table(table: TextTable) -> str:
    """Words are left-aligned, numbers right-aligned; the total is bold."""
    table = table.without_drawings()
    sides = [":--" if column.words else "--:" for column in table.columns]
    rows = list(table.texts)
    if table.total:
        rows[-1] = tuple(f"**{cell}**" if cell else "" for cell in rows[-1])
    lines = [[column.title for column in table.columns], sides, *rows]
    return "".join(
        "| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |\n" for line in lines
    )


# For programs -----------------------------------------------------------------


def comma_separated(table: TextTable) -> str:
    """Keys as headings, plain numbers, no total."""
    table = table.without_drawings()
    return csv_lines([[column.key for column in table.columns], *table.rows])


def csv_lines(rows: Iterable[Sequence[RichCell]], separator: str = ",") -> str:
    content = io.StringIO()
    writer = csv.writer(content, lineterminator="\n", delimiter=separator)
    for row in rows:
        cells = (plain_words(cell) if isinstance(cell, tuple) else cell for cell in row)
        writer.writerow(["" if _is_nothing(cell) else cell for cell in cells])
    return content.getvalue()


def json_of(report: Report) -> str:
    """The report's record, or else each row of its table by the columns' keys."""
    table = report.table().without_drawings()
    keys = [column.key for column in table.columns]
    rows = [dict(zip(keys, row, strict=True)) for row in table.rows]
    record = {"version": 1, "rows": rows} if report.record is None else report.record
    exact = _exact(record)
    return json.dumps(exact, ensure_ascii=False, allow_nan=False, indent=report.indent) + "\n"


def _exact(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _exact(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return list(map(_exact, value))
    return None if _is_nothing(value) else value


def _is_nothing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and not isfinite(value))


# All of them ------------------------------------------------------------------

ENDINGS = {".txt": "text", ".md": "markdown", ".csv": "csv", ".json": "json", ".html": "html"}


def write(report: Report, medium: str) -> str:
    """The report in a medium that is one of `ENDINGS`."""
    match medium:
        case "markdown":
            return markdown(report)
        case "csv":
            return comma_separated(report.table())
        case "json":
            return json_of(report)
        case "html":
            from gradbook.report.markup import report_page

            return report_page(report)
        case _:
            from gradbook.report.terminal import report_text

            return report_text(report)
