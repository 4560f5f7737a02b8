"""The built-in recipes: what each costs and reaches, for the terminal and for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from textwrap import wrap

from gradbook.lab.recipes.builtin import RECIPES, Measured, builtin_recipe, measured
from gradbook.lab.recipes.recipe import Recipe
from gradbook.net.measure import measure
from gradbook.report.run.epochs import duration
from gradbook.report.words.lines import Piece, TextLine

HEADINGS = ("recipe", "parameters", "epochs", "time", "test images right")
GAP = "  "
LEAST_WORDS = 36  # columns beside the figures
INDENT = 4


@dataclass(frozen=True)
class Row:
    """One recipe."""

    name: str
    recipe: Recipe
    parameters: int
    reached: Measured | None


def rows() -> list[Row]:
    return [_row(name, builtin_recipe(name)) for name in RECIPES]


def _row(name: str, recipe: Recipe) -> Row:
    return Row(name, recipe, measure(recipe.net).parameters, measured(name))


def records(threads: int) -> list[dict[str, object]]:
    """For a program."""
    return [
        {
            "name": row.name,
            "about": row.recipe.about,
            "parameters": row.parameters,
            "epochs": row.recipe.epochs,
            "seconds_here": row.reached and row.reached.seconds_with(threads),
            "measured": row.reached and asdict(row.reached),
        }
        for row in rows()
    ]


def lines(width: int, threads: int) -> Iterator[TextLine]:
    """A row for each; what it is for stands beside the figures, or under them."""
    found = rows()
    cells = [HEADINGS, *(_cells(row, threads) for row in found)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    used = sum(widths) + len(GAP) * len(widths)
    beside = width - used >= LEAST_WORDS
    margin = used if beside else INDENT
    yield [Piece(_padded(HEADINGS, widths).rstrip(), "bold")]
    for row, figures in zip(found, cells[1:], strict=True):
        name, rest = figures[0], _padded(figures, widths)[len(figures[0]) :]
        line = [Piece(name, "cyan"), Piece(rest)]
        words = wrap(row.recipe.about, max(width - margin, LEAST_WORDS))
        if beside and words:
            line.append(Piece(GAP + words.pop(0)))
        yield line
        yield from ([Piece(" " * margin + more)] for more in words)
    yield from _remarks(found, width, threads)


def _cells(row: Row, threads: int) -> tuple[str, ...]:
    reached = row.reached
    figures = (f"{row.parameters:,}", str(row.recipe.epochs))
    if reached is None:
        return (row.name, *figures, "", "not measured yet")
    right = f"{100 * reached.mean:.2f} ± {100 * reached.deviation:.2f} %"
    return (row.name, *figures, duration(reached.seconds_with(threads)), right)


def _padded(cells: Sequence[str], widths: Sequence[int]) -> str:
    name, *figures = (
        f"{cell:<{width}}" if k == 0 else f"{cell:>{width}}"
        for k, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return GAP.join([name, *figures])


def _remarks(found: Sequence[Row], width: int, threads: int) -> Iterator[TextLine]:
    """Where the figures come from."""
    known = [row.reached for row in found if row.reached]
    if not known:
        return
    cores = "one core" if threads == 1 else f"{threads} cores"
    words = (
        f"Measured over {min(it.seeds for it in known)} seeds or more on {known[0].machine}; "
        f"the time is what that makes of {cores}."
    )
    yield []
    yield from ([Piece(line)] for line in wrap(words, width))
