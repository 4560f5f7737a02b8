"""How each layer is written in PyTorch: its module, its call and its tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from gradbook.errors import TargetError
from gradbook.formats.gates import PYTORCH, is_known, stack_gates
from gradbook.formats.torch.activation_names import ACTIVATIONS
from gradbook.graph.node import Array
from gradbook.graph.window import NOWHERE, Both, Sides, Window
from gradbook.layers import Attention, PositionEmbedding
from gradbook.layers.activations import Activation, PRelu, Quantize
from gradbook.layers.card import Bias, Role
from gradbook.layers.norms import BatchNorm, LayerNorm, PlaceNorm, RmsNorm, SampleNorm
from gradbook.layers.pools import Pool
from gradbook.layers.sequences import Gru, Recurrent, Sinusoids, Unembedding
from gradbook.layers.sums import Conv, Dense, TransposedConv, Upsample
from gradbook.layers.wiring import Concat, Dropout, Flatten, Product, Residual
from gradbook.net.trained import OneHot, TrainedLayer

RESET_BEFORE = (
    "{name} can't be written in PyTorch, whose reset gate multiplies the previous state's sums: "
    "leave out 'reset_before'"
)
FLOATS = "parametrizations.weight.original"  # PyTorch's name of a parametrised weight
USUAL_EPSILON = 1e-5  # in PyTorch's normalisations
LOWEST = ', value=float("-inf")'
OF_SCALES = {
    "scale": "weight",
    "shift": "bias",
    "mean": "running_mean",
    "variance": "running_var",
}


@dataclass(frozen=True, eq=False)
class TorchWords:
    """A layer in PyTorch. A call contains {module} and {0} for what it reads; for several values
    it contains {all}, or they are joined."""

    call: str = "{module}({0})"
    init: str = ""  # such as nn.Conv2d(1, 4, 3); empty without parameters
    tensors: Mapping[str, Array] = field(default_factory=dict)  # by the ending of the name
    fixed: Sequence[str] = ()  # those that no training changes
    buffers: Mapping[str, str] = field(default_factory=dict)  # the call that makes each
    in_steps: bool | None = False  # whether it reads steps x features; None: either layout
    turned: bool = False  # whether it reads channels last
    begins: bool = False  # whether it begins a statement
    joins: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)  # its own, if it has no module


def words_of(layer: TrainedLayer, uses: Sequence[TrainedLayer]) -> TorchWords | None:
    """Describe a layer that is applied in all these places; None without a PyTorch module."""
    for words in (_of_sums, _of_norms, _of_sequences, _of_windows, _without_weights):
        if described := words(layer, uses):
            return described
    return None


def _of_sums(trained: TrainedLayer, uses: Sequence[TrainedLayer]) -> TorchWords | None:
    layer, bias = trained.layer, ("bias" in trained.tensors, True)
    fixed = ["bias"] * Bias(layer.bias).fixed + ["weight"] * (not layer.learns)
    match layer:
        case Dense(width):
            module = _call("nn.Linear", trained.input[0], width, bias=bias)
            return TorchWords(init=module, tensors=_with_floats(trained), fixed=fixed, begins=True)
        case Conv(channels) if all(_is_linear(use) for use in uses if not use.layer.ties):
            module = _call("nn.Linear", trained.input[0], channels, bias=bias)
            tensors = _with_floats(trained)
            first, *others = tensors.items()
            tensors = {first[0]: first[1][..., 0, 0], **dict(others)}
            return TorchWords(init=module, tensors=tensors, fixed=fixed, in_steps=True, begins=True)
        case Conv() as conv:
            window = conv.window(trained.input)
            windows = [use.layer.window(use.input) for use in uses]
            paddings = {padded.pad for padded in windows if padded}
            pads = len(paddings) == 1 and all(
                map(_is_even, paddings)
            )  # the convolution itself pads
            module = _call(
                "nn.Conv2d",
                *(trained.input[0], conv.channels, _short(conv.kernel)),
                stride=(_short(window.stride), "1"),
                padding=(_short(window.pad[:2] if pads else (0, 0)), "0"),
                dilation=(_short(window.dilation), "1"),
                groups=(conv.groups, 1),
                bias=bias,
            )
            call = f"{{module}}({_framed('{0}', NOWHERE if pads else window.pad)})"
            return TorchWords(call, module, _with_floats(trained), fixed, begins=True)
        case TransposedConv():
            return _of_spread(trained, layer, fixed)
    return None


def _of_spread(trained: TrainedLayer, layer: TransposedConv, fixed: Sequence[str]) -> TorchWords:
    """Write a transposed convolution. PyTorch can pad less after than before, but by less
    than a step; otherwise the result is cropped."""
    window, (_, height, width) = layer.spreads(trained.input), trained.output
    top, left, below, right = window.pad
    moves = zip((top - below, left - right), layer.stride, layer.dilation, strict=True)
    cut = any(not 0 <= side < max(move) for side, *move in moves)
    pad = (0, 0) if cut else (top, left)
    even = replace(window, pad=(*pad, *pad))
    beyond = (0, 0) if cut else even.left_over(trained.input[1:], trained.output[1:])
    module = _call(
        "nn.ConvTranspose2d",
        *(trained.input[0], layer.channels, _short(layer.kernel)),
        stride=(_short(window.stride), "1"),
        padding=(_short(pad), "0"),
        output_padding=(_short(beyond), "0"),
        groups=(layer.groups, 1),
        dilation=(_short(window.dilation), "1"),
        bias=("bias" in trained.tensors, True),
    )
    left_of = f"[..., {top}:{top + height}, {left}:{left + width}]" if cut else ""
    return TorchWords(f"{{module}}({{0}}){left_of}", module, _with_floats(trained), fixed)


def _of_norms(trained: TrainedLayer, uses: Sequence[TrainedLayer]) -> TorchWords | None:
    channels, layer = trained.input[0], trained.layer
    tensors = {f".{OF_SCALES.get(name, name)}": array for name, array in trained.tensors.items()}
    eps, turned = (layer.epsilon, USUAL_EPSILON), False
    match layer:
        case BatchNorm():
            word = "BatchNorm2d" if len(trained.input) == 3 else "BatchNorm1d"
            module = _call(f"nn.{word}", channels, eps=eps)
            tensors[".num_batches_tracked"] = np.array(0, np.int64)
        case LayerNorm():
            shape = channels if len(trained.input) == 1 else list(trained.input)
            module = _call("nn.LayerNorm", shape, eps=eps)
            tensors = {name: array.reshape(trained.input) for name, array in tensors.items()}
        case PlaceNorm():
            module, turned = _call("nn.LayerNorm", channels, eps=eps), True
        case RmsNorm(epsilon, plain):
            affine = {"elementwise_affine": (not plain, True)}
            module = _call("nn.RMSNorm", channels, eps=(repr(epsilon), ""), **affine)
            turned = len(trained.input) > 1
        case SampleNorm() if groups := layer.channel_groups(trained.input):
            module = _call("nn.GroupNorm", groups, channels, eps=eps)
        case PRelu(shared):
            module = _call("nn.PReLU", *[] if shared else [channels])
            tensors = {".weight": trained.tensors["slope"]}
        case Quantize():
            module = _call("Quantize", *layer.levels, Role.RANGE.start)
        case _:
            return None
    in_steps = None if turned else False
    return TorchWords(init=module, tensors=tensors, turned=turned, in_steps=in_steps)


def _of_sequences(trained: TrainedLayer, uses: Sequence[TrainedLayer]) -> TorchWords | None:
    """Describe layers on steps x features; attention is of a sequence to itself."""
    features, _, steps = trained.input if len(trained.input) == 3 else (0, 0, 0)
    bias = (any(name.endswith("bias") for name in trained.tensors), True)
    match trained.layer:
        case Gru(reset_before=True):
            raise TargetError(RESET_BEFORE.format(name=trained.name))
        case Recurrent() as layer if is_known(layer):
            word, first = f"nn.{layer.word.upper()}", (True, False)
            module = _call(word, features, layer.width, batch_first=first, bias=bias)
            stack = stack_gates(trained, PYTORCH.of(layer))
            tensors = {".weight_ih_l0": stack.input_weight, ".weight_hh_l0": stack.state_weight}
            if stack.bias is not None and stack.state_bias is not None:
                tensors |= {".bias_ih_l0": stack.bias, ".bias_hh_l0": stack.state_bias}
            fixed = Bias(layer.bias).fixed  # if two biases are only added, one is always fixed
            held = ["bias_ih_l0"] * fixed + ["bias_hh_l0"] * (fixed or not isinstance(layer, Gru))
            held = held if layer.bias is not Bias.NONE else []
            return TorchWords(init=module, tensors=tensors, fixed=held, in_steps=True)
        case Attention(heads, causal) as layer:
            module = _call(
                "nn.MultiheadAttention", features, heads, bias=bias, batch_first=(True, 0)
            )
            later = f"{trained.name}_later"
            masked = f", attn_mask=self.{later}" if causal else ""
            call = f"{{module}}({{0}}, {{0}}, {{0}}, need_weights=False{masked})"
            masks = {later: f"torch.ones({steps}, {steps}).triu(1) > 0"} if causal else {}
            held = ["in_proj_bias", "out_proj.bias"] if Bias(layer.bias).fixed else []
            return TorchWords(
                call, module, _projections(trained, layer), held, masks, True, begins=True
            )
        case PositionEmbedding() as layer:
            zeros = f"torch.zeros({steps}, {features})"
            learned = {"requires_grad": (not isinstance(layer, Sinusoids), True)}
            added = {"": trained.tensors["bias"].reshape(trained.input)[:, 0].T}
            module = _call("nn.Parameter", zeros, **learned)
            return TorchWords("{0} + {module}", module, added, in_steps=True)
        case Unembedding():
            return TorchWords("{0} @ {module}.weight", in_steps=True)
    return None


def _projections(trained: TrainedLayer, layer: Attention) -> Mapping[str, Array]:
    tensors: dict[str, Array] = {}
    for role in ("weight", "bias"):
        words = [f"{part}_{role}" for part in layer.parts]
        if words[0] in trained.tensors:
            parts = [trained.tensors[word] for word in words]
            *first, last = (part[..., 0, 0] if role == "weight" else part for part in parts)
            tensors |= {f".in_proj_{role}": np.concatenate(first), f".out_proj.{role}": last}
    return tensors


def _of_windows(trained: TrainedLayer, uses: Sequence[TrainedLayer]) -> TorchWords | None:
    match trained.layer:
        case Upsample(size):
            return TorchWords(f"F.interpolate({{0}}, scale_factor={_short(size)})")
        case Pool(kind, None):
            return TorchWords(f"F.adaptive_{kind}_pool2d({{0}}, 1)")
        case Pool() as pool:
            return _of_pool(trained, pool)
    return None


def _of_pool(trained: TrainedLayer, pool: Pool) -> TorchWords:
    """Use PyTorch's pools if they have the padding: equal on both sides, at most half a window."""
    window, sides = pool.window(trained.input), replace(pool, ceil=False).window(trained.input).pad
    has_gaps = pool.kind == "avg" and window.dilation != (1, 1)
    halves = zip(sides, window.size * 2, strict=True)
    if has_gaps or not _is_even(sides) or not all(side <= size // 2 for side, size in halves):
        return _of_padded_pool(trained, pool, window, has_gaps)
    is_beside = pool.pad != NOWHERE or pool.ceil
    leaves_out_padding = pool.kind == "avg" and is_beside and not pool.zeros
    further = {
        "padding": (_short(sides[:2]), "0"),
        "ceil_mode": (pool.ceil, False),
        "count_include_pad": (not leaves_out_padding, True),
    }
    return TorchWords(_pooled(trained, pool, window, "{0}", **further))


def _of_padded_pool(
    trained: TrainedLayer, pool: Pool, window: Window, has_gaps: bool
) -> TorchWords:
    """Pad first; an average is divided by the share of the window that counts."""
    lowest = LOWEST if pool.kind == "max" else ""
    call = _pooled(trained, pool, window, _framed("{0}", window.pad, lowest))
    counted = pool.counted_padding(trained.input)
    is_divided = pool.kind == "avg" and window.pad != counted
    if is_divided:
        outer = tuple(side - inner for side, inner in zip(window.pad, counted, strict=True))
        ones = _framed("torch.ones_like({0})", counted, ", value=1.0")
        call += f" / {_pooled(trained, pool, window, _framed(ones, outer))}"
    shares = f"torch.full({(trained.input[0], 1, *window.size)}, 1 / {window.area})"
    return TorchWords(call, buffers={trained.name: shares} if has_gaps else {}, begins=is_divided)


def _pooled(
    trained: TrainedLayer, pool: Pool, window: Window, x: str, **further: tuple[object, object]
) -> str:
    """Write the call of a pool. PyTorch has no average with gaps: a convolution of each channel
    with equal weights that never change replaces it."""
    gaps = pool.kind == "avg" and window.dilation != (1, 1)
    stride, usual = _short(window.stride), "1" if gaps else _short(window.size)
    moves = {"stride": (stride, usual), "dilation": (_short(window.dilation), "1")}
    if gaps:
        return _call("F.conv2d", x, f"self.{trained.name}", **moves, groups=(trained.input[0], 0))
    return _call(f"F.{pool.kind}_pool2d", x, _short(window.size), **moves, **further)


def _without_weights(trained: TrainedLayer, uses: Sequence[TrainedLayer]) -> TorchWords | None:
    match trained.layer:
        case Dropout(rate, channels):
            word = "Dropout2d" if channels and len(trained.input) == 3 else "Dropout"
            return TorchWords(init=f"nn.{word}({rate!r})", in_steps=False if channels else None)
        case Residual():
            return TorchWords("{all}", joins=" + ", in_steps=None, begins=True)
        case Product():
            return TorchWords("{all}", joins=" * ", begins=True)
        case Concat():
            return TorchWords("torch.cat(({all}), 1)", joins=", ", begins=True)
        case Flatten():
            return TorchWords("{0}.flatten(1)")
        case OneHot(tokens):
            return TorchWords(f"F.one_hot({{0}}.long(), {tokens}).float()")
        case Activation(kind, settings) if kind in ACTIVATIONS:
            call = ACTIVATIONS[kind].format("{0}", **settings)
            return TorchWords(call, in_steps=None if trained.layer.elementwise else False)
    return None


# Helpers for several layers.


def _call(word: str, *plain: object, **named: tuple[object, object]) -> str:
    """Write a call with these arguments, and the named ones that differ from their default."""
    differing = (f"{name}={value}" for name, (value, usual) in named.items() if value != usual)
    return f"{word}({', '.join([*map(str, plain), *differing])})"


def _with_floats(layer: TrainedLayer) -> dict[str, Array]:
    """Return its tensors, with the floats behind weights of few bits in place of those weights."""
    weight = layer.tensors["weight"] if layer.floats is None else layer.floats
    name = ".weight" if layer.floats is None else f".{FLOATS}"
    unchanged = {f".{name}": array for name, array in layer.tensors.items() if name != "weight"}
    return {name: weight, **unchanged}


def _is_linear(trained: TrainedLayer) -> bool:
    """Whether it computes the same sums at each step."""
    match trained.layer:
        case Conv(row=True, kernel=(1, 1), stride=(1, 1), groups=1):
            alone = trained.input[1] == 1  # not a picture
            return alone and trained.layer.window(trained.input).pad == NOWHERE
    return False


def _framed(x: str, sides: Sequence[int], value: str = "") -> str:
    if not any(sides):
        return x
    top, left, below, right = sides
    return f"F.pad({x}, ({left}, {right}, {top}, {below}){value})"


def _is_even(sides: Sides) -> bool:
    return sides[:2] == sides[2:]


def _short(pair: Both) -> str:
    """Write one number if both are equal."""
    return str(pair[0]) if pair[0] == pair[1] else str(pair)
