"""A whole network as it was asked for: layers, loss, update, samples and start values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from math import isfinite, prod, sqrt
from random import Random
from types import MappingProxyType

from gradbook.errors import LimitError, ShapeError, UsageError
from gradbook.net.layers import MOST_VALUES, Activation, Layer, Role, Shape, Want, spell

DRAWN_DECIMALS = 4  # so that drawn numbers can be read aloud and retyped


class Loss(StrEnum):
    """How far outputs are from targets. Each is averaged over the samples."""

    HALF_SQUARED = "half squared error"  # ½(t−a)², summed over the outputs
    SQUARED = "mean squared error"  # (t−a)², averaged over the outputs
    BINARY = "binary cross-entropy"  # −t·ln a − (1−t)·ln(1−a), averaged over the outputs
    CROSS = "cross-entropy"  # −Σ t·ln a, for classes


@dataclass(frozen=True)
class Update:
    """How a gradient changes its weight; the numbers are the rule's own, the rate is the net's."""

    kind: str = "descent"  # descent | momentum | adam | adamw
    momentum: float = 0.9
    nesterov: bool = False  # momentum that looks one step ahead
    betas: tuple[float, float] = (0.9, 0.999)
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        if self.kind not in USUAL_RATES:
            raise UsageError(f"unknown update {self.kind!r}: one of {', '.join(USUAL_RATES)}")
        if not 0 <= self.momentum < 1:
            raise UsageError(f"momentum lies from 0 to below 1, not {self.momentum}")
        if not all(0 <= beta < 1 for beta in self.betas):
            raise UsageError(f"adam's betas lie from 0 to below 1, not {self.betas}")
        if not 0 < self.epsilon < 1:
            raise UsageError(f"adam's epsilon lies between 0 and 1, not {self.epsilon}")


USUAL_RATES = {"descent": 1.0, "momentum": 0.1, "adam": 0.01, "adamw": 0.01}
ADAMW_DECAY = 0.01  # of the weights, where nothing is said


@dataclass(frozen=True)
class Sample:
    """One example: the inputs, laid out flat, and the outputs wanted for them."""

    inputs: tuple[float, ...]
    targets: tuple[float, ...]


@dataclass(frozen=True)
class Parameter:
    """One layer's weights, biases, scales or shifts, and how its elements are numbered."""

    layer: int
    want: Want
    first: int  # the number of its first element: w5 is the first of the output layer

    @property
    def role(self) -> Role:
        return self.want.role

    @property
    def shape(self) -> Shape:
        return self.want.shape

    @property
    def size(self) -> int:
        return prod(self.shape)

    @property
    def names(self) -> list[str]:
        return [f"{self.role}{self.first + k}" for k in range(self.size)]


class Misfit(ShapeError):
    """A part of a network that doesn't fit the rest: 'w', 'loss', 'sample 3', …"""

    def __init__(self, part: str, message: str) -> None:
        super().__init__(message)
        self.part = part


