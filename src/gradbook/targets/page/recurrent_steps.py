"""What recurrent layers compute at a step, traced from their cards, so that a page can unroll them.

A card's ops are applied to a small sequence. Each named value of its first unit becomes a pattern,
and a table lists the values at the pattern's places: the features at the step, the row of a weight,
a bias, values of the same step or of the one before, of the unit or of all units.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from string import ascii_uppercase
from typing import Any

from gradbook.graph.names import Name
from gradbook.graph.node import Node, named_inputs
from gradbook.layers import KINDS, Layer, ParameterSpec
from gradbook.layers.fields import FlagField
from gradbook.layers.sequences import Recurrent
from gradbook.net import parse
from gradbook.net.inner import innermost
from gradbook.net.lower import scalar_step
from gradbook.net.step import Step
from gradbook.targets.page.patterns import SEVERAL_PLACES, ValuePattern, pattern_of
from gradbook.targets.page.unrolled import inside

UNITS = (1, SEVERAL_PLACES)
FEATURES, STEPS = SEVERAL_PLACES, 2
FIRST, LATER = 1, 2
Source = tuple[Any, ...]  # given | weights k | biases k | now name | before name


@dataclass(frozen=True)
class StepValue:
    """A value of the first unit at a step: its pattern, and the sources of what it reads."""

    name: Name
    pattern: ValuePattern
    sources: dict[str, Source]  # by place; they end with True for the values of all units


@dataclass(frozen=True)
class TracedLayer:
    """A recurrent layer of so many units, and its values of the first step and of later ones, in
    the order in which they are computed."""

    words: str  # its card, and flags
    units: int
    values: dict[int, list[StepValue]]


def traced_layers() -> list[TracedLayer]:
    """Each recurrent layer with one unit and with several."""
    traced = []
    for (kind, options), units in product(_recurrents(), UNITS):
        layer = f"{kind.word} {units}{options}"
        text = f"input {STEPS}x{FEATURES}; {layer}; dense 1; loss half squared error"
        unit = _Unit(scalar_step(parse(text), learns=False), units)
        values = {step: list(unit.values(step)) for step in (FIRST, LATER)}
        traced.append(TracedLayer(kind.__name__.lower() + options, units, values))
    return traced


def _recurrents() -> Iterator[tuple[type[Recurrent], str]]:
    """Each recurrent layer, with each choice of its flags, with or without a bias."""
    for kind in KINDS:
        if issubclass(kind, Recurrent):
            flags = [f.name for f in kind.forms[0].fields if isinstance(f, FlagField)]
            ways = [("", f" {flag}") for flag in flags if flag != "all"]
            for options in product(*ways, ("", " no bias")):
                yield kind, "".join(options)


def step_patterns(traced: Sequence[TracedLayer]) -> Iterator[ValuePattern]:
    for layer in traced:
        for step, values in layer.values.items():
            for value in values:
                yield replace(value.pattern, name=f"{layer.words} {step} {value.name}")


def step_table(traced: Sequence[TracedLayer]) -> dict[str, Any]:
    """For each layer's words, the values of the first step and of later steps."""
    return {
        layer.words: [
            [[named_table(v.name), f"{layer.words} {step} {v.name}", v.sources] for v in values]
            for step, values in layer.values.items()
        ]
        for layer in traced
        if layer.units == SEVERAL_PLACES
    }


def named_table(name: Name) -> dict[str, Any]:
    table: dict[str, Any] = {"stem": name.stem}
    if name.of:
        return {**table, "of": named_table(name.of)}
    return {**table, "word": name.word} if name.word else table


def state_table(kind: type[Layer]) -> dict[str, Any] | None:
    """The name of a recurrent layer's states."""
    if not issubclass(kind, Recurrent):
        return None
    layer = parse(f"input 2x1; {kind.word} 1 all; flatten; dense 1").layers[0]
    assert isinstance(layer, Recurrent)
    return named_table(layer.state_name(Name("h")))


@dataclass(frozen=True)
class _Unit:
    """The first unit of a layer."""

    step: Step
    units: int

    @cached_property
    def inner(self) -> list[Node]:
        return inside(self.step, 0)

    @cached_property
    def elements(self) -> dict[Node, tuple[ParameterSpec, int, int]]:
        """The tensor of each weight, the tensor's number, and the weight's number in it."""
        nodes = self.step.graph.by_name
        return {
            nodes[name]: (tensor, k, element)
            for k, tensor in enumerate(self.step.net.taken(0))
            for element, name in enumerate(tensor.names)
        }

    def values(self, step: int) -> Iterator[StepValue]:
        for node in self.inner:
            assert node.name
            name = innermost(node.name)
            if (name.step, name.index) == (step, (1,)):
                yield self._value(node, step)

    def _value(self, node: Node, step: int) -> StepValue:
        assert node.name
        spoken = {*self.inner, *self.elements, *self.step.inputs}
        by_source: dict[Source, list[tuple[int, Node]]] = {}
        for x in named_inputs(node, spoken):
            source, element = self._source(x, step)
            by_source.setdefault(source, []).append((element, x))
        places, sources = {node: "y"}, {}
        for letter, (source, nodes) in zip(ascii_uppercase, by_source.items(), strict=False):
            several = self._goes_over_all(source, len(nodes))
            sources[letter] = (*source, True) if several else source
            for element, x in nodes:
                places[x] = f"{letter}{element + 1}" if several else letter
        pattern = pattern_of("", node, places, self.units)
        return StepValue(node.name.at().at_step(None), pattern, sources)

    def _goes_over_all(self, source: Source, count: int) -> bool:
        return source[0] in ("given", "weights") or count > 1

    def _source(self, node: Node, step: int) -> tuple[Source, int]:
        """The source of a value, and its number there."""
        if node in self.elements:
            tensor, k, element = self.elements[node]
            return ("weights" if len(tensor.shape) > 1 else "biases", k), element
        assert node.name
        name = innermost(node.name)
        if node in self.step.inputs:
            return ("given",), name.index[0] - 1
        when = "now" if name.step == step else "before"
        return (when, str(node.name.at().at_step(None))), name.index[0] - 1


# Their parameters ----------------------------------------------------------------

SIZES = {5: "features", 7: "width"}  # sizes that identify tensors


def tensor_table(kind: type[Layer]) -> list[dict[str, Any]] | None:
    """The tensors of a layer with parts, by the sizes that they follow from."""
    if not (kind.reads_sequences is True and kind.sums):
        return None
    form = kind.forms[0]
    flags = [f.name for f in form.fields if isinstance(f, FlagField) and f.name != "all"]
    text = (
        f"{form.words} 7{{}}; dense 1"
        if issubclass(kind, Recurrent)
        else (f"{form.words}{{}}; flatten; dense 1")
    )

    def tensors(flag: str) -> list[ParameterSpec]:
        (layer, *_) = parse(f"input 9x5; {text.format(flag)}").layers
        return list(layer.parameters((5, 1, 9)))

    tensors_of = []
    for spec in tensors(""):
        unless = [flag for flag in flags if spec not in tensors(f" {flag}")]
        tensors_of.append(
            {
                "role": spec.role,
                "part": spec.part,
                "shape": [SIZES.get(size, size) for size in spec.shape],
                "fans": [SIZES.get(size, size) for size in spec.fans],
                "later": spec.uses < 9,  # from the second step on
                "unless": unless[0] if unless else "",
            }
        )
    return tensors_of
