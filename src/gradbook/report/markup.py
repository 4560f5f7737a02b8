"""A report as HTML: its blocks on a page of their own, or plainly in a notebook.

A notebook has no style and no script of ours: it shows words, tables and pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gradbook.language import tr
from gradbook.report import figures
from gradbook.report.document import (
    Article,
    Block,
    Blocks,
    Chapter,
    Charts,
    Facts,
    Figure,
    Fold,
    Gallery,
    Items,
    Listing,
    Meanings,
    PageOnly,
    Passage,
    Picture,
    Pictures,
    Report,
    Side,
    Subheading,
)
from gradbook.report.page_shell import WholePage, data_element, resource, text, wide
from gradbook.report.scripts import script
from gradbook.report.styled_text import RichCell, Span, TableColumn, TextTable, Words, plain_words

LEAST_BAR = 0.015  # share of the full width, so that small values are visible
CHART_STYLE = "chart.css"
IN_A_NOTEBOOK = ' style="text-align:left"'  # notebooks right-align cells, and have no class for it
UNPACKING = "view/unpack.js"  # the main module of what unpacks a script
TURNED = "turned"  # the kind of a table with vertical headings
NOWHERE = "#:/."  # signs in a link to a file, which an anchor doesn't contain


def report_page(report: Report) -> str:
    """The report as a page; the styles and scripts that charts need come with them."""
    every = list(report.every())
    has_charts = any(isinstance(block, Charts) for block in every)
    styles = [CHART_STYLE] * has_charts + list(report.styles)
    is_drawn = any(isinstance(block, PageOnly) and block.is_chart for block in every)
    style = figures.chart_style() if CHART_STYLE in styles or is_drawn else ""
    writer = _Writer()
    lead = [writer.blocks(report.lead), writer.contents(report)]
    data = "" if report.data is None else f"{data_element(report.data)}\n"
    for name, content in report.other_scripts.items():
        data += f'<script type="text/plain" id="{name}">{content}</script>\n'
    return str(
        WholePage(
            report.title,
            "\n".join(map(writer.part, report.chapters)),
            "\n".join(filter(None, lead)),
            data + writer.blocks(report.foot),
            (resource("prose.css") if report.is_read else "")
            + style
            + "".join(map(resource, dict.fromkeys(styles)))
            + report.style,
            resource("chart.js") * has_charts
            + "".join(map(resource, report.scripts))
            + (script(report.main) if report.main else ""),
            report.has_a_server,
            report.computes,
            report.head,
            report.is_kept,
            report.has_parts,
            script(UNPACKING) if report.is_packed else "",
            report.host,
        )
    )


def report_cell(report: Report) -> str:
    """The report in a notebook."""
    blocks = report.in_short() if report.cell is None else report.cell
    return "".join(map(_Writer(is_plain=True).block, blocks))


def markup(blocks: Blocks) -> str:
    """Blocks for a page."""
    return _Writer().blocks(blocks)


def words_markup(words: Words) -> str:
    return _Writer().words(words)


def cell_markup(cell: RichCell) -> str:
    return words_markup(cell if isinstance(cell, tuple) else str(cell))


@dataclass(frozen=True)
class _Writer:
    is_plain: bool = False  # for a notebook

    # A page.

    def part(self, part: Chapter | Side) -> str:
        if isinstance(part, Side):
            inside = "\n".join(map(self.part, part.chapters))
            return f'<div class="side">\n{inside}\n</div>'
        anchor, heading = text(part.anchor), self.words(part.heading)
        return (
            f'<section id="{anchor}" aria-labelledby="{anchor}-heading">\n'
            f'<h2 id="{anchor}-heading">{heading}</h2>\n{self.blocks(part.blocks)}\n</section>'
        )

    def contents(self, report: Report) -> str:
        """Links to the chapters and to their subheadings."""
        if not report.has_contents:
            return ""
        pieces = {
            chapter.anchor: [
                it for it in chapter.blocks if isinstance(it, Subheading) and it.anchor
            ]
            for chapter in report.all_chapters
        }
        are_chips = not any(pieces.values())
        each = []
        for chapter in report.all_chapters:
            chips = "".join(
                f'<li><a href="#{piece.anchor}" aria-label="{text(plain_words(piece.words))}">'
                f"{self.words(piece.short or piece.words)}</a></li>"
                for piece in pieces[chapter.anchor]
            )
            listed = f'<ul class="chips">{chips}</ul>' if chips else ""
            link = f'<a href="#{chapter.anchor}">{self.words(chapter.heading)}</a>'
            each.append(f"<li>{link}{listed}</li>")
        tag, kind = ("ul", ' class="chips"') if are_chips else ("ol", "")
        label = text(tr("Contents"))
        inside = f"<{tag}{kind}>{''.join(each)}</{tag}>"
        return f'<nav id="contents" aria-label="{label}">{inside}</nav>'

    # Blocks.

    def blocks(self, blocks: Blocks) -> str:
        return "\n".join(filter(None, map(self.block, blocks)))

    def block(self, block: Block) -> str:  # noqa: PLR0911, PLR0912 - a case for each block
        match block:
            case Passage(words, kind):
                return f"<p{self._kind(kind)}>{self.words(words)}</p>"
            case Items(items, kind):
                each = "".join(f"<li>{self.words(item)}</li>" for item in items)
                return f"<ul{self._kind(kind)}>{each}</ul>"
            case Meanings(pairs, kind):
                each = "".join(
                    f"<dt>{self.words(word)}</dt><dd>{self.words(meaning)}</dd>"
                    for word, meaning in pairs
                )
                return f"<dl{self._kind(kind)}>{each}</dl>"
            case Facts(facts):
                each = "".join(
                    f"<div><dt>{text(name)}</dt><dd>{text(value)}</dd></div>"
                    for name, value in facts
                )
                return f"<dl{self._kind('facts')}>{each}</dl>"
            case Subheading(heading, anchor):
                return self._subheading(heading, anchor)
            case Listing(lines):
                return f"<pre><code>{text(lines)}</code></pre>"
            case Charts(charts, title):
                if self.is_plain:
                    return figures.stack_charts(list(charts), title)
                return figures.figure(charts, title, labelled=block.has_labels)
            case Fold(summary, blocks, kind, anchor, is_open):
                attributes = f"{self._kind(kind)}{_id(anchor)}{' open' if is_open else ''}"
                inside = self.blocks(blocks)
                heading = f"<summary>{self.words(summary)}</summary>"
                return f"<details{attributes}>{heading}{inside}</details>"
            case Figure(blocks, kind, caption):
                below = f"<figcaption>{self.words(caption)}</figcaption>" if caption else ""
                return f"<figure{self._kind(kind)}>{self.blocks(blocks)}{below}</figure>"
            case Article(heading, blocks, kind):
                head = f"<h3>{self.words(heading)}</h3>"
                return f"<article{self._kind(kind)}>{head}{self.blocks(blocks)}</article>"
            case PageOnly(draw):
                return draw()
            case Gallery():
                return self._gallery(block)
            case Pictures():
                return self._pictures(block)
            case TextTable():
                shown = self._table(block)
                return shown if self.is_plain else wide(shown)

    def _subheading(self, heading: Words, anchor: str) -> str:
        up = ""
        if anchor:
            up = f' <a class="up" href="#contents" aria-label="{text(tr("to the contents"))}">↑</a>'
        return f"<h3{_id(anchor)}>{self.words(heading)}{up}</h3>"

    # Words.

    def words(self, words: Words) -> str:
        return text(words) if isinstance(words, str) else "".join(map(self._span, words))

    def _span(self, span: Span) -> str:
        if span.markup:
            return span.markup
        kind, shown = self._kind(span.kind), text(span.text)
        about = f' title="{text(span.about)}"' if span.about else ""
        if span.link:
            address = span.link if any(sign in span.link for sign in NOWHERE) else f"#{span.link}"
            label = f' aria-label="{text(span.about)}"' if span.about else ""
            inside = _within(span.tag, shown)
            return f'<a{kind} href="{text(address)}"{label}{about}>{inside}</a>'
        match span.tag:
            case "joint":
                return shown if self.is_plain else " "
            case "verdict" if not self.is_plain:
                word = span.kind.partition(" ")[0]
                return f'<span class="verdict v-{word}">{shown}</span>'
            case "swatch" if not self.is_plain:
                drawn = figures.swatch(span.kind)
                return f"<span{about}>{drawn}</span> " if about else f"{drawn} "
            case "bar":
                plain = f'<progress value="{span.share:.4f}"></progress>'
                return plain if self.is_plain else _bar(span.share, span.kind)
            case "" | "verdict" | "swatch":
                return f"<span{kind}{about}>{shown}</span>" if kind or about else shown
            case tag:
                return _within(tag, shown, f"{kind}{about}")

    def _kind(self, kind: str) -> str:
        return f' class="{kind}"' if kind and not self.is_plain else ""

    # Images.

    def _gallery(self, gallery: Gallery) -> str:
        if not gallery.cards:
            return ""
        each = []
        for card in gallery.cards:
            lines = "".join(
                f'<div><dt title="{text(plain_words(left))}">{self.words(left)}</dt>'
                + (f"<dd>{self.words(right)}</dd>" if right else "")
                + "</div>"
                for left, right in card.lines
            )
            attributes = _id(card.anchor) + (f' data-kind="{card.kind}"' if card.kind else "")
            image = _image(card.picture, f' title="{text(card.title)}"')
            each.append(f"<li{attributes}>{image}\n<dl>{lines}</dl></li>")
        inside = f'<ol class="gallery">\n{chr(10).join(each)}\n</ol>'
        return f"<figure{_id(gallery.anchor)}>{inside}</figure>"

    def _pictures(self, block: Pictures) -> str:
        words = f"<p>{self.words(block.words)}</p>" if block.words else ""
        each = "".join(f"<li>{''.join(map(_image, stack))}</li>" for stack in block.stacks)
        label = f' aria-label="{text(block.about)}"' if block.about else ""
        return f'<div class="pictures">{words}<ol class="{block.kind}"{label}>{each}</ol></div>'

    # Tables.

    def _table(self, shown: TextTable) -> str:
        """Columns of words are left-aligned, those of numbers right-aligned."""
        left = [self._left(column.words) for column in shown.columns]
        head = list(map(self._title, shown.columns, [TURNED in shown.kind] * len(left)))
        rows = [list(map(self._cell, shown.columns, row)) for row in shown.rows]
        for place, column in enumerate(shown.columns):
            if column.has_bars and not self.is_plain:
                _add_bars(shown, place, rows)
        if shown.notes:
            head.append(text(shown.note_title))
            left.append(self._left(True))
            for cells, note in zip(rows, shown.notes, strict=True):
                cells.append(self.words(note))
        kinds = [*map(self._kind, shown.row_kinds), *[""] * len(rows)]
        scope = "row" if shown.has_row_heads else ""
        body = "\n".join(
            f"<tr{kind}>{_row(cells, left, scope)}</tr>"
            for kind, cells in zip(kinds, rows, strict=False)
        )
        above = f"<thead><tr>{_row(head, left, 'col')}</tr></thead>\n" if any(head) else ""
        below = ""
        if shown.total:
            total = list(map(self._cell, shown.columns, shown.total))
            below = f"<tfoot><tr>{_row(total, left)}</tr></tfoot>"
        kind = self._kind(shown.kind)
        return f"<table{kind}>\n{above}<tbody>\n{body}\n</tbody>{below}\n</table>"

    def _left(self, are_words: bool) -> str:
        if not are_words:
            return ""
        return IN_A_NOTEBOOK if self.is_plain else ' class="words"'

    def _title(self, column: TableColumn, is_turned: bool) -> str:
        if column.shown:
            return self.words(column.shown)
        title = text(f"{column.group} {column.title}".strip())
        if column.tint and not self.is_plain:
            return f'<span class="k-{column.tint.key}">{title}</span>'
        return f"<span>{title}</span>" if is_turned and title else title

    def _cell(self, column: TableColumn, cell: RichCell) -> str:
        if isinstance(cell, tuple):
            return self.words(cell)
        return "<br>".join(map(text, column.spell(cell).split("\n")))


def _within(tags: str, shown: str, attributes: str = "") -> str:
    """Content within an element, or within nested ones."""
    for tag in reversed(tags.split()):
        shown, attributes = f"<{tag}{attributes}>{shown}</{tag}>", ""
    return shown


def _id(anchor: str) -> str:
    return f' id="{anchor}"' if anchor else ""


def _image(picture: Picture, attributes: str = "") -> str:
    return f'<img src="{picture.address()}" alt="{text(picture.about)}"{attributes}>'


def _row(cells: Sequence[str], left: Sequence[str], scope: str = "") -> str:
    """A row's cells; all of them, or only the first, may be headings."""
    return "".join(
        f'<th scope="{scope}"{side}>{cell}</th>'
        if (scope == "col" and cell) or (scope == "row" and k == 0)
        else f"<td{side}>{cell}</td>"
        for k, (cell, side) in enumerate(zip(cells, left, strict=True))
    )


def _add_bars(shown: TextTable, place: int, rows: Sequence[list[str]]) -> None:
    """Add a bar to each cell, for its share of the column's largest value."""
    column = [row[place] for row in shown.rows]
    most = max((cell for cell in column if isinstance(cell, int)), default=0)
    tint = shown.columns[place].tint
    for cells, cell in zip(rows, column, strict=True):
        if isinstance(cell, int) and most:
            share = max(LEAST_BAR, cell / most)
            cells[place] += _bar(share, tint.key if tint else "", at_the_right=True)


def _bar(share: float, kind: str, *, at_the_right: bool = False) -> str:
    """A bar that fills this share of its width, which the style sets."""
    width = round(100 * share, 1)
    x = f' x="{100 - width:g}"' if at_the_right else ""
    return (
        f'<svg class="bar {kind}" viewBox="0 0 100 1" preserveAspectRatio="none" '
        f'aria-hidden="true"><rect{x} width="{width:g}" height="1"/></svg>'
    )
