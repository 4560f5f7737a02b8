"""Train a network by a recipe: once, with several seeds, or a few steps to find a rate."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import fmean, stdev
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradbook import __version__
from gradbook.amounts import counted, duration, percent, short
from gradbook.arguments import whole
from gradbook.data.dataset import Dataset
from gradbook.data.formats.pixel_table import holds_pixels, is_table
from gradbook.engine.compilers import surroundings
from gradbook.errors import DataError, GradbookError, UsageError
from gradbook.files import InnerPath, made_folder, read_text, write_whole
from gradbook.interruption import until_stopped
from gradbook.lab.images import ImageProblem, with_whole_path
from gradbook.lab.models.answers import ClassScore
from gradbook.lab.models.model import Model
from gradbook.lab.problem import FinalScore, Problem, order_samples
from gradbook.lab.recipes.recipe import Recipe
from gradbook.lab.recipes.text import parse
from gradbook.lab.recipes.text import recipe as recipe_of
from gradbook.lab.training.epochs import Epoch, kept_epoch
from gradbook.lab.training.run_folder import (
    PLAN,
    SEED,
    Checkpoint,
    RunFolder,
    newest_checkpoint,
    write_checkpoint,
)
from gradbook.lab.training.training import Listener, TrainingRun, TrainingSetup, set_up, show_while
from gradbook.looks import look
from gradbook.net import Net
from gradbook.schema import ListOf, PlainText, Schema, SchemaError, WholeNumber, read_json
from gradbook.work.processes import WorkCrew

USUAL = "quick"

Meant = Recipe | Net | str | os.PathLike[str]
Data = Problem | Dataset | str | os.PathLike[str]


@dataclass(frozen=True, eq=False)
class Trained:
    """What a training came to."""

    recipe: Recipe  # as it was used; its network's seed is the seed
    problem: Any  # its own kind of `Problem`
    model: Model  # the trained network; of texts, what writes lines
    history: tuple[Epoch, ...]  # every epoch
    seconds: float  # from loading to the last update, all resumed parts together
    stopped: bool  # whether Ctrl-C ended it
    final: FinalScore | None  # with what nothing was chosen by; none if it was stopped
    folder: Path | None = None
    doubts: tuple[str, ...] = ()  # what is said against it: that it learned nothing, say

    @property
    def test(self) -> FinalScore:
        """Of a training that came to its end."""
        assert self.final
        return self.final

    @property
    def scored_rows(self) -> str:
        """The samples that the test is of, in words."""
        rows: str = self.problem.scored(len(self.test.rows))
        return rows

    @property
    def test_accuracy(self) -> float | None:
        """The share of the test read right, from 0 to 1; of numbers R²."""
        return self.final.score if self.final else None

    @property
    def class_scores(self) -> Mapping[str, ClassScore]:
        """Precision and recall of each class in the test."""
        return self.final.classes if self.final else {}

    @property
    def validation_accuracy(self) -> float | None:
        """Of the epoch that was kept, on the samples that were held back."""
        return self.kept_epoch.validation_accuracy if self.history else None

    @property
    def kept_epoch(self) -> Epoch:
        """The epoch whose weights are the model's."""
        return kept_epoch(self.recipe, self.history)

    @property
    def images_per_second(self) -> float:
        """While it took steps, over all epochs."""
        each = [1 / epoch.images_per_second for epoch in self.history]
        return len(each) / sum(each) if each else 0.0

    @property
    def event(self) -> dict[str, Any]:
        """What a program is told at the end; also what result.json holds."""
        kept, names = self.folder is not None and not self.stopped, self.problem.columns
        own: dict[str, Any] = {"images_per_second": self.images_per_second}
        own["validation_accuracy"] = self.validation_accuracy
        return {
            "event": "stopped" if self.stopped else "done",
            "recipe": self.recipe.title,
            **self.problem.about,
            "parameters": self.recipe.net.count(),
            "epochs": len(self.history),
            "kept_epoch": self.kept_epoch.epoch if self.history else None,
            "seconds": self.seconds,
            **{names[name]: value for name, value in own.items() if name in names},
            **self.problem.figures(self.final),
            "doubts": list(self.doubts),
            "seed": self.recipe.net.seed,
            "model": str(RunFolder(self.folder or "").model_file) if kept else None,
        }

    def __repr__(self) -> str:
        parts = f"{counted(len(self.history), 'epoch')} in {duration(self.seconds)}"
        right = percent(self.test_accuracy)
        score = f", {right} of the test" if right and self.problem.classes else ""
        return f"<Trained {'; '.join((f'{self.recipe.title}: {parts}{score}', *self.doubts))}>"

    def _repr_html_(self) -> str:
        return look("Trained as html", self)


