"""Runs a study from its first trial to its last, with results in a fixed order.

A training is a pure function of the recipe, the seed and the fold, wherever it runs. A result is
noted in the study's journal as soon as it is known, so that nothing is ever trained twice.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from functools import cached_property, partial
from itertools import product
from statistics import fmean
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradbook import __version__
from gradbook.data.dataset import Dataset
from gradbook.errors import GradbookError, UsageError, as_cell
from gradbook.files import clear_parts, inside, made_folder, write_whole
from gradbook.folders import alone_in
from gradbook.graph.window import Shape
from gradbook.lab.images import adapt, images_of
from gradbook.lab.recipes.recipe import Recipe
from gradbook.lab.recipes.recipe_text import parse
from gradbook.lab.study.search import Drawn, Search
from gradbook.lab.study.study_plan import MOST_FORBIDDEN, NONE_ALLOWED, StudyPlan, read_plan_file
from gradbook.lab.study.study_plan import VERSION as PLAN_VERSION
from gradbook.lab.training.epochs import Diverged, kept_epoch
from gradbook.lab.training.run_training import TrainingRun, set_up
from gradbook.net.measure import measure
from gradbook.schema import (
    Choice,
    FiniteNumber,
    ListOf,
    Maybe,
    PlainText,
    Schema,
    SchemaError,
)
from gradbook.work.processes import WorkCrew

# The folder -------------------------------------------------------------------

Record = Mapping[str, Any]  # of a trial, for programs


class StudyFolder:
    """A study's files. Its journal is Optuna's; each other is written completely or not at all."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = inside(path)
        self.plan_file = self.path / "study.txt"
        self.journal = self.path / "journal.log"
        self.table_file = self.path / "trials.csv"
        self.report_file = self.path / "report.html"

    @property
    def holds_a_study(self) -> bool:
        return self.plan_file.is_file()

    def plan(self) -> StudyPlan:
        self.require_study()
        return read_plan_file(self.plan_file)

    def require_study(self) -> None:
        if not self.holds_a_study:
            raise UsageError(f"no study in {self.path}: name the folder with its study.txt")

    def require_free(self) -> None:
        written = (self.plan_file, self.journal, self.table_file, self.report_file)
        if any(map(os.path.lexists, written)):
            raise UsageError(
                f"{self.path} already contains a study: gradbook study --resume {self.path}, "
                "or name another folder"
            )

    def begin(self, plan: StudyPlan) -> None:
        self.require_free()
        made_folder(self.path)
        write_whole(self.plan_file, f"version {PLAN_VERSION}\n{plan}")

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other processes from searching in this folder at the same time."""
        with alone_in(self.path) as alone:
            if not alone:
                raise UsageError(
                    f"{self.path} is running in another process: wait for it, or stop it"
                )
            clear_parts(self.path)
            yield

    def search(self) -> Search:
        """Its search, as far as it went."""
        return Search(self.plan(), self.journal)

    def records(self) -> list[Record]:
        """The records of the finished trials, in order."""
        search = self.search()
        return [trial.record for trial in _tried(search) if trial.number not in search.under_way]


# The trainings of a trial -----------------------------------------------------------------

DONE, DIVERGED, REFUSED = "done", "diverged", "refused"
FORBIDDEN = "not allowed"  # by the limits
LOST = "lost"  # each process that trained it died


@dataclass(frozen=True)
class TrialTask:
    """A recipe, trained with each of these seeds on each of these folds."""

    recipe: str
    seeds: tuple[int, ...]
    folds: tuple[int, ...]

    @cached_property
    def key(self) -> str:
        """A unique name of the task."""
        return hashlib.sha256(f"{__version__} {self}".encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Result:
    """The result of the trainings, up to the first that isn't finished."""

    state: str = DONE
    accuracies: tuple[float, ...] = ()  # on the images held back, after each epoch; their means
    accuracy: float | None = None  # of the weights that finished trainings keep
    seconds: float = 0.0
    bits: tuple[str, ...] = ()  # hashes of the trained weights
    why: str = ""  # the reason why it isn't done


