"""What the sheet Answers holds: the outputs of a chosen epoch, and a forward pass of one's own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from xlsxwriter.utility import quote_sheetname

from gradbook.graph.node import Array, Node, named_inputs, needed
from gradbook.net import Loss
from gradbook.net.step import Step
from gradbook.net.task import HALF_SURE
from gradbook.targets.excel.language.grammar import Reference, write
from gradbook.targets.excel.language.spelling import Guarded, Speller

FIRST_WORK_ROW = 4  # of the values on the working sheet


@dataclass(frozen=True)
class Classes:
    """The names of what the outputs tell apart; one output tells two classes apart."""

    names: tuple[str, ...]

    @staticmethod
    def of(step: Step) -> Classes | None:
        """None where the targets are numbers rather than classes."""
        net, outputs = step.net, len(step.outputs)
        targets = np.array([sample.targets for sample in net.examples()])
        if not np.isin(targets, (0, 1)).all():
            return None
        if outputs == 1:
            chance = net.ending == "sigmoid" or net.objective is Loss.BINARY
            return Classes(("0", "1")) if chance else None
        if not (targets.sum(axis=1) == 1).all():
            return None
        wanted = net.columns[len(step.inputs) :]
        own = wanted if len(wanted) == outputs else [f"class {k}" for k in range(1, outputs + 1)]
        return Classes(net.classes or tuple(own))

    def read(self, cells: str) -> str:
        """The class that some outputs, or targets, name."""
        if len(self.names) == 2 and ":" not in cells:
            return f"IF({cells}>={HALF_SURE},{_text(self.names[1])},{_text(self.names[0])})"
        place = f"MATCH(MAX({cells}),{cells},0)"
        return f"CHOOSE({place},{','.join(map(_text, self.names))})"

    def name(self, values: Array) -> str:
        """The same from the numbers."""
        if len(values) == 1:
            return self.names[int(values[0] >= HALF_SURE)]
        return self.names[int(np.argmax(values))]


def _text(word: str) -> str:
    return '"' + word.replace('"', '""') + '"'


@dataclass(frozen=True)
class OwnPass:
    """The forward pass of an input that somebody types: one value below the other."""

    step: Step
    sheet: str
    inputs: dict[Node, str]  # where they are typed
    guarded: Guarded

    @cached_property
    def made(self) -> list[Node]:
        """The values that follow from the input."""
        several = self.step.samples > 1
        named = [node for node in needed(self.step.outputs) if node.name is not None]
        made = [node for node in named if node.op.name != "leaf"]
        return [node for node in made if node.each or not several]

    @cached_property
    def known(self) -> list[Node]:
        """What they mention besides: weights, and the means of normalisation, as trained."""
        own = {*self.made, *self.step.inputs}
        found = {source for node in self.made for source in named_inputs(node)}
        return sorted(found - own, key=lambda node: node.index)

    def row(self, node: Node) -> int:
        return FIRST_WORK_ROW + [*self.known, *self.made].index(node)

    def cell(self, node: Node) -> str:
        """Seen from another sheet."""
        return f"{quote_sheetname(self.sheet)}!{self._places[node]}"

    @cached_property
    def _places(self) -> dict[Node, str]:
        own = {
            node: f"$B${FIRST_WORK_ROW + k + 1}" for k, node in enumerate([*self.known, *self.made])
        }
        return {**self.inputs, **own}

    def formula(self, node: Node) -> str:
        speller = Speller(self._refer, self._no_block, self.guarded)
        return f"={write(speller.formula(node))}"

    def _refer(self, node: Node) -> Reference | None:
        place = self._places.get(node)
        return Reference(place) if place else None

    def _no_block(self, node: Node) -> Reference:
        raise AssertionError(f"one input alone has no other samples, but {node!r} adds over them")
