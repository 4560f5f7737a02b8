"""A whole network as it was asked for: layers, loss, update, samples and start values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from math import prod, sqrt
from random import Random
from typing import Any

from gradbook.net.fit import Misfit, check, settled, shapes
from gradbook.net.layers import Layer
from gradbook.net.parameters import Role, Shape, Want
from gradbook.net.plain import settle
from gradbook.net.task import ADAMW_DECAY, DESCENT, USUAL_RATES, Loss, Sample, Update

DRAWN_DECIMALS = 4  # so that drawn numbers can be read aloud and retyped
LONGEST_REPR = 1000


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
    update: Update = DESCENT
    rate: float | None = None  # none: the usual one for this update
    samples: tuple[Sample, ...] = ()
    start: Mapping[Role, tuple[float, ...]] = field(default_factory=dict)
    seed: int = 0
    name: str = ""
    table: str = ""  # the CSV file that the samples come from, where there is one
    smoothing: float = 0.0  # of cross-entropy's targets: this share is spread over all classes
    decay: Mapping[Role, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        settle(self, **settled(self))
        check(self)

    @staticmethod
    def parse(text: str) -> Net:
        from gradbook.net.text import parse

        return parse(text)

    def __str__(self) -> str:
        from gradbook.net.text import write

        return write(self)

    def __repr__(self) -> str:
        """What makes this network again; of a large one, its beginning."""
        text = str(self).rstrip().replace("\n", "; ")
        return f"Net.parse({text if len(text) <= LONGEST_REPR else text[:LONGEST_REPR] + ' …'!r})"

    def __hash__(self) -> int:
        return hash(self._values())

    def __reduce__(self) -> tuple[object, ...]:
        return _net_of, self._values()

    def _values(self) -> tuple[object, ...]:
        """The fields in their order; pickles and hashes, as a mapping doesn't."""
        mappings = {"start": tuple(self.start.items()), "decay": tuple(self.decay.items())}
        plain = {**vars(self), **mappings}
        return tuple(plain[part.name] for part in fields(self))

    def with_samples(self, samples: Iterable[Sample], table: str = "") -> Net:
        return replace(self, samples=tuple(samples), table=table)

    @cached_property
    def shapes(self) -> tuple[Shape, ...]:
        """The input's shape, then each layer's."""
        return shapes(self.input, self.layers)

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
        if self.table and not self.samples:
            raise Misfit("data", f"the samples stand in {self.table}: read them with read_table")
        return self.samples or (self._drawn_sample(),)

    def _drawn_sample(self) -> Sample:
        random = Random(f"sample {self.seed}")
        inputs = tuple(round(random.random(), 2) for _ in range(prod(self.input)))
        if self.loss is Loss.CROSS:
            wanted = random.randrange(self.outputs)
            return Sample(inputs, tuple(float(k == wanted) for k in range(self.outputs)))
        return Sample(inputs, tuple(round(random.random(), 2) for _ in range(self.outputs)))


def _net_of(*values: Any) -> Net:
    parts = dict(zip((part.name for part in fields(Net)), values, strict=True))
    return Net(**parts | {"start": dict(parts["start"]), "decay": dict(parts["decay"])})
