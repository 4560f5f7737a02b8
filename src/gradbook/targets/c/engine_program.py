"""One program of an engine, such as its training step: its functions, and the one that calls them.

Between two phases one thread computes the values of the step as a whole: sums over the tiles and
what follows from them. The threads share out the updates at the end.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod

from gradbook.errors import TargetError
from gradbook.graph.node import Node, ancestors
from gradbook.targets.c.c_ops import WEIGHT_GRADIENTS, WORDS, word
from gradbook.targets.c.convolutions import places
from gradbook.targets.c.loops import kernel
from gradbook.targets.c.machine import Machine
from gradbook.targets.c.pass_functions import pass_text
from gradbook.targets.c.pass_plan import Results, plan
from gradbook.targets.c.placing import Pass
from gradbook.targets.c.rewrite import labels, simplify, sum_input
from gradbook.targets.c.scope import (
    TRAIN,
    DropoutMask,
    Members,
    Names,
    Piece,
    Scope,
    block,
    indent,
    literal,
    loop,
    names_of,
    sizes,
    task,
    titles,
)

# Values of the step as a whole ----------------------------------------------------


@dataclass
class Elements:
    """The formulas of one loop over k."""

    scope: Scope
    lines: list[str] = field(default_factory=list)
    expressions: dict[tuple[Node, str], str] = field(default_factory=dict)

    def value(self, node: Node, index: str = "k", make: bool = False) -> str:
        """The C expression of an element; `make` computes it even if it has an array."""
        if node.is_constant():
            return literal(node.number)
        if not node.shape:
            index = "0"
        if (node, index) not in self.expressions:
            self.expressions[node, index] = self._value(node, index, make)
        return self.expressions[node, index]

    def _value(self, node: Node, index: str, make: bool) -> str:
        array = self.scope.array(node)
        if array is not None and not make:
            return f"{array}[{index}]"
        if node.op.name == "spread":
            (tail,) = node.attributes
            assert isinstance(tail, tuple)
            return self.value(node.inputs[0], f"({index}) / {prod(tail)}")
        if node.op.name in ("reshape", "repeat"):
            return self.value(node.inputs[0], index)
        if node.op.name not in WORDS:
            raise TargetError(f"C can't compute {node.op.name} for the step as a whole")
        values = [self.value(source, index) for source in node.inputs]
        name = f"t{len(self.lines)}"
        word_of_node = word(node).numbers
        self.lines.append(f"const real {name} = {word_of_node.format(*values)};")
        return name


def fill_lines(nodes: Iterable[Node], scope: Scope) -> list[str]:
    """The lines that fill the arrays of these values."""
    return [line for node in nodes for line in _fill(node, scope)]


def _fill(node: Node, scope: Scope) -> list[str]:
    target, x = f"at->e->{scope.arrays[node]}", sum_input(node)
    if x is not None and x.each:
        return _fill_merged(node, x, target, scope)
    elements = Elements(scope)
    if node.op.name == "sum":
        return _fill_sum(node, elements, target)
    value = elements.value(node, make=True)
    return loop(prod(node.shape), [*elements.lines, f"{target}[k] = {value};"])


def _fill_sum(node: Node, elements: Elements, target: str) -> list[str]:
    inner = prod(node.inputs[0].shape) // prod(node.shape)
    value = elements.value(node.inputs[0], f"k * {inner} + j")
    return block(
        [
            f"for (int k = 0; k < {prod(node.shape)}; k++) {{",
            "    double sum = 0;",
            f"    for (int j = 0; j < {inner}; j++) {{",
            *indent([*elements.lines, f"sum += {value};"], by=2),
            "    }",
            f"    {target}[k] = (real)sum;",
            "}",
        ]
    )


def _fill_merged(node: Node, x: Node, target: str, scope: Scope) -> list[str]:
    """The sum over the tiles, in their order."""
    moments = scope.plan.moments
    size, area = prod(node.shape), prod(places(x)[1:])
    if x.op.name in WEIGHT_GRADIENTS:
        return _weights(x, target, scope)
    if node in moments:
        return _around(node, target, scope)
    squares = next((squares for squares, total in moments.items() if total is node), None)
    if squares is None:
        return [f"sum_tiles(at->e->{scope.partial(node)}[0], at->e->tiles, {size}, {target});"]
    tile = f"at->e->{scope.partial(squares)}_mean[t][k] * {area} * lanes_of(at->e, t)"
    return loop(
        size,
        [
            "double sum = 0;",
            f"for (int t = 0; t < at->e->tiles; t++) sum += (double){tile};",
            f"{target}[k] = (real)sum;",
        ],
    )


def _weights(x: Node, target: str, scope: Scope) -> list[str]:
    """A gradient of weights, unpacked if its loop outputs other numbers."""
    kernel, parts = scope.kernels[x], f"at->e->{scope.partial(x)}"
    points = f"{parts}_points" if kernel.unpack else target
    sums = f"sum_tiles({parts}[0], groups_of(at->e), {kernel.gradients}, {points});"
    return [sums, *filter(None, [kernel.unpack.format(points=points, weights=target)])]


def _around(node: Node, target: str, scope: Scope) -> list[str]:
    """Σ(x − mean)², from the tiles' means and their sums around them."""
    total = scope.plan.moments[node]
    part, totals = scope.partial(node), scope.array(total)
    x = sum_input(total)
    assert x is not None
    area = prod(places(x)[1:])
    return loop(
        prod(node.shape),
        [
            f"const double mean = (double){totals}[k] / ({area} * (double)at->e->count);",
            "double sum = 0;",
            "for (int t = 0; t < at->e->tiles; t++) {",
            f"    const double off = at->e->{part}_mean[t][k] - mean;",
            f"    const double values = {area} * lanes_of(at->e, t);",
            f"    sum += at->e->{part}_around[t][k] + values * off * off;",
            "}",
            f"{target}[k] = (real)sum;",
        ],
    )


