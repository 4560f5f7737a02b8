"""Every value and every gradient of a network in numbers, under the names that people use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import prod

import numpy as np
from numpy.typing import ArrayLike

from gradbook.amounts import counted
from gradbook.errors import ShapeError, UsageError, did_you_mean
from gradbook.graph.node import Array, Node, ancestors
from gradbook.graph.reference import Values, evaluate
from gradbook.graph.window import Shape
from gradbook.layers import Role, spell
from gradbook.net.build import training_step
from gradbook.net.description import Sample
from gradbook.net.network import Net
from gradbook.net.step import Step
from gradbook.net.trained import leaves_of_tensors

NOT_OF_A_SHAPE = (
    "{what}: {given}, but each sample has {shape}: give {shape} for one sample, or a list of such "
    "samples"
)


def forward_values(
    net: Net, inputs: ArrayLike | None = None, targets: ArrayLike | None = None
) -> dict[str, Array]:
    """The result of `Net.forward`."""
    step = training_step(_with_samples(net, inputs, targets))
    unknown = set(step.targets) if inputs is not None and targets is None else set()
    known: list[Node] = []
    for node in ancestors([*step.inputs, *step.targets, *step.outputs, step.loss]):
        if node in unknown or not unknown.isdisjoint(node.inputs):
            unknown.add(node)
        elif node.name and node not in step.start:
            known.append(node)
    values = evaluate(known, _leaf_values(step))
    shape = np.shape(inputs) if inputs is not None else ()
    is_row = shape[:1] == (1,) and shape[1:] in (net.input, (prod(net.input),))  # of one sample
    by_name: dict[str, Array] = {}
    for node in known:
        value = np.asarray(values[node])
        value = value[None] if is_row and node is not step.loss else value
        for place, name in node.name.elements(node.shape).items() if node.name else ():
            by_name[str(name)] = np.asarray(value[(..., *place)])  # type: ignore[arg-type]
    return by_name


MOST_SINGLE = 1000  # weights: of more, the gradients are listed by layer


class GradientsByName(dict[str, Array]):
    """Gradients by the names of single weights, or by layer if there are many; either way, each
    is found by both names, w5 and dense1.weight."""

    def __init__(self, listed: dict[str, Array], others: Callable[[], dict[str, Array]]) -> None:
        super().__init__(listed)
        self._others = others

    def __missing__(self, name: str) -> Array:
        others = self._others()
        if name not in others:
            hint = did_you_mean(name, [*self, *others])
            raise UsageError(f"no weights '{name}'{hint or ': a name is w5 or dense1.weight'}")
        return others[name]


def gradients_by_name(
    net: Net, inputs: ArrayLike | None = None, targets: ArrayLike | None = None
) -> dict[str, Array]:
    """The result of `Net.gradients`."""
    if inputs is not None and targets is None:
        raise UsageError("a gradient needs an error: give the targets too")
    step = training_step(_with_samples(net, inputs, targets))
    values = evaluate(list(step.gradients.values()), _leaf_values(step))
    of_leaf = {str(leaf.name): np.asarray(values[slope]) for leaf, slope in step.gradients.items()}
    trained = [p for role in Role for p in net.parameters if p.role is role and not p.fixed]

    def single() -> dict[str, Array]:
        return {
            name: of_leaf[str(parameter.leaf)].reshape(-1)[place, ...]
            for parameter in trained
            for place, name in enumerate(parameter.names)
        }

    def by_layer() -> dict[str, Array]:
        names = leaves_of_tensors(net)
        return {name: of_leaf[leaf] for name, leaf in names.items() if leaf in of_leaf}

    is_small = net.count() <= MOST_SINGLE
    listed, others = (single, by_layer) if is_small else (by_layer, single)
    return GradientsByName(listed(), others)


def _leaf_values(step: Step) -> Values:
    """The start values of the step's leaves."""
    return {**step.start, **step.data, step.rate: np.asarray(step.net.learning_rate)}


def _with_samples(net: Net, inputs: ArrayLike | None, targets: ArrayLike | None) -> Net:
    """The network with these samples instead of its own, and without dropout; targets that aren't
    given are random."""
    net = replace(net, layers=tuple(layer.without_chance for layer in net.layers))
    if inputs is None:
        if targets is not None:
            raise UsageError("these targets have no inputs: give them too")
        return net
    rows = _rows("inputs", inputs, net.input)
    if targets is None:
        made_up = replace(net, samples=(), table="").examples()[0].targets
        wanted = np.broadcast_to(made_up, (len(rows), net.outputs))
    else:
        wanted = _rows("targets", _classes_apart(net, targets, len(rows)), net.wanted)
    if len(rows) != len(wanted):
        raise ShapeError(f"{counted(len(rows), 'row')} of inputs, but {len(wanted)} of targets")
    pairs = zip(rows.tolist(), wanted.tolist(), strict=True)
    return net.with_samples(Sample(*pair) for pair in pairs)


def _classes_apart(net: Net, targets: ArrayLike, count: int) -> ArrayLike:
    """A 1 for each class that is given by its number, among 0s; other targets as they are."""
    classes = np.asarray(targets)
    is_number = classes.dtype.kind in "iu" and classes.shape in ((count,), ())
    if not is_number or len(net.wanted) > 1 or net.outputs == 1 or not net.objective.of_all:
        return targets
    if count == 1 and classes.ndim and classes.size == net.outputs:
        return targets
    if classes.min() < 0 or classes.max() >= net.outputs:
        raise ShapeError(f"classes are numbered from 0 to {net.outputs - 1}")
    return np.asarray(np.eye(net.outputs)[classes.reshape(-1)])


def _rows(what: str, values: ArrayLike, shape: Shape) -> Array:
    """One row per sample, with its numbers as a flat list."""
    try:
        numbers = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise UsageError(f"{what} must be rows of numbers, all of the same length") from None
    if not numbers.ndim and prod(shape) == 1:
        return numbers.reshape(1, 1)
    if numbers.size and numbers.shape in (shape, (prod(shape),)):
        return numbers.reshape(1, -1)
    if numbers.size and numbers.shape[1:] in (shape, (prod(shape),)):
        return numbers.reshape(len(numbers), -1)
    raise ShapeError(
        NOT_OF_A_SHAPE.format(what=what, given=_amount(numbers.shape), shape=_amount(shape))
    )


def _amount(shape: Shape) -> str:
    """1 number, 3 numbers, 2x3 numbers."""
    return f"{spell(shape)} numbers" if len(shape) > 1 else counted(prod(shape), "number")
