"""Makes a recipe and its problem of the arguments of `train`, whatever they give to learn."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from gradbook.arguments import one_of, whole
from gradbook.data.dataset import Dataset
from gradbook.data.tables import NAMED
from gradbook.errors import GradbookError, UsageError, assume, did_you_mean
from gradbook.lab.arrays.learn import learn
from gradbook.lab.arrays.read_arrays import Given
from gradbook.lab.arrays.rows_problem import ArraysAsked, split_asked
from gradbook.lab.images import ImageProblem, with_whole_path
from gradbook.lab.models.answers import label_name
from gradbook.lab.models.model import Model
from gradbook.lab.own_samples import own_samples
from gradbook.lab.problem import Problem
from gradbook.lab.recipes import RECIPES, USUAL
from gradbook.lab.recipes.recipe import BALANCED, BEST, LAST, Recipe
from gradbook.lab.recipes.recipe_text import change_recipe
from gradbook.lab.recipes.recipe_text import recipe as recipe_of
from gradbook.lab.tables import (
    TableAsked,
    TableProblem,
    is_table,
    names_between_commas,
    usual_recipe,
)
from gradbook.lab.training.run_folder import RunFolder, open_model
from gradbook.net import BUILTIN, Net, builtin
from gradbook.net.description import Task
from gradbook.net.text import reads_as_text, with_its_word

TASKS = ("classes", "numbers")
TABLE_WORDS = ("ignore", "missing", "decimal", "dates", "task")  # lines about a table

Meant = Recipe | Net | str | os.PathLike[str]
Data = Problem | Dataset | str | os.PathLike[str]
Part = float | tuple[Given, Given] | Given | None


@dataclass(frozen=True, eq=False, kw_only=True)
class TrainingAsked:
    """The arguments of a training, as they are given."""

    recipe: Meant | None
    lines: str  # that replace the recipe's own
    data: Data | None
    inputs: Any = None
    targets: Any = None
    target: str = ""
    task: str | None = None
    validation: Any = None
    test: Any = None
    sample_weight: Any = None
    class_weight: Any = None
    epochs: int | None = None
    patience: int | None = None
    seed: int | None = None
    held_back: bool | None = None
    start: Any = None

    @property
    def arrays(self) -> ArraysAsked:
        task = None if self.task is None else Task(one_of("task", self.task, TASKS))
        return ArraysAsked(self.validation, self.test, self.sample_weight, task)

    @property
    def recipe_lines(self) -> str:
        """The lines for a recipe, an update's with its word."""
        return "; ".join(map(with_its_word, _parts(self.lines)))

    def settled(self, begun: RunFolder | None) -> tuple[Recipe, Problem]:
        """The recipe and the problem; those of an earlier run if it is continued."""
        if not isinstance(self.recipe, Recipe | Net | str | os.PathLike | None):
            raise UsageError(
                "the network comes first: gb.train(network, inputs, targets); None instead of it "
                "picks one"
            )
        old = begun.recipe() if begun else None
        seed = old.net.seed if old and self.seed is None else self.seed
        start, path = _model_of(self.start)
        chosen = self.recipe if start is None or old or self.recipe is not None else start.net
        asked = replace(self, seed=seed, recipe=chosen)
        recipe, problem = asked._of_its_kind(old, begun)
        recipe = asked._settings(recipe, problem)
        if start is None and recipe.start:
            start, path = _model_of(recipe.start)
        recipe = replace(recipe, start=path)
        if start is not None:
            if not hasattr(problem, "start"):
                raise UsageError("only images, rows and windows are learned from a start")
            problem = replace(cast("Any", problem), start=start)
        if old and recipe.find_rate:
            recipe = replace(recipe, find_rate=False, schedule=old.schedule)
        if isinstance(problem, ImageProblem):
            problem = replace(problem, recipe=recipe)
        return recipe, problem

    def _of_its_kind(self, old: Recipe | None, begun: RunFolder | None) -> tuple[Recipe, Problem]:
        """The recipe before its settings are changed, and its problem."""
        if self.inputs is not None:
            return self._of_arrays(old)
        if self.targets is not None:
            raise UsageError("these targets have no inputs: gb.train(network, inputs, targets)")
        table = self.table
        if table is not None and not old:
            return self._of_table(table)
        self._require_only_folds()
        if self.data is None and (net := _net_with_samples(self.recipe)):
            problem, recipe = own_samples(net)
            return change_recipe(recipe, self.recipe_lines), problem
        recipe = recipe_of(old or USUAL if self.recipe is None else self.recipe, self.recipe_lines)
        if table is not None:  # of pixels, or of a run that is continued
            recipe = replace(recipe, data=str(table))
        if isinstance(self.data, Problem):
            return with_whole_path(replace(recipe, data=self.data.title)), self.data
        if isinstance(self.data, Dataset):
            return replace(recipe, data=self.data.name), ImageProblem(recipe, self.data)
        if self.data is not None:
            recipe = replace(recipe, data=str(self.data))
        recipe = with_whole_path(recipe)
        if begun and self.data is None:
            return recipe, begun.problem(recipe)
        return recipe, ImageProblem(recipe)

    def _of_arrays(self, old: Recipe | None) -> tuple[Recipe, Problem]:
        if self.data is not None or self.target:
            raise UsageError("the inputs are given: leave out data and target, which name others")
        recipe = old
        if self.recipe is not None:
            recipe = recipe_of(_without_samples(self.recipe))
        problem = learn(self.inputs, self.targets, self.arrays, recipe)
        if recipe is None and isinstance(problem, ImageProblem):
            recipe = recipe_of(USUAL)
        elif recipe is None:
            assert isinstance(problem, TableProblem)
            recipe = usual_recipe(problem, "arrays")
        recipe = change_recipe(recipe, self.recipe_lines) if self.lines else recipe
        return replace(recipe, data=problem.title), problem

    @property
    def table(self) -> str | None:
        """The table that is named as data, or instead of a recipe."""
        for name in (self.data, self.recipe if self.data is None else None):
            if isinstance(name, str | os.PathLike):
                path = os.fspath(name)
                if path in NAMED or (is_table_file(path) and os.path.isfile(path)):
                    return path
        return None

    def _of_table(self, name: str) -> tuple[Recipe, Problem]:
        """A table of measurements, or one of pixels, as the command takes it."""
        recipe = None
        if self.data is not None and self.recipe is not None:
            recipe = recipe_of(_without_samples(self.recipe))
        how, lines = _lines_on_tables(self.lines)
        is_asked = bool(self.target or self.task or how)
        if not is_table(name, is_asked, recipe):
            self._require_only_folds()
            pixels = recipe_of(recipe or USUAL, lines)
            pixels = with_whole_path(replace(pixels, data=name))
            return pixels, ImageProblem(pixels)
        ignored = names_between_commas(how.pop("ignore", ""))
        more: dict[str, Any] = {"task": self.task, **how}
        asked = TableAsked(self.target, ignored, **more)
        is_all = ["test", "none"] in [line.split() for line in lines.split(";")]
        everything = is_all or (recipe is not None and not recipe.tests)
        problem = asked.problem(name, everything, split_asked(self.arrays, (0, 0), 0))
        recipe = recipe or usual_recipe(problem, Path(name).stem, None if is_all else 0)
        recipe = change_recipe(recipe, lines) if lines else recipe
        path = name if name in NAMED else os.path.abspath(name)
        return replace(recipe, data=path), problem

    def _require_only_folds(self) -> None:
        """Refuse what only arrays and tables have."""
        asked = {
            "validation": self.validation,
            "test": self.test,
            "sample_weight": self.sample_weight,
        }
        for name, value in asked.items():
            if value is not None:
                raise UsageError(
                    f"{name} is for arrays and tables: a data set has folds, as in "
                    "set='hold back 1'"
                )
        for source in (self.data, self.recipe):
            if isinstance(source, str) and is_table_file(source) and not os.path.isfile(source):
                raise UsageError(f"no file is called '{source}'")
        if self.target or self.task:
            raise UsageError("target and task are for tables: name one, such as 'houses.csv'")

    def _settings(self, recipe: Recipe, problem: Problem) -> Recipe:
        """The recipe with the other arguments in place of its own settings."""
        if self.seed is not None:
            seed = whole("the seed", self.seed, 0)
            recipe = replace(recipe, net=replace(recipe.net, seed=seed))
        if self.epochs is not None:
            recipe = replace(recipe, epochs=self.epochs, adapts=recipe.adapts - {"epochs"})
        if self.held_back is not None:
            held_back = (recipe.held_back or 0) if self.held_back else None
            recipe = replace(recipe, held_back=held_back)
        if isinstance(self.validation, int | float) and not self.validation:
            recipe = replace(recipe, held_back=None, early_stop=None, keep=LAST)
        if self.patience is not None and recipe.held_back is None:
            raise UsageError("patience needs samples that are held back: give more validation")
        if self.patience is not None:
            recipe = replace(recipe, early_stop=self.patience, keep=BEST)
        if self.class_weight is not None:
            weights = weights_by_class(self.class_weight, problem.classes)
            recipe = replace(recipe, class_weights=weights)
        return recipe


