"""Reads an ONNX model node by node."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from math import isnan, prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gradbook.errors import GradbookError
from gradbook.formats.activations import ActivationSteps, ForeignStep, activation_from
from gradbook.formats.attention import MASKED, OTHER_MASK
from gradbook.formats.imported import (
    BOTH,
    REASONS,
    STEEPER,
    ImportedLayer,
    ImportedNet,
    NoLayer,
    NoReader,
    Notes,
    Refusals,
    assemble,
)
from gradbook.formats.layer_list import LayerList, places_up, require_counted, sides_of
from gradbook.formats.layouts import ELSEWHERE, SAMPLES, Lie, WayIn, ways_in
from gradbook.formats.onnx.content import (
    BATCHES,
    FLOATS,
    OnnxGraph,
    OpenShape,
    compute_shapes,
    layout,
    read_content,
    shape_of,
)
from gradbook.formats.onnx.norms import norm_from
from gradbook.formats.onnx.steps import RECURRENT, read_recurrent
from gradbook.formats.onnx.words import (
    EIGHT_SIDES,
    KINDS,
    SETTINGS,
    moves_of,
    only,
    require_kernel,
    settings,
    whole_numbers,
)
from gradbook.formats.op_graph import GraphReader, Sign
from gradbook.graph.node import Array
from gradbook.graph.window import NOWHERE, Shape
from gradbook.layers.activations import Activation
from gradbook.layers.card import spell
from gradbook.layers.norms import BatchNorm
from gradbook.layers.pools import Pool
from gradbook.layers.sums import Conv, TransposedConv

if TYPE_CHECKING:
    from onnx import NodeProto


EACH = (  # that work on each value alone
    *("Abs", "Add", "Clip", "Div", "Elu", "Erf", "Exp", "Gelu", "Greater", "HardSigmoid"),
    *("HardSwish", "Log", "Max", "Min", "Mish", "Mul", "Neg", "Pow", "Reciprocal", "Relu", "Selu"),
    *("Sigmoid", "Softplus", "Softsign", "Sqrt", "Sub", "Swish", "Tanh", "Where"),
)


def _activation_from(content: OnnxGraph, value: str) -> ActivationSteps | None:
    steps = []
    for node in content.nodes:
        if node.op_type != "Shape":
            reads = (name for name in node.input if name and name not in content.constants)
            steps.append(ForeignStep(node, tuple(reads), str(node.output[0])))
    work_out = partial(_worked_out_each, content)
    return activation_from(steps, value, {content.made}, work_out)


def _worked_out_each(
    content: OnnxGraph, step: ForeignStep, numbers: Mapping[str, Array]
) -> Array | None:
    """What a node makes of numbers, each by itself, if it is one of those."""
    from onnx import TensorProto, helper
    from onnx.reference import ReferenceEvaluator

    node, given = step.source, {name: numbers[name].astype(np.float32) for name in step.reads}
    constants = {name: content.constants[name] for name in node.input if name in content.constants}
    if node.op_type not in EACH or any(array.size != 1 for array in constants.values()):
        return None
    ends = [
        helper.make_tensor_value_info(name, TensorProto.UNDEFINED, None)
        for name in (*given, *constants, step.made)
    ]
    opsets = [helper.make_opsetid("", content.opset)]
    try:
        graph = helper.make_graph([node], "step", ends[:-1], ends[-1:])
        model = helper.make_model(graph, opset_imports=opsets)
        with np.errstate(all="ignore"):
            (found,) = ReferenceEvaluator(model).run(None, {**given, **constants})
    except Exception:  # whatever it can't work out is no activation of ours
        return None
    return np.asarray(found, np.float64) if isinstance(found, np.ndarray) else None


TRAINING = "it is in training mode: export the network for inference"
GOING_ON = ("Log",)  # no layer by itself; an activation with it may begin with one that is
PLAIN = {
    word: kind for word, kind in KINDS.items() if word in SETTINGS and not SETTINGS[word].kinds
}
REMARK = (
    "the file holds the network for inference: dropout isn't in it, nor normalisation that was "
    "folded into other layers"
)


def read_onnx(path: str | os.PathLike[str]) -> ImportedNet:
    """The network in an .onnx file; all that has no layer here is told at once."""
    content = read_content(Path(path))
    samples = content.batch or SAMPLES
    readers = []
    for given in ways_in(content.shape, samples, content.is_whole):
        row = LayerList(
            [given.size], prepares=content.notes.preparation is None and not given.steps
        )
        reader = _OnnxReader(
            content=content,
            refusals=Refusals(os.fspath(path)),
            row=row,
            samples=samples,
            given=given,
        )
        reader.numbers[content.given] = 0
        if given.order is not None:
            reader.orders[content.given] = given.order
        reader.read()
        readers.append(reader)
        if not reader.refusals.found:
            break
    best = min(readers, key=lambda one: one.refusals.count)
    best.refusals.settle()
    row, size = best.row, best.row.sizes[0]
    folded = not any(isinstance(own.layer, BatchNorm) for own in row.layers)
    return assemble(
        best.refusals.file,
        size[::-2] if best.given.steps else size,
        row.layers,
        row.preparation(content.is_bytes) or content.notes.preparation,
        content.notes if row.filling is None else _filled(content.notes, row.filling),
        tuple(remark for remark in (best.given.remark, REMARK * folded) if remark),
        tokens=best.given.tokens,
    )


def _filled(notes: Notes, filling: Array) -> Notes:
    return replace(notes, filling=tuple(filling.tolist()))


@dataclass(kw_only=True)
class _OnnxReader(GraphReader):
    content: OnnxGraph
    given: WayIn
    missing: set[str] = field(default_factory=set)  # where numbers are missing
    shapes: dict[str, OpenShape] = field(default_factory=dict)  # what is reckoned of sizes alone
    zeros: set[str] = field(default_factory=set)  # states that a sequence begins with

    def read(self) -> None:
        done: set[int] = set()
        for node in self.content.nodes:
            if id(node) in done:
                continue
            place = f"{node.op_type} '{node.name or node.output[0]}'"
            before = self.row.layers.copy()
            try:
                if self._makes_zeros(node) or self._reckons(node):
                    continue
                taken = self._take(node, place)
                done.update(map(id, taken))
                self._note(before, taken)
                for one in taken:
                    self.refusals.pass_on(one.input, one.output)
            except (GradbookError, *REASONS) as error:
                self._refuse(node, place, error)
        if self.refusals.found:
            return
        self.require_output(self.content.made)
        if self.content.both and self.row.sizes[-1] != (1,):
            self.refusals.add(f"output '{self.content.made}'", BOTH)

    def reader_count(self, value: str) -> int:
        return len(self.content.readers(value)) + (value == self.content.made)

    def _refuse(self, node: NodeProto, place: str, error: Exception) -> None:
        """Go on with what it reads, so that what comes later is looked at too."""
        usual = "its inputs and constants don't fit each other"
        self.refusals.refuse(place, error, node.input, usual)
        self.refusals.unsure.update(node.output)
        given = next((name for name in node.input if name in self.numbers), self.content.given)
        for name in node.output:
            if name not in self.fits:
                self.numbers.setdefault(name, self.numbers[given])

    def _reckons(self, node: NodeProto) -> bool:
        """Whether a node is about sizes and not about values; what it makes is then known."""
        if node.op_type == "Shape":
            value = node.input[0]
            self.require_fit([value], windowed=False)
            self.shapes[node.output[0]] = shape_of(node, self._open_shapes(value))
            return True
        made = compute_shapes(node, self.content.constants, self.shapes)
        self.shapes.update(made)
        return bool(made)

    def _open_shapes(self, value: str) -> list[Shape]:
        """A value's shape for either number of samples; as it is where that is told."""
        shape = self.shape(value)
        if self.content.batch is not None:
            return [shape, shape]
        (axis,) = [0] if value in self.fits else self.sample_axes(value)
        each = shape[axis] // self.samples
        return [(*shape[:axis], each * batch, *shape[axis + 1 :]) for batch in BATCHES]

    def _take(self, node: NodeProto, place: str) -> Sequence[NodeProto]:
        """Make layers of a node, or of it and those that belong to it."""
        known = (self.content.constants, self.shapes, self.zeros)
        given = [name for name in node.input if name and not any(name in one for one in known)]
        places = (self.numbers, self.fits, self.pieces)
        there = [name for name in given if any(name in one for one in places)]
        if there != given or not given:
            raise NoLayer("its input isn't known")
        if node.op_type in SETTINGS and node.op_type not in WINDOWED:  # which read theirs anyway
            settings(node)
        self._require_at_work(node)
        self.require_fit(given, node.op_type in WINDOWED)
        self.require_whole(given, node.op_type == "Gather")
        if any(name in self.fits for name in given):
            self._attend(node, place, given)
            return [node]
        nodes = self._pattern(node, place, given)
        if nodes:
            return nodes
        take = TAKES.get(node.op_type)
        if take is None:
            raise NoReader(_no_layer(node))
        self.require_fit(given, windowed=True)
        lie = take(self, node, place, given)
        if lie is not None:
            self.put(node.output[node.op_type == "LinearClassifier"], lie)
        return [node]

    def _require_at_work(self, node: NodeProto) -> None:
        """Refuse dropout that drops something, and casts that cut digits off."""
        if node.op_type == "Dropout" and np.any(self._constant(node, 2)):
            raise NoReader(TRAINING)
        if node.op_type == "Cast" and settings(node)["to"] not in FLOATS:
            is_given = self.numbers.get(node.input[0]) == 0 and not self.row.layers
            if not is_given or not (self.content.is_whole or self.content.is_bytes):
                raise NoLayer("it cuts numbers down to whole ones: only floats can be read")

    def _makes_zeros(self, node: NodeProto) -> bool:
        """Whether it makes states to begin with, which are 0 for as many samples as there are."""
        if node.op_type == "ConstantOfShape" and node.input[0] in self.shapes:
            told = next((one.t for one in node.attribute if one.name == "value"), None)
            if told is None or not np.any(_array_of(told)):
                self.zeros.add(node.output[0])
                return True
        passes = node.op_type in ("Expand", "Slice", "Identity", "Unsqueeze", "Cast", "Gather")
        if passes and node.input[0] not in self.numbers and self._is_zero(node.input[0]):
            self.zeros.update(node.output)
            return True
        return False

    def _is_zero(self, name: str) -> bool:
        return name in self.zeros or not np.any(self.content.constants.get(name, 1))

    # Attention, and what only lays values out.

    def _attend(self, node: NodeProto, place: str, given: list[str]) -> None:
        """What is done to scores and shares."""
        made, first = node.output[0], given[0]
        own = self.fits.get(first)
        match node.op_type:
            case "Mul" | "Div" | "Add" | "Sub" if len(given) == 1 and own is not None:
                if node.op_type in ("Sub", "Div") and node.input[0] != first:
                    raise NoLayer(OTHER_MASK)
                constant = self._weight(node, 1 if node.input[0] == first else 0)
                self.combine_fits(made, first, SIGNS[node.op_type], constant)
            case "Where" if len(given) == 1 and own is not None:
                chosen = self._weight(node, 0).astype(bool)
                other = self._weight(node, 2 if node.input[1] == first else 1)
                if (other > MASKED).any():
                    raise NoLayer(OTHER_MASK)
                self.fits[made] = own.seen(chosen if node.input[1] == first else ~chosen)
            case "Softmax" if own is not None:
                self.fits[made] = own.softmax(self._shares_axis(node))
            case "Reshape" if own is not None:
                self.fits[made] = own.laid_out(self._target(node, own.shape))
            case word if word in PASSING and own is not None:
                self.fits[made] = own
            case "MatMul" if own is not None and len(given) == 2 and given[1] in self.numbers:
                self.put(made, self.attend(own, given[1], place))
            case _:
                raise NoLayer("it does something to the scores of attention that can't be read")

    def take_move(self, node: NodeProto, place: str, given: list[str]) -> Lie:
        """What only lays values out anew."""
        value = given[0]
        rank = len(self.shape(value))
        match node.op_type:
            case "Transpose":
                perm = settings(node)["perm"] or [*range(rank)][::-1]
                return self.move(value, lambda order: order.transpose(perm))
            case "Unsqueeze":
                axes = self._axes_told(node)
                return self.move(value, lambda order: np.expand_dims(order, axes))
            case "Squeeze":
                axes = self._axes_told(node)
                ones = tuple(k for k, n in enumerate(self.shape(value)) if n == 1 and k)
                return self.move(value, lambda order: order.squeeze(axes or ones))
        raise NoLayer(ELSEWHERE)

    def take_flatten(self, node: NodeProto, place: str, given: list[str]) -> Lie:
        axis, shape = settings(node)["axis"], self.shape(given[0])
        target = (prod(shape[:axis]), -1)
        return self.reshape(given[0], place, target)

    def take_reshape(self, node: NodeProto, place: str, given: list[str]) -> Lie:
        return self.reshape(given[0], place, self._target(node, self.shape(given[0])))

    def _target(self, node: NodeProto, shape: Shape) -> Shape:
        told = self.shapes.get(node.input[1])
        if told is None:
            numbers = np.array(whole_numbers(self._weight(node)))
            told = OpenShape((numbers, numbers))
        sizes = layout(told, self.samples)
        if 0 in sizes and settings(node).get("allowzero"):
            raise NoLayer("it makes an array without values")
        return tuple(shape[k] if x == 0 and k < len(shape) else x for k, x in enumerate(sizes))

    def take_gather(self, node: NodeProto, place: str, given: list[str]) -> Lie:
        """One of the places along an axis, or several."""
        axis = settings(node)["axis"]
        if node.input[0] in self.content.constants:
            if axis or len(given) != 1:
                raise NoLayer("only rows of a table can be looked up")
            return self.embed(given[0], place, self._weight(node, 0))
        value, index = given[0], self._weight(node)
        places = index.astype(int)
        self.require_whole([value], takes_one=axis == 0 and places.size == 1)
        if value in self.pieces:
            chosen = self.pieces[value][int(places.item())]
            lie = Lie(self.numbers[chosen], self.order(chosen))
            drops = places.ndim == 0
            return Lie(lie.number, self.order(chosen)[0]) if drops else lie
        return self.move(value, lambda order: order.take(places, axis))

    def take_slice(self, node: NodeProto, place: str, given: list[str]) -> Lie:
        """Some of the places along its axes."""
        value, shape = given[0], self.shape(given[0])
        starts, ends = (whole_numbers(self._weight(node, place)) for place in (1, 2))
        axes, steps = (self._constant(node, place) for place in (3, 4))
        over = range(len(starts)) if axes is None else whole_numbers(axes)
        by = (1,) * len(starts) if steps is None else whole_numbers(steps)
        cuts = [slice(None)] * len(shape)
        for axis, start, end, step in zip(over, starts, ends, by, strict=True):
            cuts[axis] = slice(start, end, step)
        return self.sliced(value, cuts)

    def take_split(self, node: NodeProto, place: str, given: list[str]) -> None:
        told, value = settings(node), given[0]
        axis = self.axis(value, told["axis"])
        sizes = told["split"]
        if told.get("num_outputs", len(node.output)) != len(node.output):
            raise NoLayer(
                f"its num_outputs is {told['num_outputs']}, but it makes {len(node.output)}"
            )
        if sizes is None:
            asked = self._constant(node, 1)
            each = -(-self.shape(value)[axis] // len(node.output))
            sizes = [each] * len(node.output) if asked is None else whole_numbers(asked)
        ends = np.cumsum(sizes)[:-1].tolist()
        for name, part in zip(node.output, np.split(self.order(value), ends, axis), strict=True):
            self.put(name, Lie(self.numbers[value], part))

    def _axes_told(self, node: NodeProto) -> tuple[int, ...]:
        told, given = settings(node)["axes"], self._constant(node, 1)
        return tuple(told or ()) if given is None else whole_numbers(given)

    def take_recurrent(self, node: NodeProto, place: str, given: list[str]) -> None:
        """Its states at all steps; whoever reads the last alone takes that out."""
        if any(name and not self._is_zero(name) for name in node.input[5:]):
            raise NoLayer("only states that begin at 0 can be read, and cells that gates don't see")
        lengths = self._constant(node, 4)
        if lengths is not None and (lengths != self.shape(given[0])[0]).any():
            raise NoLayer("only sequences of the same length can be read")
        tensors = [self._constant(node, number) for number in (1, 2, 3)]
        features = self.shape(given[0])[-1]
        layer, own = read_recurrent(node.op_type, settings(node), features, tensors)
        every, last = self.recur(given[0], place, layer, own, steps_first=True)
        names = [*node.output, "", ""]
        if len(names) > 4 and names[2] and self.reader_count(names[2]):
            raise NoLayer("only its states can be read, not its cells")
        if names[0]:
            self.put(names[0], Lie(every.number, np.expand_dims(self.order_of(every), 1)))
        if names[1] and self.reader_count(names[1]):
            self.put(names[1], last)

    def _pattern(self, node: NodeProto, place: str, given: list[str]) -> Sequence[NodeProto]:
        """The nodes that together are one activation or normalisation, if one begins here."""
        if len(set(given)) != 1 or given[0] in self.pieces:
            return []
        value = given[0]
        goes_on = any(other.op_type in GOING_ON for other in self.content.nodes)
        if goes_on or not (node.op_type in PLAIN and self.reader_count(value) == 1):
            activation = _activation_from(self.content, value)
            if activation is not None and activation.steps[0].source is node:
                self.put(activation.steps[-1].made, self.each(activation.layer, value, place))
                return [step.source for step in activation.steps]
        last = self.is_channels_last(value)
        if value in self.orders and not last:
            return []
        size, shape = self.size(value), self.shape(value)
        norm = norm_from(self.content, node, (size[0], *shape[1:-1]) if last else size, last)
        if norm is None:
            return []
        made = self.each(norm.layer, value, place, norm.tensors)
        self.put(norm.nodes[-1].output[0], made)
        return norm.nodes

    def _note(self, before: list[ImportedLayer], nodes: Sequence[NodeProto]) -> None:
        """What the weights are called of layers that these nodes made, or gave a bias."""
        layers, constants = self.row.layers, self.content.constants
        first = next((k for k, own in enumerate(before) if layers[k] is not own), len(before))
        names = [name for node in nodes for name in node.input if name in constants]
        own = (name for name in names if any(x.has(constants[name]) for x in layers[first:]))
        self.row.note(first, map(self.content.first_name, own))

    def _constant(self, node: NodeProto, place: int) -> Array | None:
        name = node.input[place] if place < len(node.input) else ""
        if not name:
            return None
        if name in self.shapes:
            return np.asarray(self.shapes[name].constant(), np.float64)
        if name not in self.content.constants:
            raise NoLayer(f"'{name}' is computed: only constants can be weights")
        return np.asarray(self.content.constants[name], np.float64)

    def _weight(self, node: NodeProto, place: int = 1) -> Array:
        found = self._constant(node, place)
        if found is None:
            raise NoLayer(f"its input {place + 1} is missing")
        return found

    # Node by node.

    def take_gemm(self, node: NodeProto, place: str, given: list[str]) -> Lie:
        told = settings(node)
        weight, bias = self._weight(node), self._constant(node, 2)
        if told["transA"] or node.input[0] != given[0]:
            raise NoLayer("only its weights can be transposed")
        weight = weight * told["alpha"]
        bias = None if bias is None else bias * told["beta"]
        return self.dense(given[0], place, weight if told["transB"] else weight.T, bias)

    def take_matmul(self, node: NodeProto, place: str, given: list[str]) -> Lie | None:
        if len(given) == 2:
            self.fit(node.output[0], given[0], given[1], turned=True)
            return None
        weight = self._constant(node, 1)
        if weight is None or weight.ndim != 2 or node.input[0] != given[0]:
            raise NoLayer("only a product with a table of weights can be read as a layer")
        return self.dense(given[0], place, weight.T)

    def take_conv(self, node: NodeProto, place: str, given: list[str]) -> Lie:
        weight, bias = self._weight(node), self._constant(node, 2)
        along = weight.ndim == 3
        weight = weight[:, :, None] if along else weight
        if weight.ndim != 4:
            raise NoLayer(f"its windows have {weight.ndim - 2} dimensions: only 2 can be read")
        told, kernel = settings(node, along), (weight.shape[2], weight.shape[3])
        require_kernel(told, kernel)
        moves = moves_of(told, kernel, self.size(given[0]))
        moves["kernel"] = moves.pop("size")
        row = along or (self.given.steps and weight.shape[2] == 1)
        layer = Conv(weight.shape[0], **moves, groups=told["group"], row=row)
        lie = self.conv(given[0], place, layer, weight)
        if bias is not None:
            self._bias(lie.number, bias)
        return lie

    def take_conv_back(self, node: NodeProto, place: str, given: list[str]) -> Lie:
        told, weight = settings(node), self._weight(node)
        if weight.ndim != 4 or told["auto_pad"] not in ("NOTSET", "VALID"):
            raise NoLayer(
                "only transposed windows over rows and columns can be read, padded by numbers"
            )
        require_kernel(told, (weight.shape[2], weight.shape[3]))
        top, left, below, right = told["pads"]
        rows, columns = told["output_padding"]
        sides = (top, left, below - rows, right - columns)
        layer = TransposedConv(
            weight.shape[1] * told["group"],
            (weight.shape[2], weight.shape[3]),
            told["strides"],
            sides_of(sides),
            groups=told["group"],
            dilation=told["dilations"],
        )
        bias = self._constant(node, 2)
        tensors = {"weight": weight} | ({} if bias is None else {"bias": bias})
        return self.conv_back(given[0], place, layer, tensors)

    def take_resize(self, node: NodeProto, place: str, given: list[str]) -> Lie:
        """By a factor, or to a size, of which each value stands as often as fits."""
        told, size = settings(node), self.size(given[0])
        is_asymmetric = told["coordinate_transformation_mode"] == "asymmetric"
        ways = ("floor",) if is_asymmetric else ("round_prefer_floor", "round_prefer_ceil")
        if told["mode"] != "nearest" or told["nearest_mode"] not in ways:
            raise NoLayer("only maps whose values are repeated (nearest) can be read")
        asked = self._constant(node, 3)
        if asked is None:
            factors = self._weight(node, 2).ravel().tolist()
        else:
            shape = (self.content.batch or asked[0], *size)
            factors = [a / b for a, b in zip(asked.ravel().tolist(), shape, strict=True)]
        if factors[:2] != [1, 1]:
            raise NoLayer("only rows and columns can be made more")
        return self.enlarge(given[0], place, factors[2:])

    def take_pool(self, node: NodeProto, place: str, given: list[str]) -> Lie:
        size = self.size(given[0])
        told = settings(node, along=len(self.shape(given[0])) == 3)
        if len(node.output) > 1:
            raise NoReader("only the largest values can be read, not their places")
        kind = "max" if node.op_type == "MaxPool" else "avg"
        moves = moves_of(told, told["kernel_shape"], size)
        zeros = kind == "avg" and bool(told["count_include_pad"]) and moves["pad"] != NOWHERE
        layer = Pool(kind, **moves, ceil=bool(told["ceil_mode"]), zeros=zeros)
        if layer.ceil:
            require_counted(places_up(layer, size), layer, size)
        return self.pool(given[0], place, layer)

    def take_pad(self, node: NodeProto, place: str, given: list[str]) -> Lie:
        told = settings(node)
        pads, value = told["pads"], told["value"]
        if pads is None:
            pads = list(whole_numbers(self._weight(node)))
            if len(pads) == 6:  # of steps alone
                pads = [*pads[:2], 0, pads[2], *pads[3:5], 0, pads[5]]
            pads = EIGHT_SIDES.read(pads)
            filled = self._constant(node, 2)
            value = 0.0 if filled is None else only(filled)
        if len(node.input) > 3:
            raise NoLayer("only padding of rows and columns with one constant can be read")
        if any(pads[k] for k in (0, 1, 4, 5)) or len(self.size(given[0])) != 3:
            raise NoLayer("only padding around rows and columns can be read")
        return self.pad(given[0], node.output[0], (pads[2], pads[3], pads[6], pads[7]), value)

    def take_pool_all(self, node: NodeProto, place: str, given: list[str]) -> Lie:
        kind = "max" if "Max" in node.op_type else "avg"
        if not node.op_type.startswith("Reduce"):
            return self.pool_all(given[0], place, kind, range(2, len(self.shape(given[0]))))
        told = settings(node)
        axes = told["axes"] or whole_numbers(self._weight(node))
        return self.pool_all(given[0], place, kind, axes, bool(told["keepdims"]))

    def take_batchnorm(self, node: NodeProto, place: str, given: list[str]) -> Lie:
        told = settings(node)
        if told["training_mode"]:
            raise NoReader(TRAINING)
        names = ("scale", "shift", "mean", "variance")
        tensors = {name: self._weight(node, number) for number, name in enumerate(names, 1)}
        return self.batchnorm(given[0], place, told["epsilon"], tensors)

    def take_softmax(self, node: NodeProto, place: str, given: list[str]) -> Lie:
        axis = self._shares_axis(node)
        return self.softmax(given[0], place, KINDS[node.op_type], axis)

    def _shares_axis(self, node: NodeProto) -> int:
        """Before opset 13 shares are of all values from an axis on, of which there may be one."""
        if self.content.opset >= 13:
            return int(settings(node).get("axis", -1))
        shape = self.shape(node.input[0])
        axis = int(settings(node).get("axis", 1)) % len(shape)
        if prod(shape[axis + 1 :]) > 1:
            raise NoLayer("its shares are of all values of several axes: only one can be read")
        return axis

    def take_activation(self, node: NodeProto, place: str, given: list[str]) -> Lie:
        return self.each(Activation(PLAIN[node.op_type]), given[0], place)

    def take_leaky_relu(self, node: NodeProto, place: str, given: list[str]) -> Lie:
        return self.each(Activation("leaky relu", settings(node)["alpha"]), given[0], place)

    def take_prelu(self, node: NodeProto, place: str, given: list[str]) -> Lie:
        return self.prelu(given[0], place, self._weight(node))

    def pass_on(self, node: NodeProto, place: str, given: list[str]) -> Lie:
        return self.like(given[0], self.numbers[given[0]])

    def take_combination(self, node: NodeProto, place: str, given: list[str]) -> Lie:
        """A product with constants, a sum with them, or of two values."""
        if len(given) == 2 and node.op_type == "Add":
            return self.sum(given[0], given[1], place)
        if len(given) == 2 and node.op_type == "Mul":
            return self.product(given[0], given[1], place)
        if len(given) != 1 or (node.op_type in ("Sub", "Div") and node.input[0] != given[0]):
            raise NoLayer("only sums and products, of two values or with constants, can be read")
        other = self._weight(node, 1 if node.input[0] == given[0] else 0)
        return self.combine(given[0], place, SIGNS[node.op_type], other)

    def take_concat(self, node: NodeProto, place: str, given: list[str]) -> Lie | None:
        return self.concat(node.input, node.output[0], place, settings(node)["axis"])

    # Missing numbers of a table.

    def take_is_missing(self, node: NodeProto, place: str, given: list[str]) -> Lie:
        self.missing.add(node.output[0])
        return Lie(self.numbers[given[0]])

    def take_where(self, node: NodeProto, place: str, given: list[str]) -> Lie:
        if node.input[0] not in self.missing or len(given) != 2:
            raise NoLayer("Where can be read only as a replacement of missing numbers")
        return Lie(self.row.fill_in(self.numbers[given[1]], self._weight(node, 1)))

    def take_imputer(self, node: NodeProto, place: str, given: list[str]) -> Lie:
        told = settings(node)
        if not isnan(told["replaced_value_float"]):
            raise NoLayer("only missing numbers (NaN) can be replaced")
        return Lie(self.row.fill_in(self.numbers[given[0]], np.array(told["imputed_value_floats"])))

    # Scikit-learn's own operators.

    def take_scaler(self, node: NodeProto, place: str, given: list[str]) -> Lie:
        told, size = settings(node), self.size(given[0])
        offset, scale = (np.array(told[name]) for name in ("offset", "scale"))
        if {len(size), *map(len, (offset, scale))} - {1, size[0]}:
            raise NoLayer(
                f"it scales {spell(size)} values by {len(scale)} numbers: the counts must be equal"
            )
        scale, offset = (np.broadcast_to(x, size) for x in (scale, offset))
        return Lie(self.scale(given[0], place, scale, -offset * scale))

    def take_linear(self, node: NodeProto, place: str, given: list[str]) -> Lie:
        """Sums of which classes are told, or numbers themselves."""
        told, size = settings(node), self.size(given[0])
        ends, is_classifier = told["post_transform"], node.op_type == "LinearClassifier"
        weight = np.array(told["coefficients"]).reshape(-1, prod(size))
        bias = np.array(told["intercepts"] or [0.0] * len(weight))
        if bias.shape != weight.shape[:1] or (ends == "SOFTMAX" and len(weight) < 2):
            raise NoLayer("its coefficients and intercepts don't fit each other")
        if told.get("targets", len(weight)) != len(weight):
            raise NoLayer(f"its targets are {told['targets']}, but it has sums for {len(weight)}")
        if len(weight) == 1 and is_classifier and ends != "LOGISTIC":
            raise NoLayer("its output isn't a probability: export it with probabilities")
        lie = self.dense(given[0], place, weight, bias)
        if ends == "NONE":
            return lie
        kind = {"LOGISTIC": "sigmoid", "SOFTMAX": "softmax"}[ends]
        return Lie(self.row.add(Activation(kind), lie.number, place))


def _no_layer(node: NodeProto) -> str:
    if node.op_type == "Elu":
        return STEEPER
    if node.op_type in EACH:
        return "gradbook has no activation that computes this: use another"
    return "gradbook has no such layer"


def _array_of(tensor: Any) -> Array:
    from onnx import numpy_helper

    return np.asarray(numpy_helper.to_array(tensor), np.float64)


SIGNS: Mapping[str, Sign] = {"Add": "+", "Sub": "-", "Mul": "*", "Div": "/"}
WINDOWED = ("Conv", "MaxPool", "AveragePool", "Pad")  # which may read what padding stands around
PASSING = ("Identity", "Dropout", "Cast")
MOVES = ("Transpose", "Unsqueeze", "Squeeze")
Take = Callable[[_OnnxReader, "NodeProto", str, list[str]], "Lie | None"]
TAKES: Mapping[str, Take] = {
    "Gemm": _OnnxReader.take_gemm,
    "MatMul": _OnnxReader.take_matmul,
    "Conv": _OnnxReader.take_conv,
    "ConvTranspose": _OnnxReader.take_conv_back,
    "Resize": _OnnxReader.take_resize,
    "MaxPool": _OnnxReader.take_pool,
    "AveragePool": _OnnxReader.take_pool,
    "Pad": _OnnxReader.take_pad,
    "GlobalAveragePool": _OnnxReader.take_pool_all,
    "GlobalMaxPool": _OnnxReader.take_pool_all,
    **dict.fromkeys(("ReduceMean", "ReduceMax"), _OnnxReader.take_pool_all),
    "BatchNormalization": _OnnxReader.take_batchnorm,
    "Flatten": _OnnxReader.take_flatten,
    "Reshape": _OnnxReader.take_reshape,
    **dict.fromkeys(MOVES, _OnnxReader.take_move),
    "Gather": _OnnxReader.take_gather,
    "Slice": _OnnxReader.take_slice,
    "Split": _OnnxReader.take_split,
    **dict.fromkeys(RECURRENT, _OnnxReader.take_recurrent),
    "Softmax": _OnnxReader.take_softmax,
    "LogSoftmax": _OnnxReader.take_softmax,
    "LeakyRelu": _OnnxReader.take_leaky_relu,
    "PRelu": _OnnxReader.take_prelu,
    "Concat": _OnnxReader.take_concat,
    **dict.fromkeys(PLAIN, _OnnxReader.take_activation),
    **dict.fromkeys(PASSING, _OnnxReader.pass_on),
    **dict.fromkeys(SIGNS, _OnnxReader.take_combination),
    "IsNaN": _OnnxReader.take_is_missing,
    "Where": _OnnxReader.take_where,
    "Imputer": _OnnxReader.take_imputer,
    "Scaler": _OnnxReader.take_scaler,
    "LinearClassifier": _OnnxReader.take_linear,
    "LinearRegressor": _OnnxReader.take_linear,
}
