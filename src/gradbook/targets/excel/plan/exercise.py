"""What an exercise asks for: which columns are left blank for each student, and whose it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from gradbook.errors import UsageError
from gradbook.graph.node import Node
from gradbook.net.step import Step
from gradbook.targets.excel.plan.columns import backward_values, forward_values

GRADIENTS, FORWARD, LOSS, UPDATE = "gradients", "forward", "loss", "update"
KINDS = (FORWARD, LOSS, GRADIENTS, UPDATE)
STUDENT_NAME = "student"  # what the cell with the student's name is called
BLANK_NAME = "fill_in_{}_{}"  # what each column that is left blank is called: kind and number


@dataclass(frozen=True)
class Exercise:
    """What is left blank, `places` columns of it where that is given, drawn by the `seed`."""

    student: str = ""  # a name, or a number as text
    kinds: tuple[str, ...] = (GRADIENTS,)
    places: int | None = None
    seed: int | str = 0
    has_check: bool = True  # whether the sheet is there that says which gradients are right

    def blank(self, step: Step) -> tuple[Node, ...]:
        """The values whose columns are blank; of a weight, all but its first cell."""
        return tuple(self.kind_of(step))

    def kind_of(self, step: Step) -> dict[Node, str]:
        """The same, each with its kind."""
        there = [(node, kind) for kind in self.kinds for node in _of_kind(step, kind)]
        if self.places is None:
            return dict(there)
        if self.places > len(there):
            raise UsageError(
                f"{self.places} places to leave blank, and there are {len(there)} of that kind: "
                "take fewer, or other kinds"
            )
        drawn = set(Random(f"places {self.seed}").sample(range(len(there)), self.places))
        return dict(found for place, found in enumerate(there) if place in drawn)

    @property
    def is_usual(self) -> bool:
        """Whether all gradients are asked for and nothing else."""
        return self.kinds == (GRADIENTS,) and self.places is None


def _of_kind(step: Step, kind: str) -> Iterator[Node]:
    if kind == GRADIENTS:
        yield from backward_values(step)
    elif kind == UPDATE:
        yield from step.trained
    else:
        for node in forward_values(step):
            if _is_error(node) is (kind == LOSS):
                yield node


def _is_error(node: Node) -> bool:
    return node.name is not None and node.name.stem == "E"


def read_kinds(words: Sequence[str]) -> tuple[str, ...]:
    """The kinds in the order of a step; an error names one that there isn't."""
    for word in words:
        if word not in KINDS:
            raise UsageError(f"nothing is called {word!r} there: it is one of {', '.join(KINDS)}")
    return tuple(kind for kind in KINDS if kind in words)
