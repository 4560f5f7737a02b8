"""Writes the ONNX model of a trained network: a node or a few for each layer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from gradbook import __version__
from gradbook.arguments import whole
from gradbook.errors import TargetError, UsageError
from gradbook.formats.onnx import LEAST_OPSET, USUAL_OPSET
from gradbook.formats.onnx.nodes import OnnxNodes
from gradbook.formats.onnx.sequences import write_steps
from gradbook.formats.onnx.words import ACTIVATIONS, OPERATORS, SAYS
from gradbook.graph.tensors import divisors
from gradbook.graph.window import NOWHERE, Shape, Sides, Window
from gradbook.layers import (
    Activation,
    BatchNorm,
    Concat,
    Conv,
    Dense,
    Flatten,
    Layer,
    LayerNorm,
    PlaceNorm,
    Pool,
    PRelu,
    Product,
    Quantize,
    Residual,
    RmsNorm,
    SampleNorm,
    TransposedConv,
    Upsample,
)
from gradbook.net.trained import (
    BothClasses,
    ByFeature,
    ByStep,
    Filling,
    ScaleShift,
    Shares,
    TrainedLayer,
    TrainedNet,
    fold_norms,
    strip_idle,
    with_answers,
    with_input_scaling,
)

if TYPE_CHECKING:
    from onnx import ModelProto, ValueInfoProto

AXES_AS_INPUT = 18  # the first opset in which ReduceMean is told its axes so
BATCH = "N"  # the dimension that is left open


def onnx_bytes(
    trained: TrainedNet,
    opset: int = USUAL_OPSET,
    fold: bool = True,
    with_preparation: bool = False,
) -> bytes:
    """The content of an .onnx file.

    Without preparation it takes what the network takes and says what the network says; with it, it
    takes bytes (or a table's numbers) and says probabilities (or the number that is predicted).
    """
    try:
        import onnx
    except ImportError as error:
        raise TargetError(
            "writing an .onnx file needs the package onnx, which isn't installed: "
            "pip install 'gradbook[onnx]'"
        ) from error
    newest = onnx.defs.onnx_opset_version()
    if not LEAST_OPSET <= whole("the opset", opset, 1) <= newest:
        raise UsageError(
            f"opset {opset}: this installation writes {LEAST_OPSET} to {newest}: use "
            f"{USUAL_OPSET}, which every runtime reads, or install a newer package onnx"
        )
    if with_preparation:
        trained = with_answers(with_input_scaling(trained))
    less = fold_norms(trained) if fold else strip_idle(trained)
    model = _model(less, opset, with_preparation)
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


def _model(trained: TrainedNet, opset: int, with_preparation: bool) -> ModelProto:
    from onnx import helper

    content = OnnxContent(trained, with_preparation, opset)
    content.write()
    graph = helper.make_graph(
        content.nodes,
        trained.net.name or "network",
        [content.input()],
        [content.output()],
        content.tensors,
        doc_string=str(trained.net),
    )
    opsets = [helper.make_opsetid("", opset)]
    model = helper.make_model(
        graph,
        opset_imports=opsets,
        ir_version=helper.find_min_ir_version_for(opsets),
        producer_name="gradbook",
        producer_version=__version__,
    )
    notes = trained.notes(with_preparation)  # each as JSON under its name
    helper.set_model_props(model, {name: json.dumps(what) for name, what in notes.items()})
    return model


@dataclass
class OnnxContent(OnnxNodes):
    """The nodes and tensors of a model as they are made, layer by layer."""

    trained: TrainedNet
    with_preparation: bool
    opset: int = USUAL_OPSET

    # What goes in and comes out.

    def input(self) -> ValueInfoProto:
        from onnx import TensorProto, helper

        shape, kind = self.trained.input, TensorProto.FLOAT
        if self.with_preparation and self.trained.reads_bytes:
            kind, picture = TensorProto.UINT8, self.trained.picture or shape
            shape = picture[1:] if picture[0] == 1 and len(picture) == 3 else picture
        dimensions: list[str | int | None] = [BATCH, *shape]
        return helper.make_tensor_value_info(self.value(0), kind, dimensions)

    def output(self) -> ValueInfoProto:
        from onnx import TensorProto, helper

        dimensions: list[str | int | None] = [BATCH, *self.trained.output]
        made = self.value(len(self.trained.layers))
        return helper.make_tensor_value_info(made, TensorProto.FLOAT, dimensions)

    def value(self, number: int) -> str:
        """The name of a value: each goes by the layer that makes it."""
        bytes_come_in = self.with_preparation and self.trained.reads_bytes
        if number == 0:
            return "images" if bytes_come_in else "input"
        if number < len(self.trained.layers):
            return self.trained.layers[number - 1].name
        return "probabilities" if self.with_preparation and self.trained.classes else "output"

    # Layer by layer.

    def write(self) -> None:
        first = self.value(0)
        if self.with_preparation and self.trained.reads_bytes:
            first = self.as_numbers(first)
        for number, own in enumerate(self.trained.layers, 1):
            inputs = [self.value(k) if k else first for k in own.reads]
            self.layer(own, inputs, self.value(number))

    def as_numbers(self, images: str) -> str:
        """Bytes as floats, in the shape that the network takes."""
        from onnx import TensorProto

        floats = self.node("Cast", [images], "floats", to=TensorProto.FLOAT)
        shape = np.array([-1, *self.trained.input], np.int64)
        return self.node("Reshape", [floats, self.tensor("input.shape", shape)], "shaped")

    def layer(self, own: TrainedLayer, inputs: list[str], made: str) -> None:
        match own.layer:
            case Dense():
                self.node("Gemm", [*inputs, *self.owned(own)], made, transB=1)
            case Conv() as conv:
                window = conv.window(own.given)
                self.node(
                    "Conv",
                    [*inputs, *self.owned(own)],
                    made,
                    kernel_shape=conv.kernel,
                    strides=window.stride,
                    pads=window.pad,
                    group=conv.groups,
                    **_gaps(window),
                )
            case TransposedConv() as layer:
                window = layer.spreads(own.given)
                self.node(
                    "ConvTranspose",
                    [*inputs, *self.owned(own)],
                    made,
                    kernel_shape=layer.kernel,
                    strides=window.stride,
                    pads=window.pad,
                    output_padding=window.left_over(own.given[1:], own.makes[1:]),
                    group=layer.groups,
                    **_gaps(window),
                )
            case Pool() as pool:
                self.pool(own, pool, inputs[0], made)
            case BatchNorm(epsilon):
                self.node("BatchNormalization", [*inputs, *self.owned(own)], made, epsilon=epsilon)
            case Activation():
                self.activation(own, own.layer, inputs[0], made)
            case Quantize():
                self.quantize(own, own.layer, inputs[0], made)
            case PRelu():
                slopes = own.tensors["slope"].reshape(-1, *(1,) * (len(own.given) - 1))
                self.node("PRelu", [*inputs, self.shared(own, "slope", slopes)], made)
            case _:
                self.plain(own, inputs, made)

    def plain(self, own: TrainedLayer, inputs: list[str], made: str) -> None:
        match own.layer:
            case Layer(has_inner_steps=True) | ByFeature() | ByStep():
                write_steps(self, own, inputs[0], made)
            case ScaleShift():
                scale, shift = (self.across(own, name) for name in ("scale", "shift"))
                scaled = self.node("Mul", [*inputs, scale], f"{own.name}.scaled")
                self.node("Add", [scaled, shift], made)
            case Filling():
                missing = self.node("IsNaN", inputs, f"{own.name}.is")
                filling = self.tensor(own.tensor_name("filling"), own.tensors["filling"])
                self.node("Where", [missing, filling, *inputs], made)
            case Flatten():
                self.node("Flatten", inputs, made, axis=1)
            case Residual() | Product():
                word = "Add" if isinstance(own.layer, Residual) else "Mul"
                self.node(word, list(self.as_wide(own, inputs)), made)
            case Upsample(size):
                times = self.tensor(f"{own.name}.times", np.array([1, 1, *size], float))
                told = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
                nowhere = self.tensor(f"{own.name}.region", np.zeros(0))  # of what: of all
                self.node("Resize", [*inputs, nowhere, times], made, mode="nearest", **told)
            case PlaceNorm() | RmsNorm():
                self.normalise_places(own, own.layer, inputs[0], made)
            case SampleNorm() if own.layer.channel_groups(own.given):
                self.normalise(own, own.layer, inputs[0], made)
            case Concat():
                self.node("Concat", inputs, made, axis=1)
            case Shares():
                self.node("LpNormalization", inputs, made, p=1, axis=1)
            case BothClasses():
                other = self.node("Sub", [self.number(own, "one", 1), *inputs], f"{own.name}.other")
                self.node("Concat", [other, *inputs], made, axis=1)
            case _:
                raise TargetError(f"{own.name} can't be written as ONNX: use another layer")

    def as_wide(self, own: TrainedLayer, inputs: list[str]) -> Iterator[str]:
        """What it reads, with flat values as maps of a single place where it makes maps."""
        for value, name in zip(own.reads, inputs, strict=True):
            if len(self.trained.shape(value)) < len(own.makes):
                shape = self.tensor(f"{own.name}.shape", np.array([0, 0, 1, 1], np.int64))
                yield self.node("Reshape", [name, shape], f"{own.name}.gate")
            else:
                yield name

    def pool(self, own: TrainedLayer, pool: Pool, x: str, made: str) -> None:
        window = pool.window(own.given)
        told: dict[str, Any] = {"kernel_shape": window.size, "strides": window.stride}
        told |= {"pads": window.pad} if any(window.pad) else {}
        wide = any(side >= n for side, n in zip(window.pad, window.size * 2, strict=True))
        if pool.kind == "avg":
            self.average(own, pool, x, made, told, wide)
            return
        if wide:  # onnxruntime takes no padding that is wider than a window
            x, told["pads"] = self.framed(own, x, window.pad), NOWHERE
        self.node("MaxPool", [x], made, **told, **_gaps(window))

    def average(
        self, own: TrainedLayer, pool: Pool, x: str, made: str, told: dict[str, Any], wide: bool
    ) -> None:
        """Where AveragePool doesn't count like this in every opset: sums over how much counts."""
        window, counted = pool.window(own.given), pool.counted_padding(own.given)
        if not wide and window.dilation == (1, 1) and counted in (NOWHERE, window.pad):
            told |= {"count_include_pad": 1} if any(counted) else {}
            self.node("AveragePool", [x], made, **told)
            return
        channels = own.given[0]
        ones = self.tensor(f"{own.name}.ones", np.ones((channels, 1, *window.size)))
        summed = f"{own.name}.summed"
        self.node("Conv", [x, ones], summed, group=channels, **told, **_gaps(window))
        counts = divisors(window, own.given[1:], counted)[None, None]
        self.node("Div", [summed, self.tensor(f"{own.name}.counts", counts)], made)

    def framed(self, own: TrainedLayer, x: str, sides: Sides) -> str:
        """With so much around it that is never the largest."""
        top, left, below, right = sides
        pads = self.tensor(f"{own.name}.pads", np.array([0, 0, top, left, 0, 0, below, right]))
        return self.node(
            "Pad", [x, pads, self.number(own, "lowest", -np.inf)], f"{own.name}.framed"
        )

    def normalise(self, own: TrainedLayer, layer: SampleNorm, x: str, made: str) -> None:
        """By the one operator that every opset has: a group at a time is an instance's channel."""

        def laid_out(x: str, name: str, *sizes: int) -> str:
            shape = self.tensor(f"{own.name}.{name}_shape", np.array([0, *sizes], np.int64))
            return self.node("Reshape", [x, shape], f"{own.name}.{name}")

        groups = layer.groups_in(own.given)
        ones = self.tensor(f"{own.name}.ones", np.ones(groups))
        zeros = self.tensor(f"{own.name}.zeros", np.zeros(groups))
        apart = laid_out(x, "groups", groups, -1)
        word, name = "InstanceNormalization", f"{own.name}.centred"
        centred = self.node(word, [apart, ones, zeros], name, epsilon=layer.epsilon)
        normal = laid_out(centred, "normal", *own.given)
        shape = own.given if isinstance(layer, LayerNorm) else (-1, *(1,) * (len(own.given) - 1))
        self.scaled_and_shifted(own, shape, normal, made)

    def normalise_places(self, own: TrainedLayer, layer: Layer, x: str, made: str) -> None:
        """By sums over the channels, as every opset has them; LayerNormalization came with 17 and
        RMSNormalization with 23, and both read channels last."""
        centred = x
        if isinstance(layer, PlaceNorm):
            mean = self.mean_of_channels(own, x, "mean")
            centred = self.node("Sub", [x, mean], f"{own.name}.centred")
        squared = self.node("Mul", [centred, centred], f"{own.name}.squared")
        size = self.mean_of_channels(own, squared, "variance")
        epsilon = self.number(own, "epsilon", layer.epsilon)
        size = self.node("Add", [size, epsilon], f"{own.name}.above")
        root = self.node("Sqrt", [size], f"{own.name}.deviation")
        if not own.tensors:
            self.node("Div", [centred, root], made)
            return
        normal = self.node("Div", [centred, root], f"{own.name}.normal")
        self.scaled_and_shifted(own, (-1, *(1,) * (len(own.given) - 1)), normal, made)

    def mean_of_channels(self, own: TrainedLayer, x: str, name: str) -> str:
        name = f"{own.name}.{name}"
        if self.opset < AXES_AS_INPUT:
            return self.node("ReduceMean", [x], name, axes=[1])
        if not self._is_there(axes := f"{own.name}.axes"):
            self.tensor(axes, np.array([1], np.int64))
        return self.node("ReduceMean", [x, axes], name)

    def scaled_and_shifted(self, own: TrainedLayer, shape: Shape, x: str, made: str) -> None:
        """By tensors of this shape, of which there may be no shift."""
        own_ones = (
            self.shared(own, name, array.reshape(shape)) for name, array in own.tensors.items()
        )
        *scales, last = own_ones
        word = "Add" if scales else "Mul"
        for scale in scales:
            x = self.node("Mul", [x, scale], f"{own.name}.scaled")
        self.node(word, [x, last], made)

    def activation(self, own: TrainedLayer, layer: Activation, x: str, made: str) -> None:
        if layer.is_softmax and len(own.given) > 1:
            self.shares_of_steps(own, layer, x, made)
            return
        if layer.kind in ACTIVATIONS:
            word = ACTIVATIONS[layer.kind]
            told = {name: getattr(layer, field) for name, field in word.fields.items()}
            self.node(word.operator, [x], made, **word.settings, **told)
            return
        nodes = SAYS.steps(layer, own.name)
        names = {nodes[0]: x}
        for number, node in enumerate(nodes[1:], 1):
            name = made if node is nodes[-1] else f"{own.name}.{node.op.name}{number}"
            if node.is_constant():
                names[node] = self.number(own, f"constant{number}", node.number)
            else:
                self.operation(own, node.op.name, [names[one] for one in node.inputs], name)
                names[node] = name

    def quantize(self, own: TrainedLayer, layer: Quantize, x: str, made: str) -> None:
        lowest, highest = layer.levels
        size = layer.with_numbers(own.tensors).level_step
        step = self.number(own, "step", size)
        divisor = step if size else self.number(own, "divisor", 1.0)
        ends = [self.number(own, "lowest", lowest), self.number(own, "highest", highest)]
        ratio = self.node("Div", [x, divisor], f"{own.name}.ratio")
        inside = self.node("Clip", [ratio, *ends], f"{own.name}.inside")
        above = self.node("Add", [inside, self.number(own, "half", 0.5)], f"{own.name}.above")
        whole = self.node("Floor", [above], f"{own.name}.whole")
        self.node("Mul", [whole, step], made)

    def shares_of_steps(self, own: TrainedLayer, layer: Activation, x: str, made: str) -> None:
        """At each step, of what is turned last: every opset means the same by that axis."""
        last = self.node("Transpose", [x], f"{own.name}.last", perm=[0, 2, 3, 1])
        word = ACTIVATIONS[layer.kind].operator
        shares = self.node(word, [last], f"{own.name}.shares", axis=3)
        self.node("Transpose", [shares], made, perm=[0, 3, 1, 2])

    def operation(self, own: TrainedLayer, op: str, inputs: list[str], made: str) -> None:
        """One of our ops on each value."""
        match op:
            case "relu6":
                ends = [self.number(own, "least", 0), self.number(own, "most", 6)]
                self.node("Clip", [*inputs, *ends], made)
            case "choose":  # a if c > 0, else b
                zero = self.number(own, "zero", 0)
                chosen = self.node("Greater", [inputs[0], zero], f"{made}.chosen")
                self.node("Where", [chosen, *inputs[1:]], made)
            case "normal_share":  # (1 + erf(x/√2))/2
                along = self.number(own, "along", sqrt(0.5))
                scaled = self.node("Mul", [*inputs, along], f"{made}.scaled")
                both = self.node("Erf", [scaled], f"{made}.erf")
                both = self.node("Add", [both, self.number(own, "one", 1)], f"{made}.twice")
                self.node("Mul", [both, self.number(own, "half", 0.5)], made)
            case _:
                self.node(OPERATORS[op], inputs, made)


def _gaps(window: Window) -> dict[str, Any]:
    return {"dilations": window.dilation} if window.dilation != (1, 1) else {}
