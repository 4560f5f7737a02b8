"""What a network was asked to be, and what follows from that alone: shapes, parameters, rates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import prod

from gradbook.errors import ShapeError
from gradbook.graph.window import Shape
from gradbook.layers import Layer, Loss, Parameter, Role, Update
from gradbook.layers.updates import DESCENT, usual_decay
from gradbook.net.again import Again, owners
from gradbook.net.task import Sample, Task, meant_loss


class Misfit(ShapeError):
    """A part of a network that doesn't fit the rest: 'w', 'loss', 'sample 3', …"""

    def __init__(self, part: str, message: str) -> None:
        super().__init__(message)
        self.part = part


@dataclass(frozen=True)
class Description:
    """The fields of a `Net`, whether or not they fit each other."""

    input: Shape
    layers: tuple[Layer, ...]
    loss: Loss | None = None  # none: the one that its end means, see `objective`
    update: Update = DESCENT
    rate: float | None = None  # none: the usual one for this update
    samples: tuple[Sample, ...] = ()
    start: Mapping[Role, tuple[float, ...]] = field(default_factory=dict)
    seed: int = 0
    name: str = ""
    table: str = ""  # the CSV file that the samples come from, where there is one
    columns: tuple[str, ...] = ()  # what that file calls them: inputs, then targets or the class
    classes: tuple[str, ...] = ()  # and the classes, in the order of the outputs
    smoothing: float = 0.0  # of cross-entropy's targets: this share is spread over all classes
    decay: Mapping[Role, float] = field(default_factory=dict)
    again: tuple[Again, ...] = ()  # which layers are applied several times

    @cached_property
    def shapes(self) -> tuple[Shape, ...]:
        """The input's shape, then each layer's."""
        found = [self.input]
        for index, layer in enumerate(self.layers):
            try:
                found.append(layer.output(*(found[value] for value in layer.reads(index))))
            except ShapeError as error:
                part = f"layer {index + 1}"
                raise Misfit(part, f"{part}: {error.message}") from None
        return tuple(found)

    @property
    def outputs(self) -> int:
        return prod(self.shapes[-1])

    @property
    def classes_told(self) -> int:
        """How many classes its outputs can tell apart; one alone tells two."""
        return max(self.outputs, 2)

    @property
    def ending(self) -> str:
        """The activation that the last layer is, if it is one."""
        return self.layers[-1].ending if self.layers else ""

    @property
    def objective(self) -> Loss:
        """The loss that is said, or else meant by the end of a network with samples of its own."""
        return self.loss or meant_loss(self.ending, Task.SAMPLES)

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        found: list[Parameter] = []
        counts = dict.fromkeys(Role, 0)
        for index, (layer, shape) in enumerate(zip(self.layers, self.shapes, strict=False)):
            if self.owners[index] != index:
                continue
            for spec in layer.parameters(shape):
                first = counts[spec.role] + 1
                found.append(Parameter(**vars(spec), layer=index, first=first))
                counts[spec.role] += found[-1].size
        return tuple(found)

    @cached_property
    def owners(self) -> tuple[int, ...]:
        """For each layer the one whose parameters it takes: itself, or the first use of it."""
        return owners(len(self.layers), self.again)

    def taken(self, index: int) -> list[Parameter]:
        """The parameters that a layer works with, whether or not an earlier use owns them."""
        return [p for p in self.parameters if p.layer == self.owners[index]]

    def uses(self, parameter: Parameter) -> list[int]:
        """The layers that take a parameter, the one that owns it first."""
        return [index for index, owner in enumerate(self.owners) if owner == parameter.layer]

    def count(self, role: Role | None = None) -> int:
        """How many parameters there are, or how many of one kind."""
        return sum(p.size for p in self.parameters if role in (None, p.role))

    def role_of(self, index: int) -> str:
        """What a layer with weights is to people: hidden 1, hidden 2, output.

        Layers that sum nothing themselves belong to the last one before them that does, or to the
        first of all.
        """
        summing = [k for k, layer in enumerate(self.layers) if layer.sums]
        hidden = summing[:-1]
        if not hidden or index >= summing[-1]:
            return "output"
        number = max(sum(k <= index for k in hidden), 1)
        return "hidden" if len(hidden) == 1 else f"hidden {number}"

    @property
    def learning_rate(self) -> float:
        return self.update.card.rate if self.rate is None else self.rate

    def decay_of(self, role: Role) -> float:
        """How much of themselves parameters of this kind lose at each step, per unit of rate."""
        return self.decay.get(role, 0.0) if self.decay else usual_decay(self.update, role)
