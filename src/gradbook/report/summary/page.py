"""A network's summary as one page, with bars for parameters and work; and in a notebook."""

from __future__ import annotations

from gradbook.amounts import counted, percent
from gradbook.lab.models.model import Model
from gradbook.net import Net
from gradbook.net.measure import NetMeasure, measure
from gradbook.palette import ACTIVATION, INPUT, MEMORY, WEIGHT, Colour
from gradbook.report.page import (
    IN_A_NOTEBOOK,
    Section,
    bar,
    columns_of_words,
    resource,
    table,
    text,
    text_table,
    wide,
)
from gradbook.report.page import page as whole_page
from gradbook.report.summary.table import IN_SHORT, heading, meanings, remarks
from gradbook.report.summary.table import table as summary_table
from gradbook.report.words import TableCell, TableColumn, TextTable

COLOURS: dict[str, Colour] = {  # of a column, by its key
    **dict.fromkeys(("parameters", "bytes"), WEIGHT),
    **dict.fromkeys(("kernel", "stride", "jump", "field"), INPUT),
    **dict.fromkeys(("macs", "training_macs"), ACTIVATION),
    "memory": MEMORY,
}
BARRED = ("parameters", "macs", "memory")
LEAST_BAR = 0.015  # of its room: what is there at all can be seen


def style() -> str:
    return resource("summary.css")


def page(measured: NetMeasure) -> str:
    said = "".join(f"<dt>{text(a)}</dt><dd>{text(b)}</dd>" for a, b in meanings(measured))
    return whole_page(
        heading(measured),
        [
            Section("layers", "Layer by layer", layers(measured)),
            Section("columns", "What the columns say", f'<dl class="meanings">{said}</dl>'),
        ],
        lead=remarks_list(measured, "lead"),
        style=style(),
    )


def layers(measured: NetMeasure) -> str:
    """The table, for any page that has the style."""
    shown = summary_table(measured)
    count = len(shown.rows)
    head = [_coloured(column) for column in shown.columns]
    rows = [
        [
            text(words) + _bar(shown, place, cell)
            for place, (words, cell) in enumerate(zip(said, row, strict=True))
        ]
        for said, row in zip(shown.texts[:count], shown.rows, strict=True)
    ]
    learns = [column.key for column in shown.columns].index("parameters")
    kinds = ["" if row[learns] else "plain" for row in shown.rows]  # nothing to learn steps back
    foot = list(map(text, shown.texts[count]))
    words = columns_of_words(shown)
    html = table(head, rows, words, kind="layers", row_kinds=kinds, foot=foot)
    return f"<figure>{wide(html)}</figure>"


def remarks_list(measured: NetMeasure, kind: str = "remarks") -> str:
    items = "".join(f"<li>{text(remark)}</li>" for remark in remarks(measured))
    return f'<ul class="{kind}">{items}</ul>'


def _coloured(column: TableColumn) -> str:
    title, colour = text(column.title), COLOURS.get(column.key)
    return f'<span class="k-{colour.key}">{title}</span>' if colour else title


def _bar(shown: TextTable, place: int, cell: TableCell) -> str:
    """A barred column's share of its largest cell."""
    key = shown.columns[place].key
    if key not in BARRED or not isinstance(cell, int):
        return ""
    most = max(other for row in shown.rows if isinstance(other := row[place], int))
    return bar(max(LEAST_BAR, cell / most), COLOURS[key].key, at_the_right=True)


# A trained model in a notebook: what it is in a line, and below it layer by layer.


def cell(model: Model) -> str:
    return f"<p>{text(_line(model))}</p>{short_table(model.net)}"


def short_table(net: Net) -> str:
    """The layers, what comes out of each, and their parameters, for a notebook."""
    return text_table(summary_table(measure(net)).only(IN_SHORT), left=IN_A_NOTEBOOK)


def lines(model: Model) -> str:
    return f"{_line(model)}\n\n{model.summary().rstrip()}"


def _line(model: Model) -> str:
    tested = model.about.get("test_accuracy")
    score = f", right on {percent(tested)} of the test images" if isinstance(tested, float) else ""
    numbers = counted(len(model.predicts), "number")
    classes = counted(len(model.classes), "class", "classes") if model.classes else numbers
    name = model.net.name or "a network"
    return f"{name}: {counted(model.parameters, 'parameter')}, {classes}{score}"
