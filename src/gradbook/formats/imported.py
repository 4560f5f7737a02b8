"""The layers that a reader finds in a file, and the network that they form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf, isfinite, prod
from typing import Any, cast

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

# Layers with the same weights in a file, and which of them are one layer applied again.

APART = (
    "{places} have the same weights in the file, but each gets its own here: only consecutive "
    "layers can be applied again"
)


@dataclass(frozen=True)
class StoredLayer:
    """A layer, its weights, and the file's names of them."""

    layer: Layer
    weights: Mapping[str, Array]  # without statistics, which each use has for itself
    stored: tuple[str, ...]

    def is_again(self, other: StoredLayer) -> bool:
        unweighted = not self.weights and not other.weights
        return self.layer == other.layer and (unweighted or self.shares_with(other))

    def shares_with(self, other: StoredLayer) -> bool:
        """Compare the file's names, and the values, into which constants may be folded."""
        if not self.stored or (self.stored, *self.weights) != (other.stored, *other.weights):
            return False
        return all(np.array_equal(a, other.weights[n]) for n, a in self.weights.items())


def find_repeats(layers: Sequence[StoredLayer]) -> tuple[Again, ...]:
    """Find blocks of layers that occur several times in a row with the same weights."""
    if len(layers) > MOST_LAYERS:  # too many layers are refused elsewhere
        return ()
    return tuple(_blocks(layers, 0, len(layers)))


def _blocks(layers: Sequence[StoredLayer], first: int, end: int) -> Iterator[Again]:
    """Yield the block that shares the most weights, and those before and after it."""
    candidates = list(_candidates(layers, first, end))
    if candidates:
        best = max(candidates, key=lambda block: _worth(layers, block))
        yield from _blocks(layers, first, best.first)
        yield best
        yield from _blocks(layers, best.end, end)


