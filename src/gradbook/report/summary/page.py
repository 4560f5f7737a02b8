"""A network's summary as one page: the table, and bars for where parameters and work are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gradbook.net.measure import NetMeasure
from gradbook.palette import ACTIVATION, INPUT, MEMORY, WEIGHT, Colour
from gradbook.report.page.shell import Section, text, wide
from gradbook.report.page.shell import page as whole_page
from gradbook.report.summary.table import heading, meanings, remarks, table
from gradbook.report.words.table import Cell, Column, Table

COLOURS: dict[str, Colour] = {  # of a column, by its key
    **dict.fromkeys(("parameters", "bytes"), WEIGHT),
    **dict.fromkeys(("kernel", "stride", "jump", "field"), INPUT),
    **dict.fromkeys(("macs", "training_macs"), ACTIVATION),
    "memory": MEMORY,
}
BARRED = ("parameters", "macs", "memory")
BAR_WIDTH, BAR_HEIGHT = 72, 4

STYLE = f"""\
.layers {{ margin: 0 auto; font-size: .92rem }}
.layers td {{ padding-block: .16rem .3rem; vertical-align: top; line-height: 1.35 }}
.layers .words {{ white-space: nowrap }}
.layers .plain {{ color: var(--remarks) }}
.layers tfoot td {{ border-top: 1.5px solid var(--remarks); font-weight: 600 }}
.bar {{ display: block; width: {BAR_WIDTH}px; height: {BAR_HEIGHT}px; margin: 0 0 0 auto }}
.meanings dt {{ font-weight: 600 }}
.meanings dd {{ margin: 0 0 .5rem }}
@media (min-width: 40rem) {{
  .meanings {{ display: grid; grid-template-columns: max-content 1fr; gap: .35rem 1.2rem }}
  .meanings dd {{ margin: 0 }}
}}
""" + "".join(f".bar-{c.key}{{fill:var(--{c.key})}}" for c in dict.fromkeys(COLOURS.values()))


def page(measured: NetMeasure) -> str:
    said = "".join(f"<dt>{text(a)}</dt><dd>{text(b)}</dd>" for a, b in meanings(measured))
    return whole_page(
        heading(measured),
        [
            Section("layers", "Layer by layer", layers(measured)),
            Section("columns", "What the columns say", f'<dl class="meanings">{said}</dl>'),
        ],
        lead=remarks_list(measured, "lead"),
        style=STYLE,
    )


def layers(measured: NetMeasure) -> str:
    """The table, for any page that has `STYLE`."""
    return f"<figure>{wide(_table(table(measured)))}</figure>"


def remarks_list(measured: NetMeasure, kind: str = "remarks") -> str:
    told = "".join(f"<li>{text(remark)}</li>" for remark in remarks(measured))
    return f'<ul class="{kind}">{told}</ul>'


def _table(shown: Table) -> str:
    head = "".join(
        f'<th scope="col" class="{_kind(column)}">{text(column.title)}</th>'
        for column in shown.columns
    )
    body = "".join(f"<tr{_plain(row, shown)}>{_row(row, shown)}</tr>" for row in shown.rows)
    foot = "".join(
        f"<td{_side(column)}>{text(column.spell(cell))}</td>"
        for column, cell in zip(shown.columns, shown.total, strict=True)
    )
    return (
        f'<table class="layers"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody><tfoot><tr>{foot}</tr></tfoot></table>"
    )


def _kind(column: Column) -> str:
    kind = f"k-{COLOURS[column.key].key}" if column.key in COLOURS else ""
    return f"{'words ' if column.words else ''}{kind}".strip()


def _side(column: Column) -> str:
    return ' class="words"' if column.words else ""


def _plain(row: Sequence[Cell], shown: Table) -> str:
    """A layer that has nothing to learn steps back."""
    keys = [column.key for column in shown.columns]
    return "" if row[keys.index("parameters")] else ' class="plain"'


def _row(row: Sequence[Cell], shown: Table) -> str:
    return "".join(
        f"<td{_side(column)}>{text(column.spell(cell))}{bar}</td>"
        for column, cell, bar in zip(shown.columns, row, _bars(row, shown), strict=True)
    )


def _bars(row: Sequence[Cell], shown: Table) -> Iterator[str]:
    """Each barred column's share of its largest cell."""
    for place, (column, cell) in enumerate(zip(shown.columns, row, strict=True)):
        if column.key not in BARRED or not isinstance(cell, int):
            yield ""
            continue
        most = max(other[place] or 0 for other in shown.rows if not isinstance(other[place], str))
        width = max(1, round(BAR_WIDTH * cell / int(most), 1))
        yield (
            f'<svg class="bar" viewBox="0 0 {BAR_WIDTH} {BAR_HEIGHT}" aria-hidden="true">'
            f'<rect class="bar-{COLOURS[column.key].key}" x="{BAR_WIDTH - width:g}" '
            f'width="{width:g}" height="{BAR_HEIGHT}" rx="1"/></svg>'
        )
