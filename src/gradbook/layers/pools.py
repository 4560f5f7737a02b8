"""Pools: the largest or the average value of each window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from gradbook.errors import UsageError
from gradbook.graph.node import Array, Node
from gradbook.graph.window import (
    NOWHERE,
    SAME,
    Both,
    Pad,
    Shape,
    Sides,
    Window,
    overhang,
    places_in,
)
from gradbook.language import mark, tr
from gradbook.layers.card import Layer, LayerSite, require_channels
from gradbook.layers.fields import (
    BothField,
    FlagOption,
    OptionsField,
    PadOption,
    PairOption,
    StatementForm,
)
from gradbook.layers.sums import settle_pad, window_over, with_moves

SAME_AND_CEIL = "'pad same' leaves nothing over: leave out 'ceil'"
SIZE = BothField("size", "K", mark("size"), everything="all")
STRIDE, PAD = (
    PairOption("stride", "S"),
    PadOption("pad", "P"),
)  # by default, by its own size
DILATION, CEIL = PairOption("dilation", "D", usual=(1, 1)), FlagOption("ceil")
MOVES = (STRIDE, PAD, DILATION, CEIL)
ALONG = (*(replace(move, row=True) for move in (STRIDE, PAD, DILATION)), CEIL)  # a single row


@dataclass(frozen=True)
class Pool(Layer):
    """The largest or the average value of each window; its padding is ignored.

    Args:
        kind: "max" or "avg".
        size: The window's rows and columns; None for one window over everything.
        stride: The distance from one window to the next; None for adjacent windows.
        pad: The padding: above, left, below and right, or "same".
        dilation: The distance between the rows, or columns, that a window reads.
        ceil: Whether a last window may extend past the input.
        zeros: Whether an average counts the padding as zeros.
        row: Whether it slides over the steps of a sequence.

    >>> import gradbook as gb
    >>> print(gb.Pool("max", (2, 2)))
    maxpool 2
    """

    kind: str  # max | avg
    size: Both | None  # None: one window over everything
    stride: Both | None = None  # None: adjacent windows
    pad: Pad = NOWHERE
    dilation: Both = (1, 1)
    ceil: bool = False  # whether a last window may extend past the input
    zeros: bool = False  # whether an average counts the padding as zeros
    row: bool = False  # whether it slides over the steps of a sequence, which are a single row
    letter: ClassVar[str] = "p"
    forms: ClassVar[tuple[StatementForm, ...]] = (
        StatementForm(
            "maxpool",
            (SIZE, OptionsField("", options=MOVES)),
            ("the largest value of each window",),
            ("maxpool2d",),
            {"kind": "max", "row": False},
        ),
        StatementForm(
            "avgpool",
            (SIZE, OptionsField("", options=(*MOVES, FlagOption("zeros")))),
            ("its average; 'all' for K is one window over everything",),
            ("avgpool2d",),
            {"kind": "avg", "row": False},
        ),
        StatementForm(
            "maxpool1d",
            (replace(SIZE, row=True), OptionsField("", options=ALONG)),
            ("the largest value of each K steps of a sequence",),
            preset={"kind": "max", "row": True},
        ),
        StatementForm(
            "avgpool1d",
            (replace(SIZE, row=True), OptionsField("", options=(*ALONG, FlagOption("zeros")))),
            ("their average; 'all' for K is one window over all steps",),
            preset={"kind": "avg", "row": True},
        ),
    )

    def __post_init__(self) -> None:
        if self.kind not in ("max", "avg"):
            raise UsageError(f"pooling is 'max' or 'avg', not {self.kind!r}")
        super().__post_init__()

    def check(self) -> None:
        object.__setattr__(self, "zeros", bool(self.zeros))
        if self.zeros and self.kind == "max":
            raise UsageError("the padding of a maxpool is below every value: leave out its zeros")
        if self.size is None:
            moves = (self.stride, self.pad or NOWHERE, self.dilation) != (None, NOWHERE, (1, 1))
            if moves or self.ceil or self.zeros:
                raise UsageError("a window over everything can't move: leave out its stride")
            object.__setattr__(self, "pad", NOWHERE)
            return
        settle_pad(self, f"{self.word}'s", self.size)
        if self.pad == SAME and self.ceil:
            raise UsageError(SAME_AND_CEIL)

    def ending_in(self, outputs: int) -> Pool:
        return Pool(self.kind, None)

    def fitted(self, shape: Shape) -> Pool:
        if self.size is None:
            return self
        rows, columns = (min(side, *shape[1:]) for side in self.size)
        return replace(self, size=(rows, columns))

    @property
    def word(self) -> str:  # type: ignore[override]
        return f"{self.kind}pool"

    @property
    def remark(self) -> str:  # type: ignore[override]
        if self.kind == "max":
            return mark(
                "unmaxpool puts each δ where the largest value of its window was, and 0 elsewhere."
            )
        return mark("unavgpool gives every place of a window an equal share of its δ.")

    @property
    def reads_sequences(self) -> bool:  # type: ignore[override]
        return self.row

    def output(self, shape: Shape, *others: Shape) -> Shape:
        require_channels(self.word, shape)
        return (shape[0], *places_in(self.word, self.window(shape), shape))

    @property
    def averages(self) -> bool:
        return self.kind == "avg"

    def window(self, shape: Shape) -> Window:
        """With `ceil`, the part of a last window past the input counts as padding."""
        if self.size is None:
            return Window((shape[1], shape[2]))
        stride = self.stride or self.size
        window = window_over(self.size, stride, self.pad, self.dilation, shape[1:])
        return replace(window, pad=overhang(window, shape[1:])) if self.ceil else window

    def counted_padding(self, shape: Shape) -> Sides:
        return replace(self, ceil=False).window(shape).pad if self.zeros else NOWHERE

    def allows_scale(self, scale: Array) -> bool:
        """Not if zeros are counted, which aren't shifted, or if the largest value changes."""
        return not self.zeros if self.kind == "avg" else bool((scale >= 0).all())

    def words(self, shape: Shape) -> str:
        largest = mark("the largest value of each {height} × {width} window")
        average = mark("the average of each {height} × {width} window")
        window = self.window(shape)
        height, width = window.size
        of_each = tr(largest if self.kind == "max" else average, height=height, width=width)
        aside = replace(window, stride=(1, 1))  # the stride is visible in the output's shape
        zeros = self.zeros and any(self.counted_padding(shape))
        return with_moves(of_each, aside, zeros)

    def ops(self, site: LayerSite, inputs: Sequence[Node], parameters: Sequence[Node]) -> Node:
        (x,) = inputs
        counts = (self.counted_padding(x.shape),) if self.kind == "avg" else ()
        return site.make(self.word, x, attributes=(self.window(x.shape), *counts))
