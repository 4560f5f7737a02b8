"""An engine beside the float64 reference: the same weights, batch and masks, and how far apart.

In float32 a ReLU or a maximum may fall on the other side of its corner than in float64. No wider
bound hides that: `corners` finds every value so close to one that rounding may decide, and
`settled` lets those fall the other way in the reference that did so in the engine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gradbook.engine.base import Engine
from gradbook.graph.node import Node
from gradbook.graph.reference import Values
from gradbook.graph.tensors import view_windows
from gradbook.net import Net
from gradbook.net.step import Step, drawn, follow

QUICK = ("-O1",)  # to compile: what is right doesn't hang on it
CLOSE = {"float64": 1e-12, "float32": 1e-5}  # relative, of whole tensors
UNIT = {"float64": 2.0**-53, "float32": 2.0**-24}  # the most that one rounding moves a value by
SUMS = ("total", "sum", "sum_channels", "reshape", "avgpool")
PRODUCTS = ("multiply", "conv_weights", "outer")  # two factors, each a value as it is held
ROUNDING = 4e-6  # of a tensor's largest value: how near a corner float32 may lie on either side
TINY = 1e-12  # of the largest gradient: that one is nothing but rounding
SMALL = 1e-3  # tensors smaller than this are compared as if they were of this size
STEP = 1e-11  # how far a step in float64 may be from the reference
LEAST_SPREAD = 1e-3  # variance in units of the squared mean
Array = np.ndarray


@dataclass(frozen=True)
class Batch:
    """Inputs and targets that float32 can hold, and what dropout's masks are drawn by."""

    inputs: Array
    targets: Array
    seed: int = 5
    epoch: int = 2

    def leaves(self, step: Step) -> dict[Node, Array]:
        numbers = np.arange(len(self.inputs))
        return {
            step.inputs[0]: self.inputs,
            step.targets[0]: self.targets.reshape(-1, *step.targets[0].shape),
            **drawn(step.masks, self.seed, self.epoch, numbers),
        }


def a_batch(net: Net, size: int, seed: int = 0) -> Batch:
    """Random inputs, and targets that any loss can read: sixteenths that add up to 1."""
    random = np.random.default_rng(seed)
    inputs = random.normal(size=(size, *net.input)).astype(np.float32).astype(np.float64)
    shares = random.dirichlet(np.ones(net.outputs), size)
    return Batch(inputs, random.multinomial(16, shares) / 16)


def shaken(engine: Engine, seed: int = 1) -> None:
    """Weights away from 0 and 1, so that every term counts; the same for every precision."""
    random = np.random.default_rng(seed)
    for name, values in engine.weights().items():
        change = random.uniform(-0.1, 0.1, values.shape).astype(np.float32)
        engine.arrays[name][...] = values.astype(np.float32) + change


def held(engine: Engine) -> dict[Node, Array]:
    """What the engine carries, for the reference to start from."""
    return {leaf: engine.arrays[str(leaf.name)].astype(float) for leaf in engine.step_graph.start}


def run(engine: Engine, batch: Batch) -> float:
    return engine.step(batch.inputs, batch.targets, seed=batch.seed, epoch=batch.epoch)


def reference(step: Step, given: Mapping[Node, Array]) -> Values:
    (values,) = follow(step, [given], start={leaf: given[leaf] for leaf in step.start})
    return values


def distance(found: Array, expected: Array) -> float:
    """Relative, of whole tensors."""
    norm = np.linalg.norm(np.ravel(expected))
    return float(np.linalg.norm(np.ravel(found) - np.ravel(expected)) / (norm or 1))


def disagreement(engine: Engine, batch: Batch) -> dict[str, float]:
    """How far one step in float64 is from the reference's, by name, of whole tensors.

    A gradient that all but cancels, and the next value of what it is of, can't be closer than the
    rounding of its terms: one unit of Σ|terms| for each addition, of which there are three over the
    batch: the gradient's own, and two of the statistics behind it.
    """
    step = engine.step_graph
    values = reference(step, {**held(engine), **batch.leaves(step)})
    wanted, least = {"loss": values[step.loss]}, dict[str, float]()
    wanted |= {str(leaf.name): values[node] for leaf, node in step.next.items()}
    for leaf, slope in step.gradients.items():
        wanted[str(slope.name)] = values[slope]
        terms = float(np.linalg.norm(np.ravel(sizes_summed(slope, values))))
        rounding = 3 * len(batch.inputs) * UNIT["float64"] * terms / STEP
        least |= {str(slope.name): rounding, str(leaf.name): rounding}
    found = {"loss": np.asarray(run(engine, batch)), **engine.arrays}
    return {
        name: float(np.linalg.norm(np.ravel(found[name]) - np.ravel(value)))
        / max(float(np.linalg.norm(np.ravel(value))), SMALL, least.get(name, 0.0))
        for name, value in wanted.items()
    }


