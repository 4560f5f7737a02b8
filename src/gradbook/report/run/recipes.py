"""The built-in recipes: what each costs and reaches, for the terminal and for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from gradbook.amounts import counted, duration
from gradbook.lab.recipes.builtin import RECIPES, Measured, builtin_recipe, measured
from gradbook.lab.recipes.recipe import Recipe
from gradbook.net.measure import measure
from gradbook.report.words.lines import Piece, TextLine, folded
from gradbook.report.words.table import TableCell, TableColumn, TextTable


@dataclass(frozen=True)
class ShownRecipe:
    """A built-in recipe, what it costs, and what it reached where that was measured."""

    name: str
    recipe: Recipe
    parameters: int
    reached: Measured | None


COLUMNS = (
    TableColumn("recipe", words=True, ink="cyan"),
    TableColumn("parameters"),
    TableColumn("epochs", spell=str),
    TableColumn("time"),
    TableColumn("test images right"),
)


def shown_recipes() -> list[ShownRecipe]:
    return [
        ShownRecipe(name, it, measure(it.net).parameters, measured(name))
        for name, it in ((name, builtin_recipe(name)) for name in RECIPES)
    ]


def records(threads: int) -> list[dict[str, object]]:
    """For a program."""
    return [
        {
            "name": shown.name,
            "about": shown.recipe.about,
            "parameters": shown.parameters,
            "epochs": shown.recipe.epochs,
            "seconds_here": shown.reached and shown.reached.seconds_with(threads),
            "measured": shown.reached and asdict(shown.reached),
        }
        for shown in shown_recipes()
    ]


def lines(width: int, threads: int) -> Iterator[TextLine]:
    """A row for each; what it is for stands beside the figures, or under them."""
    found = shown_recipes()
    table = TextTable(COLUMNS, tuple(_cells(shown, threads) for shown in found))
    yield from table.with_notes(([Piece(shown.recipe.about)] for shown in found), width)
    yield from _remarks(found, width, threads)


def _cells(shown: ShownRecipe, threads: int) -> tuple[TableCell, ...]:
    figures = (shown.name, shown.parameters, shown.recipe.epochs)
    reached = shown.reached
    if reached is None:
        return (*figures, "", "not measured yet")
    right = f"{100 * reached.mean:.2f} ± {100 * reached.deviation:.2f} %"
    return (*figures, duration(reached.seconds_with(threads)), right)


def _remarks(found: Sequence[ShownRecipe], width: int, threads: int) -> Iterator[TextLine]:
    """Where the figures come from."""
    known = [shown.reached for shown in found if shown.reached]
    if not known:
        return
    words = (
        f"Measured over {min(it.seeds for it in known)} seeds or more on {known[0].machine}; "
        f"the time is what follows for {counted(threads, 'core')}."
    )
    yield []
    yield from folded(words, width)
