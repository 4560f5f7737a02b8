"""Layers that only rearrange values: some channels, rows, columns or steps, and other shapes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar

from gradbook.errors import ShapeError, UsageError
from gradbook.graph.names import is_sequence
from gradbook.graph.node import Node
from gradbook.graph.sequences import at_step, by_step
from gradbook.graph.tensors import pick, reshape
from gradbook.graph.window import Shape
from gradbook.language import mark, numeral, tr
from gradbook.layers.card import Layer, LayerSite, require_channels, spell
from gradbook.layers.fields import PlacesField, SizesField, StatementForm, runs
from gradbook.layers.sequences import require_steps

AXES = {"channels": 0, "rows": 1, "columns": 2, "steps": 2}  # of a value, from the first
NO_SUCH_PLACE = "{word} {place} isn't there: {shape} has {count}"
NOTHING_PICKED = "{word} needs the number of one of them at least"
OTHER_COUNT = "reshape {to} needs {wanted} values, but {shape} has {count}"
THREE_SIZES = "reshape's shape is channels x rows x columns, such as 8x7x7, not {sizes}"
PLACES = PlacesField("places", "N …", mark("number"))
LATER = "leave it out: it moves later steps forward"
MOST_RUNS = 6  # in a description
OF_ONE = {
    "values": mark("number {numbers} of those"),
    "channels": mark("channel {numbers} of those"),
    "rows": mark("row {numbers} of those"),
    "columns": mark("column {numbers} of those"),
    "steps": mark("step {numbers} of those"),
}
OF_SEVERAL = {
    "values": mark("the numbers {numbers} of those"),
    "channels": mark("the channels {numbers} of those"),
    "rows": mark("the rows {numbers} of those"),
    "columns": mark("the columns {numbers} of those"),
    "steps": mark("the steps {numbers} of those"),
}


@dataclass(frozen=True)
class Pick(Layer):
    """The channels, rows, columns or steps with these numbers, from 1, in this order; 0 stands for
    one of zeros. One step alone is a flat value.
    """

    places: tuple[int, ...]
    along: str = "channels"
    letter: ClassVar[str] = "q"
    moves_places: ClassVar[bool] = True
    remark: ClassVar[str] = mark(
        "channels, rows, columns and steps take those with the numbers above; unchannels, unrows, "
        "uncolumns and unsteps put each δ back in its place and add up those of the same place."
    )
    forms: ClassVar[tuple[StatementForm, ...]] = (
        StatementForm(
            "channels",
            (PLACES,),
            ("the channels with these numbers, in this order: 1-4 8; 0 is one of", "zeros"),
            preset={"along": "channels"},
        ),
        StatementForm("rows", (PLACES,), ("the same of rows",), preset={"along": "rows"}),
        StatementForm("columns", (PLACES,), ("the same of columns",), preset={"along": "columns"}),
        StatementForm(
            "steps",
            (PLACES,),
            ("the same of a sequence's steps; one alone is flat, for dense",),
            preset={"along": "steps"},
        ),
    )

    @property
    def word(self) -> str:  # type: ignore[override]
        return self.along

    @property
    def reads_sequences(self) -> bool:  # type: ignore[override]
        return self.along == "steps"

    def check(self) -> None:
        if not any(self.places):
            raise UsageError(NOTHING_PICKED.format(word=self.along))

    @property
    def is_one_step(self) -> bool:
        return self.along == "steps" and len(self.places) == 1

    def output(self, shape: Shape, *others: Shape) -> Shape:
        if self.along == "steps":
            require_steps("steps", shape)
        elif self.along != "channels":
            require_channels(self.along, shape)
        axis = AXES[self.along]
        if max(self.places) > shape[axis]:
            sizes = {"shape": spell(shape), "count": shape[axis]}
            raise ShapeError(NO_SUCH_PLACE.format(word=self.word, place=max(self.places), **sizes))
        if self.is_one_step:
            return shape[:1]
        return (*shape[:axis], len(self.places), *shape[axis + 1 :])

    def taken_place(self, place: Shape) -> Shape:
        axis = AXES[self.along]
        taken = self.places[0 if self.is_one_step else place[axis]] - 1
        return (*place[:axis], taken, *place[axis + 1 :])

    def instead_of_later(self, shape: Shape, *others: Shape) -> str:
        steps = AXES[self.along] == len(shape) - 1
        later = any(place > at for at, place in enumerate(self.places, 1))
        return LATER if steps and later else ""

    def words(self, shape: Shape) -> str:
        several = [
            tr("{first} to {last}", first=run[0], last=run[-1]) if len(run) > 1 else str(run[0])
            for run in runs(self.places)
        ]
        numbers = ", ".join(several[:MOST_RUNS]) + (" …" if len(several) > MOST_RUNS else "")
        along = "values" if len(shape) == 1 else self.along
        return tr(OF_ONE[along] if len(self.places) == 1 else OF_SEVERAL[along], numbers=numbers)

    def ops(self, site: LayerSite, inputs: Sequence[Node], parameters: Sequence[Node]) -> Node:
        (x,) = inputs
        if self.is_one_step:
            return at_step(x, self.places[0] - 1)
        return pick(x, AXES[self.along], [place - 1 for place in self.places])


@dataclass(frozen=True)
class Transpose(Layer):
    """A sequence's steps as features, and its features as steps."""

    word: ClassVar[str] = "transpose"
    letter: ClassVar[str] = "q"
    moves_places: ClassVar[bool] = True
    reads_sequences: ClassVar[bool] = True
    remark: ClassVar[str] = mark(
        "transpose turns a sequence's columns into rows; untranspose turns them back."
    )
    forms: ClassVar[tuple[StatementForm, ...]] = (
        StatementForm(
            "transpose", (), ("a sequence's steps as features, and its features as steps",)
        ),
    )

    def output(self, shape: Shape, *others: Shape) -> Shape:
        require_steps(self.word, shape)
        features, _, steps = shape
        return (steps, 1, features)

    def taken_place(self, place: Shape) -> Shape:
        return (place[2], 0, place[0])

    def instead_of_later(self, shape: Shape, *others: Shape) -> str:
        return "leave it out"

    def words(self, shape: Shape) -> str:
        return tr("those with steps as features, and features as steps")

    def ops(self, site: LayerSite, inputs: Sequence[Node], parameters: Sequence[Node]) -> Node:
        return reshape(by_step(inputs[0]), site.output)


