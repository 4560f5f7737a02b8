"""Names of values, as structures: h1, a_h1, ∂E/∂w5."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

from gradbook.graph.window import Shape


@dataclass(frozen=True)
class Name:
    """A letter with a layer's number and an element's index: h1, a_h1, w5, c2_1_3, E_total.

    `of` nests: a_h1 is Name("a", of=h1), and ∂E_total/∂w5 is Name("∂", of=w5). In a sequence, the
    step follows in parentheses: h1(2) is unit 1 at step 2.
    """

    stem: str
    index: tuple[int, ...] = ()
    layer: int | None = None  # only if several layers share the stem
    word: str = ""  # a subscript in words: E_total
    of: Name | None = None
    step: int | None = None  # of a sequence, from 1

    def __str__(self) -> str:
        if self.stem == "∂" and self.of:
            return f"∂E/∂{self.of}"
        parts = [str(self.of) if self.of else "", self.word, *map(str, self.numbers)]
        subscript = "_".join(part for part in parts if part)
        return self.stem + ("_" if self.of or self.word else "") + subscript + self.mark

    @property
    def numbers(self) -> tuple[int, ...]:
        """The layer's number, then the element's index."""
        return self.index if self.layer is None else (self.layer, *self.index)

    @property
    def mark(self) -> str:
        """The step in parentheses, after the numbers: (2)."""
        return "" if self.step is None else f"({self.step})"

    def at(self, *index: int) -> Name:
        """The name of one element: for a_h it is a_h1, for ∂E/∂h it is ∂E/∂h1."""
        return replace(self, of=self.of.at(*index)) if self.of else replace(self, index=index)

    def at_step(self, step: int | None) -> Name:
        """The same name at a step of a sequence: for a_h it is a_h(2)."""
        return replace(self, of=self.of.at_step(step)) if self.of else replace(self, step=step)

    def element(self, place: Shape, shape: Shape) -> Name:
        """The name of one place. Names count from 1; a single channel has no number."""
        if is_sequence(shape):
            step, feature = place if len(shape) == 2 else place[::-2]
            return self.at(feature + 1).at_step(step + 1)
        skip = 1 if len(shape) == 3 and shape[0] == 1 else 0
        return self.at(*(k + 1 for k in place[skip:])) if shape else self

    def elements(self, shape: Shape) -> dict[Shape, Name]:
        return {place: self.element(place, shape) for place in product(*map(range, shape))}


def is_sequence(shape: Shape) -> bool:
    """Whether the values are in steps: (steps, features), or (features, 1, steps)."""
    return len(shape) == 2 or (len(shape) == 3 and shape[1] == 1 < shape[2])


SAMPLE_ERROR = Name("E", word="sample")
TOTAL_ERROR = Name("E", word="total")
RATE = Name("η")


def gradient_name(of: Name | None) -> Name:
    """∂E/∂w1: the name of a value's gradient."""
    return Name("∂", of=of)