def update_lines(scope: Scope) -> list[list[str]]:
    """The lines of each update; they may run side by side."""
    results = scope.plan.results
    changing, names = results.changing, defaultdict[Node, list[str]](list)
    for name, node in results.read.items():
        names[node].append(name)
    updates = []
    for update in scope.plan.whole.updates:
        lines = fill_lines(update.arrays, scope)
        for shape in dict.fromkeys(leaf.shape for leaf in update.leaves):
            elements = Elements(scope)
            stores = []
            for leaf in update.leaves:
                if leaf.shape == shape and leaf in names:
                    stores += [(name, elements.value(leaf)) for name in names[leaf]]
                if leaf.shape == shape and leaf in changing:
                    stores.append((scope.arrays[leaf], elements.value(changing[leaf])))
            places = ((f"at->e->{name}[k]", value) for name, value in stores)
            moved = [f"{place} = {value};" for place, value in places if value != place]
            if moved:
                lines += loop(prod(shape), [*elements.lines, *moved])
        updates.append(lines)
    return updates


def closing_lines(scope: Scope) -> list[str]:
    """What one thread does after all updates: it computes single values."""
    results, elements = scope.plan.results, Elements(scope)
    values = [(name, elements.value(x)) for name, x in results.read.items() if not x.shape]
    values += [
        (scope.arrays[leaf], elements.value(node))
        for leaf, node in results.changing.items()
        if not leaf.shape
    ]
    stores = [f"at->e->{name}[0] = {value};" for name, value in values]
    return block([*fill_lines(scope.plan.whole.late, scope), *elements.lines, *stores])


# A program ------------------------------------------------------------------------


@dataclass(frozen=True)
class Computation:
    """What a program computes, in nodes of the original graph, and its inputs."""

    name: str
    outputs: Sequence[Node]  # per sample
    leaves: Mapping[str, str]  # carried values, the rate, … → their arrays
    inputs: Mapping[str, str]  # leaves per sample: 'image' or 'target'
    once: Sequence[Node] = ()  # values of the step as a whole
    masks: Mapping[str, DropoutMask] = field(default_factory=dict)
    following: Mapping[Node, Node] = field(default_factory=dict)  # the next values of carried ones
    read: Mapping[str, Node] = field(default_factory=dict)  # arrays read from outside
    titles: Mapping[Node, str] = field(default_factory=dict)  # names beside the graph's


@dataclass(frozen=True)
class Program:
    """Functions in the order they are called; those of the passes may be compiled apart."""

    name: str
    passes: Mapping[str, Piece]  # by their names
    effort: Mapping[str, float]  # about how long each takes to compile; a convolution is 1
    rest: str
    members: Members
    files: frozenset[str]  # of C that not every network needs
    slides: bool  # whether it has convolutions


