"""What a network costs and sees: the table that people know, in every format.

Knows the columns and what they mean; it doesn't know how a network is measured.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gradbook.amounts import counted, percent, size
from gradbook.graph.window import Shape, Window
from gradbook.layers import spell
from gradbook.net import Again, Net
from gradbook.net.measure import BYTES, LayerMeasure, NetMeasure, measure
from gradbook.palette import ACTIVATION, INPUT, MEMORY, WEIGHT, Colour
from gradbook.report.page import (
    IN_A_NOTEBOOK,
    Section,
    bar,
    columns_of_words,
    page,
    resource,
    table,
    text,
    text_table,
    wide,
)
from gradbook.report.words import (
    TableCell,
    TableColumn,
    TextTable,
    comma_separated,
    fit,
    fold,
    markdown,
    not_shown,
    plain,
    table_text,
)

if TYPE_CHECKING:
    from gradbook.lab.models.model import Model

VERSION = 1  # of the JSON
IN_SHORT = ("layer", "output", "parameters")  # what says of a trained network what it is


def _size(count: TableCell) -> str:
    return size(count) if isinstance(count, int) else ""


COLUMNS = (
    TableColumn("layer", "layer", words=True, meaning="as the network's text says it"),
    TableColumn(
        "output",
        "output",
        words=True,
        meaning="the shape of what comes out, channels × height × width",
    ),
    TableColumn("parameters", "parameters", meaning="the numbers that are learnt"),
    TableColumn("bytes", "bytes", spare=2, meaning=f"what they take, {BYTES} bytes each"),
    TableColumn("kernel", "kernel", spare=4, meaning="the window that slides over the input"),
    TableColumn("stride", "stride", spare=5, meaning="how far it moves"),
    TableColumn(
        "jump",
        "jump",
        spare=1,
        meaning="how many pixels of the picture lie between two neighbours of the output",
    ),
    TableColumn(
        "field",
        "field",
        meaning="the receptive field: how many pixels, each way, one value of the output sees; "
        "beyond the picture's edge it sees padding",
    ),
    TableColumn(
        "MACs",
        "macs",
        meaning="multiply-adds forward for one sample: a weight times a value, or a bias, added up",
    ),
    TableColumn(
        "training",
        "training_macs",
        spare=3,
        meaning="multiply-adds of a training step for one sample, forward and backward",
    ),
    TableColumn(
        "memory", "memory", spell=_size, meaning="what the output takes, for the whole batch"
    ),
)


def summary_table(measured: NetMeasure) -> TextTable:
    """A row for the input and for each layer; columns that would be empty are left out."""
    net = measured.net
    first = {"layer": "input", "output": spell(net.input), "memory": measured.input_memory}
    layers = [_cells(_told(measured, layer)) for layer in measured.layers]
    shown = (c for c in COLUMNS if any(cells[c.key] is not None for cells in layers))
    return TextTable.of(shown, [first, *layers], {"layer": "total", **_totals(measured)})


def _told(measured: NetMeasure, layer: LayerMeasure) -> dict[str, Any]:
    record = _record(measured, layer)
    return record | {"layer": f"{record['layer']}, again"} if layer.again else record


def _cells(record: dict[str, Any]) -> dict[str, TableCell]:
    """A layer's record for people: shapes in words, nothing where there is nothing."""
    square = {key: _square(record[key]) for key in ("jump", "field")}
    if isinstance(record["stride"], tuple):
        square["stride"] = spell(record["stride"])
    if len(record["output"]) != 3:
        square["jump"] = None
    shapes = {key: record[key] and spell(record[key]) for key in ("output", "kernel")}
    return {key: cell or None for key, cell in {**record, **shapes, **square}.items()}


def _square(shape: Shape | None) -> TableCell:
    """One number where both are the same."""
    if not shape:
        return None
    return shape[0] if len(set(shape)) == 1 else spell(shape)


def heading(measured: NetMeasure) -> str:
    net = measured.net
    name = f"{net.name}: " if net.name else ""
    return f"{name}{spell(net.input)} in, {spell(net.shapes[-1])} out"


def remarks(measured: NetMeasure) -> list[str]:
    """The sums, in sentences."""
    fixed = measured.parameters - measured.trained
    trained = f", {fixed:,} of them fixed" if fixed else ""
    whom = "one sample" if measured.batch == 1 else f"a batch of {measured.batch:,}"
    return [
        f"{counted(measured.parameters, 'parameter')}{trained}: {size(measured.bytes)} as float32",
        f"{measured.macs:,} multiply-adds forward for each sample, "
        f"{measured.training_macs:,} for a training step",
        f"{size(measured.training_memory)} to train on {whom}: outputs "
        f"{size(measured.activations)}, the rest parameters, gradients and the update's memory",
        *_again(measured),
        *_beyond(measured),
    ]


def _again(measured: NetMeasure) -> list[str]:
    """Which layers share their weights."""
    return [
        f"{_layers(one)} applied {one.times} times with the same weights, which are counted once; "
        "multiply-adds count each time"
        for one in measured.net.again
    ]


def _layers(one: Again) -> str:
    first, last = one.first + 1, one.first + one.layers
    if first == last:
        return f"layer {first} is"
    return f"layers {first} {'and' if last == first + 1 else 'to'} {last} are"


