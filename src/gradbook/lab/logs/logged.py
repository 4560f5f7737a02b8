"""A listener that tells some logs of each epoch as well; one that fails ends, the training not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from gradbook.errors import UsageError, did_you_mean, one_line
from gradbook.lab.logs import LOG_NAMES
from gradbook.lab.logs.run_logs import MlflowLog, RunLog, Settings, TensorBoardLog, WandbLog
from gradbook.lab.training.training import Listener

if TYPE_CHECKING:
    from gradbook.lab.logs.run_logs import LoggedEpoch
    from gradbook.lab.recipes.recipe import Recipe
    from gradbook.lab.training.history import Epoch
    from gradbook.lab.training.train import Trained
    from gradbook.lab.training.training import TrainingRun

KINDS: Sequence[type[RunLog]] = (TensorBoardLog, MlflowLog, WandbLog)
LOGS = dict(zip(LOG_NAMES, KINDS, strict=True))


def known_logs(names: Sequence[str]) -> tuple[str, ...]:
    """The names, if there are such logs and their libraries are installed."""
    for name in names:
        if name not in LOGS:
            hint = did_you_mean(name, LOGS) or f": they are {', '.join(LOGS)}"
            raise UsageError(f"no log is called '{name}'{hint}")
        if find_spec(LOGS[name].library) is None:
            raise UsageError(
                f"{name} is told by {LOGS[name].library}, which isn't installed: "
                f"pip install 'gradbook[{name}]'"
            )
    return tuple(dict.fromkeys(names))


class Logs:
    """Some logs of a run in a folder. One that fails ends, which `told` hears of, the rest not."""

    def __init__(self, names: Sequence[str], folder: Path, told: Callable[[str], object]) -> None:
        self.told = told
        self.logs = {name: LOGS[name](folder) for name in known_logs(names)}

    def begin(self, recipe: Recipe) -> None:
        settings: Settings = {
            "recipe": str(recipe),
            "seed": recipe.net.seed,
            "parameters": recipe.net.count(),
        }
        self._each_told(lambda log: log.begin(settings))

    def epoch(self, epoch: LoggedEpoch) -> None:
        self._each_told(lambda log: log.epoch(epoch))

    def end(self, **scores: float | None) -> None:
        """Close them; of a training that is done they keep how it did in the test."""
        self._each_told(lambda log: log.end(scores))

    def _each_told(self, tell: Callable[[RunLog], None]) -> None:
        """A library that can't go on must not cost a training."""
        for name, log in list(self.logs.items()):
            try:
                tell(log)
            except Exception as error:
                del self.logs[name]
                self.told(one_line(f"--log {name} ends here: {error}"))


class Logged(Listener):
    """Tells logs of a run in a folder, and another listener as it is told itself."""

    def __init__(self, listener: Listener, names: Sequence[str], folder: Path) -> None:
        self.listener = listener
        self.logs = Logs(names, folder, listener.doubted)

    def started(self, training: TrainingRun) -> None:
        self.logs.begin(training.recipe)
        for epoch in training.history:
            self.logs.epoch(epoch)
        self.listener.started(training)

    def epoch_done(self, epoch: Epoch) -> None:
        self.logs.epoch(epoch)
        self.listener.epoch_done(epoch)

    def doubted(self, doubt: str) -> None:
        self.listener.doubted(doubt)

    def ended(self, trained: Trained | None) -> None:
        """Of a training that is done the logs keep the score on the test images."""
        score = trained.test_accuracy if trained and not trained.stopped else None
        self.logs.end(test_accuracy=score)
