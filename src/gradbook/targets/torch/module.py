"""The module's class: a line for each layer that keeps something, and the way through all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradbook.errors import TargetError
from gradbook.net.layers import Activation, BatchNorm, Conv, Dense, Dropout, Flatten, Pool
from gradbook.net.norms import GroupNorm, LayerNorm, PlaceNorm, SampleNorm
from gradbook.net.parameters import Bias
from gradbook.net.trained import TrainedLayer, TrainedNet
from gradbook.net.wiring import Concat, Residual
from gradbook.targets.torch.windows import (
    conv_arguments,
    framed_for,
    has_gaps,
    pads_itself,
    places_inside,
    pooled,
    shares_made,
)

WIDEST = 88  # characters of a line
WORDS = {
    "dense": "fc",
    "batchnorm": "bn",
    "groupnorm": "gn",
    "layernorm": "ln",
    "placenorm": "pn",
}  # what people call them in PyTorch
FUNCTIONS = {
    "sigmoid": "torch.sigmoid({})",
    "tanh": "torch.tanh({})",
    "relu": "F.relu({})",
    "leaky relu": "F.leaky_relu({}, {slope!r})",
    "softplus": "F.softplus({})",
    "relu6": "F.relu6({})",
    "elu": "F.elu({})",
    "gelu": 'F.gelu({}, approximate="tanh")',
    "exact gelu": "F.gelu({})",
    "silu": "F.silu({})",
    "hard swish": "F.hardswish({})",
    "identity": "{}",
    "softmax": "F.softmax({}, dim=1)",
    "log softmax": "F.log_softmax({}, dim=1)",
}
USUAL_EPSILON = 1e-5  # of PyTorch's normalisations
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
        for name, array in own.tensors.items():
            norm = isinstance(own.layer, BatchNorm | SampleNorm)
            theirs = STATE_NAMES[name] if norm else name
            if isinstance(own.layer, LayerNorm):
                array = array.reshape(own.given)  # noqa: PLW2901 - of each place its own
            found[f"{module_name(own)}.{theirs}"] = array.astype(np.float32)
        if isinstance(own.layer, BatchNorm):
            found[f"{torch_name(own)}.num_batches_tracked"] = np.array(0, np.int64)
    return found


def module_source(trained: TrainedNet) -> str:
    """The class, as it stands in the file."""
    kept = (assigned(f"self.{torch_name(own)}", made, 8) for own, made in _kept(trained))
    lines = [
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


def assigned(name: str, call: str, indent: int) -> str:
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
            case Conv():
                yield own, _conv(own, own.layer, _pads(trained, own, own.layer))
            case BatchNorm(epsilon):
                word = "BatchNorm2d" if len(own.given) == 3 else "BatchNorm1d"
                yield own, f"nn.{word}({own.given[0]}{_eps(epsilon)})"
            case GroupNorm(groups, epsilon):
                yield own, f"nn.GroupNorm({groups}, {own.given[0]}{_eps(epsilon)})"
            case LayerNorm(epsilon):
                shape = own.given[0] if len(own.given) == 1 else list(own.given)
                yield own, f"nn.LayerNorm({shape}{_eps(epsilon)})"
            case PlaceNorm(epsilon):
                yield own, f"nn.LayerNorm({own.given[0]}{_eps(epsilon)})"
            case Dropout(rate, channels):
                word = "Dropout2d" if channels and len(own.given) == 3 else "Dropout"
                yield own, f"nn.{word}({rate!r})"


def _pads(trained: TrainedNet, own: TrainedLayer, conv: Conv) -> bool:
    name = module_name(own)
    return pads_itself([one for one in trained.layers if module_name(one) == name], conv)


def _conv(own: TrainedLayer, conv: Conv, pads: bool) -> str:
    said = conv_arguments(own, conv, pads)
    if "bias" not in own.tensors:
        said.append("bias=False")
    return f"nn.Conv2d({', '.join(said)})"


def _eps(epsilon: float) -> str:
    return "" if epsilon == USUAL_EPSILON else f", eps={epsilon!r}"


def _fixed(trained: TrainedNet) -> Iterator[str]:
    """What no training changes, and what several normalisations have in common."""
    for own in trained.layers:
        if isinstance(own.layer, Pool) and has_gaps(own.layer):
            made = shares_made(own, own.layer)
            yield f'self.register_buffer("{own.name}", {made}, persistent=False)'
        if own.again and isinstance(own.layer, BatchNorm):
            first = torch_name(replace(own, name=own.again))
            for word in ("weight", "bias"):
                yield f"self.{torch_name(own)}.{word} = self.{first}.{word}"
        elif own.again:
            continue
        if isinstance(own.layer, Dense | Conv) and Bias(own.layer.bias).fixed:
            yield f"self.{torch_name(own)}.bias.requires_grad_(False)"


@dataclass
class _Way:
    """The lines of `forward`: a statement for each weighted layer and what is done to its sums."""

    trained: TrainedNet
    said: list[str] = field(default_factory=list)
    now: str = "x"  # the expression at hand

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
                self.now = self._skipped[own.reads[0]]
            if isinstance(own.layer, Conv | Dense | Residual | Concat) or _reads_x(own):
                self._settle()
            longer = self._around(own, self.now)
            if len(longer) > WIDEST - len("        return "):
                self._settle()
                longer = self._around(own, self.now)
            self.now = longer
            self._remember(number)
        self.said.append(f"return {self.now}")
        return self.said

    def _settle(self) -> None:
        if self.now not in ("x", *self._skipped.values()):
            self.said.append(f"x = {self.now}")
            self.now = "x"

    def _remember(self, value: int) -> None:
        if value in self._skipped:
            self._settle()
            self.said.append(f"{self._skipped[value]} = {self.now}")

    def _read(self, own: TrainedLayer, x: str) -> list[str]:
        """What it reads, where x is the latest."""
        latest = self.trained.layers.index(own)
        return [x if value == latest else self._skipped[value] for value in own.reads]

    def _around(self, own: TrainedLayer, x: str) -> str:
        """The expression with one layer more around it."""
        match own.layer:
            case Residual():
                return " + ".join(self._read(own, x))
            case Concat():
                return f"torch.cat(({', '.join(self._read(own, x))}), 1)"
            case Pool() as pool:
                places = places_inside(own, pool)
                return pooled(own, pool, x) + (f" / {places}" if places else "")
            case Flatten():
                return f"{_in_brackets(x)}.flatten(1)"
            case Activation(kind, slope):
                return FUNCTIONS[kind].format(x, slope=slope)
            case Conv() as conv:
                pads = _pads(self.trained, own, conv)
                return f"self.{module_name(own)}({framed_for(own, conv, x, pads)})"
            case PlaceNorm():  # which PyTorch reads with channels last
                turned = f"{_in_brackets(x)}.permute(0, 2, 3, 1)"
                return f"self.{module_name(own)}({turned}).permute(0, 3, 1, 2)"
            case Dense() | BatchNorm() | SampleNorm() | Dropout():
                return f"self.{module_name(own)}({x})"
            case _:
                raise TargetError(f"PyTorch has no words here for {own.name}: take another layer")


def _in_brackets(x: str) -> str:
    """A sum or a quotient, before something is asked of it."""
    return f"({x})" if re.search(r" \+ (x|skip[0-9]+)$| / F\.", x) else x


def _reads_x(own: TrainedLayer) -> bool:
    """Whether its expression says x twice."""
    return isinstance(own.layer, Pool) and places_inside(own, own.layer) is not None
