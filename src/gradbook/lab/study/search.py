"""Chooses the next recipe: this is the only place that uses Optuna.

It is asked in a fixed order and told results in the order of the trials, so that equal results
lead to equal choices, however many trainings run at once and whichever were killed.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from statistics import median
from typing import TYPE_CHECKING, Any

from gradbook.errors import UsageError
from gradbook.files import InnerPath, said_plainly, write_whole
from gradbook.lab.study.braces import Domain, Options, Template, Value, shorten
from gradbook.lab.study.study_plan import StudyPlan

if TYPE_CHECKING:
    from optuna import Study
    from optuna import Trial as OptunaTrial


MISSING = "a study needs Optuna: pip install 'gradbook[study]'"
STARTED = 5  # trials with all epochs before any is ended early

Drawn = dict[str, Value]


class Search:
    """A search through what a plan lets vary; optuna-dashboard opens its `journal`."""

    def __init__(self, plan: StudyPlan, journal: InnerPath) -> None:
        optuna = library()
        from optuna.storages import JournalStorage

        self.plan, self.storage = plan, JournalStorage(Journal(journal))
        self.grid = grid(plan.template) if plan.sampler == "grid" else None
        self.study: Study = optuna.create_study(
            study_name=plan.name or "study",
            storage=self.storage,
            sampler=_sampler(plan),
            directions=["maximize", *["minimize"] * (len(plan.aims) - 1)],
        )
        self.study_id = self.storage.get_study_id_from_name(self.study.study_name)
        self.asked: dict[int, OptunaTrial] = {}

    def ask(self) -> tuple[int, Drawn, str] | None:
        """The next trial: its number, the chosen values and the recipe; None at the end of a
        grid."""
        from optuna.trial import Trial, TrialState, create_trial

        given = None
        if self.grid is not None:
            given = next(self.grid, None)
            if given is None:
                return None
        # Like `study.ask`, without looking through all trials for a waiting one.
        fixed = {"fixed_params": given}
        template = create_trial(state=TrialState.RUNNING, system_attrs=fixed) if given else None
        trial = Trial(self.study, self.storage.create_new_trial(self.study_id, template))
        drawn: Drawn = {}

        def choose(name: str, domain: Domain) -> Value:
            drawn[name] = _suggested(trial, name, domain)
            return drawn[name]

        text = self.plan.template.write(choose)
        self.asked[trial.number] = trial
        return trial.number, drawn, text

    def note(self, number: int, what: Mapping[str, Any]) -> None:
        """Add a note to a trial in the dashboard."""
        for name, value in what.items():
            self.asked[number].set_user_attr(name, value)

    def tell(
        self, number: int, values: Sequence[float] | None, accuracies: Sequence[float]
    ) -> None:
        """The result of a trial; nothing if it was ended early or not trained at all."""
        from optuna.trial import TrialState

        trial = self.asked.pop(number)
        if len(self.plan.aims) == 1:
            for step, accuracy in enumerate(accuracies, 1):
                trial.report(accuracy, step)
        state = TrialState.COMPLETE if values is not None else TrialState.PRUNED
        if values is None and (len(self.plan.aims) > 1 or not accuracies):
            state = TrialState.FAIL
        self.study.tell(trial, values, state)

    def bars(self, epochs: int) -> tuple[float, ...]:
        """The accuracy below which a training ends, after each of its epochs except the last: the
        median of the finished trials, once there are enough of them, as in Optuna's own
        pruner."""
        from optuna.trial import TrialState

        if self.plan.prune == "none":
            return ()
        done = self.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        bars = []
        for epoch in range(1, epochs):
            values = [t.intermediate_values[epoch] for t in done if epoch in t.intermediate_values]
            bars.append(shorten(median(values)) if len(values) >= STARTED else 0.0)
        return tuple(bars)


def library() -> Any:
    """Optuna, without its messages."""
    try:
        import optuna
    except ImportError as error:
        raise UsageError(MISSING) from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    return optuna


def _sampler(plan: StudyPlan) -> Any:
    from optuna import samplers

    match plan.sampler:
        case "tpe":
            return samplers.TPESampler(seed=plan.draw, constant_liar=True)
        case "nsga":
            return samplers.NSGAIISampler(seed=plan.draw)
        case "cma":
            try:
                import cmaes  # noqa: F401 - the sampler imports it too late for a clear message
            except ImportError as error:
                raise UsageError(MISSING) from error
            return samplers.CmaEsSampler(seed=plan.draw)
        case _:
            return samplers.RandomSampler(seed=plan.draw)


def _suggested(trial: OptunaTrial, name: str, domain: Domain) -> Value:
    if isinstance(domain, Options):
        return str(trial.suggest_categorical(name, domain.phrases))
    if domain.whole:
        return int(trial.suggest_int(name, int(domain.low), int(domain.high), log=domain.log))
    return shorten(trial.suggest_float(name, domain.low, domain.high, log=domain.log))


def importance(journal: InnerPath) -> dict[str, float]:
    """How much each varying part distinguishes the best trials, as far as that can be estimated."""
    optuna = library()
    from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    (name,) = optuna.get_all_study_names(JournalStorage(JournalFileBackend(str(journal))))
    study = optuna.load_study(
        study_name=name, storage=JournalStorage(JournalFileBackend(str(journal)))
    )
    with suppress(ValueError, RuntimeError), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on how the target is used, which is intended
        shares = get_param_importances(
            study,
            evaluator=PedAnovaImportanceEvaluator(),
            target=lambda trial: -trial.values[0],
        )
        return {name: float(share) for name, share in shares.items()}
    return {}


# A grid.


def grid(template: Template) -> Iterator[Drawn]:
    """Every combination; the last part varies fastest."""
    path: list[int] = []
    while True:
        drawn, sizes = _at(template, path)
        yield drawn
        while path and path[-1] + 1 >= sizes[len(path) - 1]:
            path.pop()
        if not path:
            return
        path[-1] += 1


def _at(template: Template, path: list[int]) -> tuple[Drawn, list[int]]:
    """The combination at the end of a path of choices, completed by first values."""
    drawn: Drawn = {}
    sizes: list[int] = []

    def choose(name: str, domain: Domain) -> Value:
        values: Sequence[Value] = (
            domain.phrases
            if isinstance(domain, Options)
            else range(int(domain.low), int(domain.high) + 1)
        )
        place = len(sizes)
        sizes.append(len(values))
        if place == len(path):
            path.append(0)
        drawn[name] = values[path[place]]
        return drawn[name]

    template.write(choose)
    del path[len(sizes) :]
    return drawn, sizes


# The journal, a file that optuna-dashboard opens while the study runs ---------

Entry = dict[str, Any]


class Journal:
    """The file of Optuna's JournalStorage: one line per entry.

    A single process writes it, anew from the results whenever the study continues. So it needs no
    lock and never waits for the disk, and what was written isn't read again.
    """

    def __init__(self, path: InnerPath) -> None:
        self.path = path
        self.unread: list[Entry] = []
        write_whole(path, b"")

    def append_logs(self, logs: Iterable[Entry]) -> None:
        lines = [json.dumps(entry, separators=(",", ":")) for entry in logs]
        with said_plainly("write", self.path), self.path.open("ab") as file:
            file.write("".join(f"{line}\n" for line in lines).encode())
        self.unread += map(json.loads, lines)

    def read_logs(self, log_number_from: int) -> list[Entry]:
        """The logs since the last call, which are all that the caller doesn't know."""
        logs, self.unread = self.unread, []
        return logs
