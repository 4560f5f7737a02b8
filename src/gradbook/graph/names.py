"""Names of values, as structure: h1, a_h1, ∂E/∂w5."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

from gradbook.graph.window import Shape


@dataclass(frozen=True)
class Name:
    """A letter with a layer's number and an element's place: h1, a_h1, w5, c2_1_3, E_total.

    `of` nests: a_h1 is Name("a", of=h1), and ∂E_total/∂w5 is Name("∂", of=w5).
    """

    stem: str
    index: tuple[int, ...] = ()
    layer: int | None = None  # only where several layers share the stem
    word: str = ""  # a subscript in words: E_total
    of: Name | None = None

    def __str__(self) -> str:
        if self.stem == "∂" and self.of:
            return f"∂E/∂{self.of}"
        parts = [str(self.of) if self.of else "", self.word, *self._numbers()]
        subscript = "_".join(part for part in parts if part)
        return self.stem + ("_" if self.of or self.word else "") + subscript

    def _numbers(self) -> list[str]:
        layer = [] if self.layer is None else [str(self.layer)]
        return layer + [str(k) for k in self.index]

    def at(self, *index: int) -> Name:
        """The name of one element: of a_h it is a_h1, of ∂E/∂h it is ∂E/∂h1."""
        return replace(self, of=self.of.at(*index)) if self.of else replace(self, index=index)

    def element(self, place: Shape, shape: Shape) -> Name:
        """The name of one place. Names count from 1; a single channel goes without saying."""
        skip = 1 if len(shape) == 3 and shape[0] == 1 else 0
        return self.at(*(k + 1 for k in place[skip:])) if shape else self

    def elements(self, shape: Shape) -> dict[Shape, Name]:
        return {place: self.element(place, shape) for place in product(*map(range, shape))}


SAMPLE_ERROR = Name("E", word="sample")
TOTAL_ERROR = Name("E", word="total")
RATE = Name("η")


def gradient_name(of: Name | None) -> Name:
    """∂E/∂w1: how the error changes with a value."""
    return Name("∂", of=of)
