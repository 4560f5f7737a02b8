"""A graph as passes over the data: where values lie, when they are computed, what waits for what.

A step runs in phases. In a phase the threads go through the tiles of images, each tile by itself;
between two phases they meet, because something was summed over the whole batch.

Heavy ops (convolutions, pools, …) own their loops. Everything pointwise is computed where it is
read, from values that are kept; or where its input is produced, if that saves keeping more. Sums
over the batch are computed in the pass that computes or reads their terms.

Doesn't know names or text.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod

from gradbook.graph.node import Node
from gradbook.targets.c.c_ops import WEIGHT_GRADIENTS
from gradbook.targets.c.convolutions import places
from gradbook.targets.c.pass_rows import Rows, rows_of
from gradbook.targets.c.placing import FIRST, Pass, Placing, Timing, values_to_keep
from gradbook.targets.c.rewrite import sum_input

# Memory: the place of a value that is no longer read is used again ----------------


@dataclass(frozen=True)
class Lifetime:
    """How long a value is needed: from the pass that makes it to the last that reads it."""

    node: Node
    size: int
    first: int
    last: int


@dataclass
class Slot:
    """A place, and the values that lie there in turn."""

    size: int = 0
    free_after: int = -1
    nodes: list[Node] = field(default_factory=list)
    lasts: bool = True  # beyond a phase: one per tile; else one per thread
    bits: bool = False  # one bit for each lane


def slots(lifetimes: Iterable[Lifetime], lasts: bool = True) -> list[Slot]:
    """Give each value the free place that fits it best, or a new one."""
    slots_so_far: list[Slot] = []
    for life in sorted(lifetimes, key=lambda life: (life.first, life.node.index)):
        free = [slot for slot in slots_so_far if slot.free_after < life.first]
        slot = min(free, key=lambda slot: abs(slot.size - life.size), default=None)
        if slot is None or not life.size / 2 <= slot.size <= life.size * 2:
            slot = Slot(lasts=lasts)
            slots_so_far.append(slot)
        slot.size = max(slot.size, life.size)
        slot.free_after = life.last
        slot.nodes.append(life.node)
    return slots_so_far


@dataclass(frozen=True)
class Memory:
    """The slot of every value that is read again, and all slots in order.

    `over` has the values that overwrite another one while it is read.
    """

    slot_of: Mapping[Node, Slot]
    slots: Sequence[Slot]
    over: Mapping[Node, Node]

    def turns(self, slot: Slot) -> list[Node]:
        """The values that lie in a slot, one after the other."""
        return [x for node in slot.nodes for x in [node, *_written_over(node, self.over)]]


def lay_out(
    passes: Mapping[Pass, Rows],
    made_in: Mapping[Node, Pass],
    outputs: Sequence[Node],
    masks: Collection[Node],
) -> Memory:
    """Decide where each value lies; `masks` are leaves stored as bits."""
    lasts = dict.fromkeys(outputs, True)
    last_read = dict.fromkeys(outputs, len(passes))
    loads = {(node, reader) for reader, rows in passes.items() for node in rows.loads}
    for node, reader in sorted(loads, key=lambda load: (load[0].index, load[1].number)):
        maker = made_in.get(node)
        lasts[node] = lasts.get(node, False) or maker is None or maker.phase != reader.phase
        last_read[node] = max(last_read.get(node, 0), reader.number)
    bits = {node for node in lasts if node in masks or node.op.name == "winners"}
    durable = {node for node in lasts if lasts[node]} - bits - {*outputs}
    over = _overwriting(passes, [node for node in lasts if node not in bits], durable, last_read)

    def lifetime(node: Node) -> Lifetime:
        maker, values = made_in.get(node), [node, *_written_over(node, over)]
        last = max(last_read[value] for value in values)
        return Lifetime(node, prod(places(node)), maker.number if maker else -1, last)

    slots_found: list[Slot] = []
    for kind in (True, False):
        nodes = [node for node in lasts if lasts[node] is kind]
        flags = [node for node in nodes if node in bits]
        slots_found += [Slot(prod(places(n)), nodes=[n], lasts=kind, bits=True) for n in flags]
        moving = [node for node in nodes if node not in bits and node not in over]
        slots_found += slots(map(lifetime, moving), kind)
    slot_of = {node: slot for slot in slots_found for node in slot.nodes}
    return Memory({node: slot_of[over.get(node, node)] for node in lasts}, slots_found, over)


def _overwriting(
    passes: Mapping[Pass, Rows],
    stored: Collection[Node],
    free: Collection[Node],
    last_read: Mapping[Node, int],
) -> dict[Node, Node]:
    """Values that overwrite one they are computed from, if that is no longer read.

    Only the input of a gradient of weights is overwritten: its loop reads each of these rows once,
    and writes the result after it.
    """
    over: dict[Node, Node] = {}
    overwritten: set[Node] = set()
    for walk, rows in passes.items():
        if walk.heavy is None or walk.heavy.op.name not in WEIGHT_GRADIENTS:
            continue
        back, other_reader = rows.readers
        busy = {*other_reader.loads, *(rows.finisher.loads if rows.finisher else ())}
        for node in [*walk.shared, *walk.stores]:
            for source in back.loads_by_place:
                unused = source in free and source not in overwritten and source not in busy
                unused = unused and source.op.name != "leaf" and last_read[source] == walk.number
                if unused and node in stored and node not in over and _fits(node, source):
                    over[node] = over.get(source, source)
                    overwritten.add(source)
    return over


def _written_over(node: Node, over: Mapping[Node, Node]) -> list[Node]:
    return [value for value, place in over.items() if place is node]


def _fits(node: Node, place: Node) -> bool:
    """Whether no row of a value reaches beyond the same row of the other."""
    channels, height, width = places(node)
    other_channels, other_height, other_width = places(place)
    row, other_row = channels * width, other_channels * other_width
    return row <= other_row and row * height <= other_row * other_height


# Values of the step as a whole ----------------------------------------------------


@dataclass(frozen=True)
class UpdateGroup:
    """Carried values that change together, and the arrays that only they read."""

    leaves: tuple[Node, ...]
    arrays: tuple[Node, ...]


@dataclass(frozen=True)
class Whole:
    arrays: tuple[Node, ...]  # of passes, and what those need, in the order of use
    before: Mapping[int, Sequence[Node]]  # phase → arrays filled before it
    updates: tuple[UpdateGroup, ...]
    late: tuple[Node, ...]  # arrays filled when all updates are done

    @property
    def all_arrays(self) -> list[Node]:
        return [*self.arrays, *(x for update in self.updates for x in update.arrays), *self.late]


@dataclass(frozen=True)
class Results:
    """The next values of carried ones, and the step's values that are read from outside."""

    following: Mapping[Node, Node]
    read: Mapping[str, Node]  # by their arrays' names

    @property
    def changing(self) -> dict[Node, Node]:
        return {leaf: node for leaf, node in self.following.items() if leaf is not node}


