"""The module's class: a line for each layer that keeps something, and the way through all."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib.resources import files
from string import Template
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradbook.errors import TargetError
from gradbook.formats.torch.sequences import (
    TO_ROW,
    TO_STEPS,
    buffers_made,
    call_of,
    fits_steps,
    fixed_in,
    goes_over_steps,
    module_made,
    tensors_of,
    with_floats,
)
from gradbook.formats.torch.words import ACTIVATIONS, CALLS, SAYS
from gradbook.graph.window import NOWHERE, Both, Sides
from gradbook.layers import Attention
from gradbook.layers.activations import Activation, PRelu, Quantize
from gradbook.layers.card import Bias, Role
from gradbook.layers.norms import BatchNorm, LayerNorm, PlaceNorm, RmsNorm, SampleNorm
from gradbook.layers.pools import Pool
from gradbook.layers.sequences import Recurrent
from gradbook.layers.sums import Conv, Dense, TransposedConv, Upsample
from gradbook.layers.wiring import Concat, Dropout, Flatten, Product, Residual
from gradbook.net.trained import ByFeature, ByStep, TrainedLayer, TrainedNet

# How PyTorch says a window: by its own arguments, or with a frame put around what it reads.

LOWEST = ', value=float("-inf")'


def pads_itself(uses: Sequence[TrainedLayer], conv: Conv) -> bool:
    """Whether its own padding will do: the same on both sides, and wherever it is called."""
    pads = {conv.window(own.given).pad for own in uses}
    return len(pads) == 1 and all(map(_is_even, pads))


def conv_arguments(own: TrainedLayer, conv: Conv, pads: bool) -> list[str]:
    """What nn.Conv2d is given, as far as it isn't usual; `pads` says that it pads what it reads."""
    window = conv.window(own.given)
    asked = {
        "stride": _short(window.stride),
        "padding": _short(window.pad[:2] if pads else (0, 0)),
        "dilation": _short(window.dilation),
        "groups": str(conv.groups),
    }
    usual = {"stride": "1", "padding": "0", "dilation": "1", "groups": "1"}
    said = [f"{name}={value}" for name, value in asked.items() if value != usual[name]]
    return [str(own.given[0]), str(conv.channels), _short(conv.kernel), *said]


def spread_arguments(own: TrainedLayer, layer: TransposedConv) -> list[str]:
    """What nn.ConvTranspose2d is given, as far as it isn't usual; what it leaves is cut then."""
    window, cut = layer.spreads(own.given), _is_cut(own, layer)
    pad = (0, 0) if cut else window.pad[:2]
    even = replace(window, pad=(*pad, *pad))
    beyond = (0, 0) if cut else even.left_over(own.given[1:], own.makes[1:])
    asked = {
        "stride": _short(window.stride),
        "padding": _short(pad),
        "output_padding": _short(beyond),
        "groups": str(layer.groups),
        "dilation": _short(window.dilation),
    }
    usual = {"stride": "1", "padding": "0", "output_padding": "0", "groups": "1", "dilation": "1"}
    said = [f"{name}={value}" for name, value in asked.items() if value != usual[name]]
    return [str(own.given[0]), str(layer.channels), _short(layer.kernel), *said]


def _is_cut(own: TrainedLayer, layer: TransposedConv) -> bool:
    """Whether PyTorch has no such padding: less after than before, but by less than a step."""
    top, left, below, right = layer.spreads(own.given).pad
    less = (top - below, left - right)
    moves = zip(less, layer.stride, layer.dilation, strict=True)
    return any(not 0 <= side < max(move) for side, *move in moves)


def enlarging_call(own: TrainedLayer, module: str, x: str) -> str:
    """The call that makes a larger map of x, and what is left of it."""
    if isinstance(own.layer, Upsample):
        return f"F.interpolate({x}, scale_factor={_short(own.layer.size)})"
    assert isinstance(own.layer, TransposedConv)
    if not _is_cut(own, own.layer):
        return f"{module}({x})"
    top, left, *_ = own.layer.spreads(own.given).pad
    _, height, width = own.makes
    return f"{module}({x})[..., {top}:{top + height}, {left}:{left + width}]"


def framed_for(own: TrainedLayer, conv: Conv, x: str, pads: bool) -> str:
    """What a convolution reads, with zeros around where it doesn't put them there itself."""
    window = conv.window(own.given)
    return x if pads or not any(window.pad) else _framed(x, window.pad)


