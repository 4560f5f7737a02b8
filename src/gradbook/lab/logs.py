"""Reports trainings to programs that watch runs, through their libraries and only into files."""

from __future__ import annotations

import os
import re
import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from gradbook.errors import KeptFileError, UsageError, did_you_mean, one_line
from gradbook.files import inside
from gradbook.lab import LOG_NAMES
from gradbook.lab.training.training import Listener, PassingOn
from gradbook.plugins import LOGS as PLUGIN_LOGS
from gradbook.plugins import plugins

if TYPE_CHECKING:
    from gradbook.lab.training.epochs import Epoch
    from gradbook.lab.training.train import Trained
    from gradbook.lab.training.training import TrainingRun


# Each program, its files, and what it is told ---------------------------------

PROJECT = "gradbook"
WRITTEN = {  # how the names of these programs' files begin, in a folder with the program's name
    "tensorboard": re.compile(r"events\.out\.tfevents\."),
    "wandb": re.compile(r"(offline-)?run-|latest-run|debug|settings$"),
}
MOST_CHARACTERS = 6_000  # of a setting, in MLflow

Settings = Mapping[str, str | int]


class RunLog(ABC):
    """One run, as such a program records it. A resumed run is recorded from its first epoch on."""

    library: ClassVar[str]

    def __init__(self, folder: Path) -> None:
        self.folder = folder  # of the run

    @abstractmethod
    def begin(self, settings: Settings) -> None: ...

    @abstractmethod
    def scalar(self, name: str, value: float, epoch: int) -> None: ...

    @abstractmethod
    def close(self) -> None: ...

    def _cleared(self, name: str) -> Path:
        """A folder within the run's, without earlier logs; never a link or a folder with files that
        the program didn't write."""
        own = inside(self.folder) / name
        if own.is_dir():
            for path in own.files():
                if not WRITTEN[name].match(path.relative_to(own)):
                    raise KeptFileError(
                        f"{path} isn't {name}'s, and the whole folder would be rewritten: "
                        "move it elsewhere, or name another folder for the run"
                    )
            shutil.rmtree(own, ignore_errors=True)
        return Path(own)

    def epoch(self, figures: Mapping[str, float | None]) -> None:
        """The scalars of an epoch: all that metrics.csv has about it except its number."""
        self.last = int(figures["epoch"] or 0)
        for name, value in figures.items():
            if name != "epoch" and value is not None:
                self.scalar(name, value, self.last)

    def end(self, scores: Mapping[str, float | None]) -> None:
        for name, score in scores.items():
            if score is not None:
                self.scalar(name, score, self.last)
        self.close()


class TensorBoardLog(RunLog):
    """`tensorboard --logdir runs` shows it. Numbers have 32 bits there."""

    library = "tensorboardX"

    def begin(self, settings: Settings) -> None:
        from tensorboardX import SummaryWriter

        self.writer = SummaryWriter(str(self._cleared("tensorboard")))
        for key, value in settings.items():
            self.writer.add_text(key, f"    {value}".replace("\n", "\n    "), 0)

    def scalar(self, name: str, value: float, epoch: int) -> None:
        self.writer.add_scalar(name, value, epoch)
        self.writer.flush()

    def close(self) -> None:
        self.writer.close()


class MlflowLog(RunLog):
    """`mlflow ui --backend-store-uri runs/mlruns` shows it, beside the other runs there."""

    library = "mlflow"

    def begin(self, settings: Settings) -> None:
        os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")  # only files are needed
        from mlflow import MlflowClient

        store = self.folder.absolute().parent / "mlruns"
        self.client = MlflowClient(tracking_uri=store.as_uri())
        known = self.client.get_experiment_by_name(PROJECT)
        experiment = known.experiment_id if known else self.client.create_experiment(PROJECT)
        folder = str(self.folder.absolute())
        same = "tags.folder = '{}'".format(folder.replace("'", "\\'"))
        for earlier in self.client.search_runs([experiment], same):  # before an interruption
            self.client.delete_run(earlier.info.run_id)
        tags = {"folder": folder}
        run = self.client.create_run(experiment, run_name=self.folder.name, tags=tags)
        self.run = run.info.run_id
        for key, value in settings.items():
            self.client.log_param(self.run, key, str(value)[:MOST_CHARACTERS])

    def scalar(self, name: str, value: float, epoch: int) -> None:
        self.client.log_metric(self.run, name, value, step=epoch)

    def close(self) -> None:
        self.client.set_terminated(self.run)


