"""The description of a network, and what follows from it alone: shapes, samples, rates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from math import prod

from gradbook.arguments import numbers, settle, whole
from gradbook.errors import ShapeError, UsageError
from gradbook.graph.window import Shape
from gradbook.language import tr
from gradbook.layers import Layer, Loss, Parameter, Role, Update, spell
from gradbook.layers.card import AnswerKind
from gradbook.layers.updates import DESCENT

# Layers that are applied several times ----------------------------------------------

NOTHING_BEFORE = "there is no conv or dense before it: say how many layers, as in 'again 3 back 2'"
TOO_FAR = "again repeats {back}, but {there} before it"
APPLIED_ALREADY = "layer {layer} is already applied by another 'again': leave out this one"
BEYOND = "'again' repeats layers up to {last}, but there are only {count}"
UNLIKE = "'again' repeats layer {first} here, so this layer must be the same"
OTHER_WEIGHTS = (
    "it repeats layer {first}, whose input was {before} and is {given} here: the same "
    "weights can't fit both, so repeated layers must keep the shape of their input"
)


NONE_TIED = "{word} uses the weights of the '{ties}' before it, but there is none"
OTHER_TIED = (
    "{word} uses the weights of layer {layer}, which are {theirs} (features x tokens), but here "
    "they would have to be {own}"
)


@dataclass(frozen=True)
class Again:
    """The `layers` layers starting at the one at `first`, applied `times` times in all.

    A network's layers contain every use in turn; the weights are those of the first use.
    """

    first: int  # counted from 0
    layers: int
    times: int

    def __post_init__(self) -> None:
        settle(
            self,
            first=whole("again's first layer", self.first, 0),
            layers=whole("again's number of layers", self.layers, 1),
            times=whole("again's number of times", self.times, 1),
        )

    @property
    def end(self) -> int:
        """The place after the last use."""
        return self.first + self.layers * self.times

    def uses(self) -> Iterator[tuple[int, int]]:
        """Each repeated layer, and the layer that owns its weights."""
        for index in range(self.first + self.layers, self.end):
            yield index, self.first + (index - self.first) % self.layers


def usual_layers(layers: Sequence[Layer]) -> int:
    """The usual number of repeated layers: from the last conv or dense to the end."""
    summing = (k for k, layer in enumerate(reversed(layers), 1) if layer.sums)
    return next(summing, 0)


def owners(layers: Sequence[Layer], again: Iterable[Again]) -> tuple[int, ...]:
    """For each layer the one that owns its weights: itself, its first use, or the last one before
    it that it is tied to."""
    owner_of = list(range(len(layers)))
    for block in again:
        for index, owner in block.uses():
            owner_of[index] = owner
    for index, layer in enumerate(layers):
        if layer.ties:
            tied = (k for k in reversed(range(index)) if layers[k].word == layer.ties)
            owner_of[index] = next((owner_of[k] for k in tied), index)
    return tuple(owner_of)


def in_order(again: Iterable[Again]) -> tuple[Again, ...]:
    """In order, without blocks that are applied only once."""
    return tuple(
        sorted((block for block in again if block.times > 1), key=lambda block: block.first)
    )


def misfit(layers: Sequence[Layer], again: Sequence[Again]) -> tuple[int, str] | None:
    """The first layer that doesn't fit an `again`, and why."""
    last = 0
    for block in again:
        if block.first < last:
            return block.first, APPLIED_ALREADY.format(layer=block.first + 1)
        if block.end > len(layers):
            return len(layers) - 1, BEYOND.format(last=block.end, count=len(layers))
        for index, owner in block.uses():
            if layers[index] != layers[owner]:
                return index, UNLIKE.format(first=owner + 1)
        last = block.end
    return None


def unfit_weights(
    layers: Sequence[Layer], shapes: Sequence[Shape], owned: Sequence[int]
) -> tuple[int, str] | None:
    """The first layer whose weights differ from those of its first use, and why."""
    for index, owner in enumerate(owned):
        layer, shape, first = layers[index], shapes[index], shapes[owner]
        if layer.ties and owner == index:
            return index, NONE_TIED.format(word=layer.word, ties=layer.ties)
        if layer.ties and layer.parameters(shape) != layers[owner].parameters(first):
            here, there = (
                spell(card.parameters(inputs)[0].shape[:2])
                for card, inputs in ((layer, shape), (layers[owner], first))
            )
            words = OTHER_TIED.format(word=layer.word, layer=owner + 1, own=here, theirs=there)
            return index, words
        if not layer.ties and layer.parameters(shape) != layer.parameters(first):
            words = OTHER_WEIGHTS.format(first=owner + 1, before=spell(first), given=spell(shape))
            return index, words
    return None


