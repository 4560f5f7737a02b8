"""Recognises the network in a graph of another program's operators, whatever its format.

The operators are read in order. Those that read only constants are computed. Those that only
rearrange values are applied to the numbers of the values' places (`layouts.py`) and need no layer.
Several operators that form an activation or a normalisation are recognised by the numbers that they
compute (`regions.py`), attention by its scores and shares (`attention.py`). Anything else is a
layer or becomes part of the previous one: a bias, a scale, padding of a window. A format's own
table maps each operator to one of the methods here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from gradbook.errors import GradbookError
from gradbook.formats.arranging import likely_channels
from gradbook.formats.attention import Scores
from gradbook.formats.foreign import (
    Fixed,
    ForeignGraph,
    ForeignOp,
    Missing,
    Operator,
    Pieces,
    Settings,
    Table,
    Value,
    ValueName,
)
from gradbook.formats.growing_net import GrowingNet
from gradbook.formats.imported import (
    ONE_OUTPUT,
    REASONS,
    ImportedNet,
    NoLayer,
    NoReader,
    Refusals,
    assemble,
)
from gradbook.formats.known_values import NO_LAYER, ONE_PIECE, UNKNOWN
from gradbook.formats.layer_list import BYTES, LayerList
from gradbook.formats.layouts import SAMPLES, Live
from gradbook.formats.regions import (
    MOST_TRIED,
    PLACES,
    Readers,
    activation_of,
    normalising_of,
    start_of,
)
from gradbook.graph.names import is_sequence

FEATURES_FIRST = (
    "its input is {features} features x {steps} steps in the file, and {steps}x{features} here: "
    "the steps come first"
)
LEFT_OUT = "layers that do nothing in inference are left out: {}"
BY_COUNT = "it depends on the number of images"


def read_graph(graph: ForeignGraph, table: Table, file: str) -> ImportedNet:
    """Return the network; everything that has no layer here is reported at once."""
    samples = graph.batch or SAMPLES
    with np.errstate(all="ignore"):  # NaN and infinity are refused, not warned about
        net = _best(graph, table, file, samples)
        net.refusals.settle()
        if net.asks_for_sizes:
            _require_any_count(net, graph, table, file)
    row, way, notes = net.row, net.way, graph.notes
    size = row.sizes[0]
    guessed = graph.guesses_bytes and row.takes_bytes
    if row.filling is not None:
        notes = replace(notes, filling=tuple(row.filling.tolist()))
    steps, features = (*size[::-2], 1)[:2] if way.steps else (1, 1)
    folded = graph.remark and not any(layer.layer.statistics for layer in row.layers)
    remarks = (
        BYTES if guessed and not graph.is_bytes else "",
        FEATURES_FIRST.format(features=features, steps=steps) if way.features_first else "",
        graph.remark if folded else "",
        LEFT_OUT.format(", ".join(net.left_out)) if net.left_out else "",
    )
    imported = assemble(
        file,
        size[::-2] if way.steps else size,
        net.layers,
        row.preparation(graph.is_bytes or guessed) or notes.preparation,
        notes,
        tuple(filter(None, remarks)),
        tokens=way.tokens,
    )
    return replace(imported, features_first=way.features_first)


def _best(graph: ForeignGraph, table: Table, file: str, samples: int) -> Recogniser:
    """Try each layout of the input; return the first that leaves nothing unread."""
    asking = {word for word, operator in table.items() if operator.asks}
    readers = Readers.among(graph.needed(), graph.output, asking)
    nets = []
    for way in graph.ways(samples):
        prepares = graph.notes.preparation is None and not way.steps
        net = Recogniser(
            graph=graph,
            table=table,
            way=way,
            samples=samples,
            refusals=Refusals(file),
            row=LayerList([way.size], prepares=prepares),
            readers=readers,
        )
        net.read()
        if not net.refusals.reasons and not net.arranged:
            return net
        nets.append(net)
    return min(nets, key=lambda net: (net.refusals.count, len(net.row.layers)))


def _require_any_count(net: Recogniser, graph: ForeignGraph, table: Table, file: str) -> None:
    """Refuse a graph whose layers change with the number of samples."""
    repeated = _best(graph, table, file, net.samples + 1)
    repeated.refusals.settle()
    for layer, again in zip(net.row.layers, repeated.row.layers, strict=False):
        a, b = layer.tensors, again.tensors
        same = (layer.layer, layer.reads, *a) == (again.layer, again.reads, *b)
        if not same or not all(np.array_equal(a[name], b[name]) for name in a):
            net.refusals.add(layer.place, BY_COUNT)
            break
    net.refusals.settle()


class Recogniser(GrowingNet):
    """Reads the operators of a graph in order."""

    def read(self) -> None:
        way = self.way
        self.values = dict(self.graph.constants)
        arrays = (value.array for value in self.graph.constants.values())
        self.counted.update(id(x if x.base is None else x.base) for x in arrays)
        self.values[self.graph.input] = Live(0, way.size, way.laid, self.samples)
        done: set[int] = set()
        for number, op in enumerate(self.readers.ops):
            if number in done:
                continue
            self.op, self.used = op, []
            before = self.row.layers.copy()
            try:
                region = self._take(number)
            except (GradbookError, *REASONS) as error:
                self._refuse(op, error)
                continue
            done.update(region)
            self.row.note(before, self.used)
            for place in region:
                part = self.readers.ops[place]
                self.refusals.pass_on(part.reads, part.makes)
            self._forget(op.reads, number)
        if not self.refusals.reasons:
            self._require_output(self.graph.output)

    def _forget(self, names: Sequence[str], number: int) -> None:
        """Forget the layout of values that nothing reads any more."""
        for name in names:
            value = self.values[name]
            if isinstance(value, Live) and self.readers.last[name] <= number:
                self.values[name] = replace(value, laid=None)

    def _require_output(self, name: str) -> None:
        value = self.values.get(name)
        place = f"output '{name}'"
        if self.graph.has_complement and self.row.sizes[-1] != (1,):
            self.refusals.add(place, ONE_OUTPUT)
        if not isinstance(value, Live) or value.padding:
            self.refusals.add(place, "isn't the output of the last layer")
        elif not self._is_laid_out(value):
            try:
                self.values[name] = self.settle(value, likely_channels(value))
            except GradbookError:
                self.refusals.add(place, "isn't the output of the last layer")

    def _is_laid_out(self, value: Live) -> bool:
        """Whether the output has its elements in order, or step by step."""
        if value.is_in_line:
            return True
        channel_axis = value.any_channel_axis()
        maps = self.graph.maps_as_ours and len(value.shape) == 4
        if channel_axis is None or not (maps or is_sequence(value.size)):
            return False
        return channel_axis.has_all(self.samples, value.places)

    @property
    def layers(self) -> list[Any]:
        """The layers up to the one that makes the output."""
        return self.row.layers[: self.values[self.graph.output].number]

    def _refuse(self, op: ForeignOp, error: Exception) -> None:
        """Record the error and continue with the inputs, so that later operators are checked
        too."""
        self.refusals.refuse(op.place, error, op.reads, self.graph.usual)
        self.refusals.unsure.update(op.makes)
        read = (self.values.get(name) for name in (*op.reads, self.graph.input))
        live = next((value for value in read if isinstance(value, Live)), None)
        for name in op.makes:
            self.values.setdefault(name, live)

    def _take(self, number: int) -> tuple[int, ...]:
        """Make layers of an operator, or of a region that begins with it; return their places."""
        op = self.op
        if any(name not in self.values for name in op.reads):
            raise NoLayer(UNKNOWN)
        operator = self.table.get(op.word)
        self._lay_out_padding(operator, op.reads)
        reads = {name: self.values[name] for name in op.reads}
        self._require_fit(operator, reads.values())
        if operator is None:
            raise NoReader(NO_LAYER)
        live = [name for name, value in reads.items() if isinstance(value, Live)]
        plain = not any(isinstance(value, Scores | Pieces | Missing) for value in reads.values())
        settings = self._settings(operator, op, self.values)
        may_begin = len(live) == 1 and plain and (operator.elementwise or operator.reduces)
        if may_begin and (region := self._region(number, live[0])):
            return region
        inputs = (self.values.get(name) for name in op.inputs)
        result = operator.take(self, settings, *inputs, *op.weights)
        results = result if isinstance(result, tuple) else (result,)
        for name, value in zip(op.makes, results, strict=False):
            if value is not None:
                self.put(name, value)
        return (number,)

    def _lay_out_padding(self, operator: Operator | None, names: Sequence[str]) -> None:
        """Give padding that no window reads a layer of its own."""
        for name in names:
            value = self.values[name]
            if isinstance(value, Live) and value.padding and not (operator and operator.windowed):
                self.values[name] = self.unpadded(value)

    @staticmethod
    def _require_fit(operator: Operator | None, values: Any) -> None:
        """Refuse stacked values of which none is selected."""
        for value in values:
            if isinstance(value, Pieces) and not (operator and operator.picks):
                raise NoLayer(ONE_PIECE)

    def _settings(self, operator: Operator, op: ForeignOp, values: Mapping[str, Value]) -> Settings:
        """Return an operator's checked settings, with values in place of their names."""
        if operator.inputs is not None and any(op.inputs[operator.inputs :]):
            raise NoLayer(f"its input {operator.inputs + 1} can't be read: leave it out")
        settings = self.graph.check(operator.settings, op.settings)
        return {name: self._with_values(value, values) for name, value in settings.items()}

    def _with_values(self, value: Any, values: Mapping[str, Value]) -> Any:
        if isinstance(value, ValueName):
            return values[value.name]
        if isinstance(value, list):
            return [self._with_values(part, values) for part in value]
        return value

    # Operators that form one layer.

    def _region(self, number: int, name: str) -> tuple[int, ...]:
        """Return the places of the operators that together form one layer, if it begins here."""
        value = self.values[name]
        if value.padding is not None:
            return ()
        longest: tuple[int, ...] = ()
        layer = None
        for region in self.readers.regions(name, PLACES, self._trial(reduces=False)):
            activation = activation_of(region.numbers)
            if activation is not None and number in region.ops:
                longest, layer = region.ops, activation
        if layer is not None:
            self._put_last(longest, self.each(layer, value))
            return longest
        if prod(value.shape) > MOST_TRIED:
            return ()
        start = start_of(value.shape)
        for region in self.readers.regions(name, start, self._trial(reduces=True)):
            if not any(self.table[self.readers.ops[k].word].reduces for k in region.ops):
                continue
            numbers = self._constants_of(region.ops)
            norm = normalising_of(start, region.numbers, numbers)
            if norm is not None and number in region.ops:
                axes, epsilon = norm.axes, norm.epsilon
                make = self.normalise if norm.centred else self.divide_by_size
                result = make(value, axes, epsilon)
                self.bare[result.number] = "*+"
                self._put_last(region.ops, result)
                return region.ops
        return ()

    def _put_last(self, ops: Sequence[int], value: Live) -> None:
        (name,) = self.readers.ops[ops[-1]].makes
        self.put(name, value)

    def _constants_of(self, ops: Sequence[int]) -> Iterator[float]:
        for place in ops:
            op = self.readers.ops[place]
            for name in op.reads:
                value = self.values.get(name)
                if isinstance(value, Fixed) and value.array.size == 1:
                    yield float(value.array.item())
            yield from (x for x in op.settings.values() if isinstance(x, float))
            yield from (float(x.array.item()) for x in op.weights if x.array.size == 1)

    def _trial(self, reduces: bool) -> Callable[[ForeignOp, dict[str, Value]], Value]:
        """Return a function that applies an elementwise or reducing operator to numbers."""

        def work_out(op: ForeignOp, numbers: dict[str, Value]) -> Value:
            operator = self.table.get(op.word)
            if operator is None or not (operator.elementwise or (reduces and operator.reduces)):
                return None
            values = {name: numbers.get(name, self.values.get(name)) for name in op.reads}
            if len(op.makes) > 1 or not all(isinstance(x, Fixed) for x in values.values()):
                return None
            try:
                settings = self._settings(operator, op, values)
                inputs = (values.get(name) for name in op.inputs)
                result = operator.take(self, settings, *inputs, *op.weights)
            except (GradbookError, *REASONS):
                return None
            return result if isinstance(result, Fixed) else None

        return work_out
