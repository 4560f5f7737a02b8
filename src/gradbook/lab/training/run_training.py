"""A training: epochs of steps, each of which is scored, saved and shown."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil, inf, isfinite
from threading import Event, Lock, Thread, Timer
from time import monotonic
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from gradbook.amounts import counted
from gradbook.engine.base import Engine, EpochRun
from gradbook.errors import UsageError
from gradbook.interruption import uninterrupted
from gradbook.lab.doubts import Ending, divergence, doubts, early_doubt, is_time
from gradbook.lab.models.answers import FinalScore, score
from gradbook.lab.models.model import Model, trained_shapes
from gradbook.lab.problem import AdaptedRecipe, Material, Problem, Rows, targets_for
from gradbook.lab.recipes.recipe import BEST, SETTLING, UNWARPED, Recipe
from gradbook.lab.training.epochs import (
    Diverged,
    Epoch,
    Progress,
    best_epoch,
    is_over,
    kept_epoch,
    schedule_losses,
)
from gradbook.lab.training.run_folder import Checkpoint
from gradbook.layers.card import spell
from gradbook.layers.losses import weighed_targets
from gradbook.looks import look
from gradbook.net import Net
from gradbook.net.trained import leaves_of_tensors
from gradbook.schema import SchemaError

SAVED_EVERY = 30.0  # seconds, at the latest
SAVED_AFTER = 0.5  # seconds, at the soonest, if epochs take milliseconds
OTHER_PRECISION = (
    "this run was started in another precision, with or without a compiler: "
    "it continues from there, but not to the same bits"
)
LOOKED_AT = 200  # images, to compare its answers
SHOWN = 50  # of the last losses
NO_LOSSES, NO_ANSWERS = np.empty(0), np.empty(0, np.int32)


class Listener:
    """All its methods are called in the thread that trains."""

    shows_doubts = False  # whether somebody reads what `on_doubt` is told

    def on_start(self, training: TrainingRun) -> None:
        """Everything is ready; any thread may ask `training` for its progress."""

    def on_epoch(self, epoch: Epoch) -> None:
        """An epoch was finished and scored."""

    def on_doubt(self, doubt: str) -> None:
        """After the first epochs or all of them, it has learned nothing; `doubt` says why, in
        line."""


class Telling(Listener):
    """Passes every epoch to one function, which ends the training if it returns False."""

    def __init__(self, tell: Callable[[Epoch], object]) -> None:
        self.tell = tell
        self.training: TrainingRun | None = None

    def on_start(self, training: TrainingRun) -> None:
        self.training = training

    def on_epoch(self, epoch: Epoch) -> None:
        if self.tell(epoch) is False and self.training:
            self.training.end()


@dataclass(frozen=True, eq=False)
class TrainingSetup:
    """The input of a training, and remarks about it."""

    recipe: Recipe
    problem: Problem
    material: Material
    engine: Engine
    adaptations: tuple[str, ...] = ()  # also a suggested rate, one line each

    @property
    def remarks(self) -> tuple[str, ...]:
        is_slow = self.engine.remark and self.problem.is_watched
        return (*self.adaptations, *([self.engine.remark] if is_slow else []))

    @property
    def targets(self) -> NDArray[Any]:
        """The target of each sample in the engine's form."""
        samples = self.material.samples
        if not self.problem.classes:
            if samples.weights is None:
                return samples.targets
            return weighed_targets(samples.targets, samples.weights)
        counts = self.material.counts(len(self.problem.classes))
        return targets_for(self.recipe, samples.targets, counts, samples.weights)

    def normalise(self) -> None:
        """Make the engine scale its input to mean 0 and deviation 1."""
        self.engine.normalise(*self.material.scales, self.material.most)


def set_up(chosen: AdaptedRecipe, threads: int | None) -> TrainingSetup:
    """The arrays and the engine for them, with the weights that it starts from."""
    recipe, problem, remarks = chosen.recipe, chosen.problem, chosen.remarks
    material, engine = problem.set_up(recipe, threads)
    if problem.start:
        values, remark = weights_of(problem.start, recipe.net)
        engine.restore({name: array for name, array in values.items() if name in engine.arrays})
        remarks += (remark,)
    return TrainingSetup(recipe, problem, material, engine, remarks)


