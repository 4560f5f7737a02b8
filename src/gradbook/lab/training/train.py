"""Train a network by a recipe: once, with several seeds, or a few steps to find a rate."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
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
from gradbook.data.dataset import BRIGHTEST, Dataset
from gradbook.data.formats.pixel_table import holds_pixels, is_table
from gradbook.engine.base import Engine
from gradbook.engine.compilers import side_by_side, surroundings
from gradbook.errors import DataError, GradbookError, UsageError
from gradbook.files import InnerPath, made_folder, read_text, write_whole
from gradbook.interruption import until_stopped
from gradbook.lab.models.answers import ClassScore, class_scores, macro_f1
from gradbook.lab.models.model import Model, for_inputs
from gradbook.lab.recipes.recipe import Recipe
from gradbook.lab.recipes.text import parse
from gradbook.lab.recipes.text import recipe as recipe_of
from gradbook.lab.training.epochs import Epoch, kept_epoch, order_samples, targets_for
from gradbook.lab.training.material import AdaptedRecipe, Material, adapt, material, with_whole_path
from gradbook.lab.training.run_folder import (
    PLAN,
    SEED,
    Checkpoint,
    RunFolder,
    newest_checkpoint,
    write_checkpoint,
)
from gradbook.lab.training.training import Listener, TrainingRun, show_while
from gradbook.looks import look
from gradbook.net import Net
from gradbook.schema import ListOf, PlainText, Schema, SchemaError, WholeNumber, read_json
from gradbook.system import cores
from gradbook.work.processes import Outcome, WorkCrew

USUAL = "quick"
TRAINED_ON = "images trained on"  # what the figures are of, where none are held out for the test
IMAGES_OF_A_THREAD = 16  # that one thread takes at a time, at the most

Meant = Recipe | Net | str | os.PathLike[str]


@dataclass(frozen=True, eq=False)
class Trained:
    """What a training came to."""

    recipe: Recipe  # as it was used; its network's seed is the seed
    model: Model
    history: tuple[Epoch, ...]
    seconds: float  # from loading to the last update, all resumed parts together
    test_accuracy: float | None  # from 0 to 1; none if it was stopped
    stopped: bool
    folder: Path | None = None
    class_scores: Mapping[str, ClassScore] = field(default_factory=dict)  # of the test images
    doubts: tuple[str, ...] = ()  # what is said against it: that it learned nothing, say

    @property
    def validation_accuracy(self) -> float | None:
        return self.kept_epoch.validation_accuracy if self.kept_epoch else None

    @property
    def kept_epoch(self) -> Epoch | None:
        """The epoch whose weights are the model's."""
        return kept_epoch(self.recipe, self.history) if self.history else None

    @property
    def images_per_second(self) -> float:
        """While it took steps, over all epochs."""
        each = [1 / epoch.images_per_second for epoch in self.history]
        return len(each) / sum(each) if each else 0.0

    @property
    def event(self) -> dict[str, Any]:
        """What a program is told at the end; also what result.json holds."""
        kept = self.folder is not None and not self.stopped
        return {
            "event": "stopped" if self.stopped else "done",
            "recipe": self.recipe.title,
            "parameters": self.model.parameters,
            "epochs": len(self.history),
            "kept_epoch": self.kept_epoch.epoch if self.kept_epoch else None,
            "seconds": self.seconds,
            "images_per_second": self.images_per_second,
            "validation_accuracy": self.validation_accuracy,
            "test_accuracy": self.test_accuracy,
            **({} if self.recipe.tests else {"tested_on": TRAINED_ON}),
            "macro_f1": macro_f1(self.class_scores.values()) if self.class_scores else None,
            "classes": {name: asdict(score) for name, score in self.class_scores.items()},
            "doubts": list(self.doubts),
            "seed": self.recipe.net.seed,
            "model": str(RunFolder(self.folder or "").model_file) if kept else None,
        }

    def __repr__(self) -> str:
        said = f"{counted(len(self.history), 'epoch')} in {duration(self.seconds)}"
        right = percent(self.test_accuracy)
        score = f", {right} of the test" if right else ""
        return f"<Trained {'; '.join((f'{self.recipe.title}: {said}{score}', *self.doubts))}>"

    def _repr_html_(self) -> str:
        return look("Trained as html", self)