def back_over(index: int, layers: int, again: Sequence[Again]) -> None:
    """Refuse to repeat layers that don't exist or that are already repeated."""
    if layers > index:
        there = f"only {index} {'is' if index == 1 else 'are'}" if index else "none is"
        words = f"{layers} layer{'s' * (layers != 1)}"
        raise UsageError(TOO_FAR.format(back=words, there=there))
    for block in again:
        if block.end > index - layers:
            raise UsageError(APPLIED_ALREADY.format(layer=max(block.first, index - layers) + 1))


def unread(layers: Sequence[Layer]) -> int | None:
    """The last layer whose result never reaches the outputs."""
    leads = {len(layers)}  # numbers of values
    for index in reversed(range(len(layers))):
        if index + 1 in leads:
            leads.update(layers[index].reads(index))
    return max((k for k in range(len(layers)) if k + 1 not in leads), default=None)


# The task to learn ------------------------------------------------------------------


class Task(StrEnum):
    """The kind of answer that a network should learn."""

    SAMPLES = "the targets of its own samples"
    CLASSES = "classes"
    NUMBERS = "numbers"


def default_loss(answer: AnswerKind, task: Task) -> Loss:
    """The loss of a network that names none, given what its outputs mean.

    If classes are learned, an output may be the probability of one. With samples of its own, the
    network is a textbook exercise, with half the squared error.
    """
    if task is Task.NUMBERS:
        return Loss.SQUARED
    if answer.are_shares:
        return Loss.CROSS
    is_chance = answer is AnswerKind.CHANCES and task is Task.CLASSES
    return Loss.BINARY if is_chance else Loss.HALF_SQUARED


@dataclass(frozen=True, init=False)
class Sample:
    """An example to learn from: the inputs as a flat list, and the targets of the outputs.

    >>> import gradbook as gb
    >>> gb.Sample([0.05, 0.1], [0.5, 0.5]).targets
    (0.5, 0.5)
    """

    inputs: tuple[float, ...]
    targets: tuple[float, ...]

    def __init__(self, inputs: Iterable[float], targets: Iterable[float]) -> None:
        settle(self, inputs=numbers("input", inputs), targets=numbers("target", targets))


GENTLE = (0.05, 0.1, 0.2, 0.4, 0.5, 0.6, 0.8, 1.0, 2.0)  # the usual ones
VIOLENT = (10.0, 100.0, 1000.0, 10000.0)  # at which a sigmoid jumps or saturates
DEFAULT_RATES = GENTLE + VIOLENT


