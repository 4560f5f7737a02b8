"""Reads a program that PyTorch exported, operator by operator."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from gradbook import limits
from gradbook.errors import DataError, GradbookError, TargetError
from gradbook.files import open_file
from gradbook.formats.imported import ImportedNet, NoLayer, Refusals, assemble
from gradbook.formats.layer_list import BYTES, LayerList
from gradbook.formats.op_graph import REASONS, GraphReader, Sign
from gradbook.formats.torch.content import AtenCall, AtenContent, AtenValue, read_content
from gradbook.formats.torch.words import (
    KINDS,
    OF_EACH_VALUE,
    activation_of,
    check_arguments,
    padding_of,
)
from gradbook.graph.node import Array
from gradbook.graph.window import Shape
from gradbook.layers.card import spell
from gradbook.layers.norms import GroupNorm, LayerNorm, PlaceNorm, SampleNorm
from gradbook.layers.pools import Pool
from gradbook.layers.sums import Conv

# Where an operator of PyTorch puts the axes of what it reads, and which may read channels last.

TURNS = ("permute", "transpose", "movedim")
DROPS = ("dropout", "feature_dropout", "alpha_dropout")
PASSING = ("alias", "clone", "contiguous", "detach", "to")
SIGNS: Mapping[str, Sign] = {"add": "+", "sub": "-", "mul": "*", "div": "/"}
OF_SUMS = {"weight": "weight", "bias": "bias"}  # our names of tensors and PyTorch's
OF_SCALES = {"scale": "weight", "shift": "bias"}
OF_STATISTICS = {"mean": "running_mean", "variance": "running_var"}
OF_PLACES = ("layer_norm", "linear", *SIGNS, *TURNS, *DROPS, *PASSING, *OF_EACH_VALUE)
OF_WEIGHTS = (*TURNS, *PASSING, "view", "reshape", "_unsafe_view", "unsqueeze")


def laid_out(call: AtenCall, tensor: Array) -> Array:
    """A weight in the shape that a call gives it."""
    told = call.arguments
    match call.operator:
        case "view" | "reshape" | "_unsafe_view":
            return tensor.reshape(told["shape" if call.operator == "reshape" else "size"])
        case "unsqueeze":
            return np.expand_dims(tensor, told["dim"])
        case operator if operator in TURNS:
            axes = source_axes(call, tensor.ndim)
            if not axes:
                raise NoLayer("it permutes axes that its weight doesn't have")
            return tensor.transpose(axes)
    return tensor


def source_axes(call: AtenCall, dimensions: int) -> Shape:
    """Where each axis of the result comes from; nothing where some of those told aren't there."""
    told, empty = call.arguments, np.empty(range(dimensions))  # each axis as long as its number
    try:
        match call.operator:
            case "permute":
                return tuple(axis % dimensions for axis in told["dims"])
            case "transpose":
                return np.swapaxes(empty, told["dim0"], told["dim1"]).shape
            case _:
                return np.moveaxis(empty, told["source"], told["destination"]).shape
    except ValueError:
        return ()


def sample_norm(call: AtenCall, size: Shape, channels_last: bool) -> SampleNorm:
    """`channels_last` says that the values have their channels last."""
    told = call.arguments
    epsilon = told["eps"]
    if call.operator == "instance_norm" and not told["use_input_stats"]:
        raise NoLayer("it uses the running mean and variance of training")
    if call.operator != "layer_norm":
        return GroupNorm(told["num_groups"] if call.operator == "group_norm" else size[0], epsilon)
    over = tuple(told["normalized_shape"])
    if channels_last and over == size[:1]:
        return PlaceNorm(epsilon)
    if channels_last or over != size:
        raise NoLayer(
            f"it normalises over {spell(over)} of {spell(size)}: only normalisation over all "
            "values of a sample, or with channels last over those of each pixel, can be read"
        )
    return LayerNorm(epsilon)


TRAINING = "it is in training: call module.eval() before it is exported"


def read_pt2(path: str | os.PathLike[str]) -> ImportedNet:
    """The network in a .pt2 file; all that has no layer here is told at once."""
    with open_file(Path(path), limits.FOREIGN) as stream:
        content = read_content(stream, path)
    return _net(content, os.fspath(path))


