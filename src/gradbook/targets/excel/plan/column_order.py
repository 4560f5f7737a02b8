"""The columns in order, and which of them an exercise leaves blank."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, groupby, takewhile
from random import Random

from gradbook.errors import UsageError
from gradbook.graph.names import Name
from gradbook.graph.node import Node, ancestors, named_inputs
from gradbook.language import tr
from gradbook.net import Net
from gradbook.net.formulas import Formulas
from gradbook.net.step import Step


@dataclass(frozen=True)
class ColumnGroup:
    """Columns that belong together: a layer's, the errors, the gradients."""

    title: str
    nodes: tuple[Node, ...]

    def only(self, *, each: bool) -> ColumnGroup:
        """The nodes with a value per sample, or those with a value per step."""
        return ColumnGroup(self.title, tuple(node for node in self.nodes if node.each is each))


def groups(step: Step) -> list[ColumnGroup]:
    """Every value that gets a column, in the order in which people write them."""
    forward = forward_values(step)
    known = {*step.targets, *step.inputs, *step.weights}
    errors = [node for node in forward if is_error(step, node)]
    values = [node for node in forward if node not in known and node not in errors]
    depths = _depths(step)
    layers = []
    for depth in sorted(set(depths.values())):
        weights = [weight for weight in step.weights if depths[weight] == depth]
        paired = _paired([value for value in values if depths[value] == depth])
        layers.append(ColumnGroup(_layer_title(step.source, depth), (*weights, *paired)))
    memory = tuple(leaf for leaf in step.start if leaf not in known)
    columns = [
        ColumnGroup(tr("targets"), step.targets),
        ColumnGroup(tr("inputs"), step.inputs),
        *layers,
        ColumnGroup(tr("error"), tuple(errors)),
        ColumnGroup(tr("backward from the error"), tuple(_signals(step))),
        ColumnGroup(tr("gradients"), gradients(step)),
        ColumnGroup(tr("memory of the update"), memory),
    ]
    return [group for group in columns if group.nodes]


def forward_values(step: Step) -> list[Node]:
    """The named values that are computed on the path to the error."""
    reached = ancestors([*step.outputs, step.loss])
    return [node for node in reached if node.name is not None and node.op.name != "leaf"]


def backward_values(step: Step) -> list[Node]:
    """The named values that only the gradients need, the gradients included."""
    forward = set(forward_values(step))
    reached = ancestors([*step.gradients.values()])
    named = [node for node in reached if node.name is not None and node.op.name != "leaf"]
    return [node for node in named if node not in forward]


def gradients(step: Step) -> tuple[Node, ...]:
    """The gradients of the trained weights, in the order of the weights."""
    return tuple(step.gradients[weight] for weight in step.trained)


def _depths(step: Step) -> dict[Node, int]:
    """The last layer with weights that a value depends on; -1 if there is none."""
    depths = dict(step.layers)
    for node in ancestors([*step.outputs, step.loss]):
        if node not in depths:
            depths[node] = max((depths[source] for source in node.inputs), default=-1)
    return depths


def _layer_title(net: Net | Formulas, depth: int) -> str:
    """The layer and the weightless layers after it: hidden: dense 2 no bias, sigmoid."""
    if isinstance(net, Formulas):
        return tr("formulas")
    owners = sorted({parameter.layer for parameter in net.parameters})

    def is_with_it(index: int) -> bool:
        return index not in owners and net.owners[index] == index

    after = takewhile(is_with_it, range(depth + 1, len(net.layers)))
    words = ", ".join(net.layers[k].text for k in ([depth] * (depth >= 0) + [*after]))
    times = max(
        (repeat.times for repeat in net.again if repeat.first <= depth < repeat.end), default=1
    )
    words = tr("{layers}, {count} times", layers=words, count=times) if times > 1 else words
    if depth not in owners:
        return words
    return tr("{role}: {layers}", role=net.role_of(depth), layers=words)