def weights_of(start: Model, net: Net) -> tuple[dict[str, NDArray[Any]], str]:
    """The values of another model whose names by layer and shapes are this network's, and a remark
    that names the others."""
    theirs = leaves_of_tensors(start.net)
    names = {leaf: name for name, leaf in leaves_of_tensors(net).items()}
    values, others = dict[str, NDArray[Any]](), list[str]()
    for leaf, shape in trained_shapes(net).items():
        name = names.get(leaf, leaf)
        array = start.values.get(theirs.get(name, leaf if leaf == name else ""))
        if array is not None and array.shape == shape:
            values[leaf] = array
            continue
        sizes = f" ({spell(array.shape)} there, {spell(shape)} here)" if array is not None else ""
        others.append(name + sizes)
    if not values:
        raise UsageError(f"start: nothing has the same name and shape there: {', '.join(others)}")
    count = f"{len(values)} of {counted(len(values) + len(others), 'array')} are taken over"
    return values, f"start: {count}" + (f", not {', '.join(others)}" if others else "")


class TrainingRun:
    """One run of a recipe. Another thread may call `progress()` and `stop()`."""

    def __init__(self, ready: TrainingSetup, began: float, before: int = 0) -> None:
        self.recipe: Recipe = ready.recipe
        self.problem: Problem = ready.problem
        self.material: Material = ready.material
        self.engine: Engine = ready.engine
        self.remarks: tuple[str, ...] = ready.remarks  # for the user, one line each
        size = self.material.epoch_size
        self.steps: int = ceil(size / self.recipe.batch)  # of an epoch; the last may be short
        self.stopped: bool = False
        self._before = before  # epochs of other trainings: orders and dropout go on after theirs
        self._ended = False  # by a listener
        self._losses, self._right = NO_LOSSES, NO_ANSWERS  # of this epoch, before `_run`
        self._first_loss: float | None = None  # unknown to a training that was resumed
        self._best: Mapping[str, NDArray[Any]] = {}  # the values at the end of the best epoch
        self._run = EpochRun()
        self._began = began  # as if never interrupted
        self._saved = -1, began  # after which step, and when
        self._targets = ready.targets
        ready.normalise()
        self._epoch_began = (began, 0)  # when, and after how many of its steps
        self._turn_to(())

    # For other threads.

    def stop(self) -> None:
        """End after the current step."""
        self.stopped = True
        self._run.stop()

    def end(self) -> None:
        """Make the epoch that was just finished the last one."""
        self._ended = True

    def progress(self) -> Progress:
        """How far it is at this moment."""
        losses = np.concatenate([self._losses, self._run.so_far.losses])[: self.steps]
        step, epochs = len(losses), self.recipe.epochs
        began, before = self._epoch_began
        speed = (step - before) / max(monotonic() - began, 1e-9)  # steps a second
        if step <= before and self.history:
            speed = self.history[-1].images_per_second / self.recipe.batch
        left = self.steps * (epochs - len(self.history)) - step
        ended = left <= 0
        return Progress(
            epoch=self._epoch,
            epochs=epochs,
            step=self.steps if ended else step,
            steps=self.steps,
            images_per_second=speed * self.recipe.batch,
            seconds=self.seconds,
            seconds_left=left / speed if speed else inf,
            rate=float(self._rates[min(step, len(self._rates) - 1)]),
            recent_losses=tuple(losses[-SHOWN:].tolist()),
        )

    @property
    def seconds(self) -> float:
        """The time since the beginning, including loading and compiling, without interruptions."""
        return monotonic() - self._began

    # Resuming.

    def checkpoint(self) -> Checkpoint:
        """The checkpoint between two steps."""
        return Checkpoint(
            recipe=str(self.recipe),
            mark=self.material.mark,
            step=self._step,
            values=self.engine.state(),
            history=self.history,
            losses=self._losses,
            right=self._right,
            seconds=self.seconds,
            best=self._best,
        )

    def require_fit(self, checkpoint: Checkpoint) -> None:
        """Raise a SchemaError if it names this recipe and these images but doesn't fit."""
        if checkpoint.mark != self.material.mark:
            return  # other recipes or images have their own message
        done, losses = len(checkpoint.history), len(checkpoint.losses)
        carried = _shapes(self.engine.state())
        best = carried if done and self.recipe.keep == BEST else {}
        fits = {
            "its values aren't this network's": _shapes(checkpoint.values) == carried,
            "its best values aren't this network's": _shapes(checkpoint.best) == best,
            "it has more epochs than its recipe": done <= self.recipe.epochs,
            "it has more losses than an epoch has steps": losses < self.steps,
            "it isn't where its losses end": checkpoint.step == done * self.steps + losses,
            "there are more right answers than answers": (
                checkpoint.right <= self.recipe.batch
            ).all(),
        }
        for why, is_so in fits.items():
            if not is_so:
                raise SchemaError(why)

    def go_on_from(self, checkpoint: Checkpoint) -> None:
        if any(values.dtype != self.engine.real for values in checkpoint.values.values()):
            self.remarks += (OTHER_PRECISION,)
        self.engine.restore(checkpoint.values)
        self._losses, self._right = checkpoint.losses, checkpoint.right
        self._best = checkpoint.best
        self._turn_to(checkpoint.history)
        self._began -= checkpoint.seconds

    @property
    def is_over(self) -> bool:
        return self._ended or is_over(self.recipe, self.history)

    @property
    def _epoch(self) -> int:
        """The current epoch, from 1; at the end the last one."""
        return min(len(self.history) + 1, self.recipe.epochs)

    # The work.

    def run(
        self,
        save: Callable[[Checkpoint], None] = lambda checkpoint: None,
        listener: Listener | None = None,
    ) -> None:
        """Train to the end, or until stopped."""
        listener = listener or Listener()
        while not self.is_over and not self.stopped:
            order = self.material.order(self.recipe.net.seed, self._before + len(self.history))
            steps = ceil(len(order) / self.recipe.batch)
            self._epoch_began = monotonic(), len(self._losses)
            while len(self._losses) < steps and not self.stopped:
                self._some_steps(order)
                if len(self._losses) < steps:
                    self._save(save)
            if len(self._losses) == steps:
                self._close_epoch(order)
                if self.problem.is_watched or monotonic() - self._saved[1] >= SAVED_AFTER:
                    self._save(save)
                listener.on_epoch(self.history[-1])
                if doubt := self._doubt():
                    listener.on_doubt(doubt)
        if self._saved[0] != self._step:
            self._save(save)

    def _save(self, save: Callable[[Checkpoint], None]) -> None:
        save(self.checkpoint())
        self._saved = self._step, monotonic()

    @property
    def _step(self) -> int:
        """The number of finished steps, over all epochs."""
        return len(self.history) * self.steps + len(self._losses)

    def _turn_to(self, history: tuple[Epoch, ...]) -> None:
        """Begin the epoch after these, with the rate of each step."""
        self.history = history
        losses, epochs = schedule_losses(history), self.recipe.epochs
        self._rates = self.recipe.schedule.rates(len(history), self.steps, epochs, losses)

    def _some_steps(self, order: Rows) -> None:
        """Train to the end of the epoch, until it is time to save, or until stopped."""
        self._run = run = EpochRun()
        if self.stopped:  # before this run existed
            return
        alarm = Timer(SAVED_EVERY, run.stop)
        alarm.daemon = True
        alarm.start()
        done = len(self._losses)
        left = order[done * self.recipe.batch :]
        try:
            seen = self.engine.epoch(
                self.material.samples.inputs,
                self._targets,
                self._rates[done:][: ceil(len(left) / self.recipe.batch)],
                order=left,
                seed=self.recipe.net.seed,
                epoch=self._before + len(self.history),
                warp=self.recipe.warp,
                run=run,
            )
        finally:
            alarm.cancel()
        self._run = EpochRun()
        if self._first_loss is None and not (self.history or done) and len(seen.losses):
            self._first_loss = float(seen.losses[0])
        self._losses = np.concatenate([self._losses, seen.losses])
        self._right = np.concatenate([self._right, seen.right])
        wrong = np.flatnonzero(~np.isfinite(self._losses))
        if len(wrong) and wrong[0] == 0 and not self.history:
            raise Diverged(
                "the loss isn't a number before the first update: the network's start values, or "
                "its loss's formula, give none for these samples"
            )
        if len(wrong):
            self._give_up(f"step {wrong[0] + 1} of {self.steps}")

    def _give_up(self, where: str) -> NoReturn:
        raise Diverged(
            f"the loss is no longer a number at epoch {self._epoch}, {where}: "
            "use a smaller rate, a tenth of it, or a schedule that begins with one, such as one "
            "cycle"
        )

    def _close_epoch(self, order: Rows) -> None:
        began, before = self._epoch_began
        count = len(order)
        speed = (count - before * self.recipe.batch) / max(monotonic() - began, 1e-9)
        recipe = self.recipe
        may_be_kept = self._epoch == recipe.epochs or recipe.keep == BEST or recipe.early_stop
        if recipe.statistics == UNWARPED and may_be_kept:
            self._take_statistics_unwarped(order)
        samples, held_back = self.material.held_back, None
        if samples is not None:
            held_back = score(recipe.net, self.engine.predict(samples.inputs), samples.targets)
            self._require_number(held_back.loss, f"on the {self.problem.unit}s held back")
        epoch = Epoch(
            epoch=len(self.history) + 1,
            rate=float(self._rates[len(self._losses) - 1]),
            train_loss=float(self._losses.mean()),
            train_accuracy=int(self._right.sum()) / count if self.problem.classes else None,
            validation_loss=held_back.loss if held_back else None,
            validation_accuracy=held_back.accuracy if held_back else None,
            seconds=self.seconds,
            images_per_second=speed,
        )
        self._losses, self._right = NO_LOSSES, NO_ANSWERS
        self._turn_to((*self.history, epoch))
        if recipe.keep == BEST and best_epoch(self.history) is epoch:
            self._best = self.engine.state()

    def _take_statistics_unwarped(self, order: Rows) -> None:
        """Recompute batchnorm's running statistics, in steps at rate 0 that change nothing else."""
        statistics = {str(leaf.name) for leaf in self.engine.step_graph.statistics}
        if not statistics:
            return
        carried = self.engine.state()
        self.engine.epoch(
            self.material.samples.inputs,
            self._targets,
            0.0,
            order=np.resize(order, SETTLING * self.recipe.batch),
            seed=self.recipe.net.seed,
            epoch=len(self.history),
        )
        self.engine.restore({name: carried[name] for name in carried.keys() - statistics})

    def _doubt(self) -> str | None:
        is_asked = is_time(len(self.history), self.steps, self.recipe.epochs)
        if not self.problem.is_watched or not is_asked:
            return None
        samples, numbers = self.material.samples, self.material.numbers
        outputs = self.engine.predict(samples.inputs[numbers[:LOOKED_AT]])
        losses, accuracy = [e.train_loss for e in self.history], self.history[-1].train_accuracy
        labels, epochs = samples.targets[numbers], len(self.history)
        return early_doubt(self.recipe.net, epochs, losses, accuracy or 0.0, labels, outputs)

    def _require_number(self, loss: float, where: str) -> None:
        if not isfinite(loss):
            self._give_up(where)

    # The result.

    def settle(self) -> None:
        """Take the weights that are kept; call this at the end."""
        if self._best:
            self.engine.restore(self._best)

    def test(self) -> FinalScore:
        """The answers on samples that influenced no choice; call this after all choices."""
        score = self.problem.test(self.recipe, self.engine, self.model())
        self._require_number(score.loss, f"on the test {self.problem.unit}s")
        return score

    @property
    def divergence(self) -> str:
        """Whether its loss has risen far above that of the first step, in a line; '' otherwise."""
        first = self.history[0].train_loss if self._first_loss is None else self._first_loss
        return divergence(first, self.history[-1].train_loss)

    def doubts(self, test: FinalScore) -> tuple[str, ...]:
        """Warnings about the training, given its test."""
        if rise := self.divergence:
            return (rise,)
        numbers = bool(test.numbers) and len(test.rows) > 1
        return doubts(
            Ending(
                net=self.recipe.net,
                first_loss=self.history[0].train_loss,
                last_loss=self.history[-1].train_loss,
                scored=self.problem.scored(len(test.rows)),
                unit=self.problem.unit,
                dead=self.material.find_dead_units(self.engine.state()),
                confusion=test.confusion,
                classes=self.problem.classes,
                r2=test.score if numbers else None,
                letters=test.letters,
            )
        )

    def model(self, test_accuracy: float | None = None) -> Any:
        """The network with its values as they are now."""
        carried = {**self.material.fixed, **self.engine.state()}
        kept = kept_epoch(self.recipe, self.history) if self.history else None
        about = {
            "recipe": str(self.recipe),
            "epochs": kept.epoch if kept else 0,
            "validation_accuracy": kept.validation_accuracy if kept else None,
            "test_accuracy": test_accuracy,
        }
        values = {name: carried[name] for name in trained_shapes(self.recipe.net)}
        model = self.problem.model(self.recipe, self.material, values, about)
        if not self.material.fixed and isinstance(model, Model):
            model.trained_by = self.engine
        return model