def torch_net(module: Any, example: Any) -> ImportedNet:
    """The network that a module is, by the file that PyTorch would write of it."""
    try:
        import torch
    except ImportError as error:
        raise TargetError(
            "reading a PyTorch module needs PyTorch, which isn't installed: pip install "
            "'gradbook[torch]'"
        ) from error
    name, file = type(module).__name__, io.BytesIO()
    try:
        program = torch.export.export(module, example if isinstance(example, tuple) else (example,))
        torch.export.save(program, file)
    except Exception as error:  # of many kinds, by what the module does
        first = str(error).strip().partition("\n")[0] or type(error).__name__
        raise DataError(f"{name}: PyTorch can't export it ({first})") from error
    return _net(read_content(file, name), name)


def _net(content: AtenContent, file: str) -> ImportedNet:
    refusals = Refusals(file)
    size = content.shape if len(content.shape) != 2 else (1, *content.shape)
    row = LayerList([size], prepares=content.notes.preparation is None)
    _AtenReader(content=content, refusals=refusals, row=row).read()
    refusals.settle()
    remarks = (BYTES,) if row.takes_bytes else ()
    notes = content.notes
    preparation = row.preparation(row.takes_bytes) or notes.preparation
    return assemble(file, row.sizes[0], row.layers, preparation, notes, remarks)


