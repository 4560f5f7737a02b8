"""A report as HTML: its blocks on a page of their own, or plainly in a notebook.

A notebook has no style and no script of ours: it shows words, tables and pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gradbook.report import figures
from gradbook.report.document import (
    Block,
    Blocks,
    Charts,
    Facts,
    Figure,
    Fold,
    Items,
    Listing,
    Meanings,
    PageOnly,
    Passage,
    Report,
    Subheading,
    Words,
)
from gradbook.report.page import (
    IN_A_NOTEBOOK,
    ON_A_PAGE,
    Section,
    badge,
    bar,
    page,
    resource,
    table,
    text,
    wide,
)
from gradbook.report.words import Span, TextTable

LEAST_BAR = 0.015  # of its room: what is there at all can be seen


def report_page(report: Report) -> str:
    """The report as a page; the styles and scripts that charts need come with them."""
    every = list(report.every())
    has_charts = any(isinstance(block, Charts) for block in every)
    has_inks = any(isinstance(block, TextTable) and block.inks for block in every)
    style = figures.figure_style() if has_charts or has_inks else ""
    if not style and any(isinstance(block, PageOnly) and block.is_chart for block in every):
        style = figures.chart_style()
    script = figures.figure_script() if has_charts else ""
    return page(
        report.title,
        [
            Section(one.anchor, words_markup(one.heading), markup(one.blocks))
            for one in report.chapters
        ],
        lead=markup(report.lead),
        foot=markup(report.foot),
        style=style + "".join(map(resource, report.styles)),
        script=script + "".join(map(resource, report.scripts)),
    )


def report_cell(report: Report) -> str:
    """The report in a notebook."""
    blocks = report.in_short() if report.cell is None else report.cell
    return "".join(_Writer(is_plain=True).block(block) for block in blocks)


def markup(blocks: Blocks) -> str:
    """Blocks for a page."""
    return "\n".join(filter(None, map(_Writer().block, blocks)))


def words_markup(words: Words) -> str:
    return _Writer().words(words)


@dataclass(frozen=True)
class _Writer:
    is_plain: bool = False  # for a notebook

    def block(self, block: Block) -> str:
        match block:
            case Passage(words, kind):
                said = f"<p{self._kind(kind)}>{self.words(words)}</p>"
            case Items(items, kind):
                each = "".join(f"<li>{self.words(item)}</li>" for item in items)
                said = f"<ul{self._kind(kind)}>{each}</ul>"
            case Meanings(pairs):
                said = self._meanings(pairs)
            case Facts(facts):
                each = "".join(
                    f"<div><dt>{text(name)}</dt><dd>{text(value)}</dd></div>"
                    for name, value in facts
                )
                said = f"<dl{self._kind('facts')}>{each}</dl>"
            case Subheading(heading):
                said = f"<h3>{self.words(heading)}</h3>"
            case Listing(lines):
                said = f"<pre><code>{text(lines)}</code></pre>"
            case Charts():
                said = self._charts(block)
            case Fold(summary, blocks):
                inside = "".join(map(self.block, blocks))
                said = f"<details><summary>{text(summary)}</summary>{inside}</details>"
            case Figure(held, kind):
                said = f"<figure{self._kind(kind)}>{self.block(held)}</figure>"
            case PageOnly(draw):
                said = draw()
            case TextTable():
                shown = self._table(block)
                said = shown if self.is_plain else wide(shown)
        return said

    def _meanings(self, pairs: Sequence[tuple[Words, str]]) -> str:
        each = (f"<dt>{self.words(word)}</dt><dd>{text(said)}</dd>" for word, said in pairs)
        return f"<dl{self._kind('meanings')}>{''.join(each)}</dl>"

    def _charts(self, block: Charts) -> str:
        if self.is_plain:
            return figures.stack_charts(list(block.charts), block.title)
        return figures.figure(block.charts, block.title, labelled=block.has_labels)

    def words(self, words: Words) -> str:
        return text(words) if isinstance(words, str) else "".join(map(self._span, words))

    def _span(self, span: Span) -> str:
        said = text(span.text)
        if span.tag == "joint":
            return said if self.is_plain else " "
        if span.tag == "verdict":
            said = said if self.is_plain else badge(span.kind or span.text)
        elif span.tag:
            said = f"<{span.tag}>{said}</{span.tag}>"
        return f'<a href="#{span.link}">{said}</a>' if span.link else said

    def _kind(self, kind: str) -> str:
        return f' class="{kind}"' if kind and not self.is_plain else ""

    def _table(self, shown: TextTable) -> str:
        count, columns = len(shown.rows), shown.columns
        head = [
            f'<span class="k-{column.tint.key}">{title}</span>'
            if column.tint and not self.is_plain
            else title
            for column in columns
            for title in [text(f"{column.group} {column.title}".strip())]
        ]
        rows = [
            [_cell(words) + self._bar(shown, place, row) for place, words in enumerate(cells)]
            for cells, row in zip(shown.texts, shown.rows, strict=False)
        ]
        words = [k for k, column in enumerate(columns) if column.words]
        if shown.notes:
            head.append(text(shown.note_title))
            words.append(len(columns))
            for row, note in zip(rows, shown.notes, strict=True):
                row.append(self.words(note))
        if not self.is_plain:
            for row, ink in zip(rows, shown.inks, strict=False):
                row[0] = f"{figures.swatch(ink)} {row[0]}"
            for row, link in zip(rows, shown.links, strict=False):
                row[0] = f'<a href="{text(link)}">{row[0]}</a>'
        return table(
            head if any(head) else (),
            rows,
            words,
            kind="" if self.is_plain else shown.kind,
            row_kinds=() if self.is_plain else shown.row_kinds,
            foot=list(map(text, shown.texts[count])) if shown.total else (),
            headed=shown.has_row_heads,
            left=IN_A_NOTEBOOK if self.is_plain else ON_A_PAGE,
        )

    def _bar(self, shown: TextTable, place: int, row: tuple[object, ...]) -> str:
        """A has_bars column's share of its largest cell."""
        column, cell = shown.columns[place], row[place]
        if self.is_plain or not column.has_bars or not isinstance(cell, int):
            return ""
        most = max(other for one in shown.rows if isinstance(other := one[place], int))
        kind = column.tint.key if column.tint else ""
        return bar(max(LEAST_BAR, cell / most), kind, at_the_right=True)


def _cell(words: str) -> str:
    """What goes over several lines."""
    return "<br>".join(map(text, words.split("\n")))