def _shapes(arrays: Mapping[str, NDArray[Any]]) -> dict[str, tuple[int, ...]]:
    return {name: array.shape for name, array in arrays.items()}


# Shown while it goes: in a notebook as one display, elsewhere in lines ---------

LOOK_AGAIN = 0.5  # seconds: how often it is shown anew within an epoch

Told = Listener | Callable[["Epoch"], object] | None


@contextmanager
def show_while(tell: Told, show: bool | None, problem: Problem) -> Iterator[Listener]:
    """A listener that passes on what it hears and shows it: in notebooks, where nobody says."""
    listener = tell if isinstance(tell, Listener) else Telling(tell) if tell else Listener()
    notebook = _notebook_display() if problem.is_watched else None
    if show is False or (show is None and notebook is None):
        yield listener
    elif notebook is None:
        yield _Printed(listener)
    else:
        with LiveTraining(listener, notebook) as live:
            yield live


def _notebook_display() -> Callable[..., Any] | None:
    """What shows things below a cell, if a kernel runs this; a terminal's IPython is none."""
    python = sys.modules.get("IPython")
    shell = python.get_ipython() if python else None
    if getattr(shell, "kernel", None) is None:
        return None
    from IPython.display import display

    shows: Callable[..., Any] = display
    return shows


class PassingOn(Listener):
    """Tells another listener all that it hears."""

    def __init__(self, listener: Listener) -> None:
        self.listener = listener

    def on_start(self, training: TrainingRun) -> None:
        self.listener.on_start(training)

    def on_epoch(self, epoch: Epoch) -> None:
        self.listener.on_epoch(epoch)

    def on_doubt(self, doubt: str) -> None:
        self.listener.on_doubt(doubt)