def train(  # noqa: PLR0913 - each but the first is left out more often than not
    recipe: Meant | None = None,
    changes: str = "",
    *,
    data: Dataset | str | os.PathLike[str] | None = None,
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
        data: A data set, or where it lies, in place of the recipe's.
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
    own = _begun_before(kept) if resume else None
    if own and seed is None:
        seed = own.net.seed
    if data is None and isinstance(recipe, str | os.PathLike) and _is_table(recipe):
        recipe, data = None, recipe
    if data is not None and not isinstance(data, Dataset) and _is_table(data):
        _require_pixels(Path(data))
    asked = _meant(own or USUAL if recipe is None else recipe, changes, data, seed, held_back)
    if own and asked.find_rate:
        asked = replace(asked, find_rate=False, schedule=own.schedule)
    if kept and not own:
        kept.require_free()
    given = data if isinstance(data, Dataset) else None
    with show_while(listener, show) as told:
        chosen = adapt(asked, given)
        if kept and own:
            _require_same(chosen.recipe, own, Path(kept.path))
            chosen = replace(chosen, remarks=())  # they were said when it began
        ready = with_found_rate(set_up(chosen, threads))
        if kept is None:
            return _run(_training(ready, began), None, told)
        made_folder(kept.path)
        with kept.lock():
            return _run(_training_in(kept, ready, began, goes_on=resume), kept, told)


def _is_table(where: str | os.PathLike[str]) -> bool:
    return is_table(os.path.basename(where)) and os.path.isfile(where)


def _require_pixels(table: Path) -> None:
    """Tables of measurements are trained elsewhere."""
    if not holds_pixels(table, square=False):
        raise UsageError(
            f"{table} is a table of measurements, not of pixels from 0 to 255: 'gradbook train "
            f"{table}' learns it, and in Python gradbook.lab.tables.train_table"
        )


def _begun_before(kept: RunFolder | None) -> Recipe:
    if kept is None:
        raise UsageError("nothing to resume: name the folder of the run")
    return kept.recipe()


def _training(ready: TrainingSetup, began: float) -> TrainingRun:
    return TrainingRun(ready.recipe, ready.material, ready.engine, began, tuple(ready.remarks))


def _training_in(kept: RunFolder, ready: TrainingSetup, began: float, goes_on: bool) -> TrainingRun:
    """At its start, or where it stood."""
    if not goes_on:
        kept.begin(ready.recipe)
        kept.clear_parts()
        return _training(ready, began)
    training = _training(ready, began)
    start = _standing(kept, training)
    kept.clear_parts()
    if start:
        training.go_on_from(start)
    return training


def _meant(
    recipe: Meant,
    changes: str,
    data: Dataset | str | os.PathLike[str] | None,
    seed: int | None,
    held_back: bool | None,
) -> Recipe:
    """The whole recipe, with what takes the place of its own."""
    found = recipe_of(recipe, changes)
    if seed is not None:
        found = replace(found, net=replace(found.net, seed=whole("the seed", seed, 0)))
    if held_back is not None:
        found = replace(found, held_back=(found.held_back or 0) if held_back else None)
    if isinstance(data, Dataset):
        return replace(found, data=data.name)
    return with_whole_path(found if data is None else replace(found, data=str(data)))


@dataclass(frozen=True, eq=False)
class TrainingSetup:
    """All that a training needs, and what is to be said about it."""

    recipe: Recipe
    material: Material
    engine: Engine
    adaptations: tuple[str, ...]  # and a rate that was found, a line each

    @property
    def remarks(self) -> list[str]:
        return [*self.adaptations, *([self.engine.remark] if self.engine.remark else [])]


def set_up(chosen: AdaptedRecipe, threads: int | None) -> TrainingSetup:
    """The images and the engine, which is compiled while images that come along are loaded."""
    recipe = chosen.recipe
    if chosen.dataset:
        made, engine = material(recipe, chosen.dataset), _engine(recipe, threads)
    else:
        made, engine = side_by_side(lambda: _counted(recipe), lambda: _engine(recipe, threads))
    return TrainingSetup(recipe, made, engine, chosen.remarks)


def _counted(recipe: Recipe) -> Material:
    """What it trains on, with all that is counted of it."""
    made = material(recipe)
    made.mark  # noqa: B018 - counted while the compiler runs
    return made


def _require_same(asked: Recipe, own: Recipe, folder: Path) -> None:
    """Refuse to go on with a run by another recipe than its own."""
    if asked != own:
        raise UsageError(
            f"{folder} contains a different run: resume it without changes, or name another folder"
        )


def with_found_rate(ready: TrainingSetup) -> TrainingSetup:
    """The schedule as high as a range test suggests, where the recipe asks for one."""
    if not ready.recipe.find_rate:
        return ready
    test = range_test(ready.recipe, ready.material, ready.engine)
    old = ready.recipe.schedule
    schedule = replace(old, rate=test.suggested_rate, end=min(old.end, test.suggested_rate))
    recipe = replace(ready.recipe, schedule=schedule, find_rate=False)
    said = (*ready.adaptations, f"rate found: {test.why}")
    return replace(ready, recipe=recipe, adaptations=said)


def _engine(recipe: Recipe, threads: int | None) -> Engine:
    from gradbook.engine.engines import open_engine

    most = -(-recipe.batch // IMAGES_OF_A_THREAD)  # more would have nothing to do
    count = min(cores(), most) if threads is None else whole("threads", threads, 1)
    weighted = bool(recipe.class_weights)
    return open_engine(recipe.net, recipe.batch, count, warp=recipe.warp, weighted=weighted)


def _standing(kept: RunFolder, training: TrainingRun) -> Checkpoint | None:
    """The checkpoint to go on from, if there is one; what is to be said of it is a remark."""
    recipe = training.recipe
    found, remarks = newest_checkpoint(kept.checkpoints, str(recipe), training.require_fit)
    if found and found.mark != training.material.mark:
        raise UsageError(
            f"the images of {recipe.data} have changed since {kept.path} was begun: "
            "put them back, or begin a new run"
        )
    training.remarks += tuple(remarks)
    return found


def _run(training: TrainingRun, kept: RunFolder | None, listener: Listener) -> Trained:
    def save(checkpoint: Checkpoint) -> None:
        if kept:
            write_checkpoint(kept.checkpoints, checkpoint)
            kept.write_history(checkpoint.history)

    def work() -> None:
        listener.on_start(training)
        training.run(save, listener)

    if kept:
        kept.write_history(training.history)
    until_stopped(work, training.stop)
    stopped = not training.is_over
    if not stopped:
        training.settle()
    test, confusion = (None, None) if stopped else training.test()
    scores = () if confusion is None else class_scores(confusion)
    doubts = () if confusion is None else training.doubts(confusion)
    history = training.history
    trained = Trained(
        recipe=training.recipe,
        model=training.model(test),
        history=history,
        seconds=training.seconds if stopped else history[-1].seconds,
        test_accuracy=test,
        class_scores=dict(zip(training.material.dataset.classes, scores, strict=False)),
        doubts=doubts,
        stopped=stopped,
        folder=Path(kept.path) if kept else None,
    )
    for said in doubts:
        listener.on_doubt(said)
    if kept and not stopped:
        trained.model.save(kept.model_file)
        threads = getattr(training.engine, "threads", 1)
        kept.write_result(trained.event | {"made_with": surroundings(threads)})
    return trained


# Several seeds ----------------------------------------------------------------

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
    def plan_file(self) -> InnerPath:
        return self.path / PLAN

    @property
    def holds_seeds(self) -> bool:
        return self.plan_file.is_file()

    def run(self, seed: int) -> RunFolder:
        return RunFolder(self.path / f"{SEED}{seed}")

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


def summarise_seeds(results: Sequence[dict[str, Any]], folder: Path) -> dict[str, Any]:
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
        "doubts": doubts_by_seed((it["seed"], it.get("doubts", ())) for it in results),
        "model": None,
        "folder": str(folder),
    }


def doubts_by_seed(said: Iterable[tuple[int, Iterable[str]]]) -> list[str]:
    """What is said against the trainings of several seeds, in which of them."""
    return [f"seed {seed}: {doubt}" for seed, doubts in said for doubt in doubts]


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


def range_test(recipe: Recipe, material: Material, engine: Engine) -> RangeTest:
    """Steps at ever higher rates, from the engine's start; the engine then stands there again."""
    start = engine.state()
    engine.normalise(*for_inputs(recipe.net, *material.brightness), BRIGHTEST)
    try:
        losses = _losses(recipe, material, engine)
    finally:
        engine.restore(start)
    rates = rising_rates(len(losses))
    found = RangeTest(rates[np.isfinite(losses)], smooth(losses[np.isfinite(losses)]))
    if not len(found.losses) or found.losses[found.lowest] > FALLEN * found.losses[0]:
        raise UsageError(
            f"the loss doesn't fall in {STEPS} steps at any rate from {short(LOWEST)} to "
            f"{short(HIGHEST)}: check the network and the data, and give a rate"
        )
    return found


def _losses(recipe: Recipe, material: Material, engine: Engine) -> NDArray[np.float64]:
    seed, images = recipe.net.seed, material.images
    mixed = order_samples(seed, 0, material.numbers)
    seen = engine.epoch(
        images.pixels,
        targets_for(recipe, images.labels, material.counts),
        rising_rates(STEPS),
        order=np.resize(mixed, STEPS * recipe.batch),
        seed=seed,
        warp=recipe.warp,
    )
    return seen.losses


def rising_rates(steps: int) -> NDArray[np.float64]:
    """Rates a constant factor apart."""
    return np.geomspace(LOWEST, HIGHEST, STEPS)[:steps]


def smooth(losses: NDArray[np.float64]) -> NDArray[np.float64]:
    """A running mean that forgets, without its start's bias towards 0."""
    found, mean = np.empty(len(losses)), 0.0
    for k, loss in enumerate(losses.tolist()):
        mean = MEMORY * mean + (1 - MEMORY) * loss
        found[k] = mean / (1 - MEMORY ** (k + 1))
    return found


def as_record(test: RangeTest) -> Mapping[str, Any]:
    """For programs."""
    return {
        "version": 1,
        "suggested": test.suggested_rate,
        "why": test.why,
        "rates": test.rates.tolist(),
        "losses": test.losses.tolist(),
    }