def program(computation: Computation, machine: Machine, taken: tuple[Names, Names]) -> Program:
    scope = _scope(computation, machine, taken)
    passes, effort = dict[str, Piece](), dict[str, float]()
    for walk in scope.plan.passes:
        name = scope.names["pass", walk.number]
        passes[name], effort[name] = pass_text(walk, scope), 0.15
        if walk.heavy is not None and "conv" in walk.heavy.op.name:
            effort[name] = 1 if walk.beside is None else 1.5
    packings = _packings(scope)
    updates = {}
    for number, lines in enumerate(update_lines(scope)):
        if lines:
            name = scope.names["update", number]
            updates[name] = task(name, lines)
    fetch = _fetch(scope)
    rest = [
        *packings.values(),
        *updates.values(),
        fetch.text,
        *_meetings(scope),
        _step(scope, packings, updates),
    ]
    members = [_members(scope), *(text.members for text in passes.values()), fetch.members]
    files = {kernel.file for kernel in scope.kernels.values()}
    files |= {kernel.packing.file for kernel in scope.kernels.values() if kernel.packing}
    named = frozenset(filter(None, files))
    text, slides = "\n".join(rest), max(effort.values(), default=0) >= 1
    return Program(computation.name, passes, effort, text, Members.of_all(members), named, slides)


def _scope(computation: Computation, machine: Machine, taken: tuple[Names, Names]) -> Scope:
    """Plan a computation, and name everything in it."""
    new = simplify([*computation.outputs, *computation.once])
    outputs = [new[node] for node in computation.outputs]
    once = [new[node] for node in computation.once]
    leaves = {node: str(node.name) for node in new.values() if node.op.name == "leaf"}
    inputs = {n: computation.inputs[x] for n, x in leaves.items() if x in computation.inputs}
    masks = {n: computation.masks[x] for n, x in leaves.items() if x in computation.masks}
    following = {new[x]: new[node] for x, node in computation.following.items() if x in new}
    read = {name: new[node] for name, node in computation.read.items()}
    planned = plan(outputs, once, Results(following, read), masks)

    further_titles = {new[node]: name for node, name in computation.titles.items() if node in new}
    labelled, ends = {**further_titles, **labels(new)}, [*outputs, *once]
    named = titles(
        labelled, ancestors([*ends, *planned.whole.all_arrays])
    )  # also those made by the plan
    named |= titles(labelled, ancestors(ends))
    prefix = "" if computation.name == TRAIN else f"{computation.name}_"
    kernels = {
        walk.heavy: kernel(walk.heavy, machine, walk.beside)
        for walk in planned.passes
        if walk.heavy
    }
    outside = {node: name for name, node in read.items()}
    arrays = {n: computation.leaves[x] for n, x in leaves.items() if not n.each}
    names = names_of(planned, kernels, named, {**outside, **arrays}, prefix, taken)
    arrays |= {n: outside.get(n) or names["array", n] for n in planned.whole.all_arrays}
    return Scope(computation.name, planned, named, names, arrays, inputs, masks, kernels)


def _members(scope: Scope) -> Members:
    """The arrays of the step, and the places of values per sample."""
    outside, memory = set(scope.plan.results.read.values()), scope.plan.memory
    engine = [
        f"real {scope.arrays[node]}[{prod(node.shape)}];"
        for node in scope.plan.whole.all_arrays
        if node not in outside
    ]
    engine += [
        f"real {scope.partial(node)}_points[{loop.gradients}];"
        for node, loop in scope.kernels.items()
        if loop.unpack
    ]
    place: list[str] = []
    for slot in memory.slots:
        name = scope.names["value", slot.nodes[0]]
        turns = memory.turns(slot)
        content = ", then ".join(f"{scope.titles[node]} {sizes(node)}" for node in turns)
        kind, content = ("bits", sizes(turns[0])) if slot.bits else ("vec", content)
        tiles = "[TILES]" if slot.lasts else ""
        lines = engine if slot.lasts else place
        lines.append(f"{kind} {name}{tiles}[{slot.size}]; /* {content} */")
    return Members(tuple(engine), tuple(place))


# Functions outside passes ---------------------------------------------------------


def _packings(scope: Scope) -> dict[str, str]:
    """The functions that lay out weights as a loop reads them, called before each step."""
    functions = {}
    for heavy, kernel_of_heavy in scope.kernels.items():
        if kernel_of_heavy.packing:
            name = scope.names["pack", heavy]
            lines = [
                f"const real *weights = at->e->{scope.arrays[kernel_of_heavy.packing.weights]};",
                f"real *packed = at->e->{scope.names['packed', heavy]};",
                *kernel_of_heavy.packing.lines,
            ]
            functions[name] = task(name, lines)
    return functions


