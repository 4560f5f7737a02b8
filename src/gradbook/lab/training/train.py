"""Train a network by a recipe: once, with several seeds, or a few steps to find a rate."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean, stdev
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradbook.amounts import counted, duration, percent, short
from gradbook.engine.compilers import surroundings
from gradbook.errors import DataError, UsageError, warn_caller
from gradbook.files import InnerPath, made_folder, read_text, write_whole
from gradbook.interruption import until_stopped
from gradbook.lab.arrays.read_arrays import Given
from gradbook.lab.models.answers import ClassScore, FinalScore
from gradbook.lab.models.model import Model
from gradbook.lab.problem import Problem, order_samples
from gradbook.lab.recipes.recipe import Recipe
from gradbook.lab.recipes.recipe_text import parse
from gradbook.lab.recipes.recipe_text import recipe as recipe_of
from gradbook.lab.training.asked import Data, Meant, Part, TrainingAsked
from gradbook.lab.training.epochs import Epoch, History, kept_epoch
from gradbook.lab.training.run_folder import (
    PLAN,
    SEED,
    Checkpoint,
    RunFolder,
    newest_checkpoint,
    write_checkpoint,
)
from gradbook.lab.training.run_training import (
    Listener,
    TrainingRun,
    TrainingSetup,
    set_up,
    show_while,
)
from gradbook.looks import look
from gradbook.schema import ListOf, PlainText, Schema, SchemaError, WholeNumber, read_json


@dataclass(frozen=True, eq=False)
class Trained:
    """The result of a training."""

    recipe: Recipe  # as used, with the seed in its network
    problem: Any  # the `Problem` of its kind
    model: Model  # the trained network; for texts, a writer of lines
    history: History  # every epoch
    seconds: float  # from loading to the last update, including resumed parts
    stopped: bool  # whether Ctrl-C ended it
    final: FinalScore | None  # on samples that influenced no choice; None if it was stopped
    folder: Path | None = None
    doubts: tuple[str, ...] = ()  # warnings, for example that it learned nothing
    remarks: tuple[str, ...] = ()  # on how it was trained, one line each

    @property
    def test(self) -> FinalScore:
        """The test of a training that wasn't stopped: the score, the confusion matrix, and the
        figures of each class."""
        if self.final is None:
            raise UsageError("the training was stopped before its test: resume it, or train again")
        return self.final

    @property
    def scored_rows(self) -> str:
        """The samples of the test, in words."""
        rows: str = self.problem.scored(len(self.test.rows))
        return rows

    @property
    def test_accuracy(self) -> float | None:
        """The share of the test read right, from 0 to 1; for numbers, R²."""
        return self.final.score if self.final else None

    @property
    def class_scores(self) -> Mapping[str, ClassScore]:
        """Precision and recall of each class in the test."""
        return self.final.classes if self.final else {}

    @property
    def validation_accuracy(self) -> float | None:
        """The accuracy of the kept epoch on the validation samples."""
        return self.kept_epoch.validation_accuracy if self.history else None

    @property
    def kept_epoch(self) -> Epoch:
        """The epoch whose weights are the model's."""
        return kept_epoch(self.recipe, self.history)

    @property
    def images_per_second(self) -> float:
        """The speed of the steps, over all epochs."""
        each = [1 / epoch.images_per_second for epoch in self.history]
        return len(each) / sum(each) if each else 0.0

    @property
    def event(self) -> dict[str, Any]:
        """The result for other programs, at the end; also the content of result.json."""
        kept, names = self.folder is not None and not self.stopped, self.problem.columns
        figures: dict[str, Any] = {"images_per_second": self.images_per_second}
        figures["validation_accuracy"] = self.validation_accuracy
        return {
            "event": "stopped" if self.stopped else "done",
            "recipe": self.recipe.title,
            **self.problem.about,
            "parameters": self.recipe.net.count(),
            "epochs": len(self.history),
            "kept_epoch": self.kept_epoch.epoch if self.history else None,
            "seconds": self.seconds,
            **{names[name]: value for name, value in figures.items() if name in names},
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
    inputs: Given | str | None = None,
    targets: Given | str | Sequence[str] | None = None,
    *,
    set: str = "",
    loss: str | None = None,
    data: Data | None = None,
    target: str = "",
    task: str | None = None,
    validation: Part = None,
    test: Part = None,
    epochs: int | None = None,
    seed: int | None = None,
    class_weight: Mapping[Any, float] | Sequence[float] | str | None = None,
    sample_weight: ArrayLike | None = None,
    patience: int | None = None,
    folder: str | os.PathLike[str] | None = None,
    threads: int | None = None,
    resume: bool = False,
    held_back: bool | None = None,
    start: Model | Trained | str | os.PathLike[str] | None = None,
    listener: Listener | Callable[[Epoch], object] | None = None,
    show: bool | None = None,
) -> Trained:
    """Train a network: on arrays, a data frame, a table, images, or its own samples.

    The same seed gives the same weights, bit for bit, for any number of threads. Ctrl-C ends
    the training after the current step and sets `trained.stopped`.

    Args:
        recipe: A network or a recipe: its name, a file, a text, or a `Net`. None picks one for the
            samples, as the command does. A table's file instead is learned; a network with samples
            of its own and nothing else is trained on these as in its workbook.
        inputs: A row for each sample: numbers (N, F), sequences (N, T, F), numbers of tokens
            (N, T), pictures (N, H, W), (N, C, H, W) or (N, H, W, 3) of bytes or of numbers from 0
            to 1; or a data frame, in which missing numbers are filled in. A text instead is `set`.
        targets: A label, a number or a row of numbers for each sample, or 0 and 1 for each label;
            with a data frame, also the name of its column, or of several.
        set: Lines that replace the recipe's own: "momentum 0.9; batch 64"; for a table also
            those of `gradbook train --set`: "ignore id; missing median".
        loss: The loss instead of the network's: its name, or a formula of the output a and the
            target t, "mean((a - t)^4)".
        data: A data set, or a path, instead of the recipe's.
        target: The column of a table's file to learn, by default its last.
        task: 'classes' or 'numbers', if the targets can be either.
        validation: The share of the samples to choose the best epoch by, or samples
            of their own: (inputs, targets). By default a sixth of those that aren't tested; 0 for
            none.
        test: Likewise for the final test, by default a sixth; 0 for none.
        epochs: How often each sample is trained on, instead of the recipe's.
        seed: The random seed for start weights and orders, instead of the recipe's.
        class_weight: 'balanced', or a weight for each label; scaled to a mean of 1.
        sample_weight: A weight for each sample, likewise; 0 leaves it out of the training.
        patience: Stop once the validation loss hasn't fallen for so many epochs, and keep the
            weights of the best.
        folder: The folder for the run and its report; None writes nothing.
        threads: The number of threads for images (default: one per core).
        resume: Continue the interrupted run in `folder`.
        held_back: False trains on the validation samples as well.
        start: A model, a finished training, or its path: the training begins with its weights
            where names and shapes agree (`trained.remarks` names the others) and scales inputs as
            it does. Without a network, with its network. set='freeze conv1' keeps layers.
        listener: Called with each finished epoch, `print` for example; False ends the training
            there. A `Listener` is told more.
        show: In a notebook, a bar and the curves move below the cell during training; False
            leaves them out. Elsewhere, True prints a line for each epoch.

    Returns:
        The run: `.model` predicts; `.history`, `.test` and `.seconds` describe it.

    Raises:
        GradbookError: The recipe, the samples or the folder can't be used; the message says why,
            with the row and the column.

    >>> import gradbook as gb
    >>> x = [[k % 10, k % 3] for k in range(60)]
    >>> y = ["low" if a + b < 6 else "high" for a, b in x]
    >>> trained = gb.train("input 2; dense 8; tanh; dense 2; softmax", x, y, epochs=60)
    >>> trained.model.predict([[0, 1], [9, 1]], names=True).tolist()
    ['low', 'high']
    >>> gb.train(gb.builtin("xor"), epochs=5).history[0].train_loss > 0.5
    True
    """
    began = monotonic()
    if isinstance(inputs, str) and targets is None:
        inputs, set = None, "; ".join(filter(None, (inputs, set)))
    if loss is not None:
        set = "; ".join(filter(None, (set, f"loss {loss}")))
    kept = None if folder is None else RunFolder(folder)
    if resume and kept is None:
        raise UsageError("nothing to resume: name the folder of the run")
    begun = kept if resume else None
    recipe_asked, problem = TrainingAsked(
        recipe=recipe,
        lines=set,
        data=data,
        inputs=inputs,
        targets=targets,
        target=target,
        task=task,
        validation=validation,
        test=test,
        sample_weight=sample_weight,
        class_weight=class_weight,
        epochs=epochs,
        patience=patience,
        seed=seed,
        held_back=held_back,
        start=start,
    ).settled(begun)
    if kept and not begun:
        kept.require_free()
    with show_while(listener, show, problem) as reporter:
        chosen = problem.adapt(recipe_asked)
        if kept and begun:
            if chosen.recipe != kept.recipe():
                raise UsageError(
                    f"{Path(kept.path)} contains a different run: resume it without changes, or "
                    "name another folder"
                )
            chosen = replace(chosen, remarks=())  # they were reported when it began
        ready = with_searched_rate(set_up(chosen, threads))
        if kept is None:
            return _run(TrainingRun(ready, began), None, reporter)
        made_folder(kept.path)
        with kept.lock():
            return _run(_training_in(kept, ready, began, goes_on=resume), kept, reporter)


