"""Chooses the next recipe and keeps what was tried: this is the only place that uses Optuna.

Trials are asked for in a fixed order and told likewise, and each choice draws from its own random
seed. So equal results lead to equal choices, however many trainings run at once, and a study that
was interrupted continues as if it hadn't been.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from math import prod
from random import Random
from typing import TYPE_CHECKING, Any

from gradbook import limits
from gradbook.errors import DataError, GradbookError, UsageError
from gradbook.files import InnerPath, read_text, said_plainly, write_whole
from gradbook.lab.study.braces import Domain, Hole, Options, Value, shorten
from gradbook.lab.study.study_plan import StudyPlan

if TYPE_CHECKING:
    from optuna import Study
    from optuna import Trial as OptunaTrial
    from optuna.trial import BaseTrial

MISSING = "a study needs Optuna: pip install 'gradbook[study]'"
NAME = "study"  # in the journal

Drawn = dict[str, Value]


def library() -> Any:
    """Optuna, without its messages."""
    try:
        import optuna
    except ImportError as error:
        raise UsageError(MISSING) from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    return optuna


class Search:
    """A search through what a plan lets vary; optuna-dashboard opens its journal, too."""

    def __init__(self, plan: StudyPlan, journal: InnerPath) -> None:
        optuna = library()
        from optuna.storages import JournalStorage
        from optuna.trial import Trial, TrialState

        self.plan, self.holes = plan, plan.template.holes
        try:  # whatever a damaged journal makes of Optuna
            self.journal = Journal(journal)
            storage = JournalStorage(self.journal)
            self.study: Study = optuna.create_study(
                study_name=NAME, storage=storage, direction="maximize", load_if_exists=True
            )
            trials = self.study.get_trials(deepcopy=False)
            self.under_way: dict[int, OptunaTrial] = {
                trial.number: Trial(self.study, trial._trial_id)
                for trial in trials
                if trial.state == TrialState.RUNNING
            }
            self.tried = [
                (*self._drawn(self.under_way.get(trial.number, trial)), trial.user_attrs)
                for trial in trials
            ]
        except GradbookError:
            raise
        except Exception as error:
            raise DataError("not the journal of this study", file=str(journal)) from error
        self.asked = len(trials)

    def ask(self) -> tuple[int, Drawn, str] | None:
        """The next trial: its number, the chosen values and the recipe; None at the end of a
        grid."""
        if self.plan.sampler == "grid":
            point = grid_point(self.holes, self.asked)
            if point is None:
                return None
            self.study.enqueue_trial(point)
        self.study.sampler = _sampler(self.plan, self.asked)
        trial = self.study.ask()
        self.asked += 1
        self.under_way[trial.number] = trial
        asked = self._drawn(trial)
        self.journal.write()
        return asked

    def _drawn(self, trial: BaseTrial) -> tuple[int, Drawn, str]:
        drawn: Drawn = {}

        def choose(name: str, domain: Domain) -> Value:
            drawn[name] = _suggested(trial, name, domain)
            return drawn[name]

        text = self.plan.template.write(choose)
        return trial.number, drawn, text

    def note(self, number: int, what: Mapping[str, Any]) -> None:
        """Add notes to a trial that is under way."""
        for name, value in what.items():
            self.under_way[number].set_user_attr(name, value)
        self.journal.write()

    def tell(self, number: int, value: float | None) -> None:
        """The result of a trial; None if it has none."""
        from optuna.trial import TrialState

        state = TrialState.FAIL if value is None else TrialState.COMPLETE
        self.study.tell(self.under_way.pop(number), value, state)
        self.journal.write()

    def importance(self) -> dict[str, float]:
        """How much each varying part distinguishes the best trials, if it can be estimated."""
        from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

        with suppress(ValueError, RuntimeError), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on how the target is used, which is intended
            shares = get_param_importances(
                self.study,
                evaluator=PedAnovaImportanceEvaluator(),
                target=lambda trial: -trial.values[0],
            )
            return {name: float(share) for name, share in shares.items()}
        return {}


def _sampler(plan: StudyPlan, number: int) -> Any:
    from optuna import samplers

    seed = Random(f"{plan.draw} {number}").getrandbits(32)
    if plan.sampler == "tpe":
        return samplers.TPESampler(seed=seed, constant_liar=True)
    return samplers.RandomSampler(seed=seed)


def _suggested(trial: BaseTrial, name: str, domain: Domain) -> Value:
    if isinstance(domain, Options):
        return str(trial.suggest_categorical(name, domain.phrases))
    if domain.whole:
        return int(trial.suggest_int(name, int(domain.low), int(domain.high), log=domain.log))
    return shorten(trial.suggest_float(name, domain.low, domain.high, log=domain.log))


def grid_point(holes: Sequence[Hole], number: int) -> Drawn | None:
    """The combination with this number, the last part varying fastest; None after the last."""
    values = [_values(hole.domain) for hole in holes]
    left = prod(map(len, values))
    if number >= left:
        return None
    point: Drawn = {}
    for hole, each in zip(holes, values, strict=True):
        left //= len(each)
        point[hole.name] = each[number // left % len(each)]
    return point


def _values(domain: Domain) -> Sequence[Value]:
    if isinstance(domain, Options):
        return domain.phrases
    return range(int(domain.low), int(domain.high) + 1)


END = " \n"  # of what belongs together; other lines have no space there


class Journal:
    """The file of Optuna's JournalStorage: one line per entry. A single process writes it, so it
    needs no lock; of what belongs together, all is written, or what was is left out later.
    """

    def __init__(self, path: InnerPath) -> None:
        self.path = path
        text = read_text(path, limit=limits.TRIALS) if path.is_file() else ""
        self.before = "".join(text.rpartition(END)[:2])  # without what wasn't written to its end
        self.unread = [*map(json.loads, self.before.splitlines())]
        self.unwritten = ""
        self.is_begun = False

    def append_logs(self, logs: Iterable[dict[str, Any]]) -> None:
        lines = [json.dumps(entry, separators=(",", ":")) for entry in logs]
        self.unwritten += "".join(f"{line}\n" for line in lines)
        self.unread += map(json.loads, lines)

    def read_logs(self, log_number_from: int) -> list[dict[str, Any]]:
        """The logs since the last call, which are all that the caller doesn't know."""
        logs, self.unread = self.unread, []
        return logs

    def write(self) -> None:
        if not self.is_begun:  # a file of its own, whatever else has its name
            write_whole(self.path, self.before)
            self.before, self.is_begun = "", True
        with said_plainly("write", self.path), self.path.open("ab") as file:
            file.write(self.unwritten.removesuffix("\n").encode() + END.encode())
        self.unwritten = ""
