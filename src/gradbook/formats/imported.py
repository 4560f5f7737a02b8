"""What a reader of a format finds, layer by layer, and the network that it makes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf, isfinite, prod
from typing import Any

import numpy as np

from gradbook import limits
from gradbook.errors import DataError, GradbookError
from gradbook.graph.names import is_sequence
from gradbook.graph.node import Array
from gradbook.graph.window import Shape
from gradbook.layers.card import Bias, Layer, Role, spell
from gradbook.layers.wiring import Flatten, GoBack
from gradbook.net import Net
from gradbook.net.description import Again, Description
from gradbook.net.fit import MOST_LAYERS
from gradbook.net.names import statistics_names
from gradbook.schema import SchemaError

# Layers of a file that have the same weights: which of them are layers applied again.

APART = (
    "{places} have the same weights in the file, but each gets its own from here on: only layers "
    "that follow one another can be applied again"
)


@dataclass(frozen=True)
class StoredLayer:
    """A layer of ours, its weights, and what the file calls them."""

    layer: Layer
    weights: Mapping[str, Array]  # without statistics, which are those of each use
    stored: tuple[str, ...]

    def is_again(self, other: StoredLayer) -> bool:
        unweighted = not self.weights and not other.weights
        return self.layer == other.layer and (unweighted or self.shares_with(other))

    def shares_with(self, other: StoredLayer) -> bool:
        """By the file's names; by the values too, for other constants may have gone into them."""
        if not self.stored or (self.stored, *self.weights) != (other.stored, *other.weights):
            return False
        return all(np.array_equal(a, other.weights[n]) for n, a in self.weights.items())


def find_repeats(layers: Sequence[StoredLayer]) -> tuple[Again, ...]:
    """The blocks of layers that stand in a row several times with the same weights."""
    if len(layers) > MOST_LAYERS:  # which are refused
        return ()
    return tuple(_blocks(layers, 0, len(layers)))


def _blocks(layers: Sequence[StoredLayer], first: int, end: int) -> Iterator[Again]:
    """The one that takes in most weights, and those before and after it."""
    found = list(_candidates(layers, first, end))
    if found:
        best = max(found, key=lambda one: _worth(layers, one))
        yield from _blocks(layers, first, best.first)
        yield best
        yield from _blocks(layers, best.end, end)


