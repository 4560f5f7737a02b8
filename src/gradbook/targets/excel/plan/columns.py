"""The columns in order (inputs, layer by layer, errors, gradients) and how many cells fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, groupby, takewhile

from gradbook.errors import LimitError
from gradbook.graph.names import Name
from gradbook.graph.node import Node, named_inputs, needed
from gradbook.net import Net
from gradbook.net.step import Step
from gradbook.net.text import layer_words
from gradbook.targets.excel.plan.verdicts import size_of_verdicts


@dataclass(frozen=True)
class ColumnGroup:
    """Columns that belong together: a layer's, the errors, the gradients."""

    title: str
    nodes: tuple[Node, ...]

    def only(self, *, each: bool) -> ColumnGroup:
        """Those with a value per sample, or those with one per step."""
        return ColumnGroup(self.title, tuple(node for node in self.nodes if node.each is each))


def groups(step: Step) -> list[ColumnGroup]:
    """Every value that gets a column, in the order in which people write them."""
    forward = forward_values(step)
    known = {*step.targets, *step.inputs, *step.weights}
    errors = [node for node in forward if node.name and node.name.stem == "E"]
    values = [node for node in forward if node not in known and node not in errors]
    depths = _depths(step)
    layers = []
    for depth in sorted(set(depths.values())):
        weights = [weight for weight in step.weights if depths[weight] == depth]
        own = _paired([value for value in values if depths[value] == depth])
        layers.append(ColumnGroup(_layer_title(step.net, depth), (*weights, *own)))
    memory = tuple(leaf for leaf in step.start if leaf not in known)
    found = [
        ColumnGroup("targets", step.targets),
        ColumnGroup("inputs", step.inputs),
        *layers,
        ColumnGroup("error", tuple(errors)),
        ColumnGroup("from the error back", tuple(_signals(step))),
        ColumnGroup("gradients", gradients(step)),
        ColumnGroup("memory of the update", memory),
    ]
    return [group for group in found if group.nodes]


def forward_values(step: Step) -> list[Node]:
    """The named values that are computed on the way to the error."""
    made = needed([*step.outputs, step.loss])
    return [node for node in made if node.name is not None and node.op.name != "leaf"]


def backward_values(step: Step) -> list[Node]:
    """The named values that only the gradients need, the gradients included."""
    forward = set(forward_values(step))
    made = needed([*step.gradients.values()])
    named = [node for node in made if node.name is not None and node.op.name != "leaf"]
    return [node for node in named if node not in forward]


def gradients(step: Step) -> tuple[Node, ...]:
    """Those of the trained weights, in the order of the weights."""
    return tuple(step.gradients[weight] for weight in step.trained)


def _depths(step: Step) -> dict[Node, int]:
    """The last layer with weights that a value depends on; -1 where it depends on none."""
    layers = {name: p.layer for p in step.net.parameters for name in p.names}
    found = {weight: layers[str(weight.name)] for weight in step.weights}
    for node in needed([*step.outputs, step.loss]):
        if node not in found:
            found[node] = max((found[source] for source in node.inputs), default=-1)
    return found


def _layer_title(net: Net, depth: int) -> str:
    """The layer, and those after it that have no weights: hidden: dense 2 no bias, sigmoid."""
    owners = sorted({parameter.layer for parameter in net.parameters})

    def is_with_it(index: int) -> bool:
        return index not in owners and net.owners[index] == index

    after = takewhile(is_with_it, range(depth + 1, len(net.layers)))
    words = ", ".join(layer_words(net.layers[k]) for k in ([depth] * (depth >= 0) + [*after]))
    times = max((one.times for one in net.again if one.first <= depth < one.end), default=1)
    again = f", {times} times" if times > 1 else ""
    return f"{net.role_of(depth)}: {words}{again}" if depth in owners else words


