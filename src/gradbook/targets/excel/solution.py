"""The workbook that belongs to a network, to hold one that somebody filled in against."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property

from gradbook.graph.node import Node
from gradbook.net import Net
from gradbook.net.lower import scalar_step
from gradbook.net.step import Step
from gradbook.targets.excel.plan.book import RATE_NAME, RATE_WORDS, WorkbookPlan
from gradbook.targets.excel.plan.columns import backward_values, forward_values, is_activation

ANY = 2  # epochs: a row is like the next
COUNTERS = {False: ("epoch",), True: ("epoch", "sample")}  # of the table of steps, of samples


class Solution:
    """What a network's workbook has: the values with a column each, and what refers to the rest."""

    def __init__(self, net: Net) -> None:
        self.step: Step = scalar_step(net)
        self.plan = WorkbookPlan(self.step, ANY, net.learning_rate, ())

    def columns(self, *, each: bool) -> Mapping[Node, int]:
        """The values with a column on Training, or on Samples, and which column that is."""
        table = self.plan.training.of_sample if each else self.plan.training.of_step
        return table.columns

    @cached_property
    def nodes(self) -> dict[str, Node]:
        """The values with a column, by their names."""
        return {str(node.name): node for each in COUNTERS for node in self.columns(each=each)}

    def counters(self, *, each: bool) -> tuple[str, ...]:
        """The headings of what counts the rows of that table."""
        return COUNTERS[each]

    @cached_property
    def forward(self) -> list[Node]:
        """The named values on the way to the loss."""
        return forward_values(self.step)

    @cached_property
    def memory(self) -> Mapping[Node, Node]:
        """What goes from step to step beside the weights, and what each step makes of it."""
        weights = set(self.step.weights)
        return {leaf: made for leaf, made in self.step.next.items() if leaf not in weights}

    @cached_property
    def activations(self) -> frozenset[Node]:
        """Those that are a function of one sum."""
        return frozenset(filter(is_activation, self.forward))

    @property
    def gradients(self) -> tuple[Node, ...]:
        """All that an exercise asks for where nothing else is said."""
        return tuple(backward_values(self.step))

    def named_cells(self) -> Iterator[tuple[Node, str, str]]:
        """What is given in a cell of its own: the value, the cell's name, the words beside it."""
        yield self.step.rate, RATE_NAME, RATE_WORDS
        for leaf, name in self.plan.starts.items():
            if isinstance(name, str) and "!" not in name:
                yield leaf, name, self.plan.words_of(leaf)

    @property
    def sample_columns(self) -> Mapping[str, Node]:
        """The headings of the table that the samples stand in; none where there is one sample."""
        return {str(leaf.name): leaf for leaf in self.plan.given} if self.plan.several else {}
