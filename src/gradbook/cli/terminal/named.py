"""What a word may name where a network is wanted: a network, a recipe, a run or a model's file."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from gradbook.cli.terminal.arguments import network
from gradbook.errors import GradbookError

if TYPE_CHECKING:
    from gradbook.lab.models.model import Model
    from gradbook.lab.recipes.recipe import Recipe
    from gradbook.net import Net


def named_model(argument: str) -> Model | None:
    """The trained network in a run's folder or a file, if the word names one."""
    from gradbook.lab.training.run_folder import RunFolder, load
    from gradbook.net import BUILTIN

    if argument in BUILTIN:
        return None
    is_file = os.path.isfile(argument) and argument.lower().endswith(".safetensors")
    return load(argument) if is_file or os.path.isfile(RunFolder(argument).recipe_file) else None


def named(argument: str, data: str | None = None) -> Net | Recipe:
    """The network that is meant, or the recipe, also that of a run."""
    from gradbook.lab.recipes.builtin import RECIPES, recipe
    from gradbook.lab.training.run_folder import RunFolder
    from gradbook.net import BUILTIN

    run = RunFolder(argument)
    if argument not in BUILTIN and os.path.isfile(run.recipe_file):
        return run.recipe()
    try:
        return network(argument, data)
    except GradbookError:
        if argument in RECIPES or os.path.isfile(argument):
            with suppress(GradbookError):
                return recipe(argument)
        raise


def network_of(what: Net | Recipe) -> Net:
    from gradbook.net import Net

    return what if isinstance(what, Net) else what.net