def _candidates(layers: Sequence[StoredLayer], first: int, end: int) -> Iterator[Again]:
    for start in range(first, end):
        for length in range(1, (end - start) // 2 + 1):
            if any(one.stored for one in layers[start : start + length]):
                times = 1 + _repeats(layers, start, length, end)
                if times > 1:
                    yield Again(start, length, times)


def _repeats(layers: Sequence[StoredLayer], start: int, length: int, end: int) -> int:
    """How often the block stands there again."""
    alike = 0
    while start + length + alike < end and layers[start + alike].is_again(
        layers[start + length + alike]
    ):
        alike += 1
    return alike // length


def _worth(layers: Sequence[StoredLayer], one: Again) -> tuple[int, bool, int]:
    """Most weights that are shared; then one that begins with weights; then the shortest block."""
    shared = sum(bool(layers[index].stored) for index, _ in one.uses())
    return shared, bool(layers[one.first].stored), -one.layers


def explain_copies(
    layers: Sequence[StoredLayer], places: Sequence[str], owners: Sequence[int]
) -> str:
    """What is to be said of layers with the same weights that aren't applied again; or nothing."""
    own = [index for index, owner in enumerate(owners) if index == owner]
    apart = [
        places[index]
        for index in own
        if any(index != k and layers[index].shares_with(layers[k]) for k in own)
    ]
    return APART.format(places=", ".join(apart)) if apart else ""


# What a reader of a format finds, layer by layer, and the network that it makes.


@dataclass(frozen=True, eq=False)
class ImportedLayer:
    """A layer of ours, its tensors as graph/trained/layers.py names them, and what it reads.

    Value 0 is the network's input, value k what the k-th layer makes.
    """

    layer: Layer
    reads: tuple[int, ...]
    tensors: Mapping[str, Array] = field(default_factory=dict)
    place: str = ""  # what its file calls it
    stored: tuple[str, ...] = ()  # what its file calls its weights

    @property
    def weights(self) -> dict[str, Array]:
        """Its tensors without what a normalisation has seen."""
        return {n: array for n, array in self.tensors.items() if n not in self.layer.statistics}


BRIGHTNESS, AS_THEY_STAND = 255.0, 1.0  # bytes of images over 255; numbers of a table


@dataclass(frozen=True, eq=False)
class Preparation:
    """What is done before the network, (x / most − mean) / deviation: to images channel by channel,
    to rows of numbers column by column."""

    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    most: float = BRIGHTNESS


@dataclass(frozen=True, eq=False)
class Notes:
    """What a file that we wrote, or skl2onnx, says of its network beside the layers."""

    preparation: Preparation | None = None
    classes: tuple[str, ...] = ()
    columns: tuple[tuple[str, tuple[str, ...]], ...] = ()  # of a table: each with its words
    targets: tuple[str, ...] = ()  # what is predicted: the column of the class, or each number
    spread: tuple[float, float] = (1.0, 0.0)  # (deviation, mean): what numbers are scaled by
    filling: tuple[float, ...] = ()  # what stands for a missing number of each column
    probabilities: bool = False  # its outputs are made into those of classes afterwards
    labels: bool = False  # each target holds or doesn't, whatever the others do
    network: Mapping[str, Any] = field(default_factory=dict)  # its text, and how it was written

    @staticmethod
    def of(told: Any) -> Notes:
        """Whatever of it is there, in a file that may be anybody's."""
        if not isinstance(told, Mapping):
            return Notes()
        return Notes(
            preparation_of(told.get("preparation")),
            _names(told.get("classes")),
            _columns(told.get("inputs")),
            _names(told.get("targets")),
            _spread(told.get("spread")),
            _filling(told.get("missing")),
            labels=told.get("labels") is True,
            network=told["network"] if isinstance(told.get("network"), Mapping) else {},
        )


NO_NOTES = Notes()


def _names(told: Any) -> tuple[str, ...]:
    return tuple(map(str, told)) if isinstance(told, list) else ()


def _columns(told: Any) -> tuple[tuple[str, tuple[str, ...]], ...]:
    try:
        return tuple((str(name), _names(words)) for name, words in told)
    except (TypeError, ValueError):
        return ()


def _filling(told: Any) -> tuple[float, ...]:
    try:
        found = tuple(map(float, told))
    except (TypeError, ValueError, OverflowError):
        return ()
    return found if all(map(isfinite, found)) else ()


def _spread(told: Any) -> tuple[float, float]:
    try:
        deviation, mean = map(float, told)
    except (TypeError, ValueError, OverflowError):
        return 1.0, 0.0
    return (deviation, mean) if 0 < deviation < inf and isfinite(mean) else (1.0, 0.0)


def preparation_of(told: Any) -> Preparation | None:
    try:
        mean, deviation = (tuple(map(float, told[name])) for name in ("mean", "deviation"))
        most = float(told.get("most", BRIGHTNESS))
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        return None
    able = np.isfinite((*mean, *deviation)).all() and all(one > 0 for one in deviation)
    known = most in (BRIGHTNESS, AS_THEY_STAND) and len(mean) == len(deviation)
    return Preparation(mean, deviation, most) if able and known else None


@dataclass(frozen=True, eq=False)
class ImportedNet:
    """A network, its trained values by the names of the graph's leaves, and what is to be known."""

    net: Net
    values: Mapping[str, Array]
    preparation: Preparation | None = None
    notes: Notes = NO_NOTES
    remarks: tuple[str, ...] = ()
    makes: Shape = ()  # what comes out, before it was laid out in one line
    features_first: bool = False  # in the file, of a sequence that has its steps first here

    @property
    def reads_rows(self) -> bool:
        """Whether it reads rows of numbers as they stand: flat values that aren't an image's."""
        of_images = self.preparation is not None and self.preparation.most == BRIGHTNESS
        return (len(self.net.input) == 1 or self.net.laid_out) and not of_images


class NoLayer(GradbookError):
    """Something in a file that is none of our layers, and why."""


LAID_OUT = "its {} outputs are laid out in one line"
STEEPER = "only an ELU with an alpha of 1 can be read"
BOTH = "1 − p beside p can be read for a single output only"


REASONS = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError)  # hostile settings