def pool_call(own: TrainedLayer, pool: Pool, x: str) -> str:
    """The call of a pool on x."""
    if pool.size is None:
        return f"F.adaptive_{pool.kind}_pool2d({x}, 1)"
    if _is_known(own, pool):
        return _call(own, pool, x, *_padding(own, pool), *_counting(pool))
    if pool.kind == "max":
        return _call(own, pool, _framed(x, pool.window(own.given).pad, LOWEST))
    return _call(own, pool, _framed(x, pool.window(own.given).pad))


def places_inside(own: TrainedLayer, pool: Pool) -> str | None:
    """What an average of x is divided by after its frame, where not all that it reads counts."""
    if pool.kind == "max" or pool.size is None or _is_known(own, pool):
        return None
    sides, counted = pool.window(own.given).pad, pool.counted_padding(own.given)
    if sides == counted:
        return None
    top, left, below, right = (side - one for side, one in zip(sides, counted, strict=True))
    ones = "torch.ones_like(x)"
    if counted != NOWHERE:
        ones = _framed(ones, counted, ", value=1.0")
    return _call(own, pool, _framed(ones, (top, left, below, right)))


def has_gaps(pool: Pool) -> bool:
    """Whether it is an average with gaps, which PyTorch has none of: a convolution of each channel
    by itself makes it, with weights that are all the same and never change."""
    return pool.kind == "avg" and pool.dilation != (1, 1)


def shares_made(own: TrainedLayer, pool: Pool) -> str:
    """How such weights are made, which the module keeps under the layer's name."""
    window = pool.window(own.given)
    return f"torch.full({(own.given[0], 1, *window.size)}, 1 / {window.area})"