def _training_in(kept: RunFolder, ready: TrainingSetup, began: float, goes_on: bool) -> TrainingRun:
    """The training at its start, or where it was interrupted."""
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


def with_searched_rate(ready: TrainingSetup) -> TrainingSetup:
    """The recipe with the rate that a range test suggests, if it asks for one."""
    if not ready.recipe.find_rate:
        return ready
    test = range_test(ready)
    old = ready.recipe.schedule
    schedule = replace(old, rate=test.suggested_rate, end=min(old.end, test.suggested_rate))
    recipe = replace(ready.recipe, schedule=schedule, find_rate=False)
    adaptations = (*ready.adaptations, f"rate found: {test.why}")
    return replace(ready, recipe=recipe, adaptations=adaptations)


def _standing(kept: RunFolder, training: TrainingRun) -> Checkpoint | None:
    """The checkpoint to continue from, if there is one, and a remark about it."""
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
        history=History(training.history, training.problem),
        seconds=training.seconds if stopped else training.history[-1].seconds,
        stopped=stopped,
        final=test,
        folder=Path(kept.path) if kept else None,
        doubts=training.doubts(test) if test else (),
        remarks=training.remarks,
    )
    for doubt in trained.doubts:
        listener.on_doubt(doubt)
    if not stopped and not listener.shows_doubts and training.divergence:
        warn_caller(training.divergence, RuntimeWarning)
    if kept and not stopped:
        trained.model.save(kept.model_file)
        threads = getattr(training.engine, "threads", 1)
        kept.write_result(trained.event | {"made_with": surroundings(threads)})
    return trained