@dataclass(frozen=True)
class Reshape(Layer):
    """The same values, one after the other, in another shape: channels x rows x columns, or the
    features of a sequence x 1 x its steps.
    """

    shape: tuple[int, ...]
    word: ClassVar[str] = "reshape"
    letter: ClassVar[str] = "q"
    moves_places: ClassVar[bool] = True
    remark: ClassVar[str] = mark(
        "reshape writes the same values into another shape; unreshape into the one before."
    )
    forms: ClassVar[tuple[StatementForm, ...]] = (
        StatementForm(
            "reshape",
            (SizesField("shape", "CxHxW", mark("shape")),),
            (
                "the same values as channels x rows x columns, or as features x 1",
                "x steps of a sequence",
            ),
            ("unflatten",),
        ),
    )

    def check(self) -> None:
        if len(self.shape) != 3:
            raise UsageError(THREE_SIZES.format(sizes=spell(self.shape)))

    def output(self, shape: Shape, *others: Shape) -> Shape:
        if prod(shape) != prod(self.shape):
            counts = {"wanted": f"{prod(self.shape):,}", "count": f"{prod(shape):,}"}
            raise ShapeError(OTHER_COUNT.format(to=spell(self.shape), shape=spell(shape), **counts))
        return self.shape

    def instead_of_later(self, shape: Shape, *others: Shape) -> str:
        return "leave it out" if is_sequence(shape) else ""

    def words(self, shape: Shape) -> str:
        sizes = " × ".join(numeral(f"{size:,}") for size in self.shape)
        return tr("those as {sizes}", sizes=sizes)

    def ops(self, site: LayerSite, inputs: Sequence[Node], parameters: Sequence[Node]) -> Node:
        return reshape(inputs[0], site.output)