def recipe_for(
    inputs: Given | str | os.PathLike[str],
    targets: Given | str | Sequence[str] | None = None,
    *,
    task: str | None = None,
) -> Recipe:
    """The recipe that `gb.train` picks if none is given: the network and its training.

    Args:
        inputs: Arrays, a data frame, or the file of a table.
        targets: Their targets, or the name of a column.
        task: 'classes' or 'numbers', if the targets can be either.

    >>> import gradbook as gb
    >>> picked = gb.recipe_for([[k, k % 7] for k in range(60)], [k % 3 for k in range(60)])
    >>> picked.net.input, picked.net.outputs, picked.batch
    ((2,), 3, 2)
    """
    file = os.fspath(inputs) if isinstance(inputs, str | os.PathLike) else None
    if file is not None and not (targets is None or isinstance(targets, str)):
        raise UsageError("name the column of the table to learn")
    asked = TrainingAsked(
        recipe=file,
        lines="",
        data=None,
        inputs=None if file else inputs,
        targets=None if file else targets,
        target=str(targets or "") if file else "",
        task=task,
    )
    if file is not None and asked.table is None:
        raise UsageError(f"{file} isn't the file of a table: give a .csv or .tsv")
    return asked.settled(None)[0]


def _model_of(start: Any) -> tuple[Model | None, str]:
    """The model that a training begins with, and its path if it is one in a file."""
    if isinstance(start, str | os.PathLike) and os.fspath(start):
        return open_model(start, assume), os.path.abspath(start)
    model = getattr(start, "model", start)
    if model and not isinstance(model, Model):
        raise UsageError("start is a model, a finished training, or the path of one")
    return model if isinstance(model, Model) else None, ""


