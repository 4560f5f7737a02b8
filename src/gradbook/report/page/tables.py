"""Tables of a page and of a notebook, and the bars that stand in them."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from itertools import repeat

from gradbook.report.page.shell import text
from gradbook.report.words.table import TextTable

ON_A_PAGE = ' class="words"'
IN_A_NOTEBOOK = ' style="text-align:left"'  # notebooks put cells to the right, and know no class


def table(
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    words: Container[int] = (),
    *,
    kind: str = "",
    row_kinds: Sequence[str] = (),
    foot: Sequence[str] = (),
    headed: bool = False,
    left: str = ON_A_PAGE,
) -> str:
    """Cells are HTML; `words` are the columns of words, which stand left, as numbers stand right.

    `headed` rows begin with their heading.
    """

    def line(cells: Sequence[str], scope: str = "") -> str:
        return "".join(
            f'<th scope="{scope}"{left if k in words else ""}>{cell}</th>'
            if (scope == "col" and cell) or (scope == "row" and k == 0)
            else f"<td{left if k in words else ''}>{cell}</td>"
            for k, cell in enumerate(cells)
        )

    body = "\n".join(
        f"<tr{_class(row_kind)}>{line(row, 'row' if headed else '')}</tr>"
        for row, row_kind in zip(rows, row_kinds or repeat(""), strict=False)
    )
    above = f"<thead><tr>{line(head, 'col')}</tr></thead>\n" if head else ""
    below = f"<tfoot><tr>{line(foot)}</tr></tfoot>" if foot else ""
    return f"<table{_class(kind)}>\n{above}<tbody>\n{body}\n</tbody>{below}\n</table>"


def _class(kind: str) -> str:
    return f' class="{kind}"' if kind else ""


def text_table(shown: TextTable, *, left: str = ON_A_PAGE) -> str:
    """A table of plain words and numbers."""
    head = [text(f"{column.group} {column.title}".strip()) for column in shown.columns]
    cells = [list(map(text, row)) for row in shown.spelled]
    count = len(shown.rows)
    foot = cells[count] if shown.total else ()
    return table(head, cells[:count], columns_of_words(shown), foot=foot, left=left)


def columns_of_words(shown: TextTable) -> list[int]:
    return [k for k, column in enumerate(shown.columns) if column.words]


def bar(share: float, kind: str, *, at_the_right: bool = False) -> str:
    """A bar of that share of its room; the style says how large that is."""
    width = round(100 * share, 1)
    x = f' x="{100 - width:g}"' if at_the_right else ""
    return (
        f'<svg class="bar {kind}" viewBox="0 0 100 1" preserveAspectRatio="none" '
        f'aria-hidden="true"><rect{x} width="{width:g}" height="1"/></svg>'
    )