@dataclass(frozen=True)
class Net:
    """A network described once. `Net.parse(text)` and `str(net)` are its text form.

    `start` gives start values by kind of parameter, in the order of their numbers; weights that
    are not given are drawn from `seed`. Without samples one is drawn from the seed as well.
    `decay` gives by kind how much of themselves parameters lose at each step, per unit of rate.
    """

    input: Shape
    layers: tuple[Layer, ...]
    loss: Loss = Loss.HALF_SQUARED
    update: Update = Update()
    rate: float | None = None  # none: the usual one for this update
    samples: tuple[Sample, ...] = ()
    start: Mapping[Role, tuple[float, ...]] = field(default_factory=dict)
    seed: int = 0
    name: str = ""
    table: str = ""  # the CSV file that the samples come from, where there is one
    smoothing: float = 0.0  # of cross-entropy's targets: this share is spread over all classes
    decay: Mapping[Role, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        settled = _settled(self)
        for key, value in settled.items():
            object.__setattr__(self, key, value)
        _check(self)

    @staticmethod
    def parse(text: str) -> Net:
        from gradbook.net.text import parse

        return parse(text)

    def __str__(self) -> str:
        from gradbook.net.text import write

        return write(self)

    def __hash__(self) -> int:
        return hash(str(self))

    def with_samples(self, samples: Iterable[Sample], table: str = "") -> Net:
        return replace(self, samples=tuple(samples), table=table)

    @cached_property
    def shapes(self) -> tuple[Shape, ...]:
        """The input's shape, then each layer's."""
        shapes = [self.input]
        for layer in self.layers:
            shapes.append(layer.output(shapes[-1]))
        return tuple(shapes)

    @property
    def outputs(self) -> int:
        return prod(self.shapes[-1])

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        found: list[Parameter] = []
        counts = dict.fromkeys(Role, 0)
        for index, (layer, shape) in enumerate(zip(self.layers, self.shapes, strict=False)):
            for want in layer.wants(shape):
                found.append(Parameter(index, want, counts[want.role] + 1))
                counts[want.role] += found[-1].size
        return tuple(found)

    def count(self, role: Role | None = None) -> int:
        """How many parameters there are, or how many of one kind."""
        return sum(p.size for p in self.parameters if role in (None, p.role))

    @property
    def learning_rate(self) -> float:
        return USUAL_RATES[self.update.kind] if self.rate is None else self.rate

    def decay_of(self, role: Role) -> float:
        """How much of themselves parameters of this kind lose at each step, per unit of rate."""
        usual = {Role.WEIGHT: ADAMW_DECAY} if self.update.kind == "adamw" else {}
        return (self.decay or usual).get(role, 0.0)

    def start_values(self) -> dict[Role, tuple[float, ...]]:
        """Every kind of parameter's start values, as given or else as usual."""
        return {
            role: self.start.get(role) or self._usual_start(role)
            for role in Role
            if self.count(role)
        }

    def _usual_start(self, role: Role) -> tuple[float, ...]:
        if role is Role.WEIGHT:
            return self._drawn_weights()
        return (float(role is Role.SCALE),) * self.count(role)

    def _drawn_weights(self) -> tuple[float, ...]:
        """Uniform within ±√(6 / (inputs + outputs)), after Glorot and Bengio (2010)."""
        random = Random(self.seed)
        drawn: list[float] = []
        for parameter in self.parameters:
            if parameter.role is Role.WEIGHT:
                reach = sqrt(6 / sum(parameter.want.fans))
                drawn += (random.uniform(-reach, reach) for _ in range(parameter.size))
        return tuple(round(value, DRAWN_DECIMALS) for value in drawn)

    def examples(self) -> tuple[Sample, ...]:
        """The samples given, or else one drawn from the seed."""
        return self.samples or (self._drawn_sample(),)

    def _drawn_sample(self) -> Sample:
        random = Random(f"sample {self.seed}")
        inputs = tuple(round(random.random(), 2) for _ in range(prod(self.input)))
        if self.loss is Loss.CROSS:
            wanted = random.randrange(self.outputs)
            return Sample(inputs, tuple(float(k == wanted) for k in range(self.outputs)))
        return Sample(inputs, tuple(round(random.random(), 2) for _ in range(self.outputs)))


def _settled(net: Net) -> dict[str, object]:
    """The fields in their one canonical form, so that equal networks compare equal."""
    try:
        loss = Loss(net.loss)
    except ValueError:
        raise UsageError(f"unknown loss {net.loss!r}: one of {', '.join(Loss)}") from None
    return {
        "input": (net.input,) if isinstance(net.input, int) else tuple(net.input),
        "layers": tuple(net.layers),
        "loss": loss,
        "rate": None if net.rate is None else float(net.rate),
        "name": " ".join(net.name.split()),
        "table": " ".join(net.table.split()),
        "smoothing": float(net.smoothing),
        "decay": MappingProxyType(
            {role: float(net.decay[role]) for role in Role if role in net.decay}
        ),
        "samples": tuple(
            Sample(tuple(map(float, s.inputs)), tuple(map(float, s.targets))) for s in net.samples
        ),
        "start": MappingProxyType(
            {Role(role): tuple(map(float, values)) for role, values in net.start.items() if values}
        ),
    }


def _check(net: Net) -> None:
    _check_sizes(net)
    _check_loss(net)
    _check_start(net)
    _check_samples(net)
    _check_decay(net)
    if net.rate is not None and not (isfinite(net.rate) and net.rate >= 0):
        raise Misfit("rate", f"the rate is a number from 0 up, not {net.rate}")
    if not 0 <= net.seed < 10**9:
        raise Misfit("seed", f"the seed is a whole number from 0 to 999999999, not {net.seed}")
    for part, words in (("name", net.name), ("data", net.table)):
        if set(words) & set(";#"):
            raise Misfit(part, f"the text form has no place for ';' or '#' in {words!r}")


def _check_sizes(net: Net) -> None:
    if not net.input or len(net.input) > 3 or min(net.input) < 1:
        raise Misfit("input", "the input is one to three sizes from 1 up, such as 2 or 1x28x28")
    if not net.count():
        raise Misfit("input", "there is nothing to train: add a layer such as 'dense 2'")
    largest = max(*(prod(shape) for shape in net.shapes), net.count())
    if largest > MOST_VALUES:
        raise LimitError(f"{largest:,} values in one layer: the most is {MOST_VALUES:,}")


def _check_loss(net: Net) -> None:
    if len(net.shapes[-1]) != 1:
        raise Misfit(
            "loss",
            f"the loss reads a flat output, not {spell(net.shapes[-1])}: put 'flatten' before it",
        )
    last = net.layers[-1] if net.layers else None
    kind = last.kind if isinstance(last, Activation) else ""
    wanted = {Loss.BINARY: "sigmoid", Loss.CROSS: "softmax"}.get(net.loss)
    if wanted and kind.removeprefix("log ") != wanted:
        raise Misfit("loss", f"{net.loss} reads probabilities: end the layers with '{wanted}'")
    if not 0 <= net.smoothing < 1:
        raise Misfit("loss", f"smoothing lies from 0 to below 1, not {net.smoothing}")
    if net.smoothing and net.loss is not Loss.CROSS:
        raise Misfit("loss", f"smoothing belongs to cross-entropy, not to {net.loss}")


def _check_decay(net: Net) -> None:
    for role, decay in net.decay.items():
        if not (isfinite(decay) and decay >= 0):
            raise Misfit("decay", f"decay is a number from 0 up, not {decay}")
        if not net.count(role):
            raise Misfit("decay", f"no {role} to decay: the layers have none")


def _check_start(net: Net) -> None:
    for role, values in net.start.items():
        wanted = net.count(role)
        if len(values) != wanted:
            numbered = f"{role}1 … {role}{wanted}" if wanted else f"no {role} at all"
            raise Misfit(role, f"{len(values)} start values, but the layers have {numbered}")
        if not all(map(isfinite, values)):
            raise Misfit(role, "start values are finite numbers")


def _check_samples(net: Net) -> None:
    for number, sample in enumerate(net.samples, 1):
        part = f"sample {number}"
        _check_length(part, "inputs", len(sample.inputs), prod(net.input))
        _check_length(part, "targets", len(sample.targets), net.outputs)
        if not all(map(isfinite, sample.inputs + sample.targets)):
            raise Misfit(part, "samples are finite numbers")
        if net.loss is Loss.CROSS and abs(sum(sample.targets) - 1) > 1e-9:
            total = f"{sum(sample.targets):g}"
            raise Misfit(part, f"cross-entropy's targets sum to 1, not {total}: one 1, the rest 0")
        if net.loss is Loss.BINARY and not all(0 <= t <= 1 for t in sample.targets):
            raise Misfit(part, "binary cross-entropy's targets lie from 0 to 1")


def _check_length(part: str, what: str, given: int, wanted: int) -> None:
    if given != wanted:
        raise Misfit(part, f"{part} has {given} {what}, but the network takes {wanted}")
