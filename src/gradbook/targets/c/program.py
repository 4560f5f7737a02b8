"""One program of an engine, such as its training step: everything it does, said in C."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from gradbook.graph.node import Node, needed
from gradbook.targets.c.arrays import Arrays
from gradbook.targets.c.between import Between
from gradbook.targets.c.ending import Ending
from gradbook.targets.c.fields import Dropped, Fields, Masks, Scope
from gradbook.targets.c.hooks import HookWriter
from gradbook.targets.c.kernels import kernel
from gradbook.targets.c.machine import Machine
from gradbook.targets.c.names import Names, Titles
from gradbook.targets.c.passes import PassWriter
from gradbook.targets.c.placing import Pass
from gradbook.targets.c.plan import Plan, plan
from gradbook.targets.c.simplify import labels, simplified
from gradbook.targets.c.storage import Storage


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
