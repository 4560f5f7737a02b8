"""Values of the step as a whole: which get an array, and when one thread fills it.

A value gets an array where a pass reads it, or where it is a sum; it is filled as soon as it can
be. Sums that only an update reads are filled with that update, which the threads share out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from gradbook.graph.node import Node
from gradbook.targets.c.plan.rows import Rows
from gradbook.targets.c.plan.timing import Timing
from gradbook.targets.c.rewrite.patterns import sum_input


@dataclass(frozen=True)
class UpdateGroup:
    """Carried values that change together, and the arrays that only they read."""

    leaves: tuple[Node, ...]
    arrays: tuple[Node, ...]


@dataclass(frozen=True)
class Whole:
    arrays: tuple[Node, ...]  # of passes, and what those need, in the order they are asked for
    before: Mapping[int, Sequence[Node]]  # phase → arrays filled before it
    updates: tuple[UpdateGroup, ...]
    late: tuple[Node, ...]  # arrays filled when all updates are done

    @property
    def all_arrays(self) -> list[Node]:
        return [*self.arrays, *(x for update in self.updates for x in update.arrays), *self.late]


@dataclass(frozen=True)
class Results:
    """What carried values become, and which values of the step are read from outside."""

    following: Mapping[Node, Node]
    read: Mapping[str, Node]  # by their arrays' names

    @property
    def changing(self) -> dict[Node, Node]:
        return {leaf: node for leaf, node in self.following.items() if leaf is not node}


def whole(passes: Iterable[Rows], timing: Timing, results: Results) -> Whole:
    rows = [row for rows in passes for row in rows.rows]
    asked = (x for row in rows for x in row.arrays if x.op.name != "leaf")
    arrays = _with_sources(dict.fromkeys(asked), timing, ())
    before: dict[int, list[Node]] = {}
    for node in arrays:
        before.setdefault(timing.ready_at(node), []).append(node)
    known = set(arrays)
    updates = []
    for group in _groups(results, known):
        wide = [x for leaf in group for x in _computed(leaf, results) if leaf.shape]
        late = _with_sources(_missing(wide, known), timing, known)
        known.update(late)
        updates.append(UpdateGroup(tuple(group), _in_order(late)))
    single = [x for x in results.read.values() if not x.shape]
    single += [x for leaf, x in results.changing.items() if not leaf.shape]
    late = _with_sources(_missing(single, known), timing, known)
    ordered = {phase: _in_order(nodes) for phase, nodes in before.items()}
    return Whole(tuple(arrays), ordered, tuple(updates), _in_order(late))


def _computed(leaf: Node, results: Results) -> Iterator[Node]:
    """What an update computes for a carried value, or for one read from outside."""
    if leaf in results.read.values():
        yield leaf
    if leaf in results.changing:
        yield results.changing[leaf]


def _in_order(nodes: Iterable[Node]) -> tuple[Node, ...]:
    return tuple(sorted(nodes, key=lambda node: node.index))


def _with_sources(asked: Iterable[Node], timing: Timing, known: Collection[Node]) -> list[Node]:
    """These arrays and whatever arrays they are filled from."""
    found = dict.fromkeys(asked)
    waiting = list(found)
    while waiting:
        new = dict.fromkeys(
            source
            for node in waiting
            for source in _sources(node, timing)
            if source not in known and source not in found
        )
        found.update(new)
        waiting = list(new)
    return list(found)


def _sources(node: Node, timing: Timing) -> list[Node]:
    """The arrays that a value's array is filled from."""
    x = sum_input(node)
    if node in timing.moments:
        return [timing.sum_beside(node)]
    if x is not None and x.each:
        return []  # from what each tile gives
    return _missing(node.inputs, ())


def _missing(values: Iterable[Node], known: Collection[Node]) -> list[Node]:
    """The sums that these formulas read, and no array has yet."""
    return [node for node in _walked(values, known, _is_sum) if _is_sum(node)]


def _is_reduced(node: Node) -> bool:
    return sum_input(node) is not None


def _is_sum(node: Node) -> bool:
    return _is_reduced(node) or node.op.name == "sum"


def _walked(
    values: Iterable[Node], known: Collection[Node], is_end: Callable[[Node], bool]
) -> list[Node]:
    """What these formulas read that isn't known, each before its inputs, down to the ends."""
    found: dict[Node, None] = {}
    waiting = list(values)[::-1]
    while waiting:
        node = waiting.pop()
        if node not in found and node not in known:
            found[node] = None
            if not is_end(node):
                waiting.extend(reversed(node.inputs))
    return list(found)


def _groups(results: Results, known: Collection[Node]) -> list[list[Node]]:
    """Carried values that read each other, or the same late sums, change together."""
    changing = {leaf: node for leaf, node in results.changing.items() if leaf.shape}
    owner: dict[Node, int] = {}
    groups: dict[int, list[Node]] = {}
    roots = [*changing.items(), *((x, x) for x in results.read.values() if x.shape)]
    for number, (leaf, node) in enumerate(roots):
        touched = {leaf} | {
            other
            for other in _walked([node], known, _is_reduced)
            if other in changing or _is_reduced(other)
        }
        joined = sorted({owner[other] for other in touched if other in owner})
        groups[number] = [leaf]
        for old in joined:
            groups[number] += groups.pop(old)
        owner = {other: number if own in joined else own for other, own in owner.items()}
        owner.update(dict.fromkeys(touched, number))
    return [list(_in_order(set(group))) for group in groups.values()]
