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
from gradbook.formats.imported import (
    BOTH,
    ImportedLayer,
    ImportedNet,
    NoLayer,
    Notes,
    Refusals,
    assemble,
)
from gradbook.formats.layer_list import LayerList, require_counted
from gradbook.formats.onnx.content import (
    OnnxGraph,
    OpenShape,
    compute_shapes,
    layout,
    read_content,
    shape_of,
)
from gradbook.formats.onnx.norms import norm_from
from gradbook.formats.onnx.steps import (
    AS_GIVEN,
    AS_WINDOWS_READ,
    ELSEWHERE,
    RECURRENT,
    Axes,
    read_recurrent,
    reshaped,
    squeezed,
    unsqueezed,
)
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
from gradbook.formats.op_graph import REASONS, GraphReader, Sign
from gradbook.graph.node import Array
from gradbook.graph.window import NOWHERE
from gradbook.layers import Gru, Lstm, Rnn
from gradbook.layers.activations import Activation
from gradbook.layers.card import spell
from gradbook.layers.norms import BatchNorm
from gradbook.layers.pools import Pool
from gradbook.layers.sums import Conv

if TYPE_CHECKING:
    from onnx import AttributeProto, NodeProto


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


PLAIN = {word: kind for word, kind in KINDS.items() if word not in (*SETTINGS, "Elu")}
REMARK = (
    "the file holds the network for inference: dropout isn't in it, nor normalisation that was "
    "folded into other layers"
)


def read_onnx(path: str | os.PathLike[str]) -> ImportedNet:
    """The network in an .onnx file; all that has no layer here is told at once."""
    content = read_content(Path(path))
    refusals = Refusals(os.fspath(path))
    size, steps = content.shape, reads_steps(content)
    size = (size[1], 1, size[0]) if steps else size
    row = LayerList([size], prepares=content.notes.preparation is None and not steps)
    reader = _OnnxReader(content=content, refusals=refusals, row=row)
    if steps:
        reader.axes[content.given] = AS_GIVEN
    reader.read()
    refusals.settle()
    return assemble(
        refusals.file,
        row.sizes[0][::-2] if steps else row.sizes[0],
        row.layers,
        row.preparation(content.is_bytes) or content.notes.preparation,
        content.notes if row.filling is None else _filled(content.notes, row.filling),
        () if any(isinstance(own.layer, BatchNorm) for own in row.layers) else (REMARK,),
    )


def reads_steps(content: OnnxGraph) -> bool:
    """Whether steps x features come in, which something recurrent or a window over steps reads."""
    words = {node.op_type for node in content.nodes}
    turned = "Conv" in words and content.nodes[0].op_type == "Transpose"
    return len(content.shape) == 2 and (turned or bool(words & {*RECURRENT}))


def _filled(notes: Notes, filling: Array) -> Notes:
    return replace(notes, filling=tuple(filling.tolist()))