def varies(engine: Engine, batch: Batch) -> bool:
    """Whether what batch normalisations see varies enough that dividing by its deviation doesn't
    make its rounding large. Running statistics are nine parts of 0 and 1 to one of the batch's."""
    step = engine.step_graph
    values = reference(step, {**held(engine), **batch.leaves(step)})
    following = {str(leaf.name): np.ravel(values[node]) for leaf, node in step.next.items()}
    names = [name.removeprefix("r_μ") for name in following if name.startswith("r_μ")]
    return all(
        (10 * following[f"r_σ²{n}"] - 9 >= LEAST_SPREAD * (10 * following[f"r_μ{n}"]) ** 2).all()
        for n in names
    )


@dataclass(frozen=True)
class Gap:
    """How far a gradient is from the reference's, and how much it loses by cancelling."""

    distance: float  # relative, of the whole tensor
    condition: float  # the size of Σ|terms|, where the gradient is Σ terms, in units of its own

    def bound(self, precision: str) -> float:
        """A gradient is a sum of products. Whoever holds values in this precision has rounded
        both factors and their product, so each term may be off by three units of itself; where
        the terms all but cancel, that is many units of their sum.
        """
        return max(CLOSE[precision], 3 * UNIT[precision] * self.condition)


def apart(step: Step, found: Mapping[str, Array], values: Values) -> dict[str, Gap]:
    """The gap of every gradient. A bias that batch normalisation takes off again has none
    but rounding: it is measured by the largest of the gradients.
    """
    gaps = {}
    largest = max(np.linalg.norm(np.ravel(values[slope])) for slope in step.gradients.values())
    for weight, slope in step.gradients.items():
        name, expected = str(weight.name), values[slope]
        size = float(np.linalg.norm(np.ravel(expected)))
        if size < TINY * largest:
            gaps[name] = Gap(float(np.linalg.norm(np.ravel(found[name])) / largest), 1)
        else:
            terms = float(np.linalg.norm(np.ravel(sizes_summed(slope, values))))
            gaps[name] = Gap(distance(found[name], expected), terms / size)
    return gaps


def sizes_summed(node: Node, values: Values) -> Array:
    """Σ|terms| of a value that is Σ terms."""
    if node.op.name in SUMS:
        return node.op.value(sizes_summed(node.inputs[0], values), *node.attributes)
    if node.op.name in PRODUCTS:
        return node.op.value(*(_held(x, values) for x in node.inputs), *node.attributes)
    return np.abs(values[node])


def _held(node: Node, values: Values) -> Array:
    """How large a factor is held; what a value is rounded by is the difference of two that are
    much larger, as a share of its range."""
    if node.op.name == "choose":
        condition, value, other = node.inputs
        return np.where(values[condition] > 0, _held(value, values), _held(other, values))
    if node.op.name == "divide" and node.inputs[0].op.name == "subtract":
        rounded, value = node.inputs[0].inputs
        if rounded.op.name == "stepped":
            sizes = np.abs(values[rounded]) + np.abs(values[value])
            with np.errstate(divide="ignore", invalid="ignore"):  # by a range of 0: not chosen
                return sizes / np.abs(values[node.inputs[1]])
    return np.abs(values[node])


# Corners ---------------------------------------------------------------------


@dataclass(frozen=True)
class Corner:
    """One value of `node` that decides: a tiny step further and the other branch is taken."""

    node: Node
    place: tuple[int, ...]
    beyond: float


def corners(step: Step, values: Values) -> Iterator[Corner]:
    for node in step.graph.nodes:
        if node in values and node.op.name in ("relu", "leaky_relu", "prelu"):
            yield from _near_zero(node.inputs[0], values)
        elif node in values and node.op.name == "stepped":
            yield from _near_steps(node, values)
        elif node in values and node.op.name == "maxpool":
            yield from _near_ties(node, values)


def _near_zero(node: Node, values: Values) -> Iterator[Corner]:
    """An exact 0 is none: what dropout took away is 0 for everybody."""
    x = values[node]
    near = np.argwhere((x != 0) & (np.abs(x) <= ROUNDING * np.abs(x).max(initial=0)))
    for place in map(tuple, near):
        yield Corner(node, place, -float(x[place]))