@dataclass(kw_only=True)
class _AtenReader(GraphReader):
    content: AtenContent
    laid_out: dict[str, Array] = field(default_factory=dict)  # weights, in other shapes

    def read(self) -> None:
        self.numbers[self.content.given] = 0
        for call in self.content.calls:
            place = f"{call.operator} '{call.made}'"
            given = next((name for name in call.reads if name in self.numbers), self.content.given)
            number = self.numbers[given]
            before = len(self.row.layers)
            try:
                if self._lays_out_a_weight(call):
                    continue
                number = self._take(call, place)
                self.row.note(before, self._stored(call))
            except GradbookError as error:
                self.refusals.add(place, error.message)
            except REASONS:
                self.refusals.add(place, "its arguments aren't as PyTorch writes them")
            self.numbers[call.made] = number
            if call.changes:
                self.numbers[given] = number
        self.require_output(self.content.made)

    def reader_count(self, value: str) -> int:
        return self.content.reader_count(value)

    def _lays_out_a_weight(self, call: AtenCall) -> bool:
        """Whether a call is about a weight alone, whose other shape is then known."""
        tensor = self._tensor(call.reads[0]) if len(call.reads) == 1 else None
        if tensor is None or call.operator not in OF_WEIGHTS:
            return False
        self.laid_out[call.made] = laid_out(check_arguments(call), tensor)
        return True

    def _tensor(self, name: str) -> Array | None:
        """A weight, as it is stored or laid out since."""
        return self.laid_out.get(name, self.content.weights.get(name))

    def _take(self, call: AtenCall, place: str) -> int:
        take = TAKES.get(call.operator)
        if take is None:
            raise NoLayer("gradbook has no such layer")
        self.require_fit(call.reads, call.operator in WINDOWED, call.operator in OF_PLACES)
        number = take(self, check_arguments(call), place)
        if self._has_channels_last(call) and call.operator not in TURNS:
            self.channels_last.add(call.made)
        return number

    def _has_channels_last(self, call: AtenCall) -> bool:
        return any(name in self.channels_last for name in call.reads)

    def _value(self, call: AtenCall) -> str:
        """The value that it reads first."""
        value = call.arguments.get("input", call.arguments.get("self"))
        if not isinstance(value, AtenValue) or value.name not in self.numbers:
            raise NoLayer("its input isn't known")
        return value.name

    def _size(self, call: AtenCall) -> Shape:
        return self.size(self._value(call))

    def _weight(self, call: AtenCall, name: str) -> Array | None:
        value = call.arguments.get(name)
        if value is None:
            return None
        found = self._tensor(value.name)
        if found is None:
            raise NoLayer(f"its {name} is computed: only stored tensors can be weights")
        return found

    def _stored(self, call: AtenCall) -> list[str]:
        """The names of its weights, without statistics."""
        told = (value for name, value in call.arguments.items() if not name.startswith("running"))
        names = (value.name for value in told if isinstance(value, AtenValue))
        return [name for name in names if name in self.content.weights]

    def _tensors(self, call: AtenCall, names: Mapping[str, str]) -> dict[str, Array]:
        """Its weights by our names, which stand before PyTorch's."""
        found = {name: self._weight(call, theirs) for name, theirs in names.items()}
        return {name: tensor for name, tensor in found.items() if tensor is not None}

    # Operators with weights.

    def take_linear(self, call: AtenCall, place: str) -> int:
        return self.dense(self._value(call), place, **self._tensors(call, OF_SUMS))

    def take_conv(self, call: AtenCall, place: str) -> int:
        tensors, told = self._tensors(call, OF_SUMS), call.arguments
        channels, _, *kernel = tensors["weight"].shape
        size, dilation = (kernel[0], kernel[1]), told["dilation"]
        pad = padding_of(told["padding"], size, dilation, self._size(call))
        layer = Conv(channels, size, told["stride"], pad, groups=told["groups"], dilation=dilation)
        fixed = told["weight"].name in self.content.fixed
        return self.conv(self._value(call), place, layer, *tensors.values(), fixed=fixed)

    def take_batchnorm(self, call: AtenCall, place: str) -> int:
        if call.arguments["training"]:
            raise NoLayer(TRAINING)
        tensors = self._tensors(call, OF_SCALES | OF_STATISTICS)
        return self.batchnorm(self._value(call), place, call.arguments["eps"], tensors)

    def take_sample_norm(self, call: AtenCall, place: str) -> int:
        """By groups of channels, over the channels of each place, or over all values."""
        size = self._size(call)
        layer = sample_norm(call, size, self._has_channels_last(call))
        shape = layer.parameters(size)[0].shape
        tensors = {"scale": np.ones(shape), "shift": np.zeros(shape)}
        given = self._tensors(call, OF_SCALES)
        tensors |= {name: array.reshape(-1) for name, array in given.items()}
        return self.add(layer, self._value(call), place, tensors)

    # Windows.

    def take_pool(self, call: AtenCall, place: str) -> int:
        told, kind = call.arguments, call.operator[:3]
        if told["divisor_override"]:
            raise NoLayer("an average pool with a divisor of its own can't be read")
        size, pad = told["kernel_size"], told["padding"]
        zeros = kind == "avg" and told["count_include_pad"] and any(pad)
        stride, sides = told["stride"] or size, (*pad, *pad)
        layer = Pool(
            kind, size, stride, sides, told["dilation"], ceil=told["ceil_mode"], zeros=zeros
        )
        return self.pool(self._value(call), place, layer)

    def take_pad(self, call: AtenCall, place: str) -> int:
        pads: list[int] = call.arguments["pad"]
        if len(self._size(call)) != 3 or len(pads) % 2:
            raise NoLayer("only padding of rows and columns with one constant can be read")
        left, right, top, below, *others = (*pads, *(0,) * (4 - len(pads)))
        if any(others):
            raise NoLayer("only padding around rows and columns can be read")
        sides = (top, left, below, right)
        return self.pad(self._value(call), call.made, sides, call.arguments["value"])

    def take_pool_to(self, call: AtenCall, place: str) -> int:
        target, size = call.arguments["output_size"], self._size(call)
        kind = call.operator.split("_")[1]
        if target == (1, 1):
            return self.add(Pool(kind, None), self._value(call), place)
        if any(n % t for n, t in zip(size[1:], target, strict=True)):
            raise NoLayer(f"{spell(size[1:])} can't be divided into {spell(target)} equal windows")
        rows, columns = (n // t for n, t in zip(size[1:], target, strict=True))
        return self.add(Pool(kind, (rows, columns)), self._value(call), place)

    def take_pool_all(self, call: AtenCall, place: str) -> int:
        told, kind = call.arguments, "max" if call.operator == "amax" else "avg"
        return self.pool_all(self._value(call), place, kind, told["dim"], told["keepdim"])

    # Shapes.

    def take_flatten(self, call: AtenCall, place: str) -> int:
        value, told = self._value(call), call.arguments
        ends = (self.axis(value, told["start_dim"]), self.axis(value, told["end_dim"]))
        if ends != (1, len(self.size(value))):
            raise NoLayer("only flattening all values of an image can be read")
        return self.flatten(value, place)

    def take_reshape(self, call: AtenCall, place: str) -> int:
        told, size = call.arguments, self._size(call)
        first, *rest = told["shape" if call.operator == "reshape" else "size"]
        target = _settled(rest, prod(size)) if None not in rest else ()
        if first not in (None, -1, self.content.batch) or prod(target) != prod(size):
            raise NoLayer("it mixes values of several images")
        if len(target) not in (1, 3) and target != size:
            raise NoLayer(
                f"it reshapes {spell(size)} to {spell(target)}: only flattening can be read"
            )
        return self.reshape(self._value(call), place, target)

    def take_squeeze(self, call: AtenCall, place: str) -> int:
        if self.content.batch == 1:
            raise NoLayer("only rows and columns of size 1 can be squeezed")
        return self.squeeze(self._value(call), place)

    def take_transpose(self, call: AtenCall, place: str) -> int:
        axes = source_axes(call, 1 + len(self._size(call)))
        return self.transpose(self._value(call), call.made, axes)

    def take_dropout(self, call: AtenCall, place: str) -> int:
        if call.arguments["train"] or call.arguments["training"]:
            raise NoLayer(TRAINING)
        return self.pass_on(call, place)

    def pass_on(self, call: AtenCall, place: str) -> int:
        return self.numbers[self._value(call)]

    # Activations, sums and products.

    def take_activation(self, call: AtenCall, place: str) -> int:
        return self.add(activation_of(call), self._value(call), place)

    def take_prelu(self, call: AtenCall, place: str) -> int:
        slopes = self._weight(call, "weight")
        assert slopes is not None
        shape = (-1, *(1,) * (len(self._size(call)) - 1))
        return self.prelu(self._value(call), place, slopes.reshape(shape))

    def take_softmax(self, call: AtenCall, place: str) -> int:
        kind, axis = KINDS[call.operator], call.arguments["dim"]
        return self.softmax(self._value(call), place, kind, axis)

    def take_combination(self, call: AtenCall, place: str) -> int:
        """A sum of two values, or what a constant does to each channel."""
        call = self._with_the_value_first(call)
        other, alpha = call.arguments["other"], call.arguments["alpha"]
        if isinstance(other, AtenValue) and other.name in self.numbers:
            if call.operator != "add" or alpha != 1:
                raise NoLayer("of two values only the sum can be read")
            return self.sum(self._value(call), other.name, place)
        constant = self._weight(call, "other") if isinstance(other, AtenValue) else np.array(other)
        assert constant is not None
        return self.combine(self._value(call), place, SIGNS[call.operator], constant * alpha)

    def _with_the_value_first(self, call: AtenCall) -> AtenCall:
        """A stored tensor times a value, or plus one, as the value times or plus that."""
        told = call.arguments
        first = told["self"]
        stored = isinstance(first, AtenValue) and self._tensor(first.name) is not None
        if not stored or call.operator not in ("add", "mul") or told["alpha"] != 1:
            return call
        return replace(call, arguments={**told, "self": told["other"], "other": told["self"]})

    def take_concat(self, call: AtenCall, place: str) -> int:
        names = [value.name for value in call.arguments["tensors"]]
        return self.concat(names, place, call.arguments["dim"])


def _settled(sizes: list[int], count: int) -> Shape:
    """With the size that is left open (-1) worked out."""
    known = prod(size for size in sizes if size != -1)
    return tuple(count // max(known, 1) if size == -1 else size for size in sizes)


WINDOWED = ("conv2d", "max_pool2d", "avg_pool2d", "pad", "constant_pad_nd")  # may read padding
Take = Callable[[_AtenReader, AtenCall, str], int]


TAKES: Mapping[str, Take] = {
    "linear": _AtenReader.take_linear,
    "conv2d": _AtenReader.take_conv,
    "batch_norm": _AtenReader.take_batchnorm,
    **dict.fromkeys(("group_norm", "instance_norm", "layer_norm"), _AtenReader.take_sample_norm),
    **dict.fromkeys(("max_pool2d", "avg_pool2d"), _AtenReader.take_pool),
    **dict.fromkeys(("pad", "constant_pad_nd"), _AtenReader.take_pad),
    **dict.fromkeys(("adaptive_avg_pool2d", "adaptive_max_pool2d"), _AtenReader.take_pool_to),
    **dict.fromkeys(("mean", "amax"), _AtenReader.take_pool_all),
    **dict.fromkeys(("cat", "concat", "concatenate"), _AtenReader.take_concat),
    "flatten": _AtenReader.take_flatten,
    **dict.fromkeys(("view", "reshape", "_unsafe_view"), _AtenReader.take_reshape),
    "squeeze": _AtenReader.take_squeeze,
    **dict.fromkeys(TURNS, _AtenReader.take_transpose),
    **dict.fromkeys(DROPS, _AtenReader.take_dropout),
    **dict.fromkeys(PASSING, _AtenReader.pass_on),
    **dict.fromkeys(OF_EACH_VALUE, _AtenReader.take_activation),
    "prelu": _AtenReader.take_prelu,
    **dict.fromkeys(("softmax", "log_softmax"), _AtenReader.take_softmax),
    **dict.fromkeys(SIGNS, _AtenReader.take_combination),
}
