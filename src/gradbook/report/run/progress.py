"""What stands beneath the table of epochs while a training runs: bars, and the losses so far."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from itertools import pairwise
from math import isfinite, log
from statistics import fmean

from gradbook.amounts import duration, loss, short
from gradbook.lab.training.epochs import Progress
from gradbook.report.words import GAP, QUIET, Span, TextLine, fold, keep_together

FULL, HALF, EMPTY = "━", "╸", "─"
LEVELS = "▁▂▃▄▅▆▇█"
NOT_ASCII = FULL + HALF + EMPTY + LEVELS
LABEL, ASIDE = 15, 20  # columns left and right of a bar
LEAST_BAR = 12
BLOCK = 75  # columns that the whole table takes; nothing stands wider


class Trace:
    """All losses so far in a few means: whenever there are too many, pairs become one."""

    MOST, RECENT = 256, 50

    def __init__(self) -> None:
        self.recent: deque[float] = deque(maxlen=self.RECENT)
        self._means: list[float] = []
        self._each = 1  # losses in a mean
        self._latest: list[float] = []  # fewer than that

    def add(self, losses: Iterable[float]) -> None:
        for value in filter(isfinite, losses):
            self.recent.append(value)
            self._latest.append(value)
            if len(self._latest) == self._each:
                self._means.append(fmean(self._latest))
                self._latest = []
            if len(self._means) == self.MOST:
                self._means = list(
                    map(fmean, zip(self._means[::2], self._means[1::2], strict=True))
                )
                self._each *= 2

    def means(self, most: int) -> list[float]:
        """At most so many, from the first to now."""
        means = [*self._means, fmean(self._latest)] if self._latest else self._means
        count = min(len(means), most)
        edges = [k * len(means) // count for k in range(count + 1)] if count else []
        return [fmean(means[a:b]) for a, b in pairwise(edges)]


def running(now: Progress, trace: Trace, width: int, *, ascii_only: bool = False) -> list[TextLine]:
    """What stands beneath the table: the training's bar, the epoch's, and the losses so far."""
    part = now.step / max(now.steps, 1)
    whole = (now.epoch - 1 + part) / max(now.epochs, 1)
    latest = loss(fmean(trace.recent)) if trace.recent else ""
    rows = [
        (f"epoch {now.epoch}/{now.epochs}", whole, f"{duration(now.seconds_left)} left"),
        (f"step {now.step}/{now.steps}", part, f"{now.images_per_second:,.0f} images/s"),
        (f"loss {latest}", None, f"rate {short(now.rate)}"),
    ]
    beside = width >= LABEL + LEAST_BAR + ASIDE
    room = max(width - LABEL - (ASIDE if beside else 0), 1)
    lines: list[TextLine] = []
    for label, filled, aside in rows:
        line = [Span(f"{label:<{LABEL}}")]
        if filled is None:
            line.append(Span(spark(trace.means(room), room, ascii_only), "magenta"))
        else:
            line += bar(filled, room, ascii_only)
        lines.append([*line, Span(f"{aside:>{ASIDE}}")] if beside else line)
    if not beside:
        lines += fold(GAP.join(keep_together(aside) for *_, aside in rows), width)
    return lines


def in_a_line(now: Progress, width: int) -> TextLine:
    """The same where there is room for one line only."""
    words = f"epoch {now.epoch}/{now.epochs}, step {now.step}/{now.steps}, "
    return [Span((words + f"{duration(now.seconds_left)} left")[:width])]


def bar(share_done: float, width: int, ascii_only: bool = False) -> TextLine:
    """A bar filled to that share, exact to half a character."""
    full, half, empty = "#.-" if ascii_only else (FULL, HALF, EMPTY)
    halves = round(2 * width * min(max(share_done, 0.0), 1.0))
    done = full * (halves // 2) + half * (halves % 2)
    return [Span(done, "cyan"), Span(empty * (width - len(done)), QUIET)]


def spark(values: Sequence[float], width: int, ascii_only: bool = False) -> str:
    """The values from left to right as heights, on a logarithmic scale where all are above 0."""
    levels = "_.-=+*%#" if ascii_only else LEVELS
    heights = [log(value) for value in values] if all(v > 0 for v in values) else values
    low, high = min(heights, default=0.0), max(heights, default=0.0)
    scale = (len(levels) - 1) / (high - low) if high > low else 0.0
    return "".join(levels[round((height - low) * scale)] for height in heights).ljust(width)