def _fetch(scope: Scope) -> Piece:
    """The function that puts a tile's images, targets and masks where the passes read them."""
    lines, room, largest = [], [], 0
    for leaf in scope.plan.memory.slot_of:
        where, size = scope.whole(leaf), ", ".join(map(str, places(leaf)))
        at = "at->e->job, at->first, at->lanes"
        if leaf in scope.masks:
            drop = scope.masks[leaf]
            drawn = f"{drop.layer}, {drop.below}"
            lines.append(f"draw_mask({at}, at->kept, {where}, {drawn}, {size});")
            largest = max(largest, prod(places(leaf)))
        elif scope.inputs.get(leaf) == "image":
            drawn = "NULL"  # predictions aren't warped
            if scope.program == TRAIN:
                drawn = "at->drawn"
                images, (_, rows, columns) = f"LANES * {prod(places(leaf))}", places(leaf)
                work = f"ROOM_TO_WARP({rows}, {columns}) / sizeof(float)"
                room.append(f"float drawn[{images} + {work}]; /* images drawn anew */")
            lines.append(f"fetch_images({at}, {drawn}, {where}, {size});")
        elif scope.inputs.get(leaf) == "target":
            channels, height, _ = places(leaf)
            lines.append(f"fetch_targets({at}, {where}, {channels}, {height});")
    if largest:
        room.append(f"bits kept[{largest + 3}]; /* a mask as it is drawn */")
    return Piece(task(f"fetch_{scope.program}", lines), Members(place=tuple(room)))


def _meetings(scope: Scope) -> list[str]:
    """The functions that one thread runs before each phase, before the update and after it."""
    name, phases, before = scope.program, scope.plan.phases, scope.plan.whole.before

    def lines(phase: int) -> list[str]:
        return fill_lines(before.get(phase, ()), scope)

    texts = [task(f"before_{name}_{phase}", lines(phase)) for phase in phases]
    if name != TRAIN:
        return [*texts, task(f"close_{name}", ["end_step(at->e, 0);"])]
    closing = [*closing_lines(scope), "end_step(at->e, at->e->loss[0]);"]
    return [*texts, task("before_update", lines(phases.stop)), task("close_train", closing)]


def _step(scope: Scope, packings: Iterable[str], updates: Iterable[str]) -> str:
    """What each thread does in one step."""
    name = scope.program
    deliveries = [] if name == TRAIN else _deliveries(scope, None)
    lines = [*_each_tile([f"fetch_{name}(at);", *deliveries]), *_shared_out(packings)]
    for phase in scope.plan.phases:
        calls = [
            line
            for walk in scope.plan.passes
            if walk.phase == phase
            for line in (f"{scope.names['pass', walk.number]}(at);", *_answers(scope, walk))
        ]
        lines.append(f"meet(at, before_{name}_{phase});")
        lines += _each_tile(calls)
    if name == TRAIN:
        lines += ["meet(at, before_update);", *_shared_out(updates)]
    lines.append(f"meet(at, close_{name});")
    return task(f"{name}_step", lines)


def _answers(scope: Scope, walk: Pass) -> list[str]:
    """Deliver outputs, or count right ones, at once, since other values may overwrite them."""
    if scope.program != TRAIN:
        return list(_deliveries(scope, walk))
    output = scope.plan.outputs[0]
    if walk is not scope.plan.made_in[output]:
        return []
    size, outputs = prod(output.shape), scope.whole(output)
    target = next(leaf for leaf, what in scope.inputs.items() if what == "target")
    targets = scope.whole(target)
    return [f"at->e->right[at->tile] = right_answers({outputs}, {targets}, {size}, at->lanes);"]


def _deliveries(scope: Scope, walk: Pass | None) -> Iterable[str]:
    """Deliver the outputs that a pass makes; without a pass, those that are unchanged inputs.

    The outputs of one image lie one after the other.
    """
    outputs = scope.plan.outputs
    sizes_of = [prod(output.shape) for output in outputs]
    for number, output in enumerate(outputs):
        if walk is scope.plan.made_in.get(output):
            size = ", ".join(map(str, places(output)))
            where = f"{size}, {sum(sizes_of[:number])}, {sum(sizes_of)}"
            yield f"deliver(at->e->job, at->first, at->lanes, {scope.whole(output)}, {where});"


def _each_tile(calls: Sequence[str]) -> list[str]:
    return ["EACH_OF_MY_TILES(at) {", *indent(calls), "}"]


def _shared_out(functions: Iterable[str]) -> list[str]:
    """Calls that the threads share out."""
    return [f"if (MY_TURN(at, {number})) {name}(at);" for number, name in enumerate(functions)]