def _candidates(layers: Sequence[StoredLayer], first: int, end: int) -> Iterator[Again]:
    for start in range(first, end):
        for length in range(1, (end - start) // 2 + 1):
            if any(layer.stored for layer in layers[start : start + length]):
                times = 1 + _repeats(layers, start, length, end)
                if times > 1:
                    yield Again(start, length, times)


def _repeats(layers: Sequence[StoredLayer], start: int, length: int, end: int) -> int:
    """Count how often the block is repeated."""
    alike = 0
    while start + length + alike < end and layers[start + alike].is_again(
        layers[start + length + alike]
    ):
        alike += 1
    return alike // length


def _worth(layers: Sequence[StoredLayer], block: Again) -> tuple[int, bool, int]:
    """Prefer more shared weights, then a block that begins with weights, then a shorter block."""
    shared = sum(bool(layers[index].stored) for index, _ in block.uses())
    return shared, bool(layers[block.first].stored), -block.layers


def explain_copies(
    layers: Sequence[StoredLayer], places: Sequence[str], owners: Sequence[int]
) -> str:
    """Describe layers with the same weights that aren't one layer applied again; or return ""."""
    originals = [index for index, owner in enumerate(owners) if index == owner]
    apart = [
        places[index]
        for index in originals
        if any(index != k and layers[index].shares_with(layers[k]) for k in originals)
    ]
    return APART.format(places=", ".join(apart)) if apart else ""


# The layers that a reader finds, and the network that they form.


@dataclass(frozen=True, eq=False)
class ImportedLayer:
    """A layer, its tensors by gradbook's names, and the values that it reads.

    Value 0 is the network's input; value k is the k-th layer's output.
    """

    layer: Layer
    reads: tuple[int, ...]
    tensors: Mapping[str, Array] = field(default_factory=dict)
    place: str = ""  # its name in the file
    stored: tuple[str, ...] = ()  # its weights' names in the file

    @property
    def weights(self) -> dict[str, Array]:
        """Its tensors without a normalisation's statistics."""
        return {n: array for n, array in self.tensors.items() if n not in self.layer.statistics}


BRIGHTNESS, AS_THEY_STAND = 255.0, 1.0  # bytes of images over 255; numbers of a table


@dataclass(frozen=True, eq=False)
class Preparation:
    """The preparation (x / most − mean) / deviation of an image's channels or a row's columns."""

    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    most: float = BRIGHTNESS


@dataclass(frozen=True, eq=False)
class Notes:
    """What a file by gradbook or skl2onnx contains about the network besides its layers."""

    preparation: Preparation | None = None
    classes: tuple[str, ...] = ()
    columns: tuple[tuple[str, tuple[str, ...]], ...] = ()  # of a table, each with its words
    targets: tuple[str, ...] = ()  # the column of the class, or each number to predict
    spread: tuple[float, float] = (1.0, 0.0)  # (deviation, mean) by which numbers are scaled
    filling: tuple[float, ...] = ()  # replaces a missing number in each column
    probabilities: bool = False  # its outputs are turned into class probabilities afterwards
    labels: bool = False  # each target holds or not, independently of the others
    network: Mapping[str, Any] = field(
        default_factory=dict
    )  # its text and how the file was written

    @staticmethod
    def of(content: Any) -> Notes:
        """Read the valid notes from a file, which may come from anybody."""
        if not isinstance(content, Mapping):
            return Notes()
        return Notes(
            preparation_of(content.get("preparation")),
            _names(content.get("classes")),
            _columns(content.get("inputs")),
            _names(content.get("targets")),
            _spread(content.get("spread")),
            _filling(content.get("missing")),
            labels=content.get("labels") is True,
            network=content["network"] if isinstance(content.get("network"), Mapping) else {},
        )


NO_NOTES = Notes()


def _names(names: Any) -> tuple[str, ...]:
    return tuple(map(str, names)) if isinstance(names, list) else ()


def _columns(columns: Any) -> tuple[tuple[str, tuple[str, ...]], ...]:
    try:
        return tuple((str(name), _names(words)) for name, words in columns)
    except (TypeError, ValueError):
        return ()


def _filling(filling: Any) -> tuple[float, ...]:
    try:
        numbers = tuple(map(float, filling))
    except (TypeError, ValueError, OverflowError):
        return ()
    return numbers if all(map(isfinite, numbers)) else ()


def _spread(spread: Any) -> tuple[float, float]:
    try:
        deviation, mean = map(float, spread)
    except (TypeError, ValueError, OverflowError):
        return 1.0, 0.0
    return (deviation, mean) if 0 < deviation < inf and isfinite(mean) else (1.0, 0.0)


def preparation_of(settings: Any) -> Preparation | None:
    try:
        mean, deviation = (tuple(map(float, settings[name])) for name in ("mean", "deviation"))
        most = float(settings.get("most", BRIGHTNESS))
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        return None
    if most not in (BRIGHTNESS, AS_THEY_STAND) or len(mean) != len(deviation):
        return None
    usable = np.isfinite((*mean, *deviation)).all() and all(number > 0 for number in deviation)
    return Preparation(mean, deviation, most) if usable else None


@dataclass(frozen=True, eq=False)
class ImportedNet:
    """A network, its trained values by the names of the graph's leaves, and its metadata."""

    net: Net
    values: Mapping[str, Array]
    preparation: Preparation | None = None
    notes: Notes = NO_NOTES
    remarks: tuple[str, ...] = ()
    makes: Shape = ()  # the output's shape before it was flattened
    features_first: bool = False  # in the file; the sequence has its steps first here
    picture: tuple[int, int, int] | None = None  # channels, rows and columns, if a file says them

    @property
    def reads_rows(self) -> bool:
        """Whether it reads rows of plain numbers: flat values that aren't an image's."""
        of_images = self.preparation is not None and self.preparation.most == BRIGHTNESS
        return (len(self.net.input) == 1 or self.net.laid_out) and not of_images


class NoLayer(GradbookError):
    """A part of a file that has no layer in gradbook, and the reason."""


LAID_OUT = "its {} outputs are flattened"
STEEPER = "only an ELU with an input scale of 1, or a CELU, can be read"
ONE_OUTPUT = "1 − p beside p can be read for a single output only"


REASONS = (
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    ArithmeticError,
)  # by hostile settings


class NoReader(NoLayer):
    """An operator that can't be read, whatever its input is."""


class Refusals:
    """Collects the causes of all refusals, without their consequences, to report them at once."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.reasons: dict[str, list[str]] = {}  # the places of each reason
        self.count = 0  # including consequences
        self.unsure: set[str] = set()  # values that depend on something refused

    def add(self, place: str, what: str) -> None:
        self.count += 1
        self.reasons.setdefault(what, []).append(place)

    def refuse(self, place: str, error: Exception, reads: Sequence[str], usual: str) -> None:
        """Record the error's message, or `usual` if it is one of Python's own errors."""
        why = error.message if isinstance(error, GradbookError) else usual
        if isinstance(error, NoReader | SchemaError) or self.unsure.isdisjoint(reads):
            self.add(place, why)
        else:
            self.count += 1

    def pass_on(self, reads: Sequence[str], makes: Sequence[str]) -> None:
        """Mark values computed from unsure ones as unsure."""
        if not self.unsure.isdisjoint(reads):
            self.unsure.update(makes)

    def settle(self) -> None:
        """Raise an error if anything was refused."""
        if self.reasons:
            reasons = (f"{', '.join(places)}: {what}" for what, places in self.reasons.items())
            raise DataError("; ".join(reasons), file=self.file)


def assemble(
    file: str,
    size: Shape,
    layers: Sequence[ImportedLayer],
    preparation: Preparation | None = None,
    notes: Notes = NO_NOTES,
    remarks: tuple[str, ...] = (),
    tokens: bool = False,
) -> ImportedNet:
    """Form the network of these layers, going back to earlier values between branches.

    With `tokens`, each step of the input is one of so many tokens. The output is flattened if it
    isn't flat yet.
    """
    layers = in_a_row(layers)
    described = tuple(with_bias_and_distance(layer, number) for number, layer in enumerate(layers))
    try:
        makes = Description(size, described).shapes[-1]
    except GradbookError as error:
        raise DataError(error.message, file=file) from error
    at_each_step = Description(size, described).laid_out and is_sequence(makes)
    if len(makes) > 1 and not at_each_step:
        layers.append(ImportedLayer(Flatten(), (len(layers),), {}, "output"))
        described = (*described, Flatten())
        if prod(makes[1:]) > 1:
            remarks = (*remarks, LAID_OUT.format(spell(makes)))
    stored = [
        StoredLayer(layer, imported.weights, imported.stored)
        for layer, imported in zip(described, layers, strict=True)
    ]
    try:
        net = Net(input=size, layers=described, again=find_repeats(stored), tokens=tokens)
        values = _values(net, layers)
        net = replace(net, start=start_of(net, values))
    except GradbookError as error:
        raise DataError(error.message, file=file) from error
    apart = explain_copies(stored, [layer.place for layer in layers], net.owners)
    remarks = (*remarks, *([apart] if apart else []))
    return ImportedNet(net, values, preparation, notes, remarks, makes)


def in_a_row(layers: Sequence[ImportedLayer]) -> list[ImportedLayer]:
    """Order the layers: each follows one that it reads if possible, else a layer that goes back, so
    that a branch is complete before the next one begins. Layers that lead nowhere are left out."""
    if len(layers) > MOST_LAYERS:  # too many layers are refused elsewhere
        return list(layers)
    row = _BranchRow(layers)
    waiting = _leading(layers)
    while waiting:
        waiting.remove(following := row.following(waiting))
        row.append(following)
    return row.ordered


def _leading(layers: Sequence[ImportedLayer]) -> list[int]:
    """List the places of the layers on which the last one's output depends."""
    leading, values = list[int](), {len(layers)}
    for place in reversed(range(len(layers))):
        if place + 1 in values:
            values.update(layers[place].reads)
            leading.insert(0, place)
    return leading


@dataclass
class _BranchRow:
    """Layers, which are named by their places, and the same in the network's order."""

    layers: Sequence[ImportedLayer]
    ordered: list[ImportedLayer] = field(default_factory=list)
    latest: int = 0  # the value that the next layer may read without going back
    numbers: dict[int, int] = field(default_factory=lambda: {0: 0})  # new numbers, by the old

    def following(self, waiting: Sequence[int]) -> int:
        """Choose the layer that is ready and reads the latest value."""
        reads = {place: self.layers[place].reads for place in waiting}
        ready = [place for place in waiting if self.numbers.keys() >= {*reads[place]}]
        return max(ready, key=lambda place: max(self.numbers[value] for value in reads[place]))

    def append(self, place: int) -> None:
        layer = self.layers[place]
        numbers = dict(self.numbers)
        if self.latest not in layer.reads:
            first = layer.reads[0]
            back = ImportedLayer(GoBack(1), (numbers[first],), place=layer.place)
            self.ordered.append(back)
            numbers[first] = len(self.ordered)
        self.ordered.append(replace(layer, reads=tuple(numbers[value] for value in layer.reads)))
        self.latest = place + 1
        self.numbers[self.latest] = len(self.ordered)


def with_bias_and_distance(imported: ImportedLayer, number: int) -> Layer:
    """Set the bias if it has one, and the distances to the values that it reads."""
    fields, changed = vars(imported.layer), dict[str, Any]()
    if "bias" in fields:
        has_bias = any(name.endswith("bias") for name in imported.tensors)
        changed["bias"] = Bias.EACH if has_bias else Bias.NONE
    if "back" in fields:
        distances = tuple(number - read for read in imported.reads)
        changed["back"] = distances if isinstance(fields["back"], tuple) else max(distances)
    return replace(cast(Any, imported.layer), **changed) if changed else imported.layer


def _values(net: Net, layers: Sequence[ImportedLayer]) -> dict[str, Array]:
    """Map the names of the graph's leaves to arrays."""
    values = {}
    for parameter in net.parameters:
        layer = layers[parameter.layer]
        tensor = layer.tensors[parameter.tensor]
        _require_shape(layer, tensor, parameter.shape)
        values[str(parameter.leaf)] = tensor
    for index, layer in enumerate(layers):
        if layer.layer.statistics:
            names = statistics_names(net, index)
            for name, word in zip(names, layer.layer.statistics, strict=True):
                _require_shape(layer, layer.tensors[word], net.shapes[index][:1])
                values[name] = layer.tensors[word]
    return values


def _require_shape(layer: ImportedLayer, tensor: Array, shape: Shape) -> None:
    if tensor.shape != shape:
        has = spell(tensor.shape) or "one number"
        raise DataError(f"{layer.place}: its tensor is {has}, but the layer needs {spell(shape)}")
    if not np.isfinite(tensor).all():
        raise DataError(f"{layer.place}: some of its values are infinite or not numbers")


def start_of(net: Net, values: Mapping[str, Array]) -> dict[Role, tuple[float, ...]]:
    """List all values of each kind by number; training continues from them."""
    start: dict[Role, list[float]] = {}
    for parameter in net.parameters:
        name = str(parameter.leaf)
        start.setdefault(parameter.role, []).extend(map(_shortest, values[name].ravel()))
    return {role: tuple(numbers) for role, numbers in start.items()}


def _shortest(value: np.floating[Any]) -> float:
    """Shorten to the digits of a 32-bit float, if it is one."""
    narrow = np.float32(value)
    return float(str(narrow)) if narrow == value else float(value)


def require_few(file: str, tensors: Mapping[str, Shape]) -> None:
    """Refuse tensors that would take more memory than any small network needs."""
    count = sum(prod(map(abs, shape)) for shape in tensors.values())
    if count > limits.VALUES.most:
        raise DataError(f"it has {count:,} values: at most {limits.VALUES} can be read", file=file)
