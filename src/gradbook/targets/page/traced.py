"""Layers without a module on the page, traced from their cards for each small width.

A table has the values that such a layer computes from this many flat values, and the shapes of its
parameters: each value is a pattern, whose places are inputs, elements of the layer's tensors, and
earlier values of the table. So the page can compute every layer whose ops it knows.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import product
from string import ascii_lowercase
from typing import Any

from gradbook.errors import GradbookError
from gradbook.graph.node import Node, ancestors, named_inputs
from gradbook.layers import Layer
from gradbook.net import parse
from gradbook.net.inner import innermost
from gradbook.net.lower import scalar_step
from gradbook.net.names import shown_names
from gradbook.net.step import Step
from gradbook.targets.page.patterns import ValuePattern, pattern_of
from gradbook.targets.page.recurrent_steps import named_table

MOST_TRACED = 6  # flat values


@dataclass(frozen=True, eq=False)
class TracedWidth:
    """A layer at one width: its table, and the patterns of its values."""

    table: dict[str, Any]
    patterns: list[ValuePattern]


def traced_widths(kind: type[Layer]) -> dict[int, TracedWidth]:
    """Trace each width at which the card's bare word makes a layer of ops that a page knows."""
    return _traced_widths(kind.__name__.lower(), kind.forms[0].words) if kind.forms else {}


@cache
def _traced_widths(name: str, words: str) -> dict[int, TracedWidth]:
    widths: dict[int, TracedWidth] = {}
    for width in range(1, MOST_TRACED + 1):
        text = f"input {width}; {words}; dense 1; loss half squared error"
        try:
            step = scalar_step(parse(text), learns=False)
            widths[width] = _traced(f"{name} {width}", step)
        except (GradbookError, ValueError):  # such as an odd width for pairs
            continue
    return widths


def _traced(title: str, step: Step) -> TracedWidth:
    net, nodes = step.net, step.graph.by_name
    names = shown_names(net)[1].elements(net.shapes[1])
    results = [nodes[str(name)] for name in names.values()]
    places: dict[Node, tuple[Any, ...]] = {node: ("given", k) for k, node in enumerate(step.inputs)}
    for k, tensor in enumerate(net.taken(0)):
        for element, weight in enumerate(tensor.names):
            places[nodes[weight]] = ("own", k, element)
    values = [node for node in ancestors(results, stop=places) if node.name and node not in places]
    patterns, rows = list[ValuePattern](), list[list[Any]]()
    for node in values:
        pairs = product(("", *ascii_lowercase), ascii_lowercase)
        letters = (f"p{before}{letter}" for before, letter in pairs)  # pa, pb, … pz, paa, …
        sources = dict(zip(letters, named_inputs(node, {*places}), strict=False))
        kind = f"{title} {len(rows)}"
        at = {it: letter for letter, it in sources.items()}
        patterns.append(pattern_of(kind, node, {**at, node: "y"}))
        from_here = {letter: places[it] for letter, it in sources.items()}
        assert node.name
        place = named_table(node.name.at()), list(innermost(node.name).index)
        rows.append([results.index(node) if node in results else place, kind, from_here])
        places[node] = ("value", len(rows) - 1)
    parameters = [
        {"role": it.role, "part": it.part, "shape": it.shape, "fans": it.fans, "fixed": it.fixed}
        | ({"start": it.start} if it.start else {})
        for it in net.taken(0)
    ]
    order = [places[node][1] for node in results]
    table = {"shape": net.shapes[1], "parameters": parameters, "values": rows, "made": order}
    return TracedWidth(table, patterns)