@dataclass(kw_only=True)
class _OnnxReader(GraphReader):
    content: OnnxGraph
    missing: set[str] = field(default_factory=set)  # where numbers are missing
    shapes: dict[str, OpenShape] = field(default_factory=dict)  # what is reckoned of sizes alone
    axes: dict[str, Axes] = field(default_factory=dict)  # of the values of a sequence
    zeros: set[str] = field(default_factory=set)  # states that a sequence begins with

    def read(self) -> None:
        self.numbers[self.content.given] = 0
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
            except GradbookError as error:
                self._refuse(node, place, error.message)
            except REASONS:
                self._refuse(node, place, "its inputs and constants don't fit each other")
        self.require_output(self.content.made)
        if self.content.both and self.row.sizes[-1] != (1,):
            self.refusals.add(f"output '{self.content.made}'", BOTH)

    def reader_count(self, value: str) -> int:
        return len(self.content.readers(value)) + (value == self.content.made)

    def _refuse(self, node: NodeProto, place: str, why: str) -> None:
        """Go on with what it reads, so that what comes later is looked at too."""
        self.refusals.add(place, why)
        given = next((name for name in node.input if name in self.numbers), self.content.given)
        for name in node.output:
            self.numbers.setdefault(name, self.numbers[given])

    def _reckons(self, node: NodeProto) -> bool:
        """Whether a node is about sizes and not about values; what it makes is then known."""
        if node.op_type == "Shape":
            value = node.input[0]
            self.require_fit([value], windowed=False, by_place=True)
            size = self.size(value)
            size = (*size[1:], size[0]) if value in self.channels_last else size
            self.shapes[node.output[0]] = shape_of(node, size)
            return True
        made = compute_shapes(node, self.content.constants, self.shapes)
        self.shapes.update(made)
        return bool(made)

    def _take(self, node: NodeProto, place: str) -> Sequence[NodeProto]:
        """Make layers of a node, or of it and those that belong to it."""
        if node.op_type == "Expand" and self._is_zero(node.input[0]):
            self.zeros.add(node.output[0])
            return [node]
        known = (self.content.constants, self.shapes, self.zeros)
        given = [name for name in node.input if name and not any(name in one for one in known)]
        unknown = [name for name in given if name not in self.numbers]
        if unknown or not given:
            raise NoLayer("its input isn't known")
        self.require_fit(given, node.op_type in WINDOWED, by_place=True)
        lies = self.axes.get(given[0], AS_WINDOWS_READ)
        nodes = self._pattern(node, place, given) if lies == AS_WINDOWS_READ else []
        if not nodes and given[0] in self.axes and self._turned(node, place, given[0]):
            return [node]
        if not nodes:
            take = TAKES.get(node.op_type)
            if take is None:
                raise NoLayer("gradbook has no such layer")
            self.require_fit(given, windowed=True, by_place=node.op_type in OF_PLACES)
            made = node.output[node.op_type == "LinearClassifier"]
            self.numbers[made] = take(self, node, place, given)
            nodes = [node]
        if self.channels_last & {*given} and node.op_type != "Transpose":
            self.channels_last.update(nodes[-1].output)
        if given[0] in self.axes and len(self.size(nodes[-1].output[0])) == 3:
            self.axes[nodes[-1].output[0]] = self.axes[given[0]]
        return nodes

    def _is_zero(self, name: str) -> bool:
        return name in self.zeros or not np.any(self.content.constants.get(name, 1))

    def _turned(self, node: NodeProto, place: str, value: str) -> bool:
        """Whether a node says how a sequence's axes lie, or goes from step to step."""
        axes, made = self.axes[value], node.output[0]
        size = self.size(value)
        known = {"F": size[0], "S": size[-1] if len(size) == 3 else 0}
        match node.op_type:
            case "Transpose":
                axes = tuple(axes[k] for k in settings(node)["perm"])
            case "Reshape":
                flat = len(size) == 3 and axes == AS_WINDOWS_READ
                sizes = whole_numbers(self._weight(node))
                if flat and len(sizes) == 2:
                    return False
                axes = reshaped(axes, sizes, known)
            case "Squeeze" | "Unsqueeze":
                turn = squeezed if node.op_type == "Squeeze" else unsqueezed
                axes = turn(axes, self._axes_told(node))
            case word if word in RECURRENT:
                self._recur(node, place, value)
                return True
            case "Gather":
                return self._take_last(node, value)
            case _:
                if axes != AS_WINDOWS_READ:
                    raise NoLayer(ELSEWHERE.format(" x ".join(axes)))
                return False
        self.numbers[made] = self.numbers[value]
        if axes != ("N", "F"):
            self.axes[made] = axes
        return True

    def _axes_told(self, node: NodeProto) -> tuple[int, ...]:
        told = {one.name: tuple(one.ints) for one in node.attribute}
        if "axes" in told:
            return told["axes"]
        given = self._constant(node, 1)
        return () if given is None else whole_numbers(given)

    def _recur(self, node: NodeProto, place: str, value: str) -> None:
        """All its states, or what comes out is the last one alone."""
        if tuple(axis for axis in self.axes[value] if axis != "1") != ("S", "N", "F"):
            raise NoLayer("it reads a sequence that doesn't lie as steps x N x features")
        if any(name and not self._is_zero(name) for name in node.input[4:]):
            raise NoLayer("only states that begin at 0 can be read")
        told = {one.name: _told(one) for one in node.attribute}
        tensors = [self._constant(node, number) for number in (1, 2, 3)]
        layer, own = read_recurrent(node, told, tensors)
        every, *last = (name if self.reader_count(name) else "" for name in node.output)
        if any(last[1:]) or (every and any(last)):
            raise NoLayer("only its states or the last of them can be read, not both")
        number = self.add(replace(layer, all=bool(every)), value, place, own)
        self.numbers[every or last[0]] = number
        self.axes[every or last[0]] = ("S", "1", "N", "F") if every else ("1", "N", "F")

    def _take_last(self, node: NodeProto, value: str) -> bool:
        """The last step of what a recurrent layer made, which nothing else reads."""
        axes, number = list(self.axes[value]), self.numbers[value]
        (axis,) = [one.i for one in node.attribute if one.name == "axis"] or [0]
        steps, last = self.size(value)[-1], self.row.layers[-1]
        index = whole_numbers(self._weight(node))
        fits = axes[axis] == "S" and index in ((-1,), (steps - 1,))
        if (
            not fits
            or number != len(self.row.layers)
            or not isinstance(last.layer, Rnn | Gru | Lstm)
        ):
            raise NoLayer("only the last step after a recurrent layer can be taken out")
        layer = replace(last.layer, all=False)
        self.row.layers[-1] = replace(last, layer=layer)
        self.row.sizes[-1] = (layer.width,)
        self.numbers[node.output[0]] = number
        del axes[axis]
        if axes != ["N", "F"]:
            self.axes[node.output[0]] = tuple(axes)
        return True

    def _pattern(self, node: NodeProto, place: str, given: list[str]) -> Sequence[NodeProto]:
        """The nodes that together are one activation or normalisation, if one begins here."""
        if len(set(given)) != 1:
            return []
        value = given[0]
        if not (node.op_type in PLAIN and self.reader_count(value) == 1):
            activation = _activation_from(self.content, value)
            if activation is not None and activation.steps[0].source is node:
                self.numbers[activation.steps[-1].made] = self.add(activation.layer, value, place)
                return [step.source for step in activation.steps]
        norm = norm_from(self.content, node, self.size(value), value in self.channels_last)
        if norm is None:
            return []
        self.numbers[norm.nodes[-1].output[0]] = self.add(norm.layer, value, place, norm.tensors)
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

    def take_gemm(self, node: NodeProto, place: str, given: list[str]) -> int:
        told = settings(node)
        weight, bias = self._weight(node), self._constant(node, 2)
        if told["transA"] or node.input[0] != given[0]:
            raise NoLayer("only its weights can be transposed")
        weight = weight * told["alpha"]
        bias = None if bias is None else bias * told["beta"]
        return self.dense(given[0], place, weight if told["transB"] else weight.T, bias)

    def take_matmul(self, node: NodeProto, place: str, given: list[str]) -> int:
        weight = self._constant(node, 1)
        if weight is None or weight.ndim != 2 or node.input[0] != given[0]:
            raise NoLayer("only a product with a table of weights can be read as a layer")
        return self.dense(given[0], place, weight.T)

    def take_conv(self, node: NodeProto, place: str, given: list[str]) -> int:
        weight, bias = self._weight(node), self._constant(node, 2)
        if weight.ndim != 4:
            raise NoLayer(f"its windows have {weight.ndim - 2} dimensions: only 2 can be read")
        told = settings(node)
        moves = moves_of(told, (weight.shape[2], weight.shape[3]), self.size(given[0]))
        moves["kernel"] = moves.pop("size")
        row = given[0] in self.axes and weight.shape[2] == 1
        layer = Conv(weight.shape[0], **moves, groups=told["group"], row=row)
        number = self.conv(given[0], place, layer, weight)
        return number if bias is None else self.row.add_bias(number, bias)

    def take_pool(self, node: NodeProto, place: str, given: list[str]) -> int:
        told, size = settings(node), self.size(given[0])
        if len(node.output) > 1:
            raise NoLayer("only the largest values can be read, not their places")
        kind = "max" if node.op_type == "MaxPool" else "avg"
        moves = moves_of(told, told["kernel_shape"], size)
        zeros = kind == "avg" and bool(told["count_include_pad"]) and moves["pad"] != NOWHERE
        layer = Pool(kind, **moves, ceil=bool(told["ceil_mode"]), zeros=zeros)
        if layer.ceil:
            require_counted(places_up(layer, size), layer, size)
        return self.pool(given[0], place, layer)

    def take_pad(self, node: NodeProto, place: str, given: list[str]) -> int:
        told = settings(node)
        pads, value = told["pads"], told["value"]
        if pads is None:
            pads = EIGHT_SIDES.read(list(whole_numbers(self._weight(node))))
            filled = self._constant(node, 2)
            value = 0.0 if filled is None else only(filled)
        if len(node.input) > 3:
            raise NoLayer("only padding of rows and columns with one constant can be read")
        if any(pads[k] for k in (0, 1, 4, 5)) or len(self.size(given[0])) != 3:
            raise NoLayer("only padding around rows and columns can be read")
        return self.pad(given[0], node.output[0], (pads[2], pads[3], pads[6], pads[7]), value)

    def take_pool_all(self, node: NodeProto, place: str, given: list[str]) -> int:
        kind = "max" if "Max" in node.op_type else "avg"
        if not node.op_type.startswith("Reduce"):
            return self.add(Pool(kind, None), given[0], place)
        told = settings(node)
        axes = told["axes"] or whole_numbers(self._weight(node))
        return self.pool_all(given[0], place, kind, axes, bool(told["keepdims"]))

    def take_batchnorm(self, node: NodeProto, place: str, given: list[str]) -> int:
        told = settings(node)
        if told["training_mode"]:
            raise NoLayer("it is in training mode: export the network for inference")
        names = ("scale", "shift", "mean", "variance")
        tensors = {name: self._weight(node, number) for number, name in enumerate(names, 1)}
        return self.batchnorm(given[0], place, told["epsilon"], tensors)

    def take_flatten(self, node: NodeProto, place: str, given: list[str]) -> int:
        if settings(node)["axis"] != 1:
            raise NoLayer("only flattening all values of an image can be read")
        return self.flatten(given[0], place)

    def take_reshape(self, node: NodeProto, place: str, given: list[str]) -> int:
        told = self.shapes.get(node.input[1])
        if told is None:
            numbers = np.array(whole_numbers(self._weight(node)))
            told = OpenShape((numbers, numbers))
        return self.reshape(given[0], place, layout(told, self.size(given[0])))

    def take_squeeze(self, node: NodeProto, place: str, given: list[str]) -> int:
        return self.squeeze(given[0], place)

    def take_transpose(self, node: NodeProto, place: str, given: list[str]) -> int:
        axes = tuple(axis % 4 for axis in settings(node)["perm"])
        return self.transpose(given[0], node.output[0], axes)

    def take_softmax(self, node: NodeProto, place: str, given: list[str]) -> int:
        usual = -1 if self.content.opset >= 13 else 1
        axis = settings(node).get("axis", usual)
        return self.softmax(given[0], place, KINDS[node.op_type], axis)

    def take_activation(self, node: NodeProto, place: str, given: list[str]) -> int:
        return self.add(Activation(PLAIN[node.op_type]), given[0], place)

    def take_leaky_relu(self, node: NodeProto, place: str, given: list[str]) -> int:
        return self.add(Activation("leaky relu", settings(node)["alpha"]), given[0], place)

    def take_prelu(self, node: NodeProto, place: str, given: list[str]) -> int:
        return self.prelu(given[0], place, self._weight(node))

    def pass_on(self, node: NodeProto, place: str, given: list[str]) -> int:
        return self.numbers[given[0]]

    def take_combination(self, node: NodeProto, place: str, given: list[str]) -> int:
        """A product with constants, a sum with them, or of two values."""
        if len(given) == 2 and node.op_type == "Add":
            return self.sum(given[0], given[1], place)
        if len(given) != 1 or (node.op_type in ("Sub", "Div") and node.input[0] != given[0]):
            raise NoLayer(
                "only products and sums with constants, and sums of two values, can be read"
            )
        other = self._weight(node, 1 if node.input[0] == given[0] else 0)
        return self.combine(given[0], place, SIGNS[node.op_type], other)

    def take_concat(self, node: NodeProto, place: str, given: list[str]) -> int:
        return self.concat(node.input, place, settings(node)["axis"])

    # Missing numbers of a table.

    def take_is_missing(self, node: NodeProto, place: str, given: list[str]) -> int:
        self.missing.add(node.output[0])
        return self.numbers[given[0]]

    def take_where(self, node: NodeProto, place: str, given: list[str]) -> int:
        if node.input[0] not in self.missing or len(given) != 2:
            raise NoLayer("Where can be read only as a replacement of missing numbers")
        return self.row.fill_in(self.numbers[given[1]], self._weight(node, 1))

    def take_imputer(self, node: NodeProto, place: str, given: list[str]) -> int:
        told = settings(node)
        if not isnan(told["replaced_value_float"]):
            raise NoLayer("only missing numbers (NaN) can be replaced")
        return self.row.fill_in(self.numbers[given[0]], np.array(told["imputed_value_floats"]))

    # Scikit-learn's own operators.

    def take_scaler(self, node: NodeProto, place: str, given: list[str]) -> int:
        told, size = settings(node), self.size(given[0])
        offset, scale = (np.array(told[name]) for name in ("offset", "scale"))
        if {len(size), *map(len, (offset, scale))} - {1, size[0]}:
            raise NoLayer(
                f"it scales {spell(size)} values by {len(scale)} numbers: the counts must be equal"
            )
        scale, offset = (np.broadcast_to(x, size) for x in (scale, offset))
        return self.scale(given[0], place, scale, -offset * scale)

    def take_linear(self, node: NodeProto, place: str, given: list[str]) -> int:
        """Sums of which classes are told, or numbers themselves."""
        told, size = settings(node), self.size(given[0])
        ends, is_classifier = told["post_transform"], node.op_type == "LinearClassifier"
        weight = np.array(told["coefficients"]).reshape(-1, prod(size))
        bias = np.array(told["intercepts"] or [0.0] * len(weight))
        if bias.shape != weight.shape[:1] or (ends == "SOFTMAX" and len(weight) < 2):
            raise NoLayer("its coefficients and intercepts don't fit each other")
        if len(weight) == 1 and is_classifier and ends != "LOGISTIC":
            raise NoLayer("its output isn't a probability: export it with probabilities")
        number = self.dense(given[0], place, weight, bias)
        if ends == "NONE":
            return number
        kind = {"LOGISTIC": "sigmoid", "SOFTMAX": "softmax"}[ends]
        return self.row.add(Activation(kind), number, place)


