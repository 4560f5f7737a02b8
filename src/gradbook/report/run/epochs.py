"""A training for the terminal: its epochs as a table, and what stands beneath while it runs."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import isfinite, isinf, log
from statistics import fmean

from gradbook.lab.training.history import Epoch, Progress
from gradbook.report.words.lines import Piece, TextLine

GAP = "  "
QUIET, GOOD = "dim", "green"
TRAINING, VALIDATION = "training", "validation"
FULL, HALF, EMPTY = "━", "╸", "─"
LEVELS = "▁▂▃▄▅▆▇█"
NOT_ASCII = FULL + HALF + EMPTY + LEVELS
LABEL, ASIDE = 15, 20  # columns left and right of a bar
LEAST_BAR = 12
BLOCK = 75  # columns that the whole table takes; nothing stands wider


@dataclass(frozen=True)
class Column:
    """One figure of each epoch."""

    title: str
    width: int
    spell: Callable[[Epoch], str]
    group: str = ""  # the images it was measured on
    spare: int = 0  # the highest go first where space is short; 0 stays


COLUMNS = (
    Column("epoch", 5, lambda it: str(it.epoch)),
    Column("loss", 8, lambda it: loss(it.train_loss), TRAINING),
    Column("right", 8, lambda it: share(it.train_accuracy), TRAINING, spare=3),
    Column("loss", 8, lambda it: loss(it.validation_loss), VALIDATION, spare=1),
    Column("right", 8, lambda it: share(it.validation_accuracy), VALIDATION),
    Column("rate", 9, lambda it: f"{it.rate:.3g}", spare=4),
    Column("images/s", 8, lambda it: f"{it.images_per_second:,.0f}", spare=5),
    Column("time", 7, lambda it: duration(it.seconds), spare=2),
)


@dataclass(frozen=True)
class EpochTable:
    """Rows that come one after the other, so the widths are settled before the first."""

    columns: tuple[Column, ...]
    ascii_only: bool = False

    @property
    def width(self) -> int:
        return sum(c.width + len(GAP) for c in self.columns) - len(GAP)

    def heading(self) -> list[TextLine]:
        rule = "-" if self.ascii_only else EMPTY
        titles = GAP.join(f"{c.title:>{c.width}}" for c in self.columns)
        return [
            [Piece(self._groups(rule), QUIET)],
            [Piece(titles, "bold")],
            [Piece(rule * self.width, QUIET)],
        ]

    def _groups(self, rule: str) -> str:
        """What the columns of one kind have in common, in a line over them."""
        said: list[str] = []
        for name in dict.fromkeys(c.group or c.title for c in self.columns):
            widths = [c.width for c in self.columns if name in (c.group, c.title)]
            room = sum(widths) + len(GAP) * (len(widths) - 1)
            if name in (TRAINING, VALIDATION):
                ruled = f" {name} ".center(room, rule)
                said.append(ruled if room > len(name) + 1 else name.rjust(room))
            else:
                said.append(" " * room)
        return GAP.join(said).rstrip()

    def row(self, epoch: Epoch, best: bool = False) -> TextLine:
        """One epoch; `best` marks what it got right as the most so far."""
        line: TextLine = []
        for column in self.columns:
            cell = f"{column.spell(epoch):>{column.width}}"
            marked = best and (column.title, column.group) == ("right", VALIDATION)
            gap = GAP if line else ""
            line += [Piece(gap), Piece(cell, GOOD)] if marked else [Piece(gap + cell)]
        return line


def epoch_table(width: int, validated: bool = True, ascii_only: bool = False) -> EpochTable:
    """As many columns as the width holds."""
    columns = [c for c in COLUMNS if validated or c.group != VALIDATION]
    while sum(c.width + len(GAP) for c in columns) - len(GAP) > width:
        spare = max(columns, key=lambda c: c.spare)
        if not spare.spare:
            break
        columns.remove(spare)
    groups = [c.group for c in columns]
    wide = [replace(c, width=max(c.width, len(c.group))) for c in columns]
    fitting = (w if groups.count(c.group) == 1 else c for c, w in zip(columns, wide, strict=True))
    return EpochTable(tuple(fitting), ascii_only)


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
        (f"loss {latest}", None, f"rate {now.rate:.3g}"),
    ]
    beside = width >= LABEL + LEAST_BAR + ASIDE
    room = max(width - LABEL - (ASIDE if beside else 0), 1)
    lines: list[TextLine] = []
    for label, filled, aside in rows:
        line = [Piece(f"{label:<{LABEL}}")]
        if filled is None:
            line.append(Piece(spark(trace.means(room), room, ascii_only), "magenta"))
        else:
            line += bar(filled, room, ascii_only)
        lines.append([*line, Piece(f"{aside:>{ASIDE}}")] if beside else line)
    if not beside:
        lines += _folded([aside for *_, aside in rows], width)
    return lines


def in_a_line(now: Progress, width: int) -> TextLine:
    """The same where there is room for one line only."""
    words = f"epoch {now.epoch}/{now.epochs}, step {now.step}/{now.steps}, "
    return [Piece((words + f"{duration(now.seconds_left)} left")[:width])]


def _folded(words: Sequence[str], width: int) -> list[TextLine]:
    """In as few lines as hold them."""
    lines: list[str] = []
    for word in words:
        if lines and len(lines[-1]) + len(GAP) + len(word) <= width:
            lines[-1] += GAP + word
        else:
            lines.append(word)
    return [[Piece(line)] for line in lines]


def bar(share_done: float, width: int, ascii_only: bool = False) -> TextLine:
    """A bar filled to that share, exact to half a character."""
    full, half, empty = "#.-" if ascii_only else (FULL, HALF, EMPTY)
    halves = round(2 * width * min(max(share_done, 0.0), 1.0))
    done = full * (halves // 2) + half * (halves % 2)
    return [Piece(done, "cyan"), Piece(empty * (width - len(done)), QUIET)]


def spark(values: Sequence[float], width: int, ascii_only: bool = False) -> str:
    """The values from left to right as heights, on a logarithmic scale where all are above 0."""
    levels = "_.-=+*%#" if ascii_only else LEVELS
    heights = [log(value) for value in values] if all(v > 0 for v in values) else values
    low, high = min(heights, default=0.0), max(heights, default=0.0)
    scale = (len(levels) - 1) / (high - low) if high > low else 0.0
    return "".join(levels[round((height - low) * scale)] for height in heights).ljust(width)


def loss(value: float | None) -> str:
    """Four decimals, and never wider than a column."""
    if value is None:
        return ""
    if not isfinite(value):
        return "∞" if isinf(value) else "NaN"
    return f"{value:.4f}" if abs(value) < 1000 else f"{value:.2g}"


def share(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.2f} %"


def duration(seconds: float) -> str:
    """4.2 s, 1:05, 2:03:09."""
    if not isfinite(seconds):
        return "?"
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 59.95 else "1:00"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
