"""One program of an engine, such as its training step: everything it does, said in C."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from math import prod

from gradbook.graph.node import Node, needed
from gradbook.targets.c.emit.arrays import Arrays
from gradbook.targets.c.emit.names import Dropped, Fields, Masks, Names, Scope, Titles
from gradbook.targets.c.emit.passes import HookWriter, PassWriter
from gradbook.targets.c.emit.storage import Storage
from gradbook.targets.c.emit.syntax import indented, task
from gradbook.targets.c.emit.whole import Between, Ending
from gradbook.targets.c.kernels.loops import kernel
from gradbook.targets.c.kernels.machine import Machine
from gradbook.targets.c.kernels.slides import places
from gradbook.targets.c.plan.placing import Pass
from gradbook.targets.c.plan.plan import Plan, plan
from gradbook.targets.c.plan.timing import FIRST
from gradbook.targets.c.rewrite.simplify import labels, simplified


@dataclass(frozen=True)
class Asked:
    """What a program computes, in nodes of the graph as it was built, and what it is given."""

    name: str
    outputs: Sequence[Node]  # per sample
    once: Sequence[Node]  # of the step as a whole
    leaves: Mapping[str, str]  # carried values, the rate, … → their arrays
    inputs: Mapping[str, str]  # leaves per sample: 'image' or 'target'
    masks: Mapping[str, Dropped]
    following: Mapping[Node, Node] = field(default_factory=dict)  # what carried values become
    read: Mapping[str, Node] = field(default_factory=dict)  # arrays read from outside
    called: Mapping[Node, str] = field(default_factory=dict)  # names beside the graph's


@dataclass(frozen=True)
class Program:
    """Text of every function, in the order it is called."""

    name: str
    plan: Plan
    output: Node
    inputs: Mapping[Node, str]
    masks: Masks
    storage: Storage
    passes: Mapping[Pass, tuple[str, str]]  # function, text
    packings: Mapping[str, str]  # function → text
    meetings: Mapping[int, list[str]]  # phase → what one thread computes before it
    updates: Mapping[str, str]  # function → text
    closing: Sequence[str]


def program(asked: Asked, machine: Machine, fields: Fields, functions: Names) -> Program:
    new = simplified([*asked.outputs, *asked.once])
    leaves = [node for node in new.values() if node.op.name == "leaf"]
    outputs = [new[node] for node in asked.outputs]
    once = [new[node] for node in asked.once]
    made = plan(outputs, once)
    inputs = {n: asked.inputs[str(n.name)] for n in leaves if str(n.name) in asked.inputs}
    masks = {n: asked.masks[str(n.name)] for n in leaves if n.each and str(n.name) in asked.masks}
    states = {n: asked.leaves[str(n.name)] for n in leaves if not n.each}
    read = {name: new[node] for name, node in asked.read.items()}
    also = {new[node]: name for node, name in asked.called.items() if node in new}
    titles = Titles({**also, **labels(new)}, needed([*outputs, *once]))

    scope = Scope(asked.name, titles, fields, functions)
    kernels = cache(lambda node: kernel(node, machine, made.beside.get(node)))
    arrays = Arrays(scope, made, states, {node: name for name, node in read.items()})
    storage = Storage(scope, made, masks)
    hooks = HookWriter(scope, made, arrays, storage, masks, kernels)
    for each in made.passes:  # says what is loaded; written again below, with its place
        hooks.hooks(each)
    storage.settle()
    between = Between(scope, made, arrays, kernels)
    meetings = arrays.between(between.computed)
    writer = PassWriter(scope, made, arrays, hooks, kernels)
    passes = {each: (writer.name(each), writer.text(each)) for each in made.passes}
    following = {new[leaf]: new[node] for leaf, node in asked.following.items() if leaf in new}
    updates, closing = Ending(scope, arrays, between, following, read).texts()
    return Program(
        asked.name,
        made,
        outputs[0],
        inputs,
        masks,
        storage,
        passes,
        writer.packings,
        meetings,
        updates,
        closing,
    )


TRAIN = "train"


def pass_weight(made: Pass) -> float:
    """About how long a compiler takes for it."""
    if made.beside is not None:
        return 1.7
    return 1 if made.heavy is not None and len(made.heavy.inputs) > 1 else 0.2


def program_text(program: Program, fields: Fields) -> str:
    """All but the passes."""
    return "\n".join(
        [
            *program.packings.values(),
            *program.updates.values(),
            _fetch(program, fields),
            *_meetings(program),
            _step(program),
        ]
    )


def _fetch(program: Program, fields: Fields) -> str:
    """The tile's images, targets and masks, each where the passes read it."""
    lines = []
    for leaf in program.storage.longer:
        where, sizes = program.storage.whole(leaf), ", ".join(map(str, places(leaf)))
        at = "at->e->job, at->first, at->lanes"
        if leaf in program.masks:
            drop = program.masks[leaf]
            lines.append(
                f"draw_mask({at}, at->kept, {where}, {drop.layer}, {drop.below}, {sizes});"
            )
        elif program.inputs.get(leaf) == "image":
            drawn = _room_for_images(program, fields, prod(places(leaf)))
            lines.append(f"fetch_images({at}, {drawn}, {where}, {sizes});")
        elif program.inputs.get(leaf) == "target":
            lines.append(f"fetch_targets({at}, {where}, {places(leaf)[0]});")
    masks = [prod(places(leaf)) for leaf in program.storage.longer if leaf in program.masks]
    if masks:
        fields.place.append(f"bits kept[{max(masks) + 3}]; /* a mask as it is drawn */")
    return task(f"fetch_{program.name}", lines)


