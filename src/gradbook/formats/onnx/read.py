"""Reads an ONNX model node by node."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from math import isnan, prod
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gradbook.errors import GradbookError
from gradbook.formats.activations import ActivationSteps, ForeignStep, activation_from
from gradbook.formats.imported import (
    BOTH,
    CHANNELS_FIRST,
    CHANNELS_LAST,
    TURNED,
    ImportedLayer,
    ImportedNet,
    NoLayer,
    Notes,
    Refusals,
    assembled,
)
from gradbook.formats.layer_list import (
    READ_BY_WINDOWS,
    LayerRow,
    Padding,
    by_channel,
    framed_conv,
    framed_pool,
    joined,
    require_counted,
)
from gradbook.formats.onnx.content import (
    OnnxGraph,
    OpenShape,
    layout,
    read_content,
    reckoned,
    shape_of,
)
from gradbook.formats.onnx.norms import norm_from
from gradbook.formats.onnx.words import (
    EIGHT_SIDES,
    KINDS,
    SETTINGS,
    moves_of,
    only,
    places_up,
    settings,
    whole_numbers,
)
from gradbook.graph.node import Array
from gradbook.graph.window import NOWHERE, Shape
from gradbook.layers.activations import Activation
from gradbook.layers.card import Layer, spell
from gradbook.layers.norms import BatchNorm
from gradbook.layers.pools import Pool
from gradbook.layers.sums import Conv, Dense
from gradbook.layers.wiring import Flatten

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
        (found,) = ReferenceEvaluator(model).run(None, {**given, **constants})
    except Exception:  # whatever it can't work out is no activation of ours
        return None
    return np.asarray(found, np.float64) if isinstance(found, np.ndarray) else None


PLAIN = {word: kind for word, kind in KINDS.items() if word not in (*SETTINGS, "Elu")}
REMARK = (
    "it is the network at work: dropout, and normalisation that was folded into sums, aren't in it"
)


def read_onnx(path: str | os.PathLike[str]) -> ImportedNet:
    """The network in an .onnx file; all that has no layer here is told at once."""
    content = read_content(Path(path))
    refusals = Refusals(os.fspath(path))
    row = LayerRow([content.shape], prepares=content.notes.preparation is None)
    _OnnxReader(content, refusals, row).read()
    refusals.settle()
    return assembled(
        refusals.file,
        row.sizes[0],
        row.layers,
        row.preparation(content.is_bytes) or content.notes.preparation,
        content.notes if row.filling is None else _filled(content.notes, row.filling),
        () if any(isinstance(own.layer, BatchNorm) for own in row.layers) else (REMARK,),
    )


def _filled(notes: Notes, filling: Array) -> Notes:
    return replace(notes, filling=tuple(filling.tolist()))


@dataclass
class _OnnxReader:
    content: OnnxGraph
    refusals: Refusals
    row: LayerRow
    made: dict[str, int] = field(default_factory=dict)  # the number of each of ONNX's values
    frames: dict[str, Padding] = field(default_factory=dict)  # around some of them
    turned: set[str] = field(default_factory=set)  # those with channels last
    gaps: set[str] = field(default_factory=set)  # where numbers are missing
    shapes: dict[str, OpenShape] = field(default_factory=dict)  # what is reckoned of sizes alone

    def read(self) -> None:
        self.made[self.content.given] = 0
        done: set[int] = set()
        for node in self.content.nodes:
            if id(node) in done:
                continue
            place = f"{node.op_type} '{node.name or node.output[0]}'"
            before = self.row.layers.copy()
            try:
                if self._reckons(node):
                    continue
                taken = self._take(node, place)
                done.update(map(id, taken))
                self._note(before, taken)
                self._note_turned(taken)
            except GradbookError as error:
                self._refuse(node, place, error.message)
            except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError):
                self._refuse(node, place, "its inputs and constants don't go together")
        last = self.content.made
        if self.made.get(last) != len(self.row.layers) or last in self.turned:
            self.refusals.add(f"output '{self.content.made}'", "isn't what the last layer makes")
        if self.content.both and self.row.sizes[-1] != (1,):
            self.refusals.add(f"output '{self.content.made}'", BOTH)

    def _refuse(self, node: NodeProto, place: str, why: str) -> None:
        self.refusals.add(place, why)
        self._pass_on(node)  # so that what comes later is looked at too

    def _reckons(self, node: NodeProto) -> bool:
        """Whether a node is about sizes and not about values; what it makes is then known."""
        if node.op_type == "Shape":
            if node.input[0] in self.frames:
                raise NoLayer(READ_BY_WINDOWS)
            size = self._size(node.input[0])
            is_turned = node.input[0] in self.turned
            size = (*size[1:], size[0]) if is_turned else size
            self.shapes[node.output[0]] = shape_of(node, size)
            return True
        made = reckoned(node, self.content.constants, self.shapes)
        self.shapes.update(made)
        return bool(made)

    def _take(self, node: NodeProto, place: str) -> Sequence[NodeProto]:
        """Make layers of a node, or of it and those that belong to it."""
        known = (self.content.constants, self.shapes)
        given = [name for name in node.input if name and not any(name in one for one in known)]
        unknown = [name for name in given if name not in self.made]
        if unknown or not given:
            raise NoLayer("what it reads isn't known")
        if node.op_type not in WINDOWED and any(name in self.frames for name in given):
            raise NoLayer(READ_BY_WINDOWS)
        one = given[0] if len(set(given)) == 1 else None
        if one and not (node.op_type in PLAIN and self._is_read_once(one)):
            activation = _activation_from(self.content, one)
            if activation is not None and activation.steps[0].source is node:
                self._add(activation.layer, one, place, {}, activation.steps[-1].made)
                return [step.source for step in activation.steps]
        turned = any(name in self.turned for name in given)
        norm = norm_from(self.content, node, self._size(one), turned) if one else None
        if norm is not None and one:
            self._add(norm.layer, one, place, norm.tensors, norm.nodes[-1].output[0])
            return norm.nodes
        take = TAKES.get(node.op_type)
        if take is None:
            raise NoLayer("there is no such layer here")
        if turned and node.op_type not in READ_TURNED:
            raise NoLayer(TURNED)
        take(self, node, place, given)
        return [node]

    def _note_turned(self, nodes: Sequence[NodeProto]) -> None:
        """What is made of values with channels last has them last, unless it turns them back."""
        reads = {name for node in nodes for name in node.input}
        if self.turned & reads and nodes[0].op_type != "Transpose":
            self.turned.update(nodes[-1].output)

    def _note(self, before: list[ImportedLayer], nodes: Sequence[NodeProto]) -> None:
        """What the weights are called of layers that these nodes made, or gave a bias."""
        layers, constants = self.row.layers, self.content.constants
        first = next((k for k, own in enumerate(before) if layers[k] is not own), len(before))
        names = [name for node in nodes for name in node.input if name in constants]
        own = (name for name in names if any(x.has(constants[name]) for x in layers[first:]))
        self.row.note(first, map(self.content.first_name, own))

    # What layers are made with.

    def _add(
        self, layer: Layer, given: str, place: str, tensors: Mapping[str, Array], made: str
    ) -> None:
        self.made[made] = self.row.add(layer, self.made[given], place, tensors)

    def _size(self, value: str) -> Shape:
        return self.row.sizes[self.made[value]]

    def _pass_on(self, node: NodeProto) -> None:
        given = next((name for name in node.input if name in self.made), self.content.given)
        for name in node.output:
            self.made.setdefault(name, self.made[given])

    def _constant(self, node: NodeProto, place: int) -> Array | None:
        name = node.input[place] if place < len(node.input) else ""
        if not name:
            return None
        if name in self.shapes:
            return np.asarray(self.shapes[name].constant(), np.float64)
        if name not in self.content.constants:
            raise NoLayer(f"'{name}' is reckoned, and only constants can be weights")
        return np.asarray(self.content.constants[name], np.float64)

    def _weight(self, node: NodeProto, place: int = 1) -> Array:
        found = self._constant(node, place)
        if found is None:
            raise NoLayer(f"its input {place + 1} is missing")
        return found

    def _is_read_once(self, value: str) -> bool:
        return len(self.content.readers(value)) == 1 and value != self.content.made

    # Node by node.

    def gemm(self, node: NodeProto, place: str, given: list[str]) -> None:
        told = settings(node)
        weight, bias = self._weight(node), self._constant(node, 2)
        if told["transA"] or node.input[0] != given[0]:
            raise NoLayer("only its weights can be turned over")
        weight = weight * told["alpha"]
        self._dense(weight if told["transB"] else weight.T, place, given[0], node.output[0])
        if bias is not None:
            self.row.shifted(len(self.row.layers), bias * told["beta"])

    def turn(self, node: NodeProto, place: str, given: list[str]) -> None:
        """To channels last, which few layers read, and back."""
        axes = tuple(axis % 4 for axis in settings(node)["perm"])
        is_turned = given[0] in self.turned
        if (
            axes != (CHANNELS_FIRST if is_turned else CHANNELS_LAST)
            or len(self._size(given[0])) != 3
        ):
            raise NoLayer(TURNED)
        self.made[node.output[0]] = self.made[given[0]]
        if not is_turned:
            self.turned.add(node.output[0])

    def matmul(self, node: NodeProto, place: str, given: list[str]) -> None:
        weight = self._constant(node, 1)
        if weight is None or weight.ndim != 2 or node.input[0] != given[0]:
            raise NoLayer("only values times a table of weights are a layer")
        self._dense(weight.T, place, given[0], node.output[0])

    def _dense(self, weight: Array, place: str, given: str, made: str) -> None:
        if given in self.turned:  # of each place
            layer, kernel = Conv(len(weight), (1, 1)), weight[:, :, None, None]
            self._add(layer, given, place, {"weight": np.ascontiguousarray(kernel)}, made)
            return
        if len(self._size(given)) != 1:
            raise NoLayer("it reads values that aren't flat")
        self._add(Dense(len(weight)), given, place, {"weight": np.ascontiguousarray(weight)}, made)

    def conv(self, node: NodeProto, place: str, given: list[str]) -> None:
        weight, bias = self._weight(node), self._constant(node, 2)
        if weight.ndim != 4:
            raise NoLayer(f"its windows have {weight.ndim - 2} dimensions, and 2 are read")
        told = settings(node)
        moves = moves_of(told, (weight.shape[2], weight.shape[3]), self._size(given[0]))
        moves["kernel"] = moves.pop("size")
        layer = Conv(weight.shape[0], **moves, groups=told["group"])
        layer = framed_conv(layer, self._frame(given[0]), self._size(given[0]))
        self._add(layer, given[0], place, {"weight": weight}, node.output[0])
        if bias is not None:
            self.row.shifted(len(self.row.layers), bias)

    def pool(self, node: NodeProto, place: str, given: list[str]) -> None:
        told, size = settings(node), self._size(given[0])
        if len(node.output) > 1:
            raise NoLayer("only the largest values themselves are read, and not where they stood")
        kind = "max" if node.op_type == "MaxPool" else "avg"
        moves = moves_of(told, told["kernel_shape"], size)
        zeros = kind == "avg" and bool(told["count_include_pad"]) and moves["pad"] != NOWHERE
        layer = Pool(kind, **moves, ceil=bool(told["ceil_mode"]), zeros=zeros)
        if layer.ceil:
            require_counted(places_up(layer, size), layer, size)
        before = self.row.layers[: self.made[given[0]]]
        layer = framed_pool(layer, self._frame(given[0]), size, before)
        self._add(layer, given[0], place, {}, node.output[0])

    def pad(self, node: NodeProto, place: str, given: list[str]) -> None:
        """Kept until a window takes it in."""
        told = settings(node)
        pads, value = told["pads"], told["value"]
        if pads is None:
            pads = EIGHT_SIDES.read(list(whole_numbers(self._weight(node))))
            filled = self._constant(node, 2)
            value = 0.0 if filled is None else only(filled)
        if len(node.input) > 3:
            raise NoLayer("one value is put around rows and columns, and nothing else")
        if any(pads[k] for k in (0, 1, 4, 5)) or len(self._size(given[0])) != 3:
            raise NoLayer("padding goes around rows and columns alone")
        sides = (pads[2], pads[3], pads[6], pads[7])
        self.frames[node.output[0]] = joined(self.frames.get(given[0]), Padding(sides, value))
        self.made[node.output[0]] = self.made[given[0]]

    def _frame(self, value: str) -> Padding | None:
        return self.frames.get(value)

    def pool_all(self, node: NodeProto, place: str, given: list[str]) -> None:
        kind = "max" if "Max" in node.op_type else "avg"
        if node.op_type.startswith("Reduce"):
            told = settings(node)
            axes = told["axes"] or whole_numbers(self._weight(node))
            if sorted(axis % 4 for axis in axes) != [2, 3]:
                raise NoLayer("it is read over rows and columns together, and over no others")
            self._add(Pool(kind, None), given[0], place, {}, node.output[0])
            if not told["keepdims"]:
                self._add(Flatten(), node.output[0], place, {}, node.output[0])
            return
        self._add(Pool(kind, None), given[0], place, {}, node.output[0])

    def normalise(self, node: NodeProto, place: str, given: list[str]) -> None:
        told = settings(node)
        if told["training_mode"]:
            raise NoLayer("it is still in training: export the network at work")
        names = ("scale", "shift", "mean", "variance")
        tensors = {}
        for number, name in enumerate(names, 1):
            array = self._constant(node, number)
            if array is None:
                raise NoLayer(f"its {name} is missing")
            tensors[name] = array
        layer = BatchNorm(told["epsilon"])
        self._add(layer, given[0], place, tensors, node.output[0])

    def flatten(self, node: NodeProto, place: str, given: list[str]) -> None:
        if settings(node)["axis"] != 1:
            raise NoLayer("all values of an image are laid out in one line, and no others")
        self._flatten(node, place, given[0])

    def _flatten(self, node: NodeProto, place: str, given: str) -> None:
        self.made[node.output[0]] = self.row.flat(self.made[given], place)

    def reshape(self, node: NodeProto, place: str, given: list[str]) -> None:
        size = self._size(given[0])
        told = self.shapes.get(node.input[1])
        if told is None:
            numbers = np.array(whole_numbers(self._weight(node)))
            told = OpenShape((numbers, numbers))
        wanted = layout(told, size)
        if wanted == size:
            self.pass_on(node, place, given)
        elif wanted == (prod(size),):
            self._flatten(node, place, given[0])
        elif not self.row.layers and prod(wanted) == prod(size) and min(wanted) > 0:
            self.row.sizes[0] = wanted
            self.made[node.output[0]] = 0
        else:
            raise NoLayer(f"{spell(size)} is laid out anew as {spell(wanted)}: only flat is read")

    def squeeze(self, node: NodeProto, place: str, given: list[str]) -> None:
        if prod(self._size(given[0])[1:]) != 1:
            raise NoLayer("only rows and columns of one value are left out")
        self._flatten(node, place, given[0])

    def softmax(self, node: NodeProto, place: str, given: list[str]) -> None:
        dimensions = len(self._size(given[0])) + 1
        usual = -1 if self.content.opset >= 13 else 1
        if settings(node).get("axis", usual) % dimensions != 1:
            raise NoLayer("shares are read over all classes, which stand second")
        self._add(Activation(KINDS[node.op_type]), given[0], place, {}, node.output[0])

    def plain(self, node: NodeProto, place: str, given: list[str]) -> None:
        self._add(Activation(PLAIN[node.op_type]), given[0], place, {}, node.output[0])

    def leaky(self, node: NodeProto, place: str, given: list[str]) -> None:
        layer = Activation("leaky relu", settings(node)["alpha"])
        self._add(layer, given[0], place, {}, node.output[0])

    def pass_on(self, node: NodeProto, place: str, given: list[str]) -> None:
        self.made[node.output[0]] = self.made[given[0]]

    def combine(self, node: NodeProto, place: str, given: list[str]) -> None:
        """A product with constants, a sum with them, or of two values."""
        if len(given) == 2 and node.op_type == "Add":
            if len(self.turned & {*given}) == 1:
                raise NoLayer(TURNED)
            first, second = (self.made[name] for name in given)
            self.made[node.output[0]] = self.row.sum(first, second, place)
            return
        if len(given) != 1 or (node.op_type in ("Sub", "Div") and node.input[0] != given[0]):
            raise NoLayer("only products and sums with constants, and sums of two values, are read")
        other = self._weight(node, 1 if node.input[0] == given[0] else 0)
        channels = by_channel(other, self._size(given[0]), given[0] in self.turned)
        ones, zeros = np.ones_like(channels), np.zeros_like(channels)
        scale, shift = {
            "Mul": (channels, zeros),
            "Div": (1 / np.where(channels == 0, np.nan, channels), zeros),
            "Add": (ones, channels),
            "Sub": (ones, -channels),
        }[node.op_type]
        self._scale(node, place, given[0], scale, shift)

    # Missing numbers of a table.

    def is_missing(self, node: NodeProto, place: str, given: list[str]) -> None:
        self.gaps.add(node.output[0])
        self.pass_on(node, place, given)

    def where(self, node: NodeProto, place: str, given: list[str]) -> None:
        if node.input[0] not in self.gaps or len(given) != 2:
            raise NoLayer("of values that are chosen only those for missing numbers are read")
        self.made[node.output[0]] = self.row.fill_in(self.made[given[1]], self._weight(node, 1))

    def impute(self, node: NodeProto, place: str, given: list[str]) -> None:
        told = settings(node)
        if not isnan(told["replaced_value_float"]):
            raise NoLayer("only missing numbers (NaN) are replaced here")
        filling = np.array(told["imputed_value_floats"])
        self.made[node.output[0]] = self.row.fill_in(self.made[given[0]], filling)

    # Scikit-learn's own operators.

    def scaler(self, node: NodeProto, place: str, given: list[str]) -> None:
        told, size = settings(node), self._size(given[0])
        offset, scale = (np.array(told[name]) for name in ("offset", "scale"))
        if {len(size), *map(len, (offset, scale))} - {1, size[0]}:
            raise NoLayer(f"it scales {spell(size)} values by {len(scale)} numbers")
        scale, offset = (np.broadcast_to(x, size) for x in (scale, offset))
        self._scale(node, place, given[0], scale, -offset * scale)

    def linear(self, node: NodeProto, place: str, given: list[str]) -> None:
        """Sums of which classes are told, or numbers themselves."""
        told, size = settings(node), self._size(given[0])
        ends, is_classifier = told["post_transform"], node.op_type == "LinearClassifier"
        weight = np.array(told["coefficients"]).reshape(-1, prod(size))
        bias = np.array(told["intercepts"] or [0.0] * len(weight))
        if bias.shape != weight.shape[:1] or (ends == "SOFTMAX" and len(weight) < 2):
            raise NoLayer("its coefficients and intercepts don't go together")
        if len(weight) == 1 and is_classifier and ends != "LOGISTIC":
            raise NoLayer("its one sum is no probability: export it with probabilities")
        made = node.output[1 if is_classifier else 0]
        self._dense(weight, place, given[0], made)
        self.row.shifted(len(self.row.layers), bias)
        if ends != "NONE":
            kind = {"LOGISTIC": "sigmoid", "SOFTMAX": "softmax"}[ends]
            self._add(Activation(kind), made, place, {}, made)

    def concat(self, node: NodeProto, place: str, given: list[str]) -> None:
        if len(given) != len(node.input):
            raise NoLayer("it puts constants beside values")
        axis, dimensions = settings(node)["axis"], len(self._size(given[0])) + 1
        if axis % dimensions != 1:
            raise NoLayer("channels are put side by side (axis 1), and nothing else")
        numbers = [self.made[name] for name in given]
        self.made[node.output[0]] = self.row.side_by_side(numbers, place)

    def _scale(self, node: NodeProto, place: str, given: str, scale: Array, shift: Array) -> None:
        number = self.made[given]
        alone = all(self._is_read_once(name) for name, own in self.made.items() if own == number)
        unread = all(number not in own.reads for own in self.row.layers[number:])
        sums = alone and unread and number and _takes_bias(self.row.layers[number - 1])
        if sums and (scale == 1).all():
            self.made[node.output[0]] = self.row.shifted(number, shift)
        else:
            self.made[node.output[0]] = self.row.scaled(number, scale, shift, place, alone)


def _takes_bias(own: ImportedLayer) -> bool:
    return isinstance(own.layer, Dense | Conv) and "bias" not in own.tensors


WINDOWED = ("Conv", "MaxPool", "AveragePool", "Pad")  # which may read what a frame stands around
ELEMENTWISE = ("Add", "Sub", "Mul", "Div")
PASSING = ("Identity", "Dropout", "Cast")
READ_TURNED = ("Transpose", "MatMul", "LeakyRelu", *PLAIN, *ELEMENTWISE, *PASSING)
Take = Callable[[_OnnxReader, "NodeProto", str, list[str]], None]
TAKES: Mapping[str, Take] = {
    "Gemm": _OnnxReader.gemm,
    "MatMul": _OnnxReader.matmul,
    "Conv": _OnnxReader.conv,
    "MaxPool": _OnnxReader.pool,
    "AveragePool": _OnnxReader.pool,
    "Pad": _OnnxReader.pad,
    "GlobalAveragePool": _OnnxReader.pool_all,
    "GlobalMaxPool": _OnnxReader.pool_all,
    **dict.fromkeys(("ReduceMean", "ReduceMax"), _OnnxReader.pool_all),
    "BatchNormalization": _OnnxReader.normalise,
    "Flatten": _OnnxReader.flatten,
    "Reshape": _OnnxReader.reshape,
    "Squeeze": _OnnxReader.squeeze,
    "Softmax": _OnnxReader.softmax,
    "LogSoftmax": _OnnxReader.softmax,
    "LeakyRelu": _OnnxReader.leaky,
    "Concat": _OnnxReader.concat,
    **dict.fromkeys(PLAIN, _OnnxReader.plain),
    **dict.fromkeys(PASSING, _OnnxReader.pass_on),
    **dict.fromkeys(ELEMENTWISE, _OnnxReader.combine),
    "Transpose": _OnnxReader.turn,
    "IsNaN": _OnnxReader.is_missing,
    "Where": _OnnxReader.where,
    "Imputer": _OnnxReader.impute,
    "Scaler": _OnnxReader.scaler,
    "LinearClassifier": _OnnxReader.linear,
    "LinearRegressor": _OnnxReader.linear,
}