def _told(attribute: AttributeProto) -> Any:
    from onnx import helper

    value = helper.get_attribute_value(attribute)
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


SIGNS: Mapping[str, Sign] = {"Add": "+", "Sub": "-", "Mul": "*", "Div": "/"}
WINDOWED = ("Conv", "MaxPool", "AveragePool", "Pad")  # which may read what padding stands around
PASSING = ("Identity", "Dropout", "Cast")
OF_PLACES = ("Transpose", "MatMul", "LeakyRelu", "PRelu", *PLAIN, *SIGNS, *PASSING)
Take = Callable[[_OnnxReader, "NodeProto", str, list[str]], int]
TAKES: Mapping[str, Take] = {
    "Gemm": _OnnxReader.take_gemm,
    "MatMul": _OnnxReader.take_matmul,
    "Conv": _OnnxReader.take_conv,
    "MaxPool": _OnnxReader.take_pool,
    "AveragePool": _OnnxReader.take_pool,
    "Pad": _OnnxReader.take_pad,
    "GlobalAveragePool": _OnnxReader.take_pool_all,
    "GlobalMaxPool": _OnnxReader.take_pool_all,
    **dict.fromkeys(("ReduceMean", "ReduceMax"), _OnnxReader.take_pool_all),
    "BatchNormalization": _OnnxReader.take_batchnorm,
    "Flatten": _OnnxReader.take_flatten,
    "Reshape": _OnnxReader.take_reshape,
    "Squeeze": _OnnxReader.take_squeeze,
    "Softmax": _OnnxReader.take_softmax,
    "LogSoftmax": _OnnxReader.take_softmax,
    "LeakyRelu": _OnnxReader.take_leaky_relu,
    "PRelu": _OnnxReader.take_prelu,
    "Concat": _OnnxReader.take_concat,
    **dict.fromkeys(PLAIN, _OnnxReader.take_activation),
    **dict.fromkeys(PASSING, _OnnxReader.pass_on),
    **dict.fromkeys(SIGNS, _OnnxReader.take_combination),
    "Transpose": _OnnxReader.take_transpose,
    "IsNaN": _OnnxReader.take_is_missing,
    "Where": _OnnxReader.take_where,
    "Imputer": _OnnxReader.take_imputer,
    "Scaler": _OnnxReader.take_scaler,
    "LinearClassifier": _OnnxReader.take_linear,
    "LinearRegressor": _OnnxReader.take_linear,
}