def train(  # noqa: PLR0913 - each but the first is left out more often than not
    recipe: Meant | None = None,
    changes: str = "",
    *,
    data: Data | None = None,
    folder: str | os.PathLike[str] | None = None,
    seed: int | None = None,
    threads: int | None = None,
    resume: bool = False,
    held_back: bool | None = None,
    listener: Listener | Callable[[Epoch], object] | None = None,
    show: bool | None = None,
) -> Trained:
    """Train a network on images, the digits where nothing else is said.

    The same seed gives the same weights, bit for bit, for any number of threads. Ctrl-C ends
    the training after its step; `trained.stopped` then says so.

    Args:
        recipe: The name of a recipe or a network, a file, a text, a `Net`; or a table of pixels,
            with the usual recipe.
        changes: Lines in place of the recipe's own: "epochs 5; batch 64".
        data: A data set, or where it lies, in place of the recipe's; or what else is to be
            learned, such as a table's `problem`.
        folder: Where the run is kept, with its report.
        seed: What start weights and orders are drawn from, in place of the recipe's.
        threads: How many to use; all cores where nothing is said.
        resume: Go on with the run in `folder` after whatever interrupted it.
        held_back: False trains on the validation images as well.
        listener: Called with each epoch when it is done, `print` for example; a `Listener`
            hears more.
        show: In a notebook a bar and the curves move below the cell until it is done: False
            leaves them out. Elsewhere, True prints a line for each epoch.

    Returns:
        The run: `.model` reads images; `.history`, `.test_accuracy` and `.seconds` say how it
        went.

    Raises:
        GradbookError: The recipe, the data or the folder can't be used; the message says why.

    >>> import gradbook as gb
    >>> trained = gb.train("tiny", "epochs 1")
    >>> trained.model.parameters
    2999
    >>> trained.test_accuracy > 0.5
    True
    """
    began = monotonic()
    kept = None if folder is None else RunFolder(folder)
    if resume and kept is None:
        raise UsageError("nothing to resume: name the folder of the run")
    own = kept.recipe() if kept and resume else None
    if own and seed is None:
        seed = own.net.seed
    if data is None and isinstance(recipe, str | os.PathLike) and _is_table(recipe):
        recipe, data = None, recipe
    if isinstance(data, str | os.PathLike) and _is_table(data):
        _require_pixels(Path(data))
    asked = _meant(own or USUAL if recipe is None else recipe, changes, data, seed, held_back)
    if own and asked.find_rate:
        asked = replace(asked, find_rate=False, schedule=own.schedule)
    if kept and not own:
        kept.require_free()
    problem = _problem(asked, data, kept if own else None)
    with show_while(listener, show, problem) as told:
        chosen = problem.adapt(asked)
        if kept and own:
            if chosen.recipe != own:
                raise UsageError(
                    f"{Path(kept.path)} contains a different run: resume it without changes, or "
                    "name another folder"
                )
            chosen = replace(chosen, remarks=())  # they were said when it began
        ready = with_found_rate(set_up(chosen, threads))
        if kept is None:
            return _run(TrainingRun(ready, began), None, told)
        made_folder(kept.path)
        with kept.lock():
            return _run(_training_in(kept, ready, began, goes_on=resume), kept, told)


def _is_table(where: str | os.PathLike[str]) -> bool:
    return is_table(os.path.basename(where)) and os.path.isfile(where)


def _require_pixels(table: Path) -> None:
    """Tables of measurements are learned by a problem of their own."""
    if not holds_pixels(table, square=False):
        raise UsageError(
            f"{table} is a table of measurements, not of pixels from 0 to 255: 'gradbook train "
            f"{table}' learns it, and in Python train(…, data=problem(…)) of gradbook.lab.tables"
        )