SHARE = FiniteNumber(0, 1)
RESULT = "result"  # the note with that of a trial
RESULT_RECORD = Schema(
    state=Choice(DONE, DIVERGED, REFUSED, LOST),
    accuracies=ListOf(SHARE),
    accuracy=Maybe(SHARE),
    seconds=FiniteNumber(0),
    bits=ListOf(PlainText()),
    why=PlainText(),
)
_images: dict[tuple[str, Shape], Dataset] = {}


def load_images(recipe: Recipe) -> Dataset:
    """Load its images once for all trainings of this process and of its copies."""
    key = recipe.data, recipe.net.input
    images = _images.get(key)
    if images is None:
        images = images_of(recipe)
        _images.clear()
        _images[key] = images
    return images


def result_of(task: TrialTask, threads: int | None = None) -> Result:
    """Train without using the test images."""
    began, runs, failure = monotonic(), list[TrainingRun](), None
    try:
        for fold, seed in product(task.folds, task.seeds):
            recipe = parse(task.recipe)
            recipe = replace(recipe, net=replace(recipe.net, seed=seed), held_back=fold)
            ready = set_up(adapt(recipe, load_images(recipe)), threads)
            runs.append(TrainingRun(ready, monotonic()))
            runs[-1].run()
            runs[-1].settle()
    except GradbookError as error:
        failure = error
    curves = ([epoch.validation_accuracy or 0.0 for epoch in run.history] for run in runs)
    means = tuple(map(fmean, zip(*curves)))  # noqa: B905 - one that diverged is shorter
    seconds = monotonic() - began
    if failure:
        state = DIVERGED if isinstance(failure, Diverged) else REFUSED
        return Result(state, means, seconds=seconds, why=str(failure))
    kept = [kept_epoch(run.recipe, run.history).validation_accuracy or 0.0 for run in runs]
    bits = tuple(hash_of(run.engine.state()) for run in runs)
    return Result(DONE, means, fmean(kept), seconds, bits)


def hash_of(values: Mapping[str, NDArray[Any]]) -> str:
    """A hash that is equal only for equal bits."""
    digest = hashlib.sha256()
    for name, tensor in sorted(values.items()):
        digest.update(f"{name} {tensor.dtype} {tensor.shape}\n".encode())
        digest.update(np.ascontiguousarray(tensor).tobytes())
    return digest.hexdigest()[:32]


# All trials -------------------------------------------------------------------


@dataclass
class Trial:
    """One recipe of a study, and the result of its trainings once there is one."""

    number: int
    drawn: Drawn
    task: TrialTask
    parameters: int | None = None  # of its network, if the text is valid
    macs: int | None = None
    result: Result | None = None

    @property
    def record(self) -> Record:
        """The record of the finished trial for programs."""
        assert self.result
        return {
            "number": self.number,
            "parameters": dict(self.drawn),
            "value": self.result.accuracy,
            "state": self.result.state,
            "why": self.result.why,
            "accuracies": [*self.result.accuracies],
            "network_parameters": self.parameters,
            "macs": self.macs,
            "seconds": self.result.seconds,
            "bits": [*self.result.bits],
            "recipe": self.task.recipe,
        }


class StudyListener:
    """Listens to a study."""

    def on_start(self, plan: StudyPlan, folder: StudyFolder) -> None: ...

    def on_trial(self, record: Record, best: Record | None) -> None:
        """A trial and all before it are finished."""

    def at_work(self, tasks: int, done: int) -> None:
        """How many trainings are running, and how many are finished since this process began."""


def study(
    folder: StudyFolder,
    plan: StudyPlan,
    crew: WorkCrew,
    threads: int | None,
    listener: StudyListener,
) -> list[Record]:
    """Search to the end, then end the crew. Earlier trainings count as they did then."""
    try:
        with folder.lock():
            search = Search(plan, folder.journal)
            listener.on_start(plan, folder)
            records: list[Record] = []
            for record in _searched(search, _Trainings(search, crew, threads), listener):
                records.append(record)
                listener.on_trial(record, best_trial(records))
            write_table(folder, records)
            return records
    finally:
        crew.end()


