"""A study from its first trial to its last: who asks, who trains, and in which order it counts."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from statistics import fmean
from typing import Any

from gradbook.errors import GradbookError, UsageError, as_cell
from gradbook.files import write_whole
from gradbook.lab.study.folder import StudyFolder
from gradbook.lab.study.plan import MOST_FORBIDDEN, NONE_ALLOWED, StudyPlan
from gradbook.lab.study.search import Drawn, Search
from gradbook.lab.study.trial import DONE, Result, TrialTask, keep, kept, result_of
from gradbook.net.measure import measure
from gradbook.work.processes import Outcome, WorkCrew

FORBIDDEN = "not allowed"  # by the limits
LOST = "lost"  # each process that trained it died


Record = dict[str, Any]  # what programs are told of a trial


@dataclass
class Trial:
    """One recipe of a study, and what its trainings came to so far."""

    number: int
    drawn: Drawn
    text: str
    parameters: int | None  # of its network, if the text can be read
    macs: int | None
    forbidden: str
    tasks: tuple[TrialTask, ...] = ()
    results: dict[TrialTask, Result] = field(default_factory=dict)

    @property
    def counted(self) -> list[Result]:
        """The results in their order, down to the first that isn't done to its end: whatever else
        went on beside that counts for nothing, so that it is the same with any crew."""
        found: list[Result] = []
        for task in self.tasks:
            if task not in self.results:
                break
            found.append(self.results[task])
            if not found[-1].is_done:
                break
        return found

    @property
    def ended(self) -> Result | None:
        """The first of its trainings that isn't done to its end, all before it being there."""
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
        """After each epoch that all its trainings have come to, the mean."""
        runs = [result.epochs for result in self.counted]
        return [fmean(e.validation_accuracy or 0.0 for e in same) for same in zip(*runs)]  # noqa: B905

    @property
    def seconds(self) -> float:
        return sum(result.seconds for result in self.counted)

    @property
    def record(self) -> Record:
        """What programs are told of it."""
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
    """Hears how a study goes."""

    def began(self, plan: StudyPlan, folder: StudyFolder) -> None: ...

    def told(self, trial: Trial, best: Trial | None) -> None:
        """A trial is over, and all before it."""

    def at_work(self, tasks: int, done: int) -> None:
        """So many trainings go on, so many are done since this process began."""


def study(
    folder: StudyFolder,
    plan: StudyPlan,
    crew: WorkCrew,
    threads: int | None,
    listener: StudyListener,
) -> list[Record]:
    """Search to the end, and end the crew. What was trained before counts as it did then."""
    try:
        with folder.held():
            search = Search(plan, folder.journal)
            listener.began(plan, folder)
            trainings = _Trainings(folder, crew, threads)
            records = [trial.record for trial in _searched(plan, search, trainings, listener)]
            write_tables(folder, records)
            return records
    finally:
        crew.end()


def _searched(
    plan: StudyPlan, search: Search, trainings: _Trainings, listener: StudyListener
) -> Iterator[Trial]:
    """Every trial once it is over, in order. One more is asked for whenever one is told, so
    that each question is asked after the same answers."""
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
        _tell(plan, search, trial)
        if trial.accuracy is not None and (best is None or trial.accuracy > (best.accuracy or 0.0)):
            best = trial
        listener.told(trial, best)
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
    bars = search.bars(number, recipe.epochs)
    seeds = range(recipe.net.seed, recipe.net.seed + plan.seeds)
    tasks = tuple(
        TrialTask(text, seed, fold, bars, plan.limits.seconds)
        for fold in plan.folds
        for seed in seeds
    )
    search.note(number, {"recipe": text, "network parameters": count})
    return Trial(number, drawn, text, count, macs, "", tasks)


def _tell(plan: StudyPlan, search: Search, trial: Trial) -> None:
    values = None
    if trial.accuracy is not None:
        costs = {"parameters": trial.parameters, "macs": trial.macs}
        values = [trial.accuracy, *(float(costs[aim] or 0) for aim in plan.aims[1:])]
    search.tell(trial.number, values, trial.accuracies)


class _Trainings:
    """What is to be trained, by a crew; what was trained before is read."""

    def __init__(self, folder: StudyFolder, crew: WorkCrew, threads: int | None) -> None:
        self.folder, self.crew, self.threads = folder.results, crew, threads
        self.owners: dict[str, list[tuple[Trial, TrialTask]]] = {}  # of what is under way
        self.done = 0

    def take(self, trial: Trial) -> None:
        for task in trial.tasks:
            found = kept(task, self.folder)
            if found:
                trial.results[task] = found
                continue
            owners = self.owners.setdefault(task.key, [])
            owners.append((trial, task))
            if len(owners) == 1:
                self.crew.give(task.key, partial(result_of, task, self.threads))

    def work_until(self, trial: Trial, listener: StudyListener) -> None:
        """Until all trainings of a trial are over, or one that came to nothing decides."""
        while not trial.is_over:
            listener.at_work(self.crew.at_work, self.done)
            for key, outcome in self.crew.outcomes():
                self._heed(key, outcome)
        for task in trial.tasks:
            self._leave(trial, task)

    def _heed(self, key: str, outcome: Outcome) -> None:
        self.done += 1
        if isinstance(outcome.error, GradbookError):
            raise outcome.error
        lost = Result(LOST, why=f"training {outcome.error}") if outcome.error else None
        for owner, task in self.owners.pop(key, ()):
            owner.results[task] = lost or outcome.value
            if not lost:
                keep(task, outcome.value, self.folder)

    def _leave(self, trial: Trial, task: TrialTask) -> None:
        """A trial that is over waits for no more of its trainings."""
        owners = self.owners.get(task.key)
        if owners is not None:
            owners[:] = [(owner, own) for owner, own in owners if owner is not trial]
            if not owners:
                del self.owners[task.key]
                self.crew.forget(task.key)


# What is left of it.


def best_of(records: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
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