def _problem(asked: Recipe, data: Data | None, begun: RunFolder | None) -> Problem:
    """As it is given, as a run that was begun kept it, or the images that the recipe names."""
    if isinstance(data, Problem):
        return data
    if begun and data is None:
        return begun.problem(asked)
    return ImageProblem(asked, data if isinstance(data, Dataset) else None)


def _training_in(kept: RunFolder, ready: TrainingSetup, began: float, goes_on: bool) -> TrainingRun:
    """At its start, or where it stood."""
    if not goes_on:
        kept.begin(ready.recipe, ready.problem)
        kept.clear_parts()
        return TrainingRun(ready, began)
    training = TrainingRun(ready, began)
    start = _standing(kept, training)
    kept.clear_parts()
    if start:
        training.go_on_from(start)
    return training


def _meant(
    recipe: Meant,
    changes: str,
    data: Data | None,
    seed: int | None,
    held_back: bool | None,
) -> Recipe:
    """The recipe, with whatever else was asked for in place of its own."""
    full_recipe = recipe_of(recipe, changes)
    if seed is not None:
        full_recipe = replace(
            full_recipe, net=replace(full_recipe.net, seed=whole("the seed", seed, 0))
        )
    if held_back is not None:
        full_recipe = replace(
            full_recipe, held_back=(full_recipe.held_back or 0) if held_back else None
        )
    if isinstance(data, Dataset):
        return replace(full_recipe, data=data.name)
    data = data.title if isinstance(data, Problem) else data
    return with_whole_path(full_recipe if data is None else replace(full_recipe, data=str(data)))


def with_found_rate(ready: TrainingSetup) -> TrainingSetup:
    """The schedule as high as a range test suggests, where the recipe asks for one."""
    if not ready.recipe.find_rate:
        return ready
    test = range_test(ready)
    old = ready.recipe.schedule
    schedule = replace(old, rate=test.suggested_rate, end=min(old.end, test.suggested_rate))
    recipe = replace(ready.recipe, schedule=schedule, find_rate=False)
    adaptations = (*ready.adaptations, f"rate found: {test.why}")
    return replace(ready, recipe=recipe, adaptations=adaptations)


def _standing(kept: RunFolder, training: TrainingRun) -> Checkpoint | None:
    """The checkpoint to go on from, if there is one; what is to be said of it is a remark."""
    recipe = training.recipe
    checkpoint, remarks = newest_checkpoint(kept.checkpoints, str(recipe), training.require_fit)
    if checkpoint and checkpoint.mark != training.material.mark:
        raise UsageError(
            f"the {training.problem.unit}s of {recipe.data} have changed since {kept.path} was "
            "begun: put them back, or begin a new run"
        )
    training.remarks += tuple(remarks)
    return checkpoint


def _run(training: TrainingRun, kept: RunFolder | None, listener: Listener) -> Trained:
    columns = training.problem.columns

    def save(checkpoint: Checkpoint) -> None:
        if kept:
            write_checkpoint(kept.checkpoints, checkpoint)
            kept.write_history(checkpoint.history, columns)

    def work() -> None:
        listener.on_start(training)
        training.run(save, listener)

    if kept:
        kept.write_history(training.history, columns)
    until_stopped(work, training.stop)
    stopped = not training.is_over
    if not stopped:
        training.settle()
    test = None if stopped else training.test()
    trained = Trained(
        recipe=training.recipe,
        problem=training.problem,
        model=training.model(test.score if test else None),
        history=training.history,
        seconds=training.seconds if stopped else training.history[-1].seconds,
        stopped=stopped,
        final=test,
        folder=Path(kept.path) if kept else None,
        doubts=training.doubts(test) if test else (),
    )
    for doubt in trained.doubts:
        listener.on_doubt(doubt)
    if kept and not stopped:
        trained.model.save(kept.model_file)
        threads = getattr(training.engine, "threads", 1)
        kept.write_result(trained.event | {"made_with": surroundings(threads)})
    return trained


