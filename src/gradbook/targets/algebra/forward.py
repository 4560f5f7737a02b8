"""The way forward: every value's formula, and its number."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gradbook.graph.node import Array, Node
from gradbook.targets.algebra.chains import Algebra, at, symbol_of
from gradbook.targets.algebra.decimals import worked_out
from gradbook.targets.algebra.document import Cell
from gradbook.targets.algebra.formula import definition, shown_samples
from gradbook.targets.algebra.math import Form, Number, shortened
from gradbook.targets.algebra.story import Story


def tell_forward(story: Story, known: Algebra, values: Sequence[Node]) -> None:
    """The formulas of these values in order, with the numbers put in."""
    story.heading("Forward")
    if known.samples > 1:
        story.say(
            "Each sample goes through the network by itself; Σ adds over the "
            f"{known.samples} samples. The numbers stand in the table below."
        )
    for value in values:
        story.equation(symbol_of(value), *_formula_and_number(known, value))
    if known.samples > 1:
        tell_samples(
            story, known, [(symbol_of(node), known.values[node]) for node in _each(known, values)]
        )


def _each(known: Algebra, values: Sequence[Node]) -> list[Node]:
    """These values and what they are made of, as far as each sample has its own; data first."""
    step = known.derived.step
    told = {*values, *(node for value in values for node in known.derived.mentions(value))}
    order = (*step.inputs, *step.targets, *known.derived.forward)
    return [node for node in order if node in told and node.each]


def _formula_and_number(known: Algebra, value: Node) -> list[tuple[str, Form]]:
    formula: tuple[str, Form] = ("=", shortened(definition(value, known.say_symbols())))
    if value.each:
        return [formula]
    put_in = shortened(definition(value, known.say_numbers()))
    return [formula, *worked_out(put_in, at(known.values[value]))]


def tell_samples(story: Story, known: Algebra, values: Iterable[tuple[Form, Array]]) -> None:
    """A table of values, a column for each sample, or for the first and the last of many."""
    shown = shown_samples(known.samples)
    head: list[Cell] = [("sample",), *((Number(k + 1),) for k in shown)]
    rows = [[(name,), *((Number(at(value, k)),) for k in shown)] for name, value in values]
    story.table(head, rows)