class WandbLog(RunLog):
    """`wandb sync runs/quick/wandb/offline-run-*` uploads it, if its owner wants that."""

    library = "wandb"

    def begin(self, settings: Settings) -> None:
        os.environ.setdefault("WANDB_SILENT", "true")
        import wandb

        self._cleared("wandb")
        self.run = wandb.init(
            project=PROJECT,
            name=self.folder.name,
            mode="offline",
            dir=str(self.folder),
            config=dict(settings),
            settings=wandb.Settings(console="off", x_disable_stats=True, disable_git=True),
        )

    def scalar(self, name: str, value: float, epoch: int) -> None:
        self.run.log({name: value}, step=epoch)

    def close(self) -> None:
        self.run.finish()


# The listener for these logs; if one fails, the training continues without it --

KINDS: Sequence[type[RunLog]] = (TensorBoardLog, MlflowLog, WandbLog)
LOGS = dict(zip(LOG_NAMES, KINDS, strict=True))


def known_logs(names: Sequence[str]) -> tuple[str, ...]:
    """The names, if these logs exist and their libraries are installed."""
    for name in names:
        library = _kind_of(name).library
        if find_spec(library) is None:
            raise UsageError(
                f"{name} needs {library}, which isn't installed: pip install 'gradbook[{name}]'"
            )
    return tuple(dict.fromkeys(names))


def _kind_of(name: str) -> type[RunLog]:
    kinds = LOGS if name in LOGS else LOGS | plugins(PLUGIN_LOGS)
    if name not in kinds:
        hint = did_you_mean(name, kinds) or f": they are {', '.join(kinds)}"
        raise UsageError(f"no log is called '{name}'{hint}")
    return kinds[name]


class Logged(PassingOn):
    """Writes some logs of a run in a folder, and passes events on to another listener. A log that
    fails is dropped and the listener informed; the other logs and the training continue."""

    def __init__(self, listener: Listener, names: Sequence[str], folder: Path) -> None:
        super().__init__(listener)
        self.logs = {name: _kind_of(name)(folder) for name in known_logs(names)}

    def on_start(self, training: TrainingRun) -> None:
        recipe = training.recipe
        settings: Settings = {
            "recipe": str(recipe),
            "seed": recipe.net.seed,
            "parameters": recipe.net.count(),
        }
        self.columns = training.problem.columns
        self._tell_each(lambda log: log.begin(settings))
        for epoch in training.history:
            self._tell_epoch(epoch)
        super().on_start(training)

    def on_epoch(self, epoch: Epoch) -> None:
        self._tell_epoch(epoch)
        super().on_epoch(epoch)

    def _tell_epoch(self, epoch: Epoch) -> None:
        figures = epoch.figures(self.columns)
        self._tell_each(lambda log: log.epoch(figures))

    def ended(self, trained: Trained | None) -> None:
        """Close the logs; for a finished training they record its test score."""
        scores = {}
        if trained and trained.final:
            scores[trained.problem.score_name] = trained.final.score
        self._tell_each(lambda log: log.end(scores))

    def _tell_each(self, tell: Callable[[RunLog], object]) -> None:
        """Call each log; one that fails must not stop the training."""
        for name, log in list(self.logs.items()):
            try:
                tell(log)
            except Exception as error:
                del self.logs[name]
                self.listener.on_doubt(one_line(f"--log {name} stops here: {error}"))