def _paired(values: Sequence[Node]) -> list[Node]:
    """h1 a_h1 h2 a_h2: a value computed from one other value directly follows that value."""
    among = set(values)
    followers: dict[Node, list[Node]] = {}
    for value in values:
        sources = named_inputs(value)
        follows = len(sources) == 1 and sources[0] in among and is_activation(value)
        followers.setdefault(sources[0] if follows else value, []).append(value)
    return list(chain.from_iterable(followers.pop(v) for v in values if v in followers))


def is_error(step: Step, value: Node) -> bool:
    """Whether it is the error of an output, of a sample or of all."""
    named_so = value.name is not None and value.name.stem == "E"
    return value is step.loss or named_so or (bool(not step.targets) and value in step.outputs)


def is_activation(value: Node) -> bool:
    return value.name is not None and value.name.stem == "a"


def _signals(step: Step) -> Iterator[Node]:
    """Backward values before the gradients; a sample's contributions to gradients come last."""
    place = {weight.name: place for place, weight in enumerate(step.weights)}
    slopes = set(gradients(step))
    signals = [node for node in backward_values(step) if node not in slopes]
    shares = [node for node in signals if node.name and node.name.of in place]
    chain_back = [node for node in signals if node not in set(shares)]
    for _, alike in groupby(chain_back, kind_of):
        yield from sorted(alike, key=lambda node: _nested(node)[-1].index)
    yield from sorted(shares, key=lambda node: place[node.name.of if node.name else None])


def kind_of(node: Node) -> tuple[object, ...]:
    """The stems, layers and words in a name: the same for ∂E/∂h1 and ∂E/∂h2."""
    return tuple((name.stem, name.layer, name.word) for name in _nested(node))


def _nested(node: Node) -> list[Name]:
    """A name and the names within it: ∂E/∂h1, h1."""
    names, name = [], node.name
    while name is not None:
        names.append(name)
        name = name.of
    return names


# What an exercise leaves blank -----------------------------------------------

GRADIENTS, FORWARD, LOSS, UPDATE = "gradients", "forward", "loss", "update"
KINDS = (FORWARD, LOSS, GRADIENTS, UPDATE)
STUDENT_NAME = "student"  # the name of the cell with the student's name
BLANK_NAME = "fill_in_{}_{}"  # the name of a blank column: kind and number


@dataclass(frozen=True)
class Exercise:
    """What is left blank: all columns of the kinds, or `places` of them, drawn with the `seed`."""

    student: str = ""  # a name, or a number as text
    kinds: tuple[str, ...] = (GRADIENTS,)
    places: int | None = None
    seed: int | str = 0
    has_check: bool = True  # whether a sheet shows which gradients are right
    key: str = ""  # by which a class knows its student, whatever the names say

    def blank(self, step: Step) -> tuple[Node, ...]:
        """The values whose columns are blank; a weight's first cell is always given."""
        return tuple(self.kind_of(step))

    def kind_of(self, step: Step) -> dict[Node, str]:
        """The blank values, each with its kind."""
        there = [(node, kind) for kind in self.kinds for node in _of_kind(step, kind)]
        if self.places is None:
            return dict(there)
        if self.places > len(there):
            raise UsageError(
                f"{self.places} places to leave blank, but there are only {len(there)} of "
                "that kind: leave fewer blank, or add other kinds"
            )
        drawn = set(Random(f"places {self.seed}").sample(range(len(there)), self.places))
        return dict(pair for place, pair in enumerate(there) if place in drawn)

    @property
    def is_usual(self) -> bool:
        """Whether exactly the gradients are asked for, all of them."""
        return self.kinds == (GRADIENTS,) and self.places is None


def _of_kind(step: Step, kind: str) -> Iterator[Node]:
    if kind == GRADIENTS:
        yield from backward_values(step)
    elif kind == UPDATE:
        yield from step.trained
    else:
        for node in forward_values(step):
            if is_error(step, node) is (kind == LOSS):
                yield node


def read_kinds(words: Sequence[str]) -> tuple[str, ...]:
    """The kinds in the order of a step; an unknown kind is a UsageError."""
    for word in words:
        if word not in KINDS:
            raise UsageError(f"{word!r} can't be left blank: it is one of {', '.join(KINDS)}")
    return tuple(kind for kind in KINDS if kind in words)