def _room_for_images(program: Program, fields: Fields, size: int) -> str:
    """Where a tile's images are drawn anew; nobody draws anew what is to be predicted."""
    if program.name != TRAIN:
        return "NULL"
    fields.place.append(f"float drawn[LANES * {size}]; /* images drawn anew */")
    return "at->drawn"


def _phases(program: Program) -> range:
    return range(FIRST, program.plan.phases)


def _meetings(program: Program) -> list[str]:
    """What one thread computes before each phase, before the update and after it."""
    name = program.name
    texts = [
        task(f"before_{name}_{phase}", program.meetings.get(phase, []))
        for phase in _phases(program)
    ]
    if name == TRAIN:
        last = program.meetings.get(program.plan.phases, [])
        loss = "end_step(at->e, at->e->loss[0]);"
        return [*texts, task("before_update", last), task("close_train", [*program.closing, loss])]
    return [*texts, task(f"close_{name}", ["end_step(at->e, 0);"])]


def _step(program: Program) -> str:
    name = program.name
    lines = [*_each_tile([f"fetch_{name}(at);"]), *_shared_out(program.packings)]
    for phase in _phases(program):
        calls = [
            line
            for made, (function, _) in program.passes.items()
            if made.phase == phase
            for line in (f"{function}(at);", *_answers(program, made))
        ]
        lines.append(f"meet(at, before_{name}_{phase});")
        lines += _each_tile(calls)
    if name == TRAIN:
        lines += ["meet(at, before_update);", *_shared_out(program.updates)]
    lines.append(f"meet(at, close_{name});")
    return task(f"{name}_step", lines)


def _answers(program: Program, made: Pass) -> list[str]:
    """Outputs are delivered, or right ones counted, at once: other values may take their place."""
    if made is not program.plan.made_in[program.output]:
        return []
    size = prod(program.output.shape)
    said = program.storage.whole(program.output)
    if program.name != TRAIN:
        return [f"deliver(at->e->job, at->first, at->lanes, {said}, {size});"]
    target = next(leaf for leaf, what in program.inputs.items() if what == "target")
    wanted = program.storage.whole(target)
    return [f"at->e->right[at->tile] = right_answers({said}, {wanted}, {size}, at->lanes);"]


def _each_tile(calls: Sequence[str]) -> list[str]:
    return ["EACH_OF_MY_TILES(at) {", *indented(calls), "}"]


def _shared_out(functions: Iterable[str]) -> list[str]:
    """Calls that the threads share out."""
    return [f"if (MY_TURN(at, {number})) {name}(at);" for number, name in enumerate(functions)]
