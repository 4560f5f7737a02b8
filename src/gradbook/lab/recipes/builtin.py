"""The recipes that come with gradbook and what they reached; which recipe a name or a file means.

`bench/accuracy.py` fills measured.json; nothing in it is typed by hand.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from gradbook.errors import UsageError, did_you_mean
from gradbook.files import read_text
from gradbook.lab.recipes import RECIPES
from gradbook.lab.recipes.recipe import ADAPTABLE, Recipe, said_by, with_usual
from gradbook.lab.recipes.text import changed, parse
from gradbook.net import BUILTIN, Net, builtin
from gradbook.net import text as net_text

FOLDER = files("gradbook.lab.recipes")


def recipe(what: Recipe | Net | str | os.PathLike[str], changes: str = "") -> Recipe:
    """The recipe that this means: a name, a file, a text, or a network with the usual settings.

    `changes` are lines such as 'epochs 5; batch 64' that take the place of its own.
    """
    if changes:
        return changed(recipe(what), changes)
    if isinstance(what, Recipe):
        return what
    if isinstance(what, Net):
        return Recipe(*with_usual(what, said_by(what)))
    if not isinstance(what, str | os.PathLike):
        raise UsageError(f"a recipe is a name, a file, a text or a network, not {what!r}")
    name = os.fspath(what)
    if name in RECIPES:
        return builtin_recipe(name)
    if name in BUILTIN:
        return replace(recipe(builtin(name)), adapts=ADAPTABLE)
    if not isinstance(what, str) or os.path.isfile(name) or not net_text.reads_as_text(name):
        return read(name)
    return parse(name)


def builtin_recipe(name: str) -> Recipe:
    """The recipe of that name that comes with gradbook."""
    return replace(parse(builtin_text(name), name), adapts=ADAPTABLE)


def builtin_text(name: str) -> str:
    """How that recipe is written, remarks and all."""
    if name not in RECIPES:
        known = ", ".join(RECIPES)
        raise UsageError(f"no recipe {name!r}{did_you_mean(name, RECIPES) or f': {known}'}")
    return (FOLDER / f"{name}.txt").read_text("utf-8")


def read(path: str | os.PathLike[str]) -> Recipe:
    """The recipe in a file; a network that it names may lie beside it."""
    name = os.fspath(path)
    if not os.path.lexists(path):
        known = (*RECIPES, *BUILTIN)
        hint = did_you_mean(name, known) or f": recipes are {', '.join(RECIPES)}"
        raise UsageError(f"no recipe, network or file is called '{name}'{hint}")
    return parse(read_text(path), name, Path(path).parent)


# What was reached.


@dataclass(frozen=True)
class Measured:
    """A recipe trained on all its images with several seeds, the test images scored at the end."""

    seeds: int
    mean: float  # of the shares of test images that were read right
    deviation: float
    lowest: float
    seconds: float  # a training, from loading to the last update
    threads: int
    machine: str

    def seconds_with(self, threads: int) -> float:
        """About as long as it takes on so many cores like those."""
        return self.seconds * self.threads / threads


def measured(name: str) -> Measured | None:
    """What was measured of the recipe of that name, if it was."""
    found = all_measured().get(name)
    return Measured(**found) if found else None


@cache
def all_measured() -> dict[str, dict[str, Any]]:
    return dict(json.loads((FOLDER / "measured.json").read_text("utf-8")))
