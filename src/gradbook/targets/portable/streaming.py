"""Networks that can be given one step at a time: what is kept, and which makers then work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import lcm

from gradbook.targets.portable.makers import NORMING, RowMaker, Work
from gradbook.targets.portable.rules import Sight

MOST_COUNTED = 32_767  # rows, as machines with ints of 16 bits count


@dataclass(frozen=True)
class Stream:
    """A step makes a row of each of the makers before `after`; then come those that make answers of
    the latest row. Counts of rows go back by `period` when they reach twice that."""

    steps: int
    features: int
    after: int
    period: int


def stream_of(makers: Sequence[RowMaker]) -> Stream | None:
    """How a network goes on step by step, if no row is made of later ones."""
    first = makers[0]
    steps, _, features = first.shape
    if first.work is not Work.STEPWISE or steps < 2:
        return None
    after = next((k for k, maker in enumerate(makers) if maker.shape[0] != steps), len(makers))
    goes_on = all(map(_reads_earlier_rows, makers[1:after]))
    if not goes_on or not all(_is_single(maker, after) for maker in makers[after:]):
        return None
    if after < len(makers) and makers[after].work is not Work.LATEST:
        return None
    kept = lcm(*(_rows_kept(maker) for maker in makers[1:after]))
    period = kept * -(-steps // kept)
    return Stream(steps, features, after, period) if 2 * period <= MOST_COUNTED else None


def _rows_kept(maker: RowMaker) -> int:
    """At most, by the maker and of what it reads."""
    return lcm(maker.tall, 2 if maker.looks_back else 1)


def _reads_earlier_rows(maker: RowMaker) -> bool:
    """Whether each of its rows is made of that row and of some before it."""
    if maker.work is Work.LATEST:
        return maker.skipped == 0
    if (maker.work in NORMING and maker.groups) or maker.work is Work.SCATTERED:
        return False
    if maker.rule is not None and maker.rule.sight is Sight.ALL:
        return False
    window = maker.window
    return window.stride[0] == 1 and maker.pool == 1 and maker.tall == window.pad[0] + 1


def _is_single(maker: RowMaker, after: int) -> bool:
    """Whether it makes one row, of the latest one or of what is made of that."""
    return maker.shape[0] == 1 and (
        maker.work is Work.LATEST or all(k >= after for k in maker.reads)
    )