# Several seeds ----------------------------------------------------------------

Files = Mapping[str, bytes]
SCORES = ("test_accuracy", "training_accuracy", "r2", "training_r2")
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

    trainings: list[Trained] = []
    name = recipe_of(recipe, changes).data
    if name in KNOWN:  # so that not every training has to load it
        settings = {"data": load(name), **settings}
    for seed in seeds:
        own = None if folder is None else SeedsFolder(folder).run(seed).path
        trainings.append(train(recipe, changes, folder=own, seed=seed, **settings))
        if trainings[-1].stopped:
            break
    return tuple(trainings)


class SeedsFolder(RunFolder):
    """`seeds.json` says what is trained, `seed-N/` is the run of seed N; result and report are of
    all of them.
    """

    @property
    def plan_file(self) -> InnerPath:
        return self.path / PLAN

    @property
    def holds_seeds(self) -> bool:
        return self.plan_file.is_file()

    def run(self, seed: int) -> RunFolder:
        return RunFolder(self.path / f"{SEED}{seed}")

    def begin_all(
        self, recipe: Recipe, seeds: Sequence[int], problem: Problem | None = None
    ) -> None:
        """Make the folder and write down what is to be trained."""
        made_folder(self.path)
        self.write_problem(problem)
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


def summarise_seeds(results: Sequence[dict[str, Any]], folder: Path) -> dict[str, Any]:
    """The event 'done' of all seeds, made of those of each."""
    first = results[0]
    score = next(name for name in SCORES if name in first)
    kind, test = score.removesuffix("_accuracy"), Spread(tuple(it[score] for it in results))
    means: dict[str, Any] = {}
    for name in ("images_per_second", "validation_accuracy", "macro_f1"):
        values = [it[name] for it in results if it.get(name) is not None]
        if name in first:
            means[name] = fmean(values) if len(values) == len(results) else None
    alike = ("recipe", "data", "target", "task", "parameters")
    return {
        "event": "done",
        **{name: first[name] for name in alike if name in first},
        **({} if "target" in first else {"epochs": first["epochs"]}),
        "seconds": sum(it["seconds"] for it in results),
        **means,
        score: test.mean,
        f"{kind}_deviation": test.deviation,
        f"{kind}_lowest": test.lowest,
        f"{kind}_values" if kind.endswith("r2") else f"{kind}_accuracies": list(test.values),
        "seed": None,
        "seeds": [it["seed"] for it in results],
        "doubts": doubts_by_seed((it["seed"], it.get("doubts", ())) for it in results),
        "model": None,
        "folder": str(folder),
    }


def doubts_by_seed(by_seed: Iterable[tuple[int, Iterable[str]]]) -> list[str]:
    """What is said against the trainings of several seeds, in which of them."""
    return [f"seed {seed}: {doubt}" for seed, doubts in by_seed for doubt in doubts]


# By a crew: each is a function of its recipe, and its files come back.


def files_of(recipe: str, threads: int | None = None) -> Files:
    """Train, wherever this is: what the folder of the run then holds, its checkpoints left out."""
    with TemporaryDirectory(prefix="gradbook-") as place:
        run = RunFolder(Path(place, "run"))
        train(parse(recipe), folder=run.path, threads=threads, show=False)
        kept = Path(run.path).iterdir()
        return {path.name: path.read_bytes() for path in kept if path.is_file()}


def train_by_crew(
    crew: WorkCrew, folder: SeedsFolder, threads: int | None = None
) -> Iterator[RunFolder]:
    """The run of each seed that wasn't done, once it is there; the crew is ended."""
    try:
        with folder.lock():
            recipe, seeds = folder.plan()
            named: dict[str, RunFolder] = {}
            for seed in seeds:
                run = folder.run(seed)
                if not run.is_done:
                    own = str(replace(recipe, net=replace(recipe.net, seed=seed)))
                    name = hashlib.sha256(f"{__version__}\n{own}".encode()).hexdigest()[:32]
                    named[name] = run
                    crew.give(name, partial(files_of, own, threads))
            while named:
                for name, outcome in crew.outcomes():
                    run = named.pop(name)
                    if isinstance(outcome.error, GradbookError):
                        raise UsageError(f"where {run.path} was to be trained: {outcome.error}")
                    if outcome.error:
                        raise UsageError(f"{run.path}: training {outcome.error}")
                    _keep(run, outcome.value)
                    yield run
    finally:
        crew.end()


