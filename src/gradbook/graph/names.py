"""Names of values, as structures: h1, a_h1, ∂E/∂w5."""

from __future__ import annotations

import re
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
        if self.of is None and self.step is None and not (self.word or self.numbers):
            return self.stem  # at once: a workbook's cells have such names
        if self.stem == "∂" and self.of:
            return f"∂{self.word or 'E'}/∂{self.of}"
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


def gradient_name(of: Name | None, error: Name | None = None) -> Name:
    """∂E/∂w1: how the error changes with a value; an error that isn't E_total is named."""
    return Name("∂", of=of, word="" if error in (None, TOTAL_ERROR) else str(error))


_PARTS = re.compile(r"([^\W\d_]+?)(?:_([^\W\d_]+))?(\d*(?:_\d+)*)")


def read_name(text: str) -> Name:
    """A name as it is typed: w1, a_h1, E_total; whatever isn't put together so is one word."""
    parts = _PARTS.fullmatch(text)
    if parts:
        stem, below, numbers = parts.groups()
        index = tuple(map(int, filter(None, numbers.split("_"))))
        if below and len(below) == 1:
            name = Name(stem, of=Name(below, index))
        else:
            name = Name(stem, index, word=below or "")
        if str(name) == text:
            return name
    return Name(text)
