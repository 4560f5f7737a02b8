"""A figure of each seed as a row of dots on one line, with the mean."""

from __future__ import annotations

from collections.abc import Sequence

from gradbook.lab.training.seeds import Spread
from gradbook.palette import QUIET
from gradbook.report.amounts import percent
from gradbook.report.curve import spread as apart
from gradbook.report.curve_svg import FONT
from gradbook.report.scale import notch

WIDTH, HEIGHT, LINE = 760.0, 96.0, 46.0  # points
LEFT, RIGHT = 40.0, 720.0
DOT = "#077DB3"
MOST_LABELS = 24
SPACE = 24.0  # from one label to the next


def dots(spread: Spread, labels: Sequence[str], of: int) -> str:
    """The accuracies of the seeds, each with its label; `of` is how many images they are of."""
    low, high = min(spread.values), max(spread.values)
    room = max((high - low) * 0.15, 1.5 / of)
    low, high = low - room, high + room

    def x(value: float) -> float:
        return round(LEFT + (RIGHT - LEFT) * (value - low) / (high - low), 1)

    parts = [f'<path class="grid" stroke="{QUIET.fill}" d="M{LEFT} {LINE}H{RIGHT}"/>']
    parts += [_tick(x(level), percent(level, of)) for level in _levels(low, high, of)]
    parts.append(
        f'<path class="mean" d="M{x(spread.mean)} {LINE - 15}v30"><title>the mean, '
        f"{percent(spread.mean, of)}</title></path>"
    )
    places = apart([x(value) for value in spread.values], SPACE, LEFT, RIGHT)
    for value, label, place in zip(spread.values, labels, places, strict=True):
        said = f"seed {label}: {percent(value, of)}"
        parts.append(
            f'<circle cx="{x(value)}" cy="{LINE}" r="8" fill="{DOT}" fill-opacity=".7">'
            f"<title>{said}</title></circle>"
        )
        if len(labels) <= MOST_LABELS:
            parts.append(_text(place, LINE - 20, label))
    return (
        f'<svg class="gb-chart dots" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" role="img" '
        f'font-family="{FONT}" aria-label="The seeds on a line">{"".join(parts)}'
        "</svg>"
    )


def _levels(low: float, high: float, of: int) -> list[float]:
    step = max(notch((high - low) / 6, down=False), 1 / of)
    first = round(low / step) * step
    levels = [first + k * step for k in range(12)]
    return [level for level in levels if low <= level <= min(high, 1.0)]


def _tick(x: float, words: str) -> str:
    return f'<path class="grid" stroke="{QUIET.fill}" d="M{x} {LINE - 5}v10"/>' + _text(
        x, LINE + 32, words
    )


def _text(x: float, y: float, words: str) -> str:
    return (
        f'<text class="quiet" fill="{QUIET.ink}" x="{x:g}" y="{y:g}" '
        f'text-anchor="middle">{words}</text>'
    )
