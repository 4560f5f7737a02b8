"""What a network costs and sees, as people know such tables: text, Markdown, CSV, JSON, a page."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import compress
from typing import Any

from gradbook.amounts import size
from gradbook.net.layers import spell
from gradbook.net.measure import BYTES, LayerMeasure, NetMeasure
from gradbook.net.parameters import Shape
from gradbook.net.text import layer_words
from gradbook.report.words.lines import folded, plain
from gradbook.report.words.table import (
    TableCell,
    TableColumn,
    TextTable,
    comma_separated,
    fitted,
    markdown,
    not_shown,
    text,
)

VERSION = 1  # of the JSON


@dataclass(frozen=True)
class SummaryColumn:
    """One column: how it is headed, what it says of a layer, and what it means."""

    column: TableColumn
    of: Callable[[NetMeasure, LayerMeasure], TableCell]
    meaning: str
    total: Callable[[NetMeasure], TableCell] = lambda measured: None


def _square(shape: Shape) -> TableCell:
    """One number where both are the same."""
    return shape[0] if len(set(shape)) == 1 else spell(shape)


def _jump(measured: NetMeasure, layer: LayerMeasure) -> TableCell:
    return _square(layer.sight.jump) if layer.sight and len(layer.output) == 3 else None


ENTRIES = (
    SummaryColumn(
        TableColumn("layer", "layer", words=True),
        lambda _, layer: layer_words(layer.layer),
        "as the network's text says it",
    ),
    SummaryColumn(
        TableColumn("output", "output", words=True),
        lambda _, layer: spell(layer.output),
        "the shape of what comes out, channels × height × width",
    ),
    SummaryColumn(
        TableColumn("parameters", "parameters"),
        lambda _, layer: layer.parameters or None,
        "the numbers that are learnt",
        lambda measured: measured.parameters,
    ),
    SummaryColumn(
        TableColumn("bytes", "bytes", spare=2),
        lambda _, layer: layer.bytes or None,
        f"what they take, {BYTES} bytes each",
        lambda measured: measured.bytes,
    ),
    SummaryColumn(
        TableColumn("kernel", "kernel", spare=4),
        lambda _, layer: spell(layer.window) if layer.window else None,
        "the window that is slid over the input",
    ),
    SummaryColumn(
        TableColumn("stride", "stride", spare=5),
        lambda _, layer: layer.stride,
        "how far it moves",
    ),
    SummaryColumn(
        TableColumn("jump", "jump", spare=1),
        _jump,
        "how many pixels of the picture lie between two neighbours of the output",
    ),
    SummaryColumn(
        TableColumn("field", "field"),
        lambda _, layer: _square(layer.sight.field) if layer.sight else None,
        "the receptive field: how many pixels, each way, one value of the output sees; beyond the "
        "picture's edge it sees padding",
    ),
    SummaryColumn(
        TableColumn("MACs", "macs"),
        lambda _, layer: layer.macs or None,
        "multiply-adds forward for one sample: a weight times a value, or a bias, added up",
        lambda measured: measured.macs,
    ),
    SummaryColumn(
        TableColumn("training", "training_macs", spare=3),
        lambda _, layer: layer.training_macs or None,
        "multiply-adds of a training step for one sample, forward and backward",
        lambda measured: measured.training_macs,
    ),
    SummaryColumn(
        TableColumn("memory", "memory", spell=size),
        lambda measured, layer: measured.memory(layer),
        "what the output takes, for the whole batch",
        lambda measured: measured.activations,
    ),
)


def table(measured: NetMeasure) -> TextTable:
    """A row for the input and for each layer; columns that would be empty are left out."""
    rows = [[entry.of(measured, layer) for entry in ENTRIES] for layer in measured.layers]
    first = [_of_input(measured, entry.column) for entry in ENTRIES]
    total = ["total", *(entry.total(measured) for entry in ENTRIES[1:])]
    told = [any(row[k] is not None for row in rows) for k in range(len(ENTRIES))]

    def kept(row: Iterable[Any]) -> tuple[Any, ...]:
        return tuple(compress(row, told))

    columns = kept(entry.column for entry in ENTRIES)
    return TextTable(columns, tuple(map(kept, [first, *rows])), kept(total))


def _of_input(measured: NetMeasure, column: TableColumn) -> TableCell:
    shape = spell(measured.net.input)
    cells: dict[str, TableCell] = {
        "layer": "input",
        "output": shape,
        "memory": measured.input_memory,
    }
    return cells.get(column.key)


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
        f"{measured.parameters:,} parameters{trained}: {size(measured.bytes)} as float32",
        f"{measured.macs:,} multiply-adds forward for each sample, "
        f"{measured.training_macs:,} for a training step",
        f"{size(measured.training_memory)} to train on {whom}: outputs "
        f"{size(measured.activations)}, the rest parameters, gradients and the update's memory",
    ]


def meanings(measured: NetMeasure) -> list[tuple[str, str]]:
    """What each column of the table says."""
    shown = {column.key for column in table(measured).columns}
    return [(e.column.title, e.meaning) for e in ENTRIES if e.column.key in shown]


def as_text(measured: NetMeasure, width: int) -> str:
    """For a terminal that is so many characters wide."""
    shown, left_out = fitted(table(measured), width)
    lines = [*remarks(measured), *not_shown(left_out)]
    foot = "".join(plain(list(folded(line, width, rest=2))) for line in lines)
    return f"{heading(measured)}\n\n{text(shown)}\n{foot}"


def as_markdown(measured: NetMeasure) -> str:
    foot = "".join(f"- {remark}\n" for remark in remarks(measured))
    return f"### {heading(measured)}\n\n{markdown(table(measured))}\n{foot}"


def as_csv(measured: NetMeasure) -> str:
    return comma_separated(table(measured))


def as_json(measured: NetMeasure) -> str:
    """All columns of each layer as plain numbers, and the sums."""
    told = {
        "version": VERSION,
        "network": measured.net.name,
        "input": list(measured.net.input),
        "batch": measured.batch,
        "layers": [_record(measured, layer) for layer in measured.layers],
        "totals": {
            "parameters": measured.parameters,
            "trained": measured.trained,
            "bytes": measured.bytes,
            "macs": measured.macs,
            "training_macs": measured.training_macs,
            "memory": measured.activations,
            "training_memory": measured.training_memory,
        },
    }
    return json.dumps(told, ensure_ascii=False, indent=1) + "\n"


def _record(measured: NetMeasure, layer: LayerMeasure) -> dict[str, Any]:
    sight = layer.sight
    return {
        "layer": layer_words(layer.layer),
        "output": list(layer.output),
        "parameters": layer.parameters,
        "bytes": layer.bytes,
        "kernel": layer.window and list(layer.window),
        "stride": layer.stride,
        "jump": sight and list(sight.jump),
        "field": sight and list(sight.field),
        "macs": layer.macs,
        "training_macs": layer.training_macs,
        "memory": measured.memory(layer),
    }