def _near_steps(node: Node, values: Values) -> Iterator[Corner]:
    """Values that are nearly halfway between two steps, or nearly at the last of them."""
    source, limit = node.inputs
    lowest, highest = map(float, node.attributes)
    x, step = values[source], np.asarray(values[limit]).ravel()[0] / highest
    ratio = x / step
    borders = np.clip(np.floor(ratio) + 0.5, lowest + 0.5, highest - 0.5)
    borders = np.where(ratio < lowest + 0.25, lowest, borders)
    borders = np.where(ratio > highest - 0.25, highest, borders)
    off = borders * step - x
    near = (x != 0) & (np.abs(off) <= ROUNDING * np.abs(x).max(initial=0))
    for place in map(tuple, np.argwhere(near)):
        yield Corner(source, place, 2 * float(off[place]))


def _near_ties(node: Node, values: Values) -> Iterator[Corner]:
    """The runners-up of each window that might as well have won. A 0 would win nothing: the ReLU
    that made it lets no gradient through, as if its own corner were taken.
    """
    (source,), (window,) = node.inputs, node.attributes
    x = values[source]
    windows = view_windows(x, window, -np.inf)
    flat = windows.reshape(*windows.shape[:-2], -1)
    most = flat.max(-1, keepdims=True)
    margin = ROUNDING * np.abs(x).max()
    for *outer, h, w, k in np.argwhere((flat < most) & (flat >= most - margin) & (flat != 0)):
        place = (*outer, *window.reads((h, w), divmod(k, window.size[1])))
        yield Corner(source, place, float(np.nextafter(most[(*outer, h, w, 0)], np.inf)))


@dataclass(frozen=True)
class Settled:
    """How far the engine is from the reference, once `flips` fell as they did in the engine."""

    gaps: dict[str, Gap]
    precision: str
    near: int = 0
    flips: tuple[Corner, ...] = ()

    @property
    def beyond(self) -> dict[str, Gap]:
        """The gradients that are further apart than they may be."""
        return {
            name: gap for name, gap in self.gaps.items() if gap.distance > gap.bound(self.precision)
        }


def settled(
    step: Step,
    found: Mapping[str, Array],
    values: Values,
    given: Mapping[Node, Array],
    precision: str,
) -> Settled:
    """`values` are what the reference makes of what was `given`. Where gradients are apart from
    them, the flips are the corners whose effects add up to the difference: least squares gives
    each a share, and it is 1 for a flip and 0 for any other.
    """
    plain = Settled(apart(step, found, values), precision)
    if not plain.beyond:
        return plain

    def flipped(flips: Sequence[Corner]) -> Values:
        return reference(step, {**given, **_flipped(values, flips)})

    near = list(corners(step, values))
    effects = [_difference(step, slopes(step, flipped([corner])), values) for corner in near]
    alike = _alike(effects, CLOSE[precision] / 10)
    if not alike:
        return Settled(plain.gaps, precision, len(near))
    difference = _difference(step, found, values)
    matrix = np.stack([effects[group[0]] for group in alike], axis=1)
    shares = np.linalg.lstsq(matrix, difference, rcond=None)[0]
    left = difference - sum(effects[g[0]] for g, s in zip(alike, shares, strict=True) if s > 0.5)
    flips = tuple(
        near[min(group, key=lambda k: np.linalg.norm(left + effects[group[0]] - effects[k]))]
        for group, share in zip(alike, shares, strict=True)
        if share > 0.5
    )
    return Settled(apart(step, found, flipped(flips)), precision, len(near), flips)


def _alike(effects: Sequence[Array], least: float) -> list[list[int]]:
    """All that can be seen, those together that no sum could tell apart: where a ReLU lets nothing
    through any more, another place of its window is the largest.
    """
    groups: list[list[int]] = []
    for k, effect in enumerate(effects):
        size = np.linalg.norm(effect)
        if size > least:
            for group in groups:
                if np.linalg.norm(effect - effects[group[0]]) < size / 20:
                    group.append(k)
                    break
            else:
                groups.append([k])
    return groups


def slopes(step: Step, values: Values) -> dict[str, Array]:
    return {str(weight.name): values[slope] for weight, slope in step.gradients.items()}


def _difference(step: Step, found: Mapping[str, Array], values: Values) -> Array:
    """Every gradient's, in units of its size, in one row."""
    parts = []
    for name, expected in slopes(step, values).items():
        size = np.linalg.norm(np.ravel(expected))
        parts.append(np.ravel(found[name] - expected) / (size if size > TINY else 1))
    return np.concatenate(parts)


def _flipped(values: Values, flips: Sequence[Corner]) -> dict[Node, Array]:
    """What the nodes before the corners are then worth."""
    changed: dict[Node, Array] = {}
    for corner in flips:
        array = changed.setdefault(corner.node, np.array(values[corner.node]))
        array[corner.place] = corner.beyond
    return changed
