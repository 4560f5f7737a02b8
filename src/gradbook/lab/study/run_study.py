"""Runs a study from its first trial to its last, with results in a fixed order.

A training is a pure function of the recipe, the seed and the fold, wherever it runs. Its result
is a file that is named after this input, so that nothing is ever trained twice, whichever process
was killed.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property, partial
from statistics import fmean
from threading import Timer
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradbook import limits
from gradbook.data.dataset import Dataset
from gradbook.errors import DataError, GradbookError, UsageError, as_cell
from gradbook.files import (
    InnerPath,
    clear_parts,
    inside,
    made_folder,
    read_text,
    write_whole,
)
from gradbook.folders import alone_in
from gradbook.graph.window import Shape
from gradbook.lab.images import adapt, images_of
from gradbook.lab.recipes.recipe import Recipe
from gradbook.lab.recipes.recipe_text import parse
from gradbook.lab.study.search import Drawn, Search
from gradbook.lab.study.study_plan import MOST_FORBIDDEN, NONE_ALLOWED, StudyPlan, read_plan_file
from gradbook.lab.study.study_plan import VERSION as PLAN_VERSION
from gradbook.lab.training.epochs import EPOCH, Diverged, Epoch, epoch_of, kept_epoch
from gradbook.lab.training.run_training import Listener, TrainingRun, set_up
from gradbook.lab.training.train import Spread, train_seeds
from gradbook.net.measure import measure
from gradbook.schema import (
    AnyRecord,
    Choice,
    FiniteNumber,
    ListOf,
    Maybe,
    PlainText,
    Schema,
    SchemaError,
    WholeNumber,
    read_json,
)
from gradbook.work import Outcome
from gradbook.work.processes import WorkCrew

# The folder -------------------------------------------------------------------

SHARE = FiniteNumber(0, 1)
TRIAL_RECORD = Schema(  # of a trial, at least
    number=WholeNumber(),
    parameters=AnyRecord(),
    value=Maybe(SHARE),
    state=PlainText(),
    why=PlainText(),
    accuracies=Maybe(ListOf(SHARE)),
    network_parameters=Maybe(WholeNumber()),
    macs=Maybe(WholeNumber()),
    seconds=Maybe(FiniteNumber(0)),
    bits=ListOf(PlainText()),
    recipe=Maybe(PlainText()),
)
TEST_RECORD = Schema(
    trial=WholeNumber(),
    mean=SHARE,
    deviation=FiniteNumber(0),
    accuracies=ListOf(SHARE),
    seeds=WholeNumber(1),
)


class StudyFolder:
    """A study's files. Each is written completely or not at all; the journal is Optuna's, and made
    anew from the results whenever the study continues."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = inside(path)
        self.plan_file = self.path / "study.txt"
        self.results = self.path / "results"
        self.journal = self.path / "journal.log"
        self.table_file = self.path / "trials.csv"
        self.records_file = self.path / "trials.json"
        self.report_file = self.path / "report.html"
        self.tests_file = self.path / "tests.jsonl"

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
        written = (self.plan_file, self.results, self.journal, self.tests_file)
        shown = (self.table_file, self.records_file, self.report_file)
        if any(map(os.path.lexists, (*written, *shown))):
            raise UsageError(
                f"{self.path} already contains a study: gradbook study --resume {self.path}, "
                "or name another folder"
            )

    def begin(self, plan: StudyPlan) -> None:
        self.require_free()
        made_folder(self.results)
        write_whole(self.plan_file, f"version {PLAN_VERSION}\n{plan}")

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other processes from searching in this folder at the same time."""
        made_folder(self.results)
        with alone_in(self.path) as alone:
            if not alone:
                raise UsageError(
                    f"{self.path} is running in another process: wait for it, or stop it"
                )
            clear_parts(self.path)
            clear_parts(self.results)
            yield

    def records(self) -> list[dict[str, Any]]:
        """The records of each trial for programs, of a finished study."""
        self.require_study()
        if not self.records_file.is_file():
            again = f"gradbook study --resume {self.path}"
            raise UsageError(f"{self.path} isn't done: {again}")
        try:
            text = read_text(self.records_file, limit=limits.TRIALS)
            records: list[dict[str, Any]] = read_json(text, ListOf(TRIAL_RECORD))
            return records
        except SchemaError as error:
            raise DataError(
                f"not the trials of a study ({error})", file=self.records_file
            ) from error

    # The number of tests on the test images.

    def tests(self) -> list[dict[str, object]]:
        """The scores on the test images, in order."""
        if not self.tests_file.is_file():
            return []
        try:
            return [
                read_json(line, TEST_RECORD) for line in read_text(self.tests_file).splitlines()
            ]
        except SchemaError as error:
            raise DataError(f"not the tests of a study ({error})", file=self.tests_file) from error

    def add_test(self, record: dict[str, object]) -> None:
        lines = [*map(json.dumps, self.tests()), json.dumps(record)]
        write_whole(self.tests_file, "\n".join(lines) + "\n")


# One training -----------------------------------------------------------------

VERSION = 1  # of the form of a result
DONE, PRUNED, SLOW, DIVERGED, REFUSED = "done", "pruned", "too slow", "diverged", "refused"
STATES = (DONE, PRUNED, SLOW, DIVERGED, REFUSED)


@dataclass(frozen=True)
class TrialTask:
    """The input of one training."""

    recipe: str
    seed: int
    fold: int
    bars: tuple[float, ...] = ()  # it ends after an epoch with a lower accuracy than this
    seconds: float | None = None  # it ends after this time

    @cached_property
    def key(self) -> str:
        """A unique name of the task, which is also that of its result's file."""
        content = json.dumps([VERSION, asdict(self)], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Result:
    """The result of one training."""

    state: str
    epochs: tuple[Epoch, ...] = ()
    accuracy: float | None = None  # on the images held back, at the end of a finished training
    seconds: float = 0.0
    bits: str = ""  # a hash of the trained weights
    why: str = ""  # the reason why it isn't done

    @property
    def is_done(self) -> bool:
        return self.state == DONE


def write_result(task: TrialTask, result: Result, folder: InnerPath) -> None:
    """Write a result into the folder."""
    record = {"version": VERSION, "task": asdict(task), "result": asdict(result)}
    write_whole(folder / f"{task.key}.json", json.dumps(record, indent=1) + "\n")


def read_result(task: TrialTask, folder: InnerPath) -> Result | None:
    """The result in the folder, if there is an intact one."""
    path = folder / f"{task.key}.json"
    if not path.is_file():
        return None
    with suppress(ValueError, KeyError, TypeError, RecursionError, GradbookError):
        record = json.loads(read_text(path))
        if record["version"] == VERSION and record["task"] == json.loads(json.dumps(asdict(task))):
            known = RESULT.read(record["result"])
            return Result(**known | {"epochs": tuple(map(epoch_of, known["epochs"]))})
    return None


RESULT = Schema(
    state=Choice(*STATES),
    epochs=ListOf(EPOCH),
    accuracy=Maybe(FiniteNumber()),
    seconds=FiniteNumber(0),
    bits=PlainText(),
    why=PlainText(),
)


_images: dict[tuple[str, Shape], Dataset] = {}


def load_images(recipe: Recipe) -> Dataset:
    """Load its images once for all trainings of this process and of its copies."""
    key = recipe.data, recipe.net.input
    if key not in _images:
        _images.clear()
        _images[key] = images_of(recipe)
    return _images[key]


def result_of(task: TrialTask, threads: int | None = None) -> Result:
    """Train without using the test images."""
    began = monotonic()
    try:
        recipe = parse(task.recipe)
        recipe = replace(recipe, net=replace(recipe.net, seed=task.seed), held_back=task.fold)
        training = TrainingRun(set_up(adapt(recipe, load_images(recipe)), threads), began)
    except GradbookError as error:
        return Result(REFUSED, why=str(error))
    watch = _Watch(training, task.bars)
    try:
        with watch.ending_after(task.seconds):
            training.run(listener=watch)
            if not watch.ended:
                training.settle()
    except Diverged as error:
        return Result(DIVERGED, training.history, seconds=training.seconds, why=str(error))
    history, seconds = training.history, training.seconds
    if watch.ended:
        return Result(watch.ended, history, seconds=seconds, why=watch.why)
    accuracy = kept_epoch(training.recipe, history).validation_accuracy
    return Result(DONE, history, accuracy, seconds, hash_of(training.engine.state()))


class _Watch(Listener):
    """Ends a training that isn't worth continuing."""

    def __init__(self, training: TrainingRun, bars: Sequence[float]) -> None:
        self.training, self.bars = training, bars
        self.ended = self.why = ""

    def on_epoch(self, epoch: Epoch) -> None:
        best = max(e.validation_accuracy or 0.0 for e in self.training.history)
        bars = self.bars[epoch.epoch - 1 : epoch.epoch]
        if bars and best < bars[0] and not self.training.is_over:
            self.end(PRUNED, f"after epoch {epoch.epoch}, the others had {100 * bars[0]:.2f} %")

    def end(self, state: str, why: str) -> None:
        self.ended, self.why = state, why
        self.training.stop()

    @contextmanager
    def ending_after(self, seconds: float | None) -> Iterator[None]:
        """End the training if the block takes longer than that."""
        if seconds is None:
            yield
            return
        left = max(seconds - self.training.seconds, 0.0)
        alarm = Timer(left, self.end, (SLOW, f"it takes longer than {seconds:g} s"))
        alarm.daemon = True
        alarm.start()
        try:
            yield
        finally:
            alarm.cancel()


def hash_of(values: Mapping[str, NDArray[Any]]) -> str:
    """A hash that is equal only for equal bits."""
    digest = hashlib.sha256()
    for name, tensor in sorted(values.items()):
        digest.update(f"{name} {tensor.dtype} {tensor.shape}\n".encode())
        digest.update(np.ascontiguousarray(tensor).tobytes())
    return digest.hexdigest()[:32]


# All trials -------------------------------------------------------------------

FORBIDDEN = "not allowed"  # by the limits
LOST = "lost"  # each process that trained it died


Record = dict[str, Any]  # the record of a trial for programs


@dataclass
class Trial:
    """One recipe of a study, and the results of its trainings so far."""

    number: int
    drawn: Drawn
    text: str
    parameters: int | None  # of its network, if the text is valid
    macs: int | None
    forbidden: str
    tasks: tuple[TrialTask, ...] = ()
    results: dict[TrialTask, Result] = field(default_factory=dict)

    @property
    def counted(self) -> list[Result]:
        """The results in order, up to the first unfinished training. Later ones don't count,
        even if they ran meanwhile, so that the outcome is the same with any crew."""
        results: list[Result] = []
        for task in self.tasks:
            if task not in self.results:
                break
            results.append(self.results[task])
            if not results[-1].is_done:
                break
        return results

    @property
    def ended(self) -> Result | None:
        """The first result that didn't finish its training, once all before it are known."""
        return next((result for result in self.counted if not result.is_done), None)

    @property
    def is_over(self) -> bool:
        return bool(self.ended) or len(self.counted) == len(self.tasks)

    @property
    def state(self) -> str:
        if self.forbidden:
            return FORBIDDEN
        return self.ended.state if self.ended else DONE

    @property
    def why(self) -> str:
        return self.forbidden or (self.ended.why if self.ended else "")

    @property
    def accuracy(self) -> float | None:
        """The mean over folds and seeds, at the end of each training."""
        if self.state != DONE:
            return None
        return fmean(result.accuracy or 0.0 for result in self.counted)

    @property
    def accuracies(self) -> list[float]:
        """The mean after each epoch that all its trainings have reached."""
        runs = [result.epochs for result in self.counted]
        return [fmean(e.validation_accuracy or 0.0 for e in same) for same in zip(*runs)]  # noqa: B905

    @property
    def seconds(self) -> float:
        return sum(result.seconds for result in self.counted)

    @property
    def record(self) -> Record:
        """The record of the trial for programs."""
        return {
            "number": self.number,
            "parameters": dict(self.drawn),
            "value": self.accuracy,
            "state": self.state,
            "why": self.why,
            "accuracies": self.accuracies,
            "network_parameters": self.parameters,
            "macs": self.macs,
            "seconds": self.seconds,
            "bits": [result.bits for result in self.counted],
            "recipe": self.text,
        }


class StudyListener:
    """Listens to a study."""

    def on_start(self, plan: StudyPlan, folder: StudyFolder) -> None: ...

    def on_trial(self, trial: Trial, best: Trial | None) -> None:
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
            trainings = _Trainings(folder, crew, threads)
            records = [trial.record for trial in _searched(plan, search, trainings, listener)]
            write_tables(folder, records)
            return records
    finally:
        crew.end()


def _searched(
    plan: StudyPlan, search: Search, trainings: _Trainings, listener: StudyListener
) -> Iterator[Trial]:
    """Every finished trial, in order. One more is asked for whenever one is told, so that
    each choice depends on the same results."""
    waiting: list[Trial] = []
    counted = forbidden = 0
    best: Trial | None = None
    is_at_end = False
    while True:
        while len(waiting) < plan.ahead and counted < plan.most and not is_at_end:
            asked = _asked(plan, search)
            if asked is None:
                is_at_end = True
                break
            forbidden = forbidden + 1 if asked.forbidden else 0
            counted += not asked.forbidden
            if forbidden > MOST_FORBIDDEN:
                raise UsageError(NONE_ALLOWED.format(count=forbidden, why=asked.forbidden))
            waiting.append(asked)
            trainings.take(asked)
        if not waiting:
            return
        trial = waiting[0]
        trainings.work_until(trial, listener)
        waiting.pop(0)
        values = None
        if trial.accuracy is not None:
            costs = {"parameters": trial.parameters, "macs": trial.macs}
            values = [trial.accuracy, *(float(costs[aim] or 0) for aim in plan.aims[1:])]
        search.tell(trial.number, values, trial.accuracies)
        if trial.accuracy is not None and (best is None or trial.accuracy > (best.accuracy or 0.0)):
            best = trial
        listener.on_trial(trial, best)
        yield trial


def _asked(plan: StudyPlan, search: Search) -> Trial | None:
    found = search.ask()
    if found is None:
        return None
    number, drawn, text = found
    try:
        recipe = plan.recipe(text)
    except GradbookError as error:
        return Trial(number, drawn, text, None, None, error.message)
    cost, count = measure(recipe.net), recipe.net.count()
    macs = cost.macs
    forbidden = plan.limits.forbids(cost)
    if forbidden:
        return Trial(number, drawn, text, count, macs, forbidden)
    bars = search.bars(recipe.epochs)
    seeds = range(recipe.net.seed, recipe.net.seed + plan.seeds)
    tasks = tuple(
        TrialTask(text, seed, fold, bars, plan.limits.seconds)
        for fold in plan.folds
        for seed in seeds
    )
    search.note(number, {"recipe": text, "network parameters": count})
    return Trial(number, drawn, text, count, macs, "", tasks)


class _Trainings:
    """The trainings that a crew runs; finished ones are read from their files."""

    def __init__(self, folder: StudyFolder, crew: WorkCrew, threads: int | None) -> None:
        self.folder, self.crew, self.threads = folder.results, crew, threads
        self.owners: dict[str, list[tuple[Trial, TrialTask]]] = {}  # of the running tasks
        self.done = 0

    def take(self, trial: Trial) -> None:
        for task in trial.tasks:
            result = read_result(task, self.folder)
            if result:
                trial.results[task] = result
                continue
            owners = self.owners.setdefault(task.key, [])
            owners.append((trial, task))
            if len(owners) == 1:
                self.crew.give(task.key, partial(result_of, task, self.threads))

    def work_until(self, trial: Trial, listener: StudyListener) -> None:
        """Work until all trainings of a trial are finished, or one decides by failing."""
        while not trial.is_over:
            listener.at_work(self.crew.at_work, self.done)
            for key, outcome in self.crew.outcomes():
                self._heed(key, outcome)
        for task in trial.tasks:  # a finished trial doesn't wait for its other trainings
            owners = self.owners.get(task.key)
            if owners is not None:
                owners[:] = [(owner, own) for owner, own in owners if owner is not trial]
                if not owners:
                    del self.owners[task.key]
                    self.crew.forget(task.key)

    def _heed(self, key: str, outcome: Outcome) -> None:
        self.done += 1
        if isinstance(outcome.error, GradbookError):
            raise outcome.error
        lost = Result(LOST, why=f"training {outcome.error}") if outcome.error else None
        for owner, task in self.owners.pop(key, ()):
            owner.results[task] = lost or outcome.value
            if not lost:
                write_result(task, outcome.value, self.folder)


# The best trial.


def best_trial(records: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The trial with the highest accuracy; of equal ones the smallest, then the first."""
    done = [record for record in records if record["value"] is not None]
    return min(
        done, key=lambda r: (-r["value"], r["network_parameters"], r["number"]), default=None
    )


def write_tables(folder: StudyFolder, records: Sequence[Record]) -> None:
    write_whole(folder.records_file, json.dumps(records, indent=1) + "\n")
    names = list(dict.fromkeys(name for record in records for name in record["parameters"]))
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    own = ["number", "state", "value", "network_parameters", "macs", "seconds", "why"]
    table.writerow([*own, *map(as_cell, names)])
    for record in records:
        drawn = record["parameters"]
        cells = [*(record[name] for name in own), *(drawn.get(name, "") for name in names)]
        table.writerow([as_cell(cell) if isinstance(cell, str) else cell for cell in cells])
    write_whole(folder.table_file, out.getvalue())


# The best recipe on the test images, after all choices ------------------------


@dataclass(frozen=True)
class TestScore:
    """The score over trainings with different seeds, on all training images."""

    mean: float
    deviation: float
    accuracies: tuple[float, ...]
    seeds: int


def score_of(text: str, seeds: int) -> TestScore:
    recipe = parse(text)
    first = recipe.net.seed
    runs = train_seeds(recipe, range(first, first + seeds), held_back=False, show=False)
    if any(run.test_accuracy is None for run in runs):
        raise KeyboardInterrupt
    spread = Spread(tuple(run.test_accuracy or 0.0 for run in runs))
    return TestScore(spread.mean, spread.deviation, spread.values, len(spread.values))
