"""What a program's loss is called: one of the usual losses, summed, averaged or so many times it.

Knows neither how a loss is found nor how slopes are compared.
"""

from __future__ import annotations

from math import prod

from gradbook.audit.core import implied_losses
from gradbook.language.message import Message, WrittenNumber

SQUARES = Message(implied_losses.SQUARES)
TWO_CLASSES = Message(implied_losses.TWO_CLASSES)
CLASSES = Message(implied_losses.CLASSES)
HINGE = Message("hinge loss")
OWN_LOSS = Message("a loss of its own")
SAME_TIMES = 1e-3


def words_of_multiple(usual: str, times: float, shape: tuple[int, ...]) -> str:
    """Of a loss that is so many times a usual one; the shape is that of the network's outputs."""
    if usual == SQUARES:
        return _words_of_squares(times, prod(shape))
    counts = sorted({*shape, prod(shape)})
    mean = next((count for count in counts if count > 1 and _is(times * count, 1)), None)
    if mean is not None:
        return Message("{loss}, mean of {count} samples", loss=usual, count=_written(mean))
    if _is(times, 1):
        return Message("{loss}, summed", loss=usual)
    return Message("{times} times the {loss}", times=_brief(times), loss=usual)


def _words_of_squares(times: float, count: int) -> str:
    if _is(times, 1):
        return SQUARES
    if _is(times, 2):
        return Message("sum of squares")
    if _is(times * count, 2):
        return Message("mean squared error of {count} numbers", count=_written(count))
    if _is(times * count, 1):
        return Message("half the mean of squares of {count} numbers", count=_written(count))
    return Message("{times} times the sum of squares", times=_brief(times / 2))


def _is(times: float, whole: int) -> bool:
    return abs(times - whole) < SAME_TIMES


def _written(count: int) -> WrittenNumber:
    return WrittenNumber(f"{count:,}")


def _brief(value: float) -> WrittenNumber:
    return WrittenNumber(f"{value:.4g}")