class NoReader(NoLayer):
    """What can't be read whatever it is given."""


class Refusals:
    """All that can't be said in our layers, told at once: each cause, and nothing that follows
    from one."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.found: dict[str, list[str]] = {}  # the places of each reason
        self.count = 0  # with what follows from others
        self.unsure: set[str] = set()  # values that would be others if something weren't refused

    def add(self, place: str, what: str) -> None:
        self.count += 1
        self.found.setdefault(what, []).append(place)

    def refuse(self, place: str, error: Exception, reads: Sequence[str], usual: str) -> None:
        """What stands there, for this error, or for what is `usual` where that is Python's."""
        why = error.message if isinstance(error, GradbookError) else usual
        if isinstance(error, NoReader | SchemaError) or self.unsure.isdisjoint(reads):
            self.add(place, why)
        else:
            self.count += 1

    def pass_on(self, reads: Sequence[str], makes: Sequence[str]) -> None:
        """What is made of something unsure is unsure."""
        if not self.unsure.isdisjoint(reads):
            self.unsure.update(makes)

    def settle(self) -> None:
        """Go on if nothing was found."""
        if self.found:
            said = (f"{', '.join(places)}: {what}" for what, places in self.found.items())
            raise DataError("; ".join(said), file=self.file)


def assemble(
    file: str,
    size: Shape,
    layers: Sequence[ImportedLayer],
    preparation: Preparation | None = None,
    notes: Notes = NO_NOTES,
    remarks: tuple[str, ...] = (),
    tokens: bool = False,
) -> ImportedNet:
    """The network of these layers, with what goes back to an earlier value between branches.

    `tokens` says that each step of what comes in is one of so many. What comes out is laid out in
    one line, where it isn't yet.
    """
    layers = in_a_row(layers)
    said = tuple(with_bias_and_distance(own, number) for number, own in enumerate(layers))
    try:
        makes = Description(size, said).shapes[-1]
    except GradbookError as error:
        raise DataError(error.message, file=file) from error
    at_each_step = Description(size, said).laid_out and is_sequence(makes)
    if len(makes) > 1 and not at_each_step:
        layers.append(ImportedLayer(Flatten(), (len(layers),), {}, "output"))
        said = (*said, Flatten())
        if prod(makes[1:]) > 1:
            remarks = (*remarks, LAID_OUT.format(spell(makes)))
    stored = [
        StoredLayer(layer, own.weights, own.stored) for layer, own in zip(said, layers, strict=True)
    ]
    try:
        net = Net(input=size, layers=said, again=find_repeats(stored), tokens=tokens)
        values = _values(net, layers)
        net = replace(net, start=start_of(net, values))
    except GradbookError as error:
        raise DataError(error.message, file=file) from error
    apart = explain_copies(stored, [own.place for own in layers], net.owners)
    remarks = (*remarks, *([apart] if apart else []))
    return ImportedNet(net, values, preparation, notes, remarks, makes)


def in_a_row(layers: Sequence[ImportedLayer]) -> list[ImportedLayer]:
    """One after the other: each after one that it reads wherever it can, else behind a layer that
    goes back, so that a branch is said to its end before the next one begins. What leads nowhere
    is left out."""
    if len(layers) > MOST_LAYERS:  # which are refused
        return list(layers)
    row = _BranchRow(layers)
    waiting = _leading(layers)
    while waiting:
        waiting.remove(following := row.following(waiting))
        row.append(following)
    return row.said