def _is_known(own: TrainedLayer, pool: Pool) -> bool:
    """Whether PyTorch's pools have such padding: the same on both sides, of half a window."""
    assert pool.size is not None
    if has_gaps(pool):
        return False
    sides = replace(pool, ceil=False).window(own.given).pad
    halves = zip(sides, pool.size * 2, strict=True)
    return _is_even(sides) and all(side <= size // 2 for side, size in halves)


def _padding(own: TrainedLayer, pool: Pool) -> list[str]:
    sides = replace(pool, ceil=False).window(own.given).pad
    said = [f"padding={_short(sides[:2])}"] if any(sides) else []
    return [*said, *(["ceil_mode=True"] if pool.ceil else [])]


def _counting(pool: Pool) -> list[str]:
    """An average of PyTorch's counts its padding, if nothing is said."""
    beside = pool.pad != NOWHERE or pool.ceil
    left_out = pool.kind == "avg" and beside and not pool.zeros
    return ["count_include_pad=False"] if left_out else []


def _call(own: TrainedLayer, pool: Pool, x: str, *further: str) -> str:
    window = pool.window(own.given)
    weighed = has_gaps(pool)
    said = [x, f"self.{own.name}" if weighed else _short(window.size)]
    usual = (1, 1) if weighed else window.size
    said += [f"stride={_short(window.stride)}"] if window.stride != usual else []
    said += [f"dilation={_short(window.dilation)}"] if window.dilation != (1, 1) else []
    if weighed:
        return f"F.conv2d({', '.join([*said, f'groups={own.given[0]}'])})"
    return f"F.{pool.kind}_pool2d({', '.join([*said, *further])})"


def _framed(x: str, sides: Sides, value: str = "") -> str:
    if not any(sides):
        return x
    top, left, below, right = sides
    return f"F.pad({x}, ({left}, {right}, {top}, {below}){value})"


def _is_even(sides: Sides) -> bool:
    return sides[:2] == sides[2:]


def _short(pair: Both) -> str:
    """One number where both are the same."""
    return str(pair[0]) if pair[0] == pair[1] else str(pair)


def function_source(name: str, /, **values: object) -> str:
    """Return the function that stands in functions.txt under this name, with values put in."""
    text = (files("gradbook.formats.torch") / "functions.txt").read_text("utf-8")
    _, *parts = re.split(r"^=== (.+)\n", text, flags=re.MULTILINE)
    functions = dict(zip(parts[::2], parts[1::2], strict=True))
    return Template(functions[name]).substitute(values)


# The module's class: a line for each layer that keeps something, and the way through all.

WIDEST = 88  # characters of a line
WORDS = {
    "dense": "fc",
    "batchnorm": "bn",
    "groupnorm": "gn",
    "layernorm": "ln",
    "placenorm": "pn",
}  # what people call them in PyTorch
USUAL_EPSILON = 1e-5  # of PyTorch's normalisations
MODULES_OF = (Dense, BatchNorm, SampleNorm, RmsNorm, PRelu, Quantize, Dropout)
STATE_NAMES = {  # of a batch normalisation's tensors
    "scale": "weight",
    "shift": "bias",
    "mean": "running_mean",
    "variance": "running_var",
}


def class_name(trained: TrainedNet) -> str:
    """QuickNet for a network called quick."""
    words = re.findall(r"[A-Za-z0-9]+", trained.net.name)
    name = "".join(word[:1].upper() + word[1:] for word in words)
    return f"{name}Net" if name and not name[0].isdigit() else "Network"


def torch_name(own: TrainedLayer) -> str:
    """conv1, bn2, fc1."""
    word = own.name.rstrip("0123456789")
    return WORDS.get(word, word) + own.name[len(word) :]


def module_name(own: TrainedLayer) -> str:
    """The module that is called: the same each time, but for what keeps statistics of its own."""
    if own.again and not isinstance(own.layer, BatchNorm):
        return torch_name(replace(own, name=own.again))
    return torch_name(own)


def state_dict(trained: TrainedNet) -> dict[str, NDArray[Any]]:
    """The tensors under PyTorch's own names."""
    found: dict[str, NDArray[Any]] = {}
    for own in trained.layers:
        if goes_over_steps(own):
            for ending, array in tensors_of(own).items():
                found[f"{module_name(own)}{ending}"] = array.astype(np.float32)
            continue
        for name, array in with_floats(own).items():
            norm = isinstance(own.layer, BatchNorm | SampleNorm | RmsNorm)
            theirs = STATE_NAMES[name] if norm else name
            if isinstance(own.layer, LayerNorm):
                array = array.reshape(own.given)  # noqa: PLW2901 - of each place its own
            theirs = "weight" if isinstance(own.layer, PRelu) else theirs
            found[f"{module_name(own)}.{theirs}"] = array.astype(np.float32)
        if isinstance(own.layer, BatchNorm):
            found[f"{torch_name(own)}.num_batches_tracked"] = np.array(0, np.int64)
    return found


def few_bits(trained: TrainedNet) -> bool:
    """Whether any of its weights have few bits."""
    return any(own.layer.bits for own in trained.layers)


def module_source(trained: TrainedNet) -> str:
    """The class, as it stands in the file."""
    kept = (write_assignment(f"self.{torch_name(own)}", made, 8) for own, made in _kept(trained))
    few = [function_source("few bits"), ""] if few_bits(trained) else []
    if any(isinstance(own.layer, Quantize) for own in trained.layers):
        few += [function_source("rounded values"), ""]
    lines = [
        *few,
        f"class {class_name(trained)}(nn.Module):",
        "    def __init__(self):",
        "        super().__init__()",
        *kept,
        *(f"        {line}" for line in _fixed(trained)),
        "",
        "    def forward(self, x):",
        *(f"        {line}" for line in _Way(trained).lines()),
    ]
    return "\n".join(lines) + "\n"


def write_assignment(name: str, call: str, indent: int) -> str:
    """An assignment, in three lines where one is too narrow."""
    margin = " " * indent
    line = f"{margin}{name} = {call}"
    if len(line) <= WIDEST:
        return line
    word, _, rest = call.partition("(")
    return f"{margin}{name} = {word}(\n{margin}    {rest[:-1]}\n{margin})"


def _kept(trained: TrainedNet) -> Iterator[tuple[TrainedLayer, str]]:
    """Each layer that is a module of its own, and how it is made."""
    for own in (one for one in trained.layers if module_name(one) == torch_name(one)):
        match own.layer:
            case Dense(width):
                bias = "" if "bias" in own.tensors else ", bias=False"
                yield own, f"nn.Linear({own.given[0]}, {width}{bias})"
            case Conv() | TransposedConv() if not goes_over_steps(own):
                yield own, _conv(trained, own)
            case BatchNorm(epsilon):
                word = "BatchNorm2d" if len(own.given) == 3 else "BatchNorm1d"
                yield own, f"nn.{word}({own.given[0]}{_eps(epsilon)})"
            case LayerNorm(epsilon):
                shape = own.given[0] if len(own.given) == 1 else list(own.given)
                yield own, f"nn.LayerNorm({shape}{_eps(epsilon)})"
            case PlaceNorm(epsilon):
                yield own, f"nn.LayerNorm({own.given[0]}{_eps(epsilon)})"
            case RmsNorm(epsilon, plain):
                scales = ", elementwise_affine=False" if plain else ""
                yield own, f"nn.RMSNorm({own.given[0]}, eps={epsilon!r}{scales})"
            case _ if goes_over_steps(own):
                yield own, module_made(own)
            case SampleNorm() as norm if groups := norm.channel_groups(own.given):
                yield own, f"nn.GroupNorm({groups}, {own.given[0]}{_eps(norm.epsilon)})"
            case SampleNorm():
                raise TargetError(f"{own.name} can't be written in PyTorch: use another layer")
            case PRelu() | Quantize() as layer:
                yield own, _with_a_parameter(own, layer)
            case Dropout(rate, channels):
                word = "Dropout2d" if channels and len(own.given) == 3 else "Dropout"
                yield own, f"nn.{word}({rate!r})"


def _with_a_parameter(own: TrainedLayer, layer: PRelu | Quantize) -> str:
    if isinstance(layer, Quantize):
        return "Quantize({}, {}, {})".format(*layer.levels, Role.RANGE.start)
    return f"nn.PReLU({'' if layer.shared else own.given[0]})"


def _pads(trained: TrainedNet, own: TrainedLayer, conv: Conv) -> bool:
    name = module_name(own)
    return pads_itself([one for one in trained.layers if module_name(one) == name], conv)


def _conv(trained: TrainedNet, own: TrainedLayer) -> str:
    bias = [] if "bias" in own.tensors else ["bias=False"]
    if isinstance(own.layer, TransposedConv):
        said = [*spread_arguments(own, own.layer), *bias]
        return f"nn.ConvTranspose2d({', '.join(said)})"
    assert isinstance(own.layer, Conv)
    said = [*conv_arguments(own, own.layer, _pads(trained, own, own.layer)), *bias]
    return f"nn.Conv2d({', '.join(said)})"


def _eps(epsilon: float) -> str:
    return "" if epsilon == USUAL_EPSILON else f", eps={epsilon!r}"


def _fixed(trained: TrainedNet) -> Iterator[str]:
    """What no training changes, and what several normalisations have in common."""
    for own in trained.layers:
        if isinstance(own.layer, Pool) and has_gaps(own.layer):
            made = shares_made(own, own.layer)
            yield f'self.register_buffer("{own.name}", {made}, persistent=False)'
        yield from buffers_made(own)
        if own.again and isinstance(own.layer, BatchNorm):
            first = torch_name(replace(own, name=own.again))
            for word in ("weight", "bias"):
                yield f"self.{torch_name(own)}.{word} = self.{first}.{word}"
        elif own.again:
            continue
        if own.layer.bits:
            bits, module = own.layer.bits, f"self.{torch_name(own)}"
            numbers = (bits.step, bits.highest, bits.of_mean, own.layer.level_groups)
            said = f"FewBits({', '.join(map(str, numbers))})"
            register = "nn.utils.parametrize.register_parametrization"
            yield f'{register}({module}, "weight", {said})'
        if isinstance(own.layer, Dense | Conv | TransposedConv) and Bias(own.layer.bias).fixed:
            yield f"self.{torch_name(own)}.bias.requires_grad_(False)"
        for name in fixed_in(own):
            yield f"self.{torch_name(own)}.{name}.requires_grad_(False)"


@dataclass
class _Way:
    """The lines of `forward`: a statement for each weighted layer and what is done to its sums."""

    trained: TrainedNet
    said: list[str] = field(default_factory=list)
    now: str = "x"  # the expression at hand
    in_steps: bool = False  # whether that is steps x features, as PyTorch has sequences
    skips_in_steps: dict[int, bool] = field(default_factory=dict)  # the same of values kept

    @cached_property
    def _skipped(self) -> dict[int, str]:
        """The values that are come back to, and what they are called meanwhile."""
        layers = enumerate(self.trained.layers)
        found = sorted({value for place, own in layers for value in own.reads if value != place})
        return {value: f"skip{number}" for number, value in enumerate(found, 1)}

    def lines(self) -> list[str]:
        self._remember(0)
        for number, own in enumerate(self.trained.layers, 1):
            if number - 1 not in own.reads:
                first = own.reads[0]
                self.now, self.in_steps = self._skipped[first], self.skips_in_steps[first]
            self._say(own)
            self._remember(number)
        self.said.append(f"return {self.now}")
        return self.said

    def _say(self, own: TrainedLayer) -> None:
        if isinstance(own.layer, ByFeature):  # which PyTorch's modules read as it comes
            self.in_steps = True
            return
        over_steps = isinstance(own.layer, ByStep) or goes_over_steps(own)
        self._lay_out(over_steps or (self.in_steps and fits_steps(own)))
        if isinstance(own.layer, ByStep):
            return
        if isinstance(own.layer, Conv | Dense | Residual | Product | Concat) or _reads_x(own):
            self._settle()
        longer = self._around(own, self.now)
        if len(longer) > WIDEST - len("        return "):
            self._settle()
            longer = self._around(own, self.now)
        self.now = longer
        if isinstance(own.layer, Recurrent | Attention):  # of two results the first
            self.said += [line[8:] for line in write_assignment("x, _", self.now, 8).split("\n")]
            self.now = "x"
        if isinstance(own.layer, Recurrent) and not own.layer.all:
            self.now, self.in_steps = "x[:, -1]", False

    def _lay_out(self, in_steps: bool) -> None:
        if self.in_steps != in_steps:
            if len(self.now) > WIDEST // 2:
                self._settle()
            self.now = _in_brackets(self.now) + (TO_STEPS if in_steps else TO_ROW)
            self.in_steps = in_steps

    def _settle(self) -> None:
        if self.now not in ("x", *self._skipped.values()):
            self.said.append(f"x = {self.now}")
            self.now = "x"

    def _remember(self, value: int) -> None:
        if value in self._skipped:
            self.skips_in_steps[value] = self.in_steps
            self._settle()
            self.said.append(f"{self._skipped[value]} = {self.now}")

    def _read(self, own: TrainedLayer, x: str) -> list[str]:
        """What it reads, where x is the latest, all laid out as that."""
        latest = self.trained.layers.index(own)
        found = []
        for value in own.reads:
            turned = value != latest and self.skips_in_steps[value] != self.in_steps
            ending = (TO_STEPS if self.in_steps else TO_ROW) if turned else ""
            found.append(f"{x if value == latest else self._skipped[value]}{ending}")
        return found

    def _as_wide(self, own: TrainedLayer, x: str) -> list[str]:
        """What it reads, with flat values as maps of a single place where it makes maps."""
        values = zip(own.reads, self._read(own, x), strict=True)
        wide = len(own.makes)
        return [
            f"{word}[..., None, None]" if len(self.trained.shape(value)) < wide else word
            for value, word in values
        ]

    def _around(self, own: TrainedLayer, x: str) -> str:
        """The expression with one layer more around it."""
        match own.layer:
            case Residual() | Product() | Concat():
                return _joined(own, self._as_wide(own, x))
            case TransposedConv() | Upsample():
                return enlarging_call(own, f"self.{module_name(own)}", x)
            case Pool() as pool:
                places = places_inside(own, pool)
                return pool_call(own, pool, x) + (f" / {places}" if places else "")
            case Flatten():
                return f"{_in_brackets(x)}.flatten(1)"
            case Activation() as activation:
                return _activated(own, activation, x)
            case Conv() as conv if not goes_over_steps(own):
                pads = _pads(self.trained, own, conv)
                return f"self.{module_name(own)}({framed_for(own, conv, x, pads)})"
            case PlaceNorm() | RmsNorm() if len(own.given) > 1 and not self.in_steps:
                # PyTorch reads them with channels last
                turned = f"{_in_brackets(x)}.permute(0, 2, 3, 1)"
                return f"self.{module_name(own)}({turned}).permute(0, 3, 1, 2)"
            case layer if isinstance(layer, MODULES_OF) or goes_over_steps(own):
                return call_of(own, f"self.{module_name(own)}", x)
            case _:
                raise TargetError(f"{own.name} can't be written in PyTorch: use another layer")


def _joined(own: TrainedLayer, values: Sequence[str]) -> str:
    if isinstance(own.layer, Residual | Product):
        return (" + " if isinstance(own.layer, Residual) else " * ").join(values)
    return f"torch.cat(({', '.join(values)}), 1)"


def _activated(own: TrainedLayer, layer: Activation, x: str) -> str:
    if layer.kind in ACTIVATIONS:
        return ACTIVATIONS[layer.kind].call.format(x, slope=layer.slope)
    nodes = SAYS.steps(layer, own.name)
    known = {nodes[0]: x}
    for node in nodes[1:]:
        call = f"({node.number!r})" if node.is_constant() else CALLS[node.op.name]
        known[node] = call.format(*(known[one] for one in node.inputs))
    return known[nodes[-1]]


def _in_brackets(x: str) -> str:
    """An expression with a sign between two of its parts, before something is asked of it."""
    depth = 0
    for character in x:
        depth += (character in "([") - (character in ")]")
        if character == " " and not depth:
            return f"({x})"
    return x


def _reads_x(own: TrainedLayer) -> bool:
    """Whether its expression says x twice."""
    if isinstance(own.layer, Activation):
        return own.layer.kind not in ACTIVATIONS
    if isinstance(own.layer, Attention):
        return True
    return isinstance(own.layer, Pool) and places_inside(own, own.layer) is not None