class _Printed(PassingOn):
    """Prints a line for each epoch."""

    shows_doubts = True

    def on_epoch(self, epoch: Epoch) -> None:
        super().on_epoch(epoch)
        print(epoch, flush=True)

    def on_doubt(self, doubt: str) -> None:
        super().on_doubt(doubt)
        print(doubt, flush=True)


class LiveTraining(PassingOn):
    """What a notebook shows of a training: one display, again and again in the same place."""

    shows_doubts = True

    def __init__(self, listener: Listener, display: Callable[..., Any]) -> None:
        super().__init__(listener)
        self.training: TrainingRun | None = None
        self.doubt = ""
        self.is_over = False
        self._display = display
        self._lock, self._ended = Lock(), Event()
        self._looking = Thread(target=self._show_again, daemon=True)

    def __enter__(self) -> LiveTraining:
        self._handle = self._display(self, display_id=True)
        with uninterrupted():
            self._looking.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._looking.join()
        self.is_over = True
        self._show()

    def on_start(self, training: TrainingRun) -> None:
        self.training = training
        super().on_start(training)

    def on_epoch(self, epoch: Epoch) -> None:
        super().on_epoch(epoch)
        self._show()

    def on_doubt(self, doubt: str) -> None:
        self.doubt = doubt
        super().on_doubt(doubt)

    def _show_again(self) -> None:
        while not self._ended.wait(LOOK_AGAIN):
            self._show()

    def _show(self) -> None:
        with self._lock:  # the thread that trains and the one that looks meet here
            self._handle.update(self)

    def __str__(self) -> str:
        return look("LiveTraining as text", self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))

    def _repr_html_(self) -> str:
        return look("LiveTraining as html", self)