def _leading(layers: Sequence[ImportedLayer]) -> list[int]:
    """The places of the layers that what the last one makes comes from."""
    found, values = list[int](), {len(layers)}
    for place in reversed(range(len(layers))):
        if place + 1 in values:
            values.update(layers[place].reads)
            found.insert(0, place)
    return found


@dataclass
class _BranchRow:
    """Layers in the order in which they are said; those that are given go by their places."""

    given: Sequence[ImportedLayer]
    said: list[ImportedLayer] = field(default_factory=list)
    latest: int = 0  # the value that what comes next may read without going back
    numbers: dict[int, int] = field(default_factory=lambda: {0: 0})  # of values, among those said

    def following(self, waiting: Sequence[int]) -> int:
        """One whose values are there, and of these the first that reads the latest of all."""
        reads = {place: self.given[place].reads for place in waiting}
        ready = [place for place in waiting if self.numbers.keys() >= {*reads[place]}]
        return max(ready, key=lambda place: max(self.numbers[value] for value in reads[place]))

    def append(self, place: int) -> None:
        own = self.given[place]
        numbers = dict(self.numbers)
        if self.latest not in own.reads:
            first = own.reads[0]
            back = ImportedLayer(GoBack(1), (numbers[first],), place=own.place)
            self.said.append(back)
            numbers[first] = len(self.said)
        self.said.append(replace(own, reads=tuple(numbers[value] for value in own.reads)))
        self.latest = place + 1
        self.numbers[self.latest] = len(self.said)


def with_bias_and_distance(own: ImportedLayer, number: int) -> Layer:
    """With a bias if it has one, and going back as far as what it reads lies back."""
    told = dict(vars(own.layer))
    if "bias" in told:
        told["bias"] = _bias(own)
    if "back" in told:
        distances = tuple(number - read for read in own.reads)
        told["back"] = distances if isinstance(told["back"], tuple) else max(distances)
    return type(own.layer)(**told)


def _bias(own: ImportedLayer) -> Bias:
    return Bias.EACH if any(name.endswith("bias") for name in own.tensors) else Bias.NONE


def _values(net: Net, layers: Sequence[ImportedLayer]) -> dict[str, Array]:
    """By the names of the graph's leaves."""
    found = {}
    for parameter in net.parameters:
        own = layers[parameter.layer]
        tensor = own.tensors[parameter.tensor]
        _require_shape(own, tensor, parameter.shape)
        found[str(parameter.leaf)] = tensor
    for index, own in enumerate(layers):
        if own.layer.statistics:
            names = statistics_names(net, index)
            for name, word in zip(names, own.layer.statistics, strict=True):
                _require_shape(own, own.tensors[word], net.shapes[index][:1])
                found[name] = own.tensors[word]
    return found


def _require_shape(own: ImportedLayer, tensor: Array, shape: Shape) -> None:
    if tensor.shape != shape:
        has = spell(tensor.shape) or "one number"
        raise DataError(f"{own.place}: its tensor is {has}, but the layer takes {spell(shape)}")
    if not np.isfinite(tensor).all():
        raise DataError(f"{own.place}: some of its values are infinite or not numbers")


def start_of(net: Net, values: Mapping[str, Array]) -> dict[Role, tuple[float, ...]]:
    """All values of each kind, in the order of their numbers: what training goes on from."""
    found: dict[Role, list[float]] = {}
    for parameter in net.parameters:
        name = str(parameter.leaf)
        found.setdefault(parameter.role, []).extend(map(_shortest, values[name].ravel()))
    return {role: tuple(numbers) for role, numbers in found.items()}


def _shortest(value: np.floating[Any]) -> float:
    """Written with no more digits than a 32-bit float needs, if it is one."""
    narrow = np.float32(value)
    return float(str(narrow)) if narrow == value else float(value)


def require_few(file: str, tensors: Mapping[str, Shape]) -> None:
    """Refuse what would take more memory than a small network's file has any reason to."""
    count = sum(prod(map(abs, shape)) for shape in tensors.values())
    if count > limits.VALUES.most:
        raise DataError(f"it has {count:,} values: at most {limits.VALUES} can be read", file=file)
