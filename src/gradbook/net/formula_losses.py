"""Losses that a network's text gives as a formula of the output a and the target t: (a - t)^4.

A loss becomes an op with an expansion and slopes by the chain rule, as if a card had them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gradbook.graph.chain import gradients
from gradbook.graph.node import Array, Node, ancestors
from gradbook.layers import Loss, unlisted_loss
from gradbook.net.formula_reader import FormulaReader
from gradbook.statements import Statement, statements

OUTPUT, TARGET = "a", "t"
NAME = "loss"  # of the formula while it is read
_SUMMED = re.compile(r"(mean|sum)\s*\((.*)\)", re.DOTALL)
KNOWN: dict[str, Loss] = {}  # those that were read: an op is defined once
MARKS = re.compile(r"[-+*/^(|√²³½·×−]")


def reads_as_loss(words: str) -> bool:
    """Whether it looks like a formula rather than a loss's name."""
    return bool(MARKS.search(words))


def loss_of_formula(words: str, line: Statement | None = None) -> Loss:
    """The loss that a formula of a and t describes, each output's own. Those of several outputs are
    averaged, or added up within sum(…)."""
    if words in KNOWN:
        return KNOWN[words]
    outside = _SUMMED.fullmatch(words)
    is_one = outside is not None and _closes_last(outside[2])
    text = outside[2] if outside and is_one else words
    place = line or next(iter(statements(f"loss {words}", None)))
    template = _Template(text, place)
    made = unlisted_loss(
        words,
        words,
        f"loss {words}",
        template.value,
        derivative=template.slopes,
        expansion=lambda t, a: template.within(template.whole, t, a),
    )
    made.summed = bool(outside and is_one and outside[1] == "sum")
    KNOWN[words] = made
    made.reader = loss_of_formula
    return made


def _closes_last(inside: str) -> bool:
    """Whether no bracket closes before the last one: sum(a) + sum(t) isn't one sum."""
    depth = 0
    for sign in inside:
        depth += (sign == "(") - (sign == ")")
        if depth < 0:
            return False
    return True


@dataclass(frozen=True)
class _OneFormula:
    formulas: Mapping[str, str]
    numbers: Mapping[str, tuple[float, ...]]
    places: Mapping[str, Statement]
    functions: Mapping[str, tuple[tuple[str, ...], str]] = field(default_factory=dict)
    data: tuple[str, ...] = ()
    result: str = NAME


class _Template:
    """The formula of one output as nodes, which are made again in other graphs."""

    def __init__(self, text: str, line: Statement) -> None:
        numbers = {OUTPUT: (0.5,), TARGET: (0.25,)}
        reader = FormulaReader(_OneFormula({NAME: text}, numbers, {NAME: line}))
        reader.at_hand = NAME
        unknown = [word for word in reader.names_in(NAME) if word not in (OUTPUT, TARGET)]
        if unknown:
            reader.fail(
                f"{unknown[0]!r} isn't known here: a loss is a formula of the output a and the "
                "target t, such as (a - t)^4",
                max(0, text.find(unknown[0])),
            )
        if OUTPUT not in reader.names_in(NAME):
            reader.fail("a loss needs the output a: (a - t)^4", 0)
        whole = reader.part(reader.tree(NAME))
        if not isinstance(whole, Node):
            reader.fail("a loss is one number for each output, not a vector", 0)
        self.whole = whole
        self.target, self.output = reader.leaf(TARGET), reader.leaf(OUTPUT)
        slopes = gradients(whole, [self.target, self.output])
        self.by_target = slopes[self.target]
        self.by_output = slopes[self.output]

    def value(self, t: Array, a: Array) -> Array:
        values: dict[Node, Any] = {self.target: t, self.output: a}
        for node in ancestors([self.whole]):
            if node not in values:
                inputs = [values[source] for source in node.inputs]
                values[node] = node.op.value(*inputs, *node.attributes)
        return np.asarray(values[self.whole])

    def slopes(self, d: Node, y: Node, t: Node, a: Node) -> tuple[Node, Node]:
        return d * self.within(self.by_target, t, a), d * self.within(self.by_output, t, a)

    def within(self, node: Node, t: Node, a: Node) -> Node:
        """A node of the template in the graph of these."""
        made: dict[Node, Node] = {self.target: t, self.output: a}
        for part in ancestors([node]):
            if part in made:
                continue
            if part.is_constant():
                made[part] = t.graph.constant(part.number)
            else:
                inputs = [made[source] for source in part.inputs]
                made[part] = t.graph.make(part.op.name, *inputs, attributes=part.attributes)
        return made[node]
