"""Reads a program that PyTorch exported, operator by operator."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np

from gradbook import limits
from gradbook.errors import DataError, GradbookError, TargetError
from gradbook.files import open_file
from gradbook.formats.attention import MASKED, OTHER_MASK
from gradbook.formats.gates import PYTORCH, GateStack, take_apart
from gradbook.formats.imported import REASONS, ImportedNet, NoLayer, NoReader, Refusals, assemble
from gradbook.formats.layer_list import BYTES, LayerList, sides_of
from gradbook.formats.layouts import SAMPLES, Lie, WayIn, ways_in
from gradbook.formats.op_graph import GraphReader, Sign
from gradbook.formats.torch.content import FLOATS, AtenCall, AtenContent, AtenValue, read_content
from gradbook.formats.torch.moves import MOVES, PASSING, cuts_of, move, parts_of, worked_out
from gradbook.formats.torch.words import (
    KINDS,
    OF_EACH_VALUE,
    activation_of,
    check_arguments,
    padding_of,
)
from gradbook.graph.node import Array
from gradbook.graph.window import Shape
from gradbook.layers.card import Layer, spell
from gradbook.layers.norms import GroupNorm, LayerNorm, PlaceNorm, RmsNorm, SampleNorm
from gradbook.layers.pools import Pool
from gradbook.layers.sequences import Gru, Lstm, Rnn
from gradbook.layers.sums import Conv, TransposedConv

DROPS = ("dropout", "feature_dropout", "alpha_dropout")
SIGNS: Mapping[str, Sign] = {"add": "+", "sub": "-", "mul": "*", "div": "/"}
OF_SUMS = {"weight": "weight", "bias": "bias"}  # our names of tensors and PyTorch's
OF_SCALES = {"scale": "weight", "shift": "bias"}
OF_STATISTICS = {"mean": "running_mean", "variance": "running_var"}
SCALES = ("scales_h", "scales_w")
SPLITS = ("split", "split_with_sizes", "chunk", "unbind")


def sample_norm(call: AtenCall, size: Shape, channels_last: bool) -> SampleNorm | RmsNorm:
    """`channels_last` says that the values have their channels last."""
    told = call.arguments
    epsilon = told["eps"]
    if call.operator == "instance_norm" and not told["use_input_stats"]:
        raise NoLayer("it uses the running mean and variance of training")
    if call.operator == "rms_norm":
        if not channels_last or tuple(told["normalized_shape"]) != size[:1]:
            raise NoLayer("only the features of each step can be normalised by their size")
        return RmsNorm(float(np.finfo(np.float32).eps) if epsilon is None else epsilon)
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


NO_SCORES = "it does something to the scores of attention that can't be read"
ONE_WAY = "only recurrence from the first step to the last can be read"
RECURRENT = {"rnn_tanh": Rnn, "gru": Gru, "lstm": Lstm}
NORMS = ("group_norm", "instance_norm", "layer_norm", "rms_norm")
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
    samples = content.batch or SAMPLES
    readers = []
    for given in ways_in(content.shape, samples, content.is_whole):
        prepares = content.notes.preparation is None and not given.steps
        row = LayerList([given.size], prepares=prepares)
        reader = _AtenReader(
            content=content, refusals=Refusals(file), row=row, samples=samples, given=given
        )
        reader.read()
        readers.append(reader)
        if not reader.refusals.found:
            break
    best = min(readers, key=lambda one: one.refusals.count)
    best.refusals.settle()
    row, size = best.row, best.row.sizes[0]
    said = (BYTES if row.takes_bytes else "", best.given.remark)
    remarks = tuple(remark for remark in said if remark)
    notes = content.notes
    preparation = row.preparation(row.takes_bytes) or notes.preparation
    size = size[::-2] if best.given.steps else size
    tokens = best.given.tokens
    return assemble(file, size, row.layers, preparation, notes, remarks, tokens=tokens)


@dataclass(kw_only=True)
class _AtenReader(GraphReader):
    content: AtenContent
    given: WayIn
    laid_out: dict[str, Array] = field(default_factory=dict)  # weights, in other shapes

    def read(self) -> None:
        self.numbers[self.content.given] = 0
        if self.given.order is not None:
            self.orders[self.content.given] = self.given.order
        for call in self.content.calls:
            place = f"{call.operator} '{call.made}'"
            before = len(self.row.layers)
            try:
                if self._makes_a_constant(call):
                    continue
                lie = self._take(call, place)
                self.row.note(before, self._stored(call))
                self.refusals.pass_on(call.reads, (call.made, *call.others))
            except (GradbookError, *REASONS) as error:
                self._refuse(call, place, error)
                continue
            if lie is not None:
                self.put(call.made, lie)
                if call.changes:
                    self.put(call.reads[0], lie)
        if not self.refusals.found:
            self.require_output(self.content.made)

    def _refuse(self, call: AtenCall, place: str, error: Exception) -> None:
        """Go on with what it reads, so that what comes later is looked at too."""
        usual = "its arguments aren't as PyTorch writes them"
        self.refusals.refuse(place, error, call.reads, usual)
        self.refusals.unsure.update((call.made, *call.others))
        given = next((name for name in call.reads if name in self.numbers), self.content.given)
        for name in (call.made, *call.others):
            if name not in self.fits:
                self.put(name, Lie(self.numbers[given], self.orders.get(given)))

    def reader_count(self, value: str) -> int:
        return self.content.reader_count(value)

    def _makes_a_constant(self, call: AtenCall) -> bool:
        """Whether a call is about weights and numbers alone; what it makes is then known."""
        tensors = {name: self._tensor(name) for name in call.reads}
        if any(tensor is None for tensor in tensors.values()):
            return False

        def told(value: Any) -> Any:
            return tensors[value.name] if isinstance(value, AtenValue) else value

        call = check_arguments(call)
        given = {name: told(value) for name, value in call.arguments.items()}
        if call.operator in (*MOVES, *PASSING) and len(tensors) == 1:
            (own,) = tensors.values()
            assert own is not None
            self.laid_out[call.made] = move(call.operator, given, own)
            return True
        made = worked_out(call.operator, given)
        if made is not None:
            self.laid_out[call.made] = made
        return made is not None

    def _tensor(self, name: str) -> Array | None:
        """A weight, as it is stored or laid out since."""
        return self.laid_out.get(name, self.content.weights.get(name))

    def _take(self, call: AtenCall, place: str) -> Lie | None:
        given = [name for name in call.reads if self._tensor(name) is None]
        self.require_fit(given, call.operator in WINDOWED)
        self.require_whole(given, call.operator == "select" and not call.arguments.get("dim"))
        call = check_arguments(call)
        if any(name in self.fits for name in given):
            return self._attend(call, place, given)
        take = TAKES.get(call.operator)
        if take is None:
            raise NoReader("gradbook has no such layer")
        return take(self, call, place)

    def _attend(self, call: AtenCall, place: str, given: list[str]) -> Lie | None:
        """What is done to scores and shares of attention."""
        told, first = call.arguments, given[0]
        own = self.fits.get(first)
        if own is None:
            raise NoLayer(NO_SCORES)
        match call.operator:
            case word if word in SIGNS and len(given) == 1:
                other = told["other"]
                constant = self._weight(call, "other") if isinstance(other, AtenValue) else other
                if told["alpha"] != 1 or told["self"] != AtenValue(first):
                    raise NoLayer(OTHER_MASK)
                self.combine_fits(call.made, first, SIGNS[word], np.asarray(constant, float))
            case "masked_fill" if len(given) == 1 and told["value"] < MASKED:
                mask = self._weight(call, "mask")
                assert mask is not None
                self.fits[call.made] = own.seen(mask == 0)
            case "softmax" | "_softmax":
                self.fits[call.made] = own.softmax(told["dim"])
            case word if word in (*DROPS, *PASSING):
                self.fits[call.made] = own
            case "view" | "reshape" | "_unsafe_view":
                sizes = told["shape" if call.operator == "reshape" else "size"]
                lead = np.empty(own.shape).reshape(self._settled(sizes)).shape
                self.fits[call.made] = own.laid_out(lead)
            case "matmul" | "bmm" if len(given) == 2:
                return self.attend(own, given[1], place)
            case _:
                raise NoLayer(NO_SCORES)
        return None

    def _settled(self, sizes: list[int | None]) -> list[int]:
        """With the number of samples where it is left open."""
        return [self.samples if size is None else size for size in sizes]

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

    def take_linear(self, call: AtenCall, place: str) -> Lie:
        weights = self._tensors(call, OF_SUMS)
        return self.dense(self._value(call), place, weights["weight"], weights.get("bias"))

    def take_conv(self, call: AtenCall, place: str) -> Lie:
        tensors, told = self._tensors(call, OF_SUMS), call.arguments
        if along := call.operator == "conv1d":
            tensors["weight"] = tensors["weight"][:, :, None]
        channels, _, *kernel = tensors["weight"].shape
        size, dilation = (kernel[0], kernel[1]), told["dilation"]
        pad = padding_of(told["padding"], size, dilation, self._size(call))
        layer = Conv(
            channels,
            size,
            told["stride"],
            pad,
            groups=told["groups"],
            dilation=dilation,
            row=along,
        )
        fixed = told["weight"].name in self.content.fixed
        return self.conv(self._value(call), place, layer, *tensors.values(), fixed=fixed)

    def take_conv_back(self, call: AtenCall, place: str) -> Lie:
        tensors, told = self._tensors(call, OF_SUMS), call.arguments
        _, each, *kernel = tensors["weight"].shape
        (rows, columns), (below, right) = told["padding"], told["output_padding"]
        layer = TransposedConv(
            each * told["groups"],
            (kernel[0], kernel[1]),
            told["stride"],
            sides_of((rows, columns, rows - below, columns - right)),
            groups=told["groups"],
            dilation=told["dilation"],
        )
        return self.conv_back(self._value(call), place, layer, tensors)

    def take_enlarged(self, call: AtenCall, place: str) -> Lie:
        told, size = call.arguments, self._size(call)
        factors = told["scale_factors"]
        if told["output_size"] is not None:
            pairs = zip(told["output_size"], size[1:], strict=True)
            factors = [made / given for made, given in pairs]
            if any(told[name] not in (None, f) for name, f in zip(SCALES, factors, strict=True)):
                raise NoLayer("its factors aren't those of the size that it makes")
        return self.enlarge(self._value(call), place, factors or [])

    def take_embedding(self, call: AtenCall, place: str) -> Lie:
        table = self._weight(call, "weight")
        assert table is not None
        return self.embed(call.arguments["indices"].name, place, table)

    def take_batchnorm(self, call: AtenCall, place: str) -> Lie:
        if call.arguments["training"]:
            raise NoReader(TRAINING)
        tensors = self._tensors(call, OF_SCALES | OF_STATISTICS)
        return self.batchnorm(self._value(call), place, call.arguments["eps"], tensors)

    def take_sample_norm(self, call: AtenCall, place: str) -> Lie:
        """By groups of channels, over the channels of each place, or over all values."""
        size = self._size(call)
        value = self._value(call)
        layer = sample_norm(call, size, self.is_channels_last(value))
        shape = layer.parameters(size)[0].shape
        tensors = {"scale": np.ones(shape), "shift": np.zeros(shape)}
        given = self._tensors(call, OF_SCALES)
        tensors |= {name: array.reshape(-1) for name, array in given.items()}
        tensors = {name: tensors[name] for name in tensors if name in layer_words(layer, size)}
        return self.each(layer, value, place, tensors)

    # Windows.

    def take_pool(self, call: AtenCall, place: str) -> Lie:
        told, kind = call.arguments, call.operator[:3]
        if told["divisor_override"]:
            raise NoReader("an average pool with a divisor of its own can't be read")
        size, pad = told["kernel_size"], told["padding"]
        zeros = kind == "avg" and told["count_include_pad"] and any(pad)
        stride, sides = told["stride"] or size, (*pad, *pad)
        layer = Pool(
            kind, size, stride, sides, told["dilation"], ceil=told["ceil_mode"], zeros=zeros
        )
        return self.pool(self._value(call), place, layer)

    def take_pad(self, call: AtenCall, place: str) -> Lie:
        pads: list[int] = call.arguments["pad"]
        if len(self._size(call)) != 3 or len(pads) % 2:
            raise NoLayer("only padding of rows and columns with one constant can be read")
        left, right, top, below, *others = (*pads, *(0,) * (4 - len(pads)))
        if len(self.shape(self._value(call))) == 3 and (top or below):
            raise NoLayer("only padding of rows and columns with one constant can be read")
        if any(others):
            raise NoLayer("only padding around rows and columns can be read")
        sides = (top, left, below, right)
        return self.pad(self._value(call), call.made, sides, call.arguments["value"])

    def take_pool_to(self, call: AtenCall, place: str) -> Lie:
        value = self._value(call)
        target, size = call.arguments["output_size"], self._size(call)
        kind, rank = call.operator.split("_")[1], len(self.shape(value))
        if target == (1, 1):
            return self.pool_all(value, place, kind, range(2, rank))
        if any(n % t for n, t in zip(size[1:], target, strict=True)):
            raise NoLayer(f"{spell(size[1:])} can't be divided into {spell(target)} equal windows")
        rows, columns = (n // t for n, t in zip(size[1:], target, strict=True))
        return self.pool(value, place, Pool(kind, (rows, columns)))

    def take_pool_all(self, call: AtenCall, place: str) -> Lie:
        told, kind = call.arguments, "avg" if call.operator == "mean" else "max"
        if any(self.content.reader_count(name) for name in call.others):
            raise NoReader("only the largest values can be read, not their places")
        return self.pool_all(self._value(call), place, kind, told["dim"], told["keepdim"])

    # Shapes.

    def take_move(self, call: AtenCall, place: str) -> Lie:
        """What only lays values out anew."""
        told = call.arguments
        first = told["self"].name if isinstance(told.get("self"), AtenValue) else ""
        if first in self.pieces:
            chosen = self.pieces[first][told["index"]]
            return Lie(self.numbers[chosen], self.order(chosen)[0])
        value = self._value(call)
        if call.operator == "slice":
            return self.sliced(value, cuts_of(told, len(self.shape(value))))
        for word in ("size", "shape"):
            if word in told:
                told = {**told, word: self._settled(told[word])}
        if call.operator in ("view", "reshape", "_unsafe_view"):
            target = tuple(told["shape" if call.operator == "reshape" else "size"])
            return self.reshape(value, place, target)
        if call.operator == "flatten" and told["start_dim"] == 1 and told["end_dim"] == -1:
            return self.flatten(value, place)
        return self.move(value, lambda order: move(call.operator, told, order))

    def take_split(self, call: AtenCall, place: str) -> None:
        value = self._value(call)
        parts = parts_of(call.operator, call.arguments, self.order(value))
        for name, part in zip((call.made, *call.others), parts, strict=True):
            self.put(name, Lie(self.numbers[value], part))

    # Recurrence and attention.

    def take_recurrent(self, call: AtenCall, place: str) -> None:
        """One layer after the other; the states at the end of each lie in a row."""
        told = call.arguments
        if told["bidirectional"] or told["train"]:
            raise NoReader(TRAINING if told["train"] else ONE_WAY)
        if any(not self._is_zero(one) for one in _listed(told["hx"])):
            raise NoLayer("only states that begin at 0 can be read")
        kind = RECURRENT[call.operator]
        each = 2 + 2 * told["has_biases"]
        params = [self._tensor(one.name) for one in told["params"]]
        if len(params) != each * told["num_layers"] or any(one is None for one in params):
            raise NoLayer("its weights aren't all stored")
        value, ends = self._value(call), []
        for number in range(told["num_layers"]):
            stack = GateStack(*params[number * each : (number + 1) * each])  # type: ignore[arg-type]
            layer = kind(len(stack.back.T), all=True)
            tensors = take_apart(layer, stack, PYTORCH.of(layer))
            first = not told["batch_first"]
            every, last = self.recur(value, place, layer, tensors, steps_first=first)
            value = f"{call.made}, layer {number + 1}"
            self.put(value, every)
            ends.append(f"{value}, at last")
            if self.reader_count(call.others[0]):
                self.put(ends[-1], last)
        self.put(call.made, every)
        states, *cells = call.others
        if any(self.content.reader_count(name) for name in cells):
            raise NoLayer("only its states can be read, not its cells")
        if self.reader_count(states) and len(ends) == 1:
            self.put(states, last)
        elif self.reader_count(states):
            self.pieces[states] = tuple(ends)

    def _is_zero(self, one: Any) -> bool:
        tensor = self._tensor(one.name) if isinstance(one, AtenValue) else None
        return tensor is not None and not tensor.any()

    def take_matmul(self, call: AtenCall, place: str) -> Lie | None:
        """Of a value and stored weights, or of queries and keys."""
        told = call.arguments
        other = told["other"] if "other" in told else told["mat2"]
        weight = self._tensor(other.name)
        if weight is not None:
            if weight.ndim != 2:
                raise NoLayer("only a product with a table of weights can be read as a layer")
            return self.dense(self._value(call), place, weight.T)
        self.fit(call.made, self._value(call), other.name, turned=True)
        return None

    def take_attention(self, call: AtenCall, place: str) -> Lie:
        told = call.arguments
        queries, keys, values = (told[name].name for name in ("query", "key", "value"))
        self.fit(call.made, queries, keys, turned=False)
        own = self.fits.pop(call.made)
        scale = told["scale"] or 1 / sqrt(own.queries.channels.shape[1])
        own = own.times(scale)
        mask = self._weight(call, "attn_mask")
        if mask is not None:
            own = own.seen(mask) if mask.dtype == bool else own.plus(mask)
        if told["is_causal"]:
            own = own.seen(np.tril(np.ones(own.shape[-2:])))
        return self.attend(own.softmax(-1), values, place)

    def take_dropout(self, call: AtenCall, place: str) -> Lie:
        if call.arguments["train"] or call.arguments["training"]:
            raise NoReader(TRAINING)
        return self.pass_on(call, place)

    def pass_on(self, call: AtenCall, place: str) -> Lie:
        value = self._value(call)
        is_whole = self.content.is_whole and value == self.content.given
        if call.arguments.get("dtype") not in (None, *FLOATS) and not is_whole:
            raise NoLayer("it cuts numbers down to whole ones: only floats can be read")
        return self.like(value, self.numbers[value])

    # Activations, sums and products.

    def take_activation(self, call: AtenCall, place: str) -> Lie:
        return self.each(activation_of(call), self._value(call), place)

    def take_prelu(self, call: AtenCall, place: str) -> Lie:
        slopes = self._weight(call, "weight")
        assert slopes is not None
        shape = (-1, *(1,) * (len(self.shape(self._value(call))) - 2))
        return self.prelu(self._value(call), place, slopes.reshape(shape))

    def take_softmax(self, call: AtenCall, place: str) -> Lie:
        kind, axis = KINDS[call.operator], call.arguments["dim"]
        return self.softmax(self._value(call), place, kind, axis)

    def take_combination(self, call: AtenCall, place: str) -> Lie:
        """A sum of two values, or what a constant does to each channel."""
        call = self._with_the_value_first(call)
        other, alpha = call.arguments["other"], call.arguments["alpha"]
        if isinstance(other, AtenValue) and other.name in self.numbers:
            if call.operator == "mul":
                return self.product(self._value(call), other.name, place)
            if call.operator != "add" or alpha != 1:
                raise NoLayer("of two values only the sum and the product can be read")
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

    def take_concat(self, call: AtenCall, place: str) -> Lie | None:
        names = [value.name for value in call.arguments["tensors"]]
        return self.concat(names, call.made, place, call.arguments["dim"])


def layer_words(layer: Layer, size: Shape) -> list[str]:
    return [spec.tensor for spec in layer.parameters(size)]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


CONVS, POOLS = ("conv1d", "conv2d"), ("max_pool1d", "max_pool2d", "avg_pool1d", "avg_pool2d")
TO_SIZE = (
    "adaptive_avg_pool1d",
    "adaptive_max_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_max_pool2d",
)
WINDOWED = (*CONVS, *POOLS, "pad", "constant_pad_nd")  # which may read padding
Take = Callable[[_AtenReader, AtenCall, str], "Lie | None"]


TAKES: Mapping[str, Take] = {
    "linear": _AtenReader.take_linear,
    **dict.fromkeys(CONVS, _AtenReader.take_conv),
    "conv_transpose2d": _AtenReader.take_conv_back,
    "upsample_nearest2d": _AtenReader.take_enlarged,
    "embedding": _AtenReader.take_embedding,
    "batch_norm": _AtenReader.take_batchnorm,
    **dict.fromkeys(NORMS, _AtenReader.take_sample_norm),
    **dict.fromkeys(POOLS, _AtenReader.take_pool),
    **dict.fromkeys(("pad", "constant_pad_nd"), _AtenReader.take_pad),
    **dict.fromkeys(TO_SIZE, _AtenReader.take_pool_to),
    **dict.fromkeys(("mean", "amax", "max"), _AtenReader.take_pool_all),
    **dict.fromkeys(("cat", "concat", "concatenate"), _AtenReader.take_concat),
    **dict.fromkeys(MOVES, _AtenReader.take_move),
    **dict.fromkeys(SPLITS, _AtenReader.take_split),
    **dict.fromkeys(RECURRENT, _AtenReader.take_recurrent),
    **dict.fromkeys(("matmul", "bmm", "mm"), _AtenReader.take_matmul),
    "scaled_dot_product_attention": _AtenReader.take_attention,
    **dict.fromkeys(DROPS, _AtenReader.take_dropout),
    **dict.fromkeys(PASSING, _AtenReader.pass_on),
    **dict.fromkeys(OF_EACH_VALUE, _AtenReader.take_activation),
    "prelu": _AtenReader.take_prelu,
    **dict.fromkeys(("softmax", "log_softmax"), _AtenReader.take_softmax),
    **dict.fromkeys(SIGNS, _AtenReader.take_combination),
}
