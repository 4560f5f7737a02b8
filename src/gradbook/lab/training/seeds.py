"""Several trainings that differ in their seed alone, each in a folder of its own within one."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import fmean, stdev
from tempfile import TemporaryDirectory
from typing import Any

from gradbook import __version__
from gradbook.errors import DataError, GradbookError, UsageError
from gradbook.files import made_folder, read_text, write_whole
from gradbook.lab.recipes.builtin import recipe as recipe_of
from gradbook.lab.recipes.recipe import Recipe
from gradbook.lab.recipes.text import parse
from gradbook.lab.training.run_folder import PLAN, RunFolder
from gradbook.lab.training.train import Meant, Trained, train
from gradbook.schema import ListOf, PlainText, Schema, SchemaError, WholeNumber, read_json
from gradbook.work.processes import Outcome, WorkCrew

Files = Mapping[str, bytes]
SEEDS_PLAN = Schema(recipe=PlainText(), seeds=ListOf(WholeNumber(), 1))


@dataclass(frozen=True)
class Spread:
    """The same figure of each seed."""

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        return fmean(self.values)

    @property
    def deviation(self) -> float:
        """Of the sample: what one more seed can be expected to differ by."""
        return stdev(self.values) if len(self.values) > 1 else 0.0

    @property
    def lowest(self) -> float:
        return min(self.values)


def train_seeds(
    recipe: Meant,
    seeds: Iterable[int] = range(5),
    changes: str = "",
    *,
    folder: str | os.PathLike[str] | None = None,
    **settings: Any,
) -> tuple[Trained, ...]:
    """Train once with each seed, the settings being those of `train`; until one is stopped.

    `Spread` of their test accuracies says how far they differ. With a `folder` each run has its
    own in there.
    """
    from gradbook.data.sources import KNOWN, load

    found: list[Trained] = []
    name = recipe_of(recipe, changes).data
    if name in KNOWN:  # so that not every training has to load it
        settings = {"data": load(name), **settings}
    for seed in seeds:
        own = None if folder is None else SeedsFolder(folder).run(seed).path
        found.append(train(recipe, changes, folder=own, seed=seed, **settings))
        if found[-1].stopped:
            break
    return tuple(found)


class SeedsFolder(RunFolder):
    """`seeds.json` says what is trained, `seed-N/` is the run of seed N; result and report are of
    all of them.
    """

    @property
    def plan_file(self) -> Path:
        return self.path / PLAN

    @property
    def holds_seeds(self) -> bool:
        return os.path.exists(self.plan_file)

    def run(self, seed: int) -> RunFolder:
        return RunFolder(self.path / f"seed-{seed}")

    def begin_all(self, recipe: Recipe, seeds: Sequence[int]) -> None:
        """Make the folder and write down what is to be trained."""
        made_folder(self.path)
        plan = {"recipe": str(recipe), "seeds": list(seeds)}
        write_whole(self.plan_file, json.dumps(plan, ensure_ascii=False, indent=2) + "\n")

    def plan(self) -> tuple[Recipe, list[int]]:
        """What is trained, and with which seeds."""
        file = str(self.plan_file)
        try:
            plan = read_json(read_text(self.plan_file), SEEDS_PLAN)
            text, seeds = plan["recipe"], plan["seeds"]
            if len(set(seeds)) < len(seeds):
                raise SchemaError("a seed twice")
        except SchemaError as error:
            raise DataError(f"not the plan of several seeds ({error})", file=file) from error
        return parse(text, file), seeds


def together(results: Sequence[dict[str, Any]], folder: Path) -> dict[str, Any]:
    """The event 'done' of all seeds, made of those of each."""
    test = Spread(tuple(result["test_accuracy"] for result in results))
    validation = [result["validation_accuracy"] for result in results]
    f1 = [result["macro_f1"] for result in results if result.get("macro_f1") is not None]
    first = results[0]
    return {
        "event": "done",
        "recipe": first["recipe"],
        "parameters": first["parameters"],
        "epochs": first["epochs"],
        "seconds": sum(result["seconds"] for result in results),
        "images_per_second": fmean(result["images_per_second"] for result in results),
        "validation_accuracy": None if None in validation else fmean(validation),
        "test_accuracy": test.mean,
        "test_deviation": test.deviation,
        "test_lowest": test.lowest,
        "test_accuracies": list(test.values),
        "macro_f1": fmean(f1) if len(f1) == len(results) else None,
        "seed": None,
        "seeds": [result["seed"] for result in results],
        "model": None,
        "folder": str(folder),
    }


# By a crew: each is a function of its recipe, and its files come back.


def files_of(recipe: str, threads: int | None = None) -> Files:
    """Train, wherever this is: what the folder of the run then holds, its checkpoints left out."""
    with TemporaryDirectory(prefix="gradbook-") as place:
        run = RunFolder(Path(place, "run"))
        train(parse(recipe), folder=run.path, threads=threads, show=False)
        return {path.name: path.read_bytes() for path in run.path.iterdir() if path.is_file()}


def trained_by(
    crew: WorkCrew, folder: SeedsFolder, threads: int | None = None
) -> Iterator[RunFolder]:
    """The run of each seed that wasn't done, once it is there; the crew is ended."""
    try:
        with folder.held():
            left = dict(_runs_to_do(folder))
            for recipe in left:
                crew.give(_name(recipe), partial(files_of, recipe, threads))
            named = {_name(recipe): run for recipe, run in left.items()}
            while named:
                for name, outcome in crew.outcomes():
                    run = named.pop(name)
                    _keep(run, _files(run, outcome))
                    yield run
    finally:
        crew.end()


def _runs_to_do(folder: SeedsFolder) -> Iterator[tuple[str, RunFolder]]:
    recipe, seeds = folder.plan()
    for seed in seeds:
        run = folder.run(seed)
        if not run.is_done:
            yield str(replace(recipe, net=replace(recipe.net, seed=seed))), run


def _name(recipe: str) -> str:
    """One that no other training has."""
    return hashlib.sha256(f"{__version__}\n{recipe}".encode()).hexdigest()[:32]


def _files(run: RunFolder, outcome: Outcome) -> Files:
    if isinstance(outcome.error, GradbookError):
        raise UsageError(f"where {run.path} was to be trained: {outcome.error}")
    if outcome.error:
        raise UsageError(f"{run.path}: training {outcome.error}")
    found: Files = outcome.value
    return found


def _keep(run: RunFolder, files: Files) -> None:
    """The result comes last: with it the run is done."""
    made_folder(run.path)
    with run.held():
        for name, content in files.items():
            if name != run.result_file.name:
                write_whole(run.path / name, content)
        result = json.loads(files[run.result_file.name])
        run.write_result(result | {"model": str(run.model_file)})