def _searched(search: Search, trainings: _Trainings, listener: StudyListener) -> Iterator[Record]:
    """Every trial as it is finished, in order. One more is asked for whenever one is told, so that
    each choice depends on the same results."""
    plan, waiting = search.plan, _tried(search)
    states = [*map(trainings.take, waiting)]
    while True:
        while len(waiting) < plan.ahead and len(states) - states.count(FORBIDDEN) < plan.most:
            asked = search.ask()
            if asked is None:
                break
            waiting.append(_trial(plan, *asked))
            states.append(trainings.take(waiting[-1]))
            if states[-MOST_FORBIDDEN:] == [FORBIDDEN] * MOST_FORBIDDEN and waiting[-1].result:
                why = waiting[-1].result.why
                raise UsageError(NONE_ALLOWED.format(count=MOST_FORBIDDEN, why=why))
        if not waiting:
            return
        trial = waiting.pop(0)
        while trial.result is None:
            listener.at_work(trainings.crew.at_work, trainings.done)
            trainings.work()
        if trial.number in search.under_way:
            search.tell(trial.number, trial.result.accuracy)
        yield trial.record


def _tried(search: Search) -> list[Trial]:
    """The trials so far, in order."""
    trials = []
    for number, drawn, text, notes in search.tried:
        trial = _trial(search.plan, number, drawn, text)
        with suppress(SchemaError):  # without a result, it is trained again
            trial.result = trial.result or Result(**RESULT_RECORD.read(notes.get(RESULT)))
        trials.append(trial)
    return trials


def _trial(plan: StudyPlan, number: int, drawn: Drawn, text: str) -> Trial:
    try:
        recipe = plan.recipe(text)
    except GradbookError as error:
        refused = Result(FORBIDDEN, why=error.message)
        return Trial(number, drawn, TrialTask(text, (), ()), result=refused)
    cost, first = measure(recipe.net), recipe.net.seed
    task = TrialTask(text, tuple(range(first, first + plan.seeds)), plan.folds)
    why = plan.forbids(cost)
    result = Result(FORBIDDEN, why=why) if why else None
    return Trial(number, drawn, task, recipe.net.count(), cost.macs, result)


class _Trainings:
    """The trainings that a crew runs, those of equal recipes once."""

    def __init__(self, search: Search, crew: WorkCrew, threads: int | None) -> None:
        self.search, self.crew, self.threads = search, crew, threads
        self.known: dict[str, Result] = {}  # by the keys of their tasks
        self.begun: dict[str, list[Trial]] = {}
        self.done = 0

    def take(self, trial: Trial) -> str:
        """Begin its trainings, unless their result is known; its state so far."""
        key = trial.task.key
        result = self.known.get(key, trial.result)
        if result:
            self._keep(trial, result)
            return result.state
        self.begun.setdefault(key, []).append(trial)
        if len(self.begun[key]) == 1:
            self.crew.give(key, partial(result_of, trial.task, self.threads))
        return ""

    def work(self) -> None:
        """Wait until some trainings are finished."""
        for key, outcome in self.crew.outcomes():
            self.done += 1
            if isinstance(outcome.error, GradbookError):
                raise outcome.error
            result = outcome.value or Result(LOST, why=f"training {outcome.error}")
            for trial in self.begun.pop(key):
                self._keep(trial, result)

    def _keep(self, trial: Trial, result: Result) -> None:
        trial.result = self.known[trial.task.key] = result
        if trial.number in self.search.under_way:
            notes = {"recipe": trial.task.recipe, "parameters": trial.parameters}
            self.search.note(trial.number, {**notes, RESULT: asdict(result)})


# The best trial.


def best_trial(records: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The trial with the highest accuracy; of equal ones the smallest, then the first."""
    done = [record for record in records if record["value"] is not None]
    return min(
        done, key=lambda r: (-r["value"], r["network_parameters"], r["number"]), default=None
    )


def write_table(folder: StudyFolder, records: Sequence[Record]) -> None:
    names = list(dict.fromkeys(name for record in records for name in record["parameters"]))
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    headings = ["number", "state", "value", "network_parameters", "macs", "seconds", "why"]
    table.writerow([*headings, *map(as_cell, names)])
    for record in records:
        drawn = record["parameters"]
        cells = [*(record[name] for name in headings), *(drawn.get(name, "") for name in names)]
        table.writerow([as_cell(cell) if isinstance(cell, str) else cell for cell in cells])
    write_whole(folder.table_file, out.getvalue())
