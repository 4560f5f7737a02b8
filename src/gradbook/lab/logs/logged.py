"""A listener that tells some logs of each epoch as well; one that fails ends, the training not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from gradbook.errors import UsageError, did_you_mean, one_line
from gradbook.lab.logs.run_logs import MlflowLog, RunLog, Settings, TensorBoardLog, WandbLog
from gradbook.lab.training.training import Listener

if TYPE_CHECKING:
    from gradbook.lab.training.history import Epoch
    from gradbook.lab.training.train import Trained
    from gradbook.lab.training.training import TrainingRun

LOGS: Mapping[str, type[RunLog]] = {
    "tensorboard": TensorBoardLog,
    "mlflow": MlflowLog,
    "wandb": WandbLog,
}


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


class Logged(Listener):
    """Tells logs of a run in a folder, and another listener as it is told itself."""

    def __init__(self, listener: Listener, names: Sequence[str], folder: Path) -> None:
        self.listener = listener
        self.logs = {name: LOGS[name](folder) for name in known_logs(names)}

    def started(self, training: TrainingRun) -> None:
        recipe = training.recipe
        settings: Settings = {
            "recipe": str(recipe),
            "seed": recipe.net.seed,
            "parameters": recipe.net.count(),
        }
        self._each_told(lambda log: log.begin(settings))
        for epoch in training.history:
            self._tell_of(epoch)
        self.listener.started(training)

    def epoch_done(self, epoch: Epoch) -> None:
        self._tell_of(epoch)
        self.listener.epoch_done(epoch)

    def doubted(self, doubt: str) -> None:
        self.listener.doubted(doubt)

    def ended(self, trained: Trained | None) -> None:
        """Close the logs; of a training that is done they keep the score on the test images."""
        score = trained.test_accuracy if trained and not trained.stopped else None
        self._each_told(lambda log: log.end(score))

    def _tell_of(self, epoch: Epoch) -> None:
        self._each_told(lambda log: log.epoch(epoch))

    def _each_told(self, tell: Callable[[RunLog], None]) -> None:
        """A library that can't go on must not cost a training."""
        for name, log in list(self.logs.items()):
            try:
                tell(log)
            except Exception as error:
                del self.logs[name]
                self.listener.doubted(one_line(f"--log {name} ends here: {error}"))