def whole(passes: Iterable[Rows], timing: Timing, results: Results) -> Whole:
    rows = [row for rows in passes for row in rows.rows]
    arrays_asked = (x for row in rows for x in row.arrays if x.op.name != "leaf")
    arrays = _with_sources(dict.fromkeys(arrays_asked), timing, ())
    before: dict[int, list[Node]] = {}
    for node in arrays:
        before.setdefault(timing.ready_at(node), []).append(node)
    filled = set(arrays)
    updates = []
    for group in _groups(results, filled):
        wide = list[Node]()  # what updates compute for carried values, or for those read outside
        for leaf in group:
            if leaf.shape:
                wide += [leaf] if leaf in results.read.values() else []
                wide += [results.changing[leaf]] if leaf in results.changing else []
        late = _with_sources(_missing(wide, filled), timing, filled)
        filled.update(late)
        updates.append(UpdateGroup(tuple(group), _in_order(late)))
    single = [x for x in results.read.values() if not x.shape]
    single += [x for leaf, x in results.changing.items() if not leaf.shape]
    late = _with_sources(_missing(single, filled), timing, filled)
    ordered = {phase: _in_order(nodes) for phase, nodes in before.items()}
    return Whole(tuple(arrays), ordered, tuple(updates), _in_order(late))