def _keep(run: RunFolder, files: Files) -> None:
    """The result comes last: with it the run is done."""
    made_folder(run.path)
    with run.lock():
        for name, content in files.items():
            if name != run.result_file.name:
                write_whole(run.path / name, content)
        result = json.loads(files[run.result_file.name])
        run.write_result(result | {"model": str(run.model_file)})


# A range test: the rate rises step by step, and the loss says how high it may be
# (Smith, "Cyclical Learning Rates for Training Neural Networks", 2017).

STEPS = 120
LOWEST, HIGHEST = 1e-5, 100.0
MEMORY = 0.9  # of the losses before, in the smoothed one
LOST = 3.0  # times the lowest loss: from there on it is lost
FALLEN = 0.9  # of the loss at the start: with less of a fall nothing can be said
SAFE = 4.0  # the suggested rate is so many times below the one with the lowest loss


@dataclass(frozen=True, eq=False)
class RangeTest:
    """Rates and the smoothed losses that the steps with them had, as far as they were numbers."""

    rates: NDArray[np.float64]
    losses: NDArray[np.float64]

    @property
    def lowest(self) -> int:
        """The step whose loss was the lowest."""
        return int(self.losses.argmin())

    @property
    def lost_step(self) -> int | None:
        """The first step after it whose loss has risen far above it."""
        beyond = np.flatnonzero(self.losses[self.lowest :] > LOST * self.losses[self.lowest])
        return self.lowest + int(beyond[0]) if len(beyond) else None

    @property
    def suggested_rate(self) -> float:
        """A part of the rate that brought the loss lowest, rounded as people write it."""
        return float(f"{self.rates[self.lowest] / SAFE:.1g}")

    @property
    def why(self) -> str:
        """In a line."""
        lowest, loss = self.rates[self.lowest], self.losses[self.lowest]
        end = (
            ""
            if self.lost_step is None
            else f" and is lost from {short(self.rates[self.lost_step])} on"
        )
        return (
            f"the loss falls from {short(self.losses[0])} to {short(loss)} as the rate rises to "
            f"{short(lowest)}{end}; {short(self.suggested_rate)} is a quarter of that, to be safe"
        )


def range_test(ready: TrainingSetup) -> RangeTest:
    """Steps at ever higher rates, from the engine's start; the engine then stands there again."""
    engine, material, recipe = ready.engine, ready.material, ready.recipe
    start, seed = engine.state(), recipe.net.seed
    ready.normalise()
    mixed = order_samples(seed, 0, material.numbers)
    try:
        losses = engine.epoch(
            material.samples.inputs,
            ready.targets,
            rising_rates(STEPS),
            order=np.resize(mixed, STEPS * recipe.batch),
            seed=seed,
            warp=recipe.warp,
        ).losses
    finally:
        engine.restore(start)
    rates = rising_rates(len(losses))
    test = RangeTest(rates[np.isfinite(losses)], smooth(losses[np.isfinite(losses)]))
    if not len(test.losses) or test.losses[test.lowest] > FALLEN * test.losses[0]:
        raise UsageError(
            f"the loss doesn't fall in {STEPS} steps at any rate from {short(LOWEST)} to "
            f"{short(HIGHEST)}: check the network and the data, and give a rate"
        )
    return test


def rising_rates(steps: int) -> NDArray[np.float64]:
    """Rates a constant factor apart."""
    return np.geomspace(LOWEST, HIGHEST, STEPS)[:steps]


def smooth(losses: NDArray[np.float64]) -> NDArray[np.float64]:
    """A running mean that forgets, without its start's bias towards 0."""
    smoothed, mean = np.empty(len(losses)), 0.0
    for k, loss in enumerate(losses.tolist()):
        mean = MEMORY * mean + (1 - MEMORY) * loss
        smoothed[k] = mean / (1 - MEMORY ** (k + 1))
    return smoothed