def _paired(values: Sequence[Node]) -> list[Node]:
    """h1 a_h1 h2 a_h2: what is made of one value alone stands right after it."""
    own = set(values)
    followers: dict[Node, list[Node]] = {}
    for value in values:
        sources = named_inputs(value)
        follows = len(sources) == 1 and sources[0] in own and is_activation(value)
        followers.setdefault(sources[0] if follows else value, []).append(value)
    return list(chain.from_iterable(followers.pop(v) for v in values if v in followers))


def is_activation(value: Node) -> bool:
    return value.name is not None and value.name.stem == "a"


def _signals(step: Step) -> Iterator[Node]:
    """Backward values before the gradients; what a sample adds to a gradient comes last."""
    place = {weight.name: place for place, weight in enumerate(step.weights)}
    slopes = set(gradients(step))
    signals = [node for node in backward_values(step) if node not in slopes]
    shares = [node for node in signals if node.name and node.name.of in place]
    chain_back = [node for node in signals if node not in set(shares)]
    for _, alike in groupby(chain_back, _kind):
        yield from sorted(alike, key=lambda node: _nested(node)[-1].index)
    yield from sorted(shares, key=lambda node: place[node.name.of if node.name else None])


def _kind(node: Node) -> list[object]:
    """The stems and layers in a name: alike for ∂E/∂h1 and ∂E/∂h2."""
    return [(name.stem, name.layer, name.word) for name in _nested(node)]


def _nested(node: Node) -> list[Name]:
    """A name and those within it: ∂E/∂h1, h1."""
    names, name = [], node.name
    while name is not None:
        names.append(name)
        name = name.of
    return names


# How many of them a workbook holds --------------------------------------------

MOST_ROWS, MOST_COLUMNS = 1_048_576, 16_384
MOST_CELLS = 1_500_000  # some half a minute to write, and as many to open
SPARE = 64  # rows and columns for headings and counters


def fitting_rates(
    step: Step, epochs: int, asked: tuple[float, ...] | None, usual: tuple[float, ...]
) -> tuple[float, ...]:
    """The rates whose runs fit beside the training table; a LimitError where those asked don't.

    Where nobody asked, as many of the usual ones as fit, spread evenly.
    """
    nodes = [node for group in groups(step) for node in group.nodes]
    own = epochs * sum(step.samples if node.each else 1 for node in nodes)
    _check_size(step, epochs, len(nodes), own)
    each = own + size_of_verdicts(step, epochs)
    most = min((MOST_CELLS - own) // each, (MOST_ROWS - SPARE) // (epochs * step.samples))
    wanted = usual if asked is None else asked
    if len(wanted) <= most:
        return wanted
    if asked is not None:
        few = f"take at most {most}, or fewer epochs"
        raise LimitError(
            f"{len(wanted)} rates of {epochs:,} epochs are {len(wanted) * each:,} cells more, and "
            f"a workbook stays pleasant up to {MOST_CELLS:,}: "
            f"{few if most else 'take fewer epochs, or --rates none'}"
        )
    last = len(usual) - 1
    return tuple(usual[round(k * last / (most - 1))] for k in range(most)) if most > 1 else ()


def _check_size(step: Step, epochs: int, across: int, cells: int) -> None:
    if across > MOST_COLUMNS - SPARE:
        raise LimitError(
            f"{across:,} values in a row, and a sheet has {MOST_COLUMNS:,} columns: "
            "take a smaller network"
        )
    rows, per_epoch = epochs * step.samples, cells // epochs
    most = min(MOST_CELLS // per_epoch, (MOST_ROWS - SPARE) // step.samples)
    if epochs > most:
        kind = f"{rows:,} rows" if rows > MOST_ROWS - SPARE else f"{cells:,} cells"
        fewer = f"at most {most:,} epochs fit"
        raise LimitError(
            f"{epochs:,} epochs of {per_epoch:,} values are {kind}, more than a sheet holds or "
            f"anyone would wait for: {fewer if most else 'take a smaller network or fewer samples'}"
        )