# Several seeds ----------------------------------------------------------------

SCORES = ("test_accuracy", "training_accuracy", "r2", "training_r2")
SEEDS_PLAN = Schema(recipe=PlainText(), seeds=ListOf(WholeNumber(), 1))


@dataclass(frozen=True)
class Spread:
    """The same figure for each seed."""

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        return fmean(self.values)

    @property
    def deviation(self) -> float:
        """The standard deviation of the sample, as for one more seed."""
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
    """Train once with each seed, with the settings of `train`, until one is stopped.

    `Spread` of their test accuracies gives their deviation. With a `folder`, each run gets its
    own folder in it.
    """
    from gradbook.data.sources import KNOWN, load

    trainings: list[Trained] = []
    name = recipe_of(recipe, changes).data
    if name in KNOWN:  # so that few trainings load it
        settings = {"data": load(name), **settings}
    for seed in seeds:
        run_folder = None if folder is None else SeedsFolder(folder).run(seed).path
        trainings.append(train(recipe, set=changes, folder=run_folder, seed=seed, **settings))
        if trainings[-1].stopped:
            break
    return tuple(trainings)


class SeedsFolder(RunFolder):
    """`seeds.json` lists what is trained, `seed-N/` is the run of seed N; result and report cover
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
        """Make the folder and record what is trained."""
        made_folder(self.path)
        self.write_problem(problem)
        plan = {"recipe": str(recipe), "seeds": list(seeds)}
        write_whole(self.plan_file, json.dumps(plan, ensure_ascii=False, indent=2) + "\n")

    def plan(self) -> tuple[Recipe, list[int]]:
        """The recipe and the seeds."""
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
    """The event 'done' for all seeds, made from those of each."""
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
    """The warnings of several seeds, each with its seed."""
    return [f"seed {seed}: {doubt}" for seed, doubts in by_seed for doubt in doubts]


# A range test: the rate rises step by step, and the loss shows how high it may be
# (Smith, "Cyclical Learning Rates for Training Neural Networks", 2017).

STEPS = 120
LOWEST, HIGHEST = 1e-5, 100.0
MEMORY = 0.9  # of the losses before, in the smoothed one
LOST = 3.0  # times the lowest loss: beyond, training is lost
FALLEN = 0.9  # times the first loss: without such a fall there is no result
SAFE = 4.0  # the rate with the lowest loss divided by this is suggested


@dataclass(frozen=True, eq=False)
class RangeTest:
    """The rates and their smoothed losses, as long as these are numbers."""

    rates: NDArray[np.float64]
    losses: NDArray[np.float64]

    @property
    def lowest(self) -> int:
        """The step with the lowest loss."""
        return int(self.losses.argmin())

    @property
    def lost_step(self) -> int | None:
        """The first later step with a loss far above it."""
        beyond = np.flatnonzero(self.losses[self.lowest :] > LOST * self.losses[self.lowest])
        return self.lowest + int(beyond[0]) if len(beyond) else None

    @property
    def suggested_rate(self) -> float:
        """A fraction of the rate with the lowest loss, rounded as people write it."""
        return float(f"{self.rates[self.lowest] / SAFE:.1g}")

    @property
    def why(self) -> str:
        """The reason in one line."""
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
    """Train with rising rates from the engine's start, then restore that start."""
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
    """Rates with a constant ratio."""
    return np.geomspace(LOWEST, HIGHEST, STEPS)[:steps]


def smooth(losses: NDArray[np.float64]) -> NDArray[np.float64]:
    """A running mean without the bias of its start towards 0."""
    smoothed, mean = np.empty(len(losses)), 0.0
    for k, loss in enumerate(losses.tolist()):
        mean = MEMORY * mean + (1 - MEMORY) * loss
        smoothed[k] = mean / (1 - MEMORY ** (k + 1))
    return smoothed
