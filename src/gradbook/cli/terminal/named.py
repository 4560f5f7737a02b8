"""What a word may name where a network is wanted: a network, a recipe, a run or a model's file.

What trains is imported only where the word can name such a thing: it takes longer than most work on
a small network.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from gradbook.cli.terminal.arguments import network
from gradbook.errors import GradbookError, one_line
from gradbook.formats.reading import FOREIGN

if TYPE_CHECKING:
    from gradbook.lab.models.model import Model
    from gradbook.lab.models.table_model import TableModel
    from gradbook.lab.recipes.recipe import Recipe
    from gradbook.lab.training.run_folder import RunFolder
    from gradbook.net import Net

MODELS = (".safetensors", *FOREIGN)


def named_model(argument: str) -> Model | None:
    """The trained network of images in a run's folder or a file, if the word names one.

    One that reads rows of a table is shown as the network that it is; a run of one isn't.
    """
    if not _is_models_file(argument):
        return opened_model(argument) if _run(argument) else None
    from gradbook.lab.models.model import Model

    found = opened(argument)
    return found if isinstance(found, Model) else None


def _is_models_file(argument: str) -> bool:
    return os.path.isfile(argument) and argument.lower().endswith(MODELS)


def opened(path: str) -> Model | TableModel:
    """The model in a run's folder or a file; what is to be known of it is said on the side."""
    from gradbook.lab.training.run_folder import load

    model = load(path)
    for remark in model.about.get("remarks") or ():
        print(one_line(f"gradbook: {path}: {remark}"), file=sys.stderr)
    return model


def opened_model(path: str) -> Model:
    """The same of a model that reads images."""
    from gradbook.lab.models.model import Model
    from gradbook.lab.training.run_folder import of_a_table

    model = opened(path)
    if not isinstance(model, Model):
        raise of_a_table(path)
    return model


def named(argument: str, data: str | None = None, **reading: str | None) -> Net | Recipe:
    """The network that is meant, or the recipe, also that of a run."""
    run = _run(argument)
    if run:
        return run.recipe()
    if _is_models_file(argument):
        return opened(argument).net
    try:
        return network(argument, data, **reading)
    except GradbookError as no_network:
        from gradbook.lab.recipes import RECIPES
        from gradbook.lab.recipes.text import recipe

        if argument in RECIPES or os.path.isfile(argument):
            try:
                return recipe(argument)
            except GradbookError as no_recipe:
                if _line(no_recipe) > _line(no_network):  # it was read further as what it is
                    raise no_recipe from None
        raise


def _line(refusal: GradbookError) -> int:
    return getattr(refusal, "line", None) or 0


def _run(argument: str) -> RunFolder | None:
    """The run in a folder of that name; a built-in network goes before it."""
    from gradbook.builtin import BUILTIN

    if argument in BUILTIN or not os.path.isdir(argument):
        return None
    from gradbook.lab.training.run_folder import RunFolder

    run = RunFolder(argument)
    return run if run.holds_a_run else None


def network_of(what: Net | Recipe) -> Net:
    from gradbook.net import Net

    return what if isinstance(what, Net) else what.net