def split(rates: tuple[float, ...]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The gentle and the violent ones of these rates, for one chart of each."""
    gentle = tuple(rate for rate in rates if rate < VIOLENT[0])
    return gentle, tuple(rate for rate in rates if rate >= VIOLENT[0])


# Shapes ---------------------------------------------------------------------------


class Misfit(ShapeError):
    """A part of a network that doesn't fit the rest: 'w', 'loss', 'sample 3', …"""

    def __init__(self, part: str, message: str) -> None:
        super().__init__(message)
        self.part = part


def shapes_of(input_shape: Shape, layers: Sequence[Layer]) -> list[Shape]:
    """The input's shape, as the layers read it, then the shape of each layer."""
    if len(input_shape) == 2 and any(layer.reads_sequences for layer in layers):
        steps, features = input_shape
        input_shape = (features, 1, steps)
    shapes = [input_shape]
    for index, layer in enumerate(layers):
        try:
            shapes.append(layer.output(*(shapes[value] for value in layer.reads(index))))
        except ShapeError as error:
            part = f"layer {index + 1}"
            raise Misfit(part, f"{part}: {error.message}") from None
    return shapes


# All of it -------------------------------------------------------------------------


@dataclass(frozen=True)
class Description:
    """The fields of a `Net`, whether or not they fit together."""

    input: Shape
    layers: tuple[Layer, ...]
    loss: Loss | None = None  # None: the usual one for its end, see `objective`
    update: Update = DESCENT
    rate: float | None = None  # None: the usual one for this update
    samples: tuple[Sample, ...] = ()
    start: Mapping[Role, tuple[float, ...]] = field(default_factory=dict)
    seed: int = 0
    name: str = ""
    table: str = ""  # the CSV file with the samples, if there is one
    columns: tuple[str, ...] = ()  # the file's headings: inputs, then targets or the class
    classes: tuple[str, ...] = ()  # the names of the classes, in the order of the outputs
    smoothing: float = 0.0  # the share of cross-entropy's targets that is spread over all classes
    decay: Mapping[Role, float] = field(default_factory=dict)
    again: tuple[Again, ...] = ()  # the layers that are applied several times
    tokens: bool = False  # whether each step of the input is a token

    @cached_property
    def shapes(self) -> tuple[Shape, ...]:
        """The input's shape, as the layers read it, then the shape of each layer."""
        return tuple(shapes_of(self.input, self.layers))

    @property
    def laid_out(self) -> bool:
        """Whether the input is steps x features, which must be transposed for its layers."""
        return self.shapes[0] != self.input

    @property
    def outputs(self) -> int:
        return prod(self.shapes[-1])

    @property
    def wanted(self) -> Shape:
        """The shape of the targets: one for each output; in a sequence, step by step."""
        last = self.shapes[-1]
        return (last[2], last[0]) if len(last) > 1 else last

    @property
    def class_count(self) -> int:
        """The number of classes that its outputs can tell apart; a single output has two."""
        return max(self.outputs, 2)

    @property
    def ending(self) -> str:
        """The activation of the last layer, if it is one."""
        return self.layers[-1].ending if self.layers else ""

    @property
    def answer_kind(self) -> AnswerKind:
        """What its outputs mean."""
        return self.layers[-1].answer_kind if self.layers else AnswerKind.NUMBERS

    @property
    def objective(self) -> Loss:
        """The given loss, or the usual one for the end of a network with samples of its own."""
        return self.loss or default_loss(self.answer_kind, Task.SAMPLES)

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        parameters: list[Parameter] = []
        counts = dict.fromkeys(Role, 0)
        for index, (layer, shape) in enumerate(zip(self.layers, self.shapes, strict=False)):
            if self.owners[index] != index:
                continue
            for spec in layer.parameters(shape):
                first = counts[spec.role] + 1
                parameters.append(Parameter(**vars(spec), layer=index, first=first))
                counts[spec.role] += parameters[-1].size
        return tuple(parameters)

    @cached_property
    def owners(self) -> tuple[int, ...]:
        """For each layer the one that owns its parameters: itself, or its first use."""
        return owners(self.layers, self.again)

    def taken(self, index: int) -> list[Parameter]:
        """The parameters that a layer uses, whether or not an earlier use owns them."""
        return [p for p in self.parameters if p.layer == self.owners[index]]

    def uses(self, parameter: Parameter) -> list[int]:
        """The layers that use a parameter, beginning with the one that owns it."""
        return [index for index, owner in enumerate(self.owners) if owner == parameter.layer]

    def count(self, role: Role | None = None) -> int:
        """The number of parameters; for one role, also those that a formula determines.

        >>> import gradbook as gb
        >>> gb.Net(2, [gb.Dense(3)]).count()
        9
        """
        if role is None:
            return sum(p.size for p in self.parameters if not p.is_constant)
        return sum(p.size for p in self.parameters if p.role is role)

    def role_of(self, index: int) -> str:
        """The name of a layer with weights for people: hidden 1, hidden 2, output.

        Layers without sums belong to the last layer before them that has sums, or to the first such
        layer of all.
        """
        summing = [k for k, layer in enumerate(self.layers) if layer.sums]
        hidden = summing[:-1]
        if not hidden or index >= summing[-1]:
            return tr("output")
        number = max(sum(k <= index for k in hidden), 1)
        return tr("hidden") if len(hidden) == 1 else tr("hidden {number}", number=number)

    @property
    def learning_rate(self) -> float:
        return self.update.card.rate if self.rate is None else self.rate

    def decay_of(self, role: Role) -> float:
        """The share of themselves that parameters of this kind lose per step and unit of rate."""
        if self.decay:
            return self.decay.get(role, 0.0)
        return self.update.card.decay if role == Role.WEIGHT else 0.0