def _beyond(measured: NetMeasure) -> list[str]:
    """Why a receptive field may be larger than the picture."""
    sides = measured.net.input[1:]
    fields = [layer.field.size for layer in measured.layers if layer.field]
    if not fields or all(sees <= side for sees, side in zip(fields[-1], sides, strict=True)):
        return []
    return [
        f"the last receptive field, {spell(fields[-1])}, is larger than the picture, "
        f"{spell(sides)}: windows at its edge reach into the padding"
    ]


class ShortSummary(str):
    """Lines of text that show themselves as such, and in a notebook as a table."""

    net: Net

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return short_table(self.net)


def in_short(net: Net) -> ShortSummary:
    """The layers, what comes out of each, and their parameters: rows that need no headings."""
    shown = summary_table(measure(net)).only(IN_SHORT)
    columns = tuple(replace(column, title="") for column in shown.columns)
    *_, parameters = shown.total
    rows = TextTable(columns, shown.rows, ("", "", parameters))
    said = ShortSummary(plain([rows.line(cells) for cells in rows.texts]))
    said.net = net
    return said


def meanings(measured: NetMeasure) -> list[tuple[str, str]]:
    """What each column of the table says."""
    return [(column.title, column.meaning) for column in summary_table(measured).columns]


def as_text(measured: NetMeasure, width: int) -> str:
    """For a terminal that is so many characters wide."""
    shown, left_out = fit(summary_table(measured), width)
    lines = [*remarks(measured), *not_shown(left_out)]
    foot = "".join(plain(list(fold(line, width, rest=2))) for line in lines)
    return f"{heading(measured)}\n\n{table_text(shown)}\n{foot}"


def as_markdown(measured: NetMeasure) -> str:
    foot = "".join(f"- {remark}\n" for remark in remarks(measured))
    return f"### {heading(measured)}\n\n{markdown(summary_table(measured))}\n{foot}"


def as_csv(measured: NetMeasure) -> str:
    return comma_separated(summary_table(measured))


def as_json(measured: NetMeasure) -> str:
    """All columns of each layer as plain numbers, and the sums."""
    content = {
        "version": VERSION,
        "network": measured.net.name,
        "input": measured.net.input,
        "batch": measured.batch,
        "layers": [_record(measured, layer) for layer in measured.layers],
        "totals": {
            **_totals(measured),
            "trained": measured.trained,
            "training_memory": measured.training_memory,
        },
    }
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def _stride(window: Window) -> int | Shape:
    """One number where both are the same."""
    return window.stride[0] if len(set(window.stride)) == 1 else window.stride


def _totals(measured: NetMeasure) -> dict[str, TableCell]:
    return {
        "parameters": measured.parameters,
        "bytes": measured.bytes,
        "macs": measured.macs,
        "training_macs": measured.training_macs,
        "memory": measured.activations,
    }


def _record(measured: NetMeasure, layer: LayerMeasure) -> dict[str, Any]:
    field = layer.field
    return {
        "layer": layer.layer.text,
        "again": layer.again,
        "output": layer.output,
        "parameters": layer.parameters,
        "bytes": layer.bytes,
        "kernel": layer.window and layer.window.size,
        "stride": layer.window and _stride(layer.window),
        "jump": field and field.jump,
        "field": field and field.size,
        "macs": layer.macs,
        "training_macs": layer.training_macs,
        "memory": measured.memory(layer),
    }


# A page and a notebook --------------------------------------------------------

COLOURS: dict[str, Colour] = {  # of a column, by its key
    **dict.fromkeys(("parameters", "bytes"), WEIGHT),
    **dict.fromkeys(("kernel", "stride", "jump", "field"), INPUT),
    **dict.fromkeys(("macs", "training_macs"), ACTIVATION),
    "memory": MEMORY,
}
BARRED = ("parameters", "macs", "memory")
LEAST_BAR = 0.015  # of its room: what is there at all can be seen


def summary_style() -> str:
    return resource("summary.css")


def summary_page(measured: NetMeasure) -> str:
    said = "".join(f"<dt>{text(a)}</dt><dd>{text(b)}</dd>" for a, b in meanings(measured))
    return page(
        heading(measured),
        [
            Section("layers", "Layer by layer", layers_figure(measured)),
            Section("columns", "What the columns say", f'<dl class="meanings">{said}</dl>'),
        ],
        lead=remarks_list(measured, "lead"),
        style=summary_style(),
    )


def layers_figure(measured: NetMeasure) -> str:
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


def model_cell(model: Model) -> str:
    return f"<p>{text(_line(model))}</p>{short_table(model.net)}"


def short_table(net: Net) -> str:
    """The layers, what comes out of each, and their parameters, for a notebook."""
    return text_table(summary_table(measure(net)).only(IN_SHORT), left=IN_A_NOTEBOOK)


def model_text(model: Model) -> str:
    return f"{_line(model)}\n\n{model.summary().rstrip()}"


def _line(model: Model) -> str:
    tested = model.about.get("test_accuracy")
    score = f", right on {percent(tested)} of the test images" if isinstance(tested, float) else ""
    numbers = counted(len(model.predicts), "number")
    classes = counted(len(model.classes), "class", "classes") if model.classes else numbers
    name = model.net.name or "a network"
    return f"{name}: {counted(model.parameters, 'parameter')}, {classes}{score}"