def _in_order(nodes: Iterable[Node]) -> tuple[Node, ...]:
    return tuple(sorted(nodes, key=lambda node: node.index))


def _with_sources(
    wanted_arrays: Iterable[Node], timing: Timing, known: Collection[Node]
) -> list[Node]:
    """These arrays and whatever arrays they are filled from."""
    arrays = dict.fromkeys(wanted_arrays)
    waiting = list(arrays)
    while waiting:
        new = dict.fromkeys(
            source
            for node in waiting
            for source in _sources(node, timing)
            if source not in known and source not in arrays
        )
        arrays.update(new)
        waiting = list(new)
    return list(arrays)


def _sources(node: Node, timing: Timing) -> list[Node]:
    """The arrays that a value's array is filled from."""
    x = sum_input(node)
    if node in timing.moments:
        return [timing.sum_beside(node)]
    if x is not None and x.each:
        return []  # from the sums of each tile
    return _missing(node.inputs, ())


def _missing(values: Iterable[Node], known: Collection[Node]) -> list[Node]:
    """The sums that these formulas read and that have no array yet."""
    return [node for node in _walked(values, known, _is_sum) if _is_sum(node)]


def _is_reduced(node: Node) -> bool:
    return sum_input(node) is not None


def _is_sum(node: Node) -> bool:
    return _is_reduced(node) or node.op.name == "sum"


def _walked(
    values: Iterable[Node], known: Collection[Node], is_end: Callable[[Node], bool]
) -> list[Node]:
    """The unknown values that these formulas read, each before its inputs, down to the ends."""
    visited: dict[Node, None] = {}
    waiting = list(values)[::-1]
    while waiting:
        node = waiting.pop()
        if node not in visited and node not in known:
            visited[node] = None
            if not is_end(node):
                waiting.extend(reversed(node.inputs))
    return list(visited)


def _groups(results: Results, known: Collection[Node]) -> list[list[Node]]:
    """Group carried values that read each other, or the same late sums: they change together."""
    changing = {leaf: node for leaf, node in results.changing.items() if leaf.shape}
    owner: dict[Node, int] = {}
    groups: dict[int, list[Node]] = {}
    roots = [*changing.items(), *((x, x) for x in results.read.values() if x.shape)]
    for number, (leaf, node) in enumerate(roots):
        touched = {leaf} | {
            x for x in _walked([node], known, _is_reduced) if x in changing or _is_reduced(x)
        }
        joined = sorted({owner[x] for x in touched if x in owner})
        groups[number] = [leaf]
        for old in joined:
            groups[number] += groups.pop(old)
        owner = {x: number if group in joined else group for x, group in owner.items()}
        owner.update(dict.fromkeys(touched, number))
    return [list(_in_order(set(group))) for group in groups.values()]


# The plan -------------------------------------------------------------------------


@dataclass(frozen=True)
class Plan:
    outputs: Sequence[Node]  # per sample, wanted after the step
    rows: Mapping[Pass, Rows]  # pass by pass, in order
    made_in: Mapping[Node, Pass]  # of values that are kept
    memory: Memory
    whole: Whole
    results: Results
    moments: Mapping[Node, Node]  # Σ(x − mean)² → Σ x, both computed in one pass

    @property
    def passes(self) -> list[Pass]:
        return list(self.rows)

    @property
    def phases(self) -> range:
        return range(FIRST, max([FIRST, *(walk.phase for walk in self.passes)]) + 1)


def plan(
    outputs: Sequence[Node],
    once: Iterable[Node],
    results: Results | None = None,
    masks: Collection[Node] = (),
) -> Plan:
    """Plan the passes for these values of samples and of the step; `masks` are stored as bits."""
    timing = Timing([*outputs, *once])
    placing = Placing(timing, values_to_keep(outputs, timing))
    rows = rows_of(placing, outputs)
    results = results or Results({}, {})
    return Plan(
        outputs,
        rows,
        placing.made_in,
        lay_out(rows, placing.made_in, outputs, masks),
        whole(rows.values(), timing, results),
        results,
        {squares: timing.sum_beside(squares) for squares in timing.moments},
    )
