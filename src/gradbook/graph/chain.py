"""The chain rule: from a value back to all it depends on, and which gradients get a name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from functools import reduce
from operator import add

from gradbook.graph.names import Name, gradient_name
from gradbook.graph.node import Node, ancestors
from gradbook.graph.sequences import join_steps
from gradbook.graph.tensors import sum_last


def gradients(of: Node, wrt: Sequence[Node], stop: Collection[Node] = ()) -> dict[Node, Node]:
    """∂of/∂x for each x in `wrt` and for every value on the path to it, as nodes of the graph.

    The search stops at values in `stop`, so that the partial derivatives of a single formula can
    be found, with the values in it treated as independent. Contributions over several paths are
    added in the order in which the paths were written; without any, the gradient is 0.
    If `of` is one value per sample, so are its partial derivatives.
    """
    path = _between(of, wrt, stop)
    shares: defaultdict[Node, list[Node]] = defaultdict(list)
    shares[of].append(of.graph.constant(1))
    slopes = {node: of.graph.constant(0) for node in wrt}
    cases: set[Node] = set()  # contributions of one case of a choice
    for node in sorted(path, key=lambda node: -node.index):
        if not shares[node]:
            continue
        d = slopes[node] = _gathered(node, shares[node], by_sample=node.each or of.each)
        if node in stop and node is not of:
            continue
        for source, share in zip(
            reversed(node.inputs), reversed(_passed_on(node, d, cases)), strict=True
        ):
            if share is not None and source in path:
                shares[source].append(share)
    return slopes


def _passed_on(node: Node, d: Node, cases: set[Node]) -> Sequence[Node | None]:
    """∂E/∂x for each input of a value with ∂E/∂y = d. What comes from one case of a `choose` stays
    within it, so that a case that doesn't hold gives 0 even where its own slope is no number."""
    if d not in cases:
        passed = node.op.derivative(d, node, *node.inputs)
    else:
        condition, *branches = d.inputs
        place = 1 if branches[0].is_constant(0) else 0
        passed = [
            share and d.graph.make("choose", condition, *((0, share) if place else (share, 0)))
            for share in _passed_on(node, branches[place], cases)
        ]
    if d in cases or node.op.name == "choose":
        cases.update(share for share in passed if share is not None)
    return passed


def _between(of: Node, wrt: Sequence[Node], stop: Collection[Node]) -> set[Node]:
    """The values through which one of `wrt` affects `of`."""
    path = set(wrt)
    first = min((node.index for node in wrt), default=of.index)  # older values depend on none

    def recent(node: Node) -> list[Node]:
        return [source for source in node.inputs if source.index >= first]

    within = ancestors([of], stop, recent)
    for node in within:
        open_to_change = node not in stop or node is of
        if open_to_change and any(source in path for source in node.inputs):
            path.add(node)
    return path & set(within)


def _gathered(node: Node, shares: Sequence[Node], by_sample: bool) -> Node:
    """The sum of a value's contributions, which are given last path first."""
    summed = [sum_last(share, len(share.shape) - len(node.shape)) for share in reversed(shares)]
    fitting = join_steps(summed)
    if by_sample:
        return reduce(add, fitting)
    each = [share for share in fitting if share.each]
    once = [share for share in fitting if not share.each]
    if each:
        once.insert(0, node.graph.make("total", reduce(add, each)))
    return reduce(add, once)


LONGEST_FORMULA = 24  # values in it: the longest gradient of a 2-2-2 network has 16
MOST_PARTS = 1_000  # of a gradient, such as that of sums, which may have no values


def name_gradients(
    adjoints: Mapping[Node, Node], weights: Sequence[Node], error: Node
) -> dict[Node, Node]:
    """Give every weight's gradient its name.

    In a small network, each gradient is one formula, as people write it. If it would be too long,
    or is also a bias's gradient, the steps that several gradients share get names, too.
    """
    forward = set(ancestors([error]))
    slopes = [adjoints[weight] for weight in weights]
    of_biases = {d.inputs[0] if d.op.name == "total" else d for d in slopes}
    order = ancestors(slopes)
    sizes: dict[Node, int] = {}  # of each formula in values, when it is written down to names
    parts: dict[Node, int] = {}  # the same with its numbers and signs
    for node in order:
        sizes[node] = sum(1 if x.name is not None else sizes[x] for x in node.inputs)
        parts[node] = 1 + sum(1 if x.name is not None else parts[x] for x in node.inputs)
    uses = _uses(order, {d for value, d in adjoints.items() if value.name is not None})
    too_long = any(sizes[slope] > LONGEST_FORMULA or parts[slope] > MOST_PARTS for slope in slopes)
    for value, d in adjoints.items():
        shared = d in of_biases or (too_long and uses.get(d, 0) > 1)
        nameless = value.name and d.name is None and not d.is_constant()
        is_long = sizes.get(d, 0) > 1 or parts.get(d, 0) > LONGEST_FORMULA
        if shared and nameless and value not in weights and is_long:
            d.graph.named(d, gradient_name(value.name, error.name))
    named: dict[Node, Node] = {}
    for weight in weights:
        slope, name = adjoints[weight], gradient_name(weight.name, error.name)
        if slope in forward and slope.name is None:  # a formula of the forward pass contains it
            slope = slope.graph.make("copy", slope, attributes=(str(name),))
        named[weight] = slope.graph.named(slope, name)
    _name_totals(named, adjoints)
    return named


def _uses(order: Sequence[Node], ends: Collection[Node]) -> dict[Node, int]:
    """How often formulas contain each node; a node that one formula contains once counts as often
    as that formula."""
    users: defaultdict[Node, list[Node]] = defaultdict(list)
    uses: dict[Node, int] = {}
    for node in reversed(order):
        only = users[node][0] if len(users[node]) == 1 else None
        uses[node] = len(users[node]) if only is None or only in ends else uses[only]
        for source in node.inputs:
            users[source].append(node)
    return uses


def _name_totals(slopes: Mapping[Node, Node], adjoints: Mapping[Node, Node]) -> None:
    """Name the summands of sums over samples, each of which needs a column in a sheet.

    g_w1 is one sample's contribution to ∂E/∂w1, q_μ1 its contribution to the mean μ1.
    """
    owners = {d: value for value, d in [*adjoints.items(), *slopes.items()]}
    order = ancestors(list(slopes.values()))
    readers = {source: node for node in order for source in node.inputs}
    totals = [node for node in order if node.op.name == "total" and node.inputs[0].name is None]
    for number, total in enumerate(totals, 1):
        reader = readers.get(total, total)
        owner = owners.get(total) or owners.get(reader)
        if owner and owner.name:
            share = Name("g", of=owner.name)
        elif reader.name and not total.graph.has(Name("q", of=reader.name)):
            share = Name("q", of=reader.name)
        else:
            share = Name("g", (number,))
        total.graph.named(total.inputs[0], share)