def is_table_file(name: str) -> bool:
    """Whether a file of this name is a table, of measurements or of pixels."""
    from gradbook.data.formats import pixel_table
    from gradbook.data.tables import SUFFIXES

    return name.lower().endswith(SUFFIXES) or pixel_table.is_table(os.path.basename(name))


def _net_with_samples(recipe: object) -> Net | None:
    """The network that an argument means, if it has samples of its own."""
    net = recipe if isinstance(recipe, Net) else None
    if isinstance(recipe, str) and recipe not in RECIPES:
        if recipe in BUILTIN:
            net = builtin(recipe)
        elif reads_as_text(recipe) and not os.path.isfile(recipe):
            try:
                net = Net.parse(recipe)
            except GradbookError:  # a recipe's text, or its own error says why
                return None
    return net if net is not None and net.has_samples else None


def _without_samples(recipe: Meant) -> Meant:
    """A network without samples of its own, if others are given."""
    net = _net_with_samples(recipe)
    return replace(net, samples=(), table="", columns=(), classes=()) if net else recipe


def _parts(lines: str) -> list[str]:
    return [part for part in map(str.strip, lines.replace("\n", ";").split(";")) if part]


def _lines_on_tables(lines: str) -> tuple[dict[str, str], str]:
    """What the lines say about a table by their words, and the lines of a recipe."""
    how: dict[str, str] = {}
    others = []
    for line in _parts(lines):
        word, _, rest = line.partition(" ")
        if word not in TABLE_WORDS:
            others.append(with_its_word(line))
            continue
        if not rest.strip():
            raise UsageError(f"{word}: its value is missing")
        how[word] = rest.strip()
    return how, "; ".join(others)


def weights_by_class(asked: Any, classes: tuple[str, ...]) -> Any:
    """Class weights in the order of the classes; those that a mapping doesn't name are 1."""
    if not classes:
        raise UsageError("numbers have no classes to weight: leave out class_weight")
    if asked == BALANCED or not isinstance(asked, Mapping):
        return asked
    weights = {label_name(label): weight for label, weight in asked.items()}
    for name in weights:
        if name not in classes:
            hint = did_you_mean(name, classes) or f": the classes are {', '.join(classes)}"
            raise UsageError(f"class_weight: no class '{name}'{hint}")
    return tuple(weights.get(name, 1.0) for name in classes)
