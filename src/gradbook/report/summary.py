"""A network's summary: the sizes, costs and receptive fields of its layers, in every format.

Knows the columns and what they mean, not how a network is measured.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gradbook.amounts import counted, percent, short, size
from gradbook.layers import spell
from gradbook.net import Again, Net
from gradbook.net.measure import BYTES, LayerMeasure, NetMeasure, measure
from gradbook.palette import ACTIVATION, INPUT, MEMORY, WEIGHT
from gradbook.report.document import Chapter, Figure, Items, Meanings, Passage, Report
from gradbook.report.markup import report_cell
from gradbook.report.styled_text import TableCell, TableColumn, TextTable, plain

if TYPE_CHECKING:
    from gradbook.lab.models.model import Model
    from gradbook.lab.steps import DrivenTraining

VERSION = 1  # of the JSON
STYLES = ("summary.css",)
IN_SHORT = ("layer", "output", "parameters")  # the columns of a short summary


COLUMNS = (
    TableColumn("layer", "layer", words=True, meaning="as written in the network's text"),
    TableColumn(
        "output",
        "output",
        words=True,
        meaning="the shape of the output, channels × height × width",
    ),
    TableColumn(
        "parameters",
        "parameters",
        meaning="the learned numbers",
        tint=WEIGHT,
        has_bars=True,
    ),
    TableColumn(
        "bytes",
        "bytes",
        spare=2,
        meaning=f"their memory, {BYTES} bytes each; weights of few bits packed",
        tint=WEIGHT,
    ),
    TableColumn(
        "kernel", "kernel", spare=4, meaning="the window that slides over the input", tint=INPUT
    ),
    TableColumn("stride", "stride", spare=5, meaning="how far it moves", tint=INPUT),
    TableColumn(
        "jump",
        "jump",
        spare=1,
        tint=INPUT,
        meaning="how many pixels of the picture lie between two neighbours of the output",
    ),
    TableColumn(
        "field",
        "field",
        tint=INPUT,
        meaning="the receptive field: how many pixels, each way, one value of the output sees; "
        "beyond the picture's edge it sees padding",
    ),
    TableColumn(
        "MACs",
        "macs",
        tint=ACTIVATION,
        has_bars=True,
        meaning="multiply-adds of the forward pass for one sample: a weight times a value, or a "
        "bias, added to a sum",
    ),
    TableColumn(
        "training",
        "training_macs",
        spare=3,
        tint=ACTIVATION,
        meaning="multiply-adds of a training step for one sample, forward and backward",
    ),
    TableColumn(
        "memory",
        "memory",
        spell=lambda count: size(count) if isinstance(count, int) else "",
        meaning="the memory of the output, for the whole batch",
        tint=MEMORY,
        has_bars=True,
    ),
)


def summary_table(measured: NetMeasure) -> TextTable:
    """A row for the input and for each layer; columns that would be empty are left out."""
    net = measured.net
    first = {"layer": "input", "output": spell(net.input), "memory": measured.input_memory}
    layers = [_cells(_record(measured, layer)) for layer in measured.layers]
    shown = (c for c in COLUMNS if any(cells[c.key] is not None for cells in layers))
    table = TextTable.of(shown, [first, *layers], {"layer": "total", **_totals(measured)})
    learns = [column.key for column in table.columns].index("parameters")
    kinds = tuple("" if row[learns] else "plain" for row in table.rows)  # plain rows are grey
    return replace(table, kind="layers", row_kinds=kinds)


def _cells(record: dict[str, Any]) -> dict[str, TableCell]:
    """A layer's record for people: shapes as text, and None for what it doesn't have."""
    if record["again"]:
        record = record | {"layer": f"{record['layer']}, again"}
    square = dict[str, TableCell]()
    for key in ("jump", "field"):
        shape = record[key] or ()
        square[key] = spell(shape) if len(set(shape)) > 1 else next(iter(shape), None)
    if isinstance(record["stride"], tuple):
        square["stride"] = spell(record["stride"])
    if len(record["output"]) != 3:
        square["jump"] = None
    shapes = {key: record[key] and spell(record[key]) for key in ("output", "kernel")}
    return {key: cell or None for key, cell in {**record, **shapes, **square}.items()}


def heading(measured: NetMeasure) -> str:
    net = measured.net
    name = f"{net.name}: " if net.name else ""
    return f"{name}{spell(net.input)} in, {spell(net.shapes[-1])} out"


def remarks(measured: NetMeasure) -> list[str]:
    """The totals in sentences."""
    fixed = measured.parameters - measured.trained
    trained = f", {fixed:,} of them fixed" if fixed else ""
    whom = "one sample" if measured.batch == 1 else f"a batch of {measured.batch:,}"
    kept = "as float32"
    if measured.has_few_bits:
        floats = size(BYTES * measured.parameters)
        kept = f"with weights of few bits packed ({floats} as float32)"
    return [
        f"{counted(measured.parameters, 'parameter')}{trained}: {size(measured.bytes)} {kept}",
        f"{measured.macs:,} multiply-adds per sample forward, {measured.training_macs:,} for "
        "a training step",
        f"{size(measured.training_memory)} to train on {whom}: outputs "
        f"{size(measured.activations)}, the rest parameters, gradients and the update's memory",
        *(
            f"{_layers(it)} applied {it.times} times with the same weights, which are counted "
            "once; multiply-adds are counted each time"
            for it in measured.net.again
        ),
        *_beyond(measured),
    ]


def _layers(again: Again) -> str:
    first, last = again.first + 1, again.first + again.layers
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


def summary(measured: NetMeasure) -> Report:
    """The whole report."""
    table, lines = summary_table(measured), remarks(measured)
    meanings = [(column.title, column.meaning) for column in table.columns]
    record = {
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
    return Report(
        heading(measured),
        [
            Chapter("layers", "Layer by layer", [Figure([table])]),
            Chapter("columns", "What the columns mean", [Meanings(meanings)]),
        ],
        lead=[Items(lines, "lead")],
        brief=[Passage(heading(measured)), table, Items(lines)],
        record=record,
        styles=STYLES,
    )


def _totals(measured: NetMeasure) -> dict[str, TableCell]:
    return {
        "parameters": measured.parameters,
        "bytes": measured.bytes,
        "macs": measured.macs,
        "training_macs": measured.training_macs,
        "memory": measured.activations,
    }


def _record(measured: NetMeasure, layer: LayerMeasure) -> dict[str, Any]:
    field, stride = layer.field, layer.window and layer.window.stride
    return {
        "layer": layer.layer.text,
        "again": layer.again,
        "output": layer.output,
        "parameters": layer.parameters,
        "bytes": layer.bytes,
        "kernel": layer.window and layer.window.size,
        "stride": stride[0] if stride and len(set(stride)) == 1 else stride,
        "jump": field and [float(side) if side % 1 else int(side) for side in field.jump],
        "field": field and field.size,
        "macs": layer.macs,
        "training_macs": layer.training_macs,
        "memory": measured.memory(layer),
    }


# In short, and in a notebook ---------------------------------------------------


class ShortSummary(str):
    """Lines of text, which a notebook shows as a table."""

    net: Net

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return report_cell(Report("", cell=[_short_table(self.net)]))


def in_short(net: Net) -> ShortSummary:
    """The layers with their output shapes and parameters, in rows without headings."""
    shown = _short_table(net)
    columns = tuple(replace(column, title="") for column in shown.columns)
    *_, parameters = shown.total
    rows = TextTable(columns, shown.rows, ("", "", parameters))
    short = ShortSummary(plain([rows.line(cells) for cells in rows.texts]))
    short.net = net
    return short


# A trained model in a notebook: a line about it, and below it its layers.


def model_cell(model: Model) -> str:
    return report_cell(Report("", cell=[Passage(_line(model)), _short_table(model.net)]))


def _short_table(net: Net) -> TextTable:
    return summary_table(measure(net)).only(lambda column: column.key in IN_SHORT)


def model_text(model: Model) -> str:
    return f"{_line(model)}\n\n{model.summary().rstrip()}"


def _line(model: Model) -> str:
    tested = model.about.get("test_accuracy")
    score = f", right on {percent(tested)} of the test images" if isinstance(tested, float) else ""
    numbers = counted(len(model.predicts), "label" if model.labels else "number")
    classes = counted(len(model.classes), "class", "classes") if model.classes else numbers
    name = model.net.name or "a network"
    return f"{name}: {counted(model.parameters, 'parameter')}, {classes}{score}"


# A training that is driven, in a notebook: how large its weights and gradients are.

DRIVEN = (
    TableColumn("weights", "name", words=True),
    TableColumn("shape", "shape", words=True),
    TableColumn("mean |w|", "weight", spell=short),
    TableColumn("mean |∂E/∂w|", "gradient", spell=short),
)


def steps_cell(step: DrivenTraining) -> str:
    gradients = step.gradients
    records = [
        {
            "name": name,
            "shape": spell(weights.shape),
            "weight": float(abs(weights).mean()),
            "gradient": float(abs(gradients[name]).mean()) if name in gradients else None,
        }
        for name, weights in step.weights.items()
    ]
    return report_cell(Report("", cell=[Passage(repr(step)), TextTable.of(DRIVEN, records)]))
