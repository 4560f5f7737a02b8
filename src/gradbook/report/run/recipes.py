"""The built-in recipes: what each costs and reaches, for the terminal and for programs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from gradbook.amounts import counted, duration
from gradbook.lab.recipes import RECIPES
from gradbook.lab.recipes.text import builtin_recipe, measurement
from gradbook.net.measure import measure
from gradbook.report.words import Span, TableColumn, TextLine, TextTable, fold

Record = dict[str, Any]


def _right(reached: Record | None) -> str:
    if reached is None:
        return "docs/results.md"
    return f"{100 * reached['mean']:.2f} ± {100 * reached['deviation']:.2f} %"


COLUMNS = (  # a key is that of a recipe's record
    TableColumn("recipe", "name", words=True, ink="cyan"),
    TableColumn("parameters", "parameters"),
    TableColumn("epochs", "epochs", spell=str),
    TableColumn("time", "seconds_here", spell=lambda it: "" if it is None else duration(it)),
    TableColumn("test images right", "measured", spell=_right),
)


def records(threads: int) -> list[Record]:
    """What each costs, and what it reached where that was measured; for programs too."""
    return [_record(name, threads) for name in RECIPES]


def _record(name: str, threads: int) -> Record:
    recipe, reached = builtin_recipe(name), measurement(name)
    return {
        "name": name,
        "about": recipe.about,
        "parameters": measure(recipe.net).parameters,
        "epochs": recipe.epochs,
        "seconds_here": reached and reached.seconds_with(threads),
        "measured": reached and asdict(reached),
    }


def lines(width: int, threads: int) -> Iterator[TextLine]:
    """A row for each; what it is for stands beside the figures, or under them."""
    found = records(threads)
    table = TextTable.of(COLUMNS, found)
    yield from table.with_notes(([Span(record["about"])] for record in found), width)
    known = [record["measured"] for record in found if record["measured"]]
    if known:
        machines = " and ".join(dict.fromkeys(it["machine"] for it in known))
        words = (
            f"Measured over {min(it['seeds'] for it in known)} seeds or more on {machines}; "
            f"the time is what follows for {counted(threads, 'core')}."
        )
        yield []
        yield from fold(words, width)
