"""A training under way: epochs of steps, each one scored, kept in files and shown as it goes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from math import ceil, inf, isfinite
from threading import Event, Lock, Thread, Timer
from time import monotonic
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from gradbook.amounts import counted
from gradbook.data.dataset import BRIGHTEST, Images, framing
from gradbook.engine.base import EpochRun
from gradbook.interruption import uninterrupted
from gradbook.lab.models.answers import Score, answers, confusion_of, score
from gradbook.lab.models.model import Model, for_inputs, trained_shapes
from gradbook.lab.recipes.recipe import BEST, SETTLING, UNWARPED, Recipe
from gradbook.lab.training.doubts import (
    MOST_LOOKED_AT,
    Ending,
    doubts,
    early_doubt,
    find_dead_units,
    is_time,
)
from gradbook.lab.training.epochs import (
    Diverged,
    Epoch,
    Progress,
    best_epoch,
    is_over,
    kept_epoch,
    order_samples,
    schedule_losses,
    targets_for,
)
from gradbook.lab.training.material import Material
from gradbook.lab.training.run_folder import Checkpoint
from gradbook.looks import look
from gradbook.schema import SchemaError

if TYPE_CHECKING:
    from gradbook.engine.base import Engine
    from gradbook.lab.training.epochs import Epoch


SAVED_EVERY = 30.0  # seconds, at the latest
OTHER_PRECISION = (
    "this run was begun in another precision, with a compiler or without one: "
    "it continues from there, but not to the same bits"
)
LOOKED_AT = 200  # images, for how its answers differ
SHOWN = 50  # of the last losses
NO_LOSSES, NO_ANSWERS = np.empty(0), np.empty(0, np.int32)


class Listener:
    """All of it is called from the thread that trains."""

    def on_start(self, training: TrainingRun) -> None:
        """Everything is ready; `training` may be asked for its progress from any thread."""

    def on_epoch(self, epoch: Epoch) -> None:
        """An epoch is done, scored and kept."""

    def on_doubt(self, doubt: str) -> None:
        """The first epochs are done, or all, and it has learned nothing: what is wrong, in a
        line."""


class Telling(Listener):
    """Tells one function of every epoch."""

    def __init__(self, tell: Callable[[Epoch], object]) -> None:
        self.tell = tell

    def on_epoch(self, epoch: Epoch) -> None:
        self.tell(epoch)


class TrainingRun:
    """One run of a recipe. Another thread may ask for `progress()` and `stop()` it."""

    def __init__(
        self,
        recipe: Recipe,
        material: Material,
        engine: Engine,
        began: float,
        remarks: tuple[str, ...] = (),
    ) -> None:
        self.recipe: Recipe = recipe
        self.material: Material = material
        self.engine: Engine = engine
        self.remarks: tuple[str, ...] = remarks  # what a user should know, a line each
        self.steps: int = ceil(len(material.numbers) / recipe.batch)  # of an epoch
        self.stopped: bool = False
        self._losses, self._right = NO_LOSSES, NO_ANSWERS  # of this epoch, before `_run`
        self._best: Mapping[str, NDArray[Any]] = {}  # what the best epoch's end carried
        self._run = EpochRun()
        self._began = began  # as if never interrupted
        self._targets = targets_for(recipe, material.images.labels, material.counts)
        engine.normalise(*for_inputs(recipe.net, *material.brightness), BRIGHTEST)
        self._epoch_began = (began, 0)  # when, and after how many of its steps
        self._turn_to(())

    # For other threads.

    def stop(self) -> None:
        """End after the present step."""
        self.stopped = True
        self._run.stop()

    def progress(self) -> Progress:
        """How far it is, at this moment."""
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
            rate=float(self._rates[min(step, self.steps - 1)]),
            recent_losses=tuple(losses[-SHOWN:].tolist()),
        )

    @property
    def seconds(self) -> float:
        """Since the beginning, loading and compiling included; not the time between parts."""
        return monotonic() - self._began

    # Going on.

    def checkpoint(self) -> Checkpoint:
        """Where it stands, between two steps."""
        return Checkpoint(
            recipe=str(self.recipe),
            mark=self.material.mark,
            step=len(self.history) * self.steps + len(self._losses),
            values=self.engine.state(),
            history=self.history,
            losses=self._losses,
            right=self._right,
            seconds=self.seconds,
            best=self._best,
        )

    def require_fit(self, checkpoint: Checkpoint) -> None:
        """A SchemaError where it says that it is of this recipe and these images, and can't be."""
        if checkpoint.mark != self.material.mark:
            return  # of others, which is said in other words
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
        return is_over(self.recipe, self.history)

    @property
    def _epoch(self) -> int:
        """The one under way, from 1; at the end the last."""
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
            self._epoch_began = monotonic(), len(self._losses)
            while len(self._losses) < self.steps and not self.stopped:
                self._some_steps()
                if len(self._losses) < self.steps:
                    save(self.checkpoint())
            if len(self._losses) == self.steps:
                self._close_epoch()
                save(self.checkpoint())
                listener.on_epoch(self.history[-1])
                said = self._doubt()
                if said:
                    listener.on_doubt(said)

    def _turn_to(self, history: tuple[Epoch, ...]) -> None:
        """To the epoch after these: the order of its images, the rate of each step."""
        self.history = history
        recipe, numbers = self.recipe, self.material.numbers
        self._order = order_samples(recipe.net.seed, len(history), numbers)
        losses = schedule_losses(history)
        self._rates = recipe.schedule.rates(len(history), self.steps, recipe.epochs, losses)

    def _some_steps(self) -> None:
        """To the epoch's end, or until it is time to save, or until stopped."""
        self._run = run = EpochRun()
        if self.stopped:  # before there was this run to stop
            return
        alarm = Timer(SAVED_EVERY, run.stop)
        alarm.daemon = True
        alarm.start()
        done = len(self._losses)
        try:
            seen = self.engine.epoch(
                self.material.images.pixels,
                self._targets,
                self._rates[done:],
                order=self._order[done * self.recipe.batch :],
                seed=self.recipe.net.seed,
                epoch=len(self.history),
                warp=self.recipe.warp,
                run=run,
            )
        finally:
            alarm.cancel()
        self._run = EpochRun()
        self._losses = np.concatenate([self._losses, seen.losses])
        self._right = np.concatenate([self._right, seen.right])
        wrong = np.flatnonzero(~np.isfinite(self._losses))
        if len(wrong):
            self._give_up(f"step {wrong[0] + 1} of {self.steps}")

    def _give_up(self, where: str) -> NoReturn:
        raise Diverged(
            f"the loss is no longer a number at epoch {self._epoch}, {where}: "
            "use a smaller rate, or a schedule that begins with one, such as one cycle"
        )

    def _close_epoch(self) -> None:
        began, before = self._epoch_began
        count = len(self.material.numbers)
        speed = (count - before * self.recipe.batch) / max(monotonic() - began, 1e-9)
        if self.recipe.statistics == UNWARPED and self._may_be_the_last:
            self._take_statistics_unwarped()
        images = self.material.validation
        held_back = None if images is None else self._score(images, "on the images held back")
        epoch = Epoch(
            epoch=len(self.history) + 1,
            rate=float(self._rates[-1]),
            train_loss=float(self._losses.mean()),
            train_accuracy=int(self._right.sum()) / count,
            validation_loss=held_back.loss if held_back else None,
            validation_accuracy=held_back.accuracy if held_back else None,
            seconds=self.seconds,
            images_per_second=speed,
        )
        self._losses, self._right = NO_LOSSES, NO_ANSWERS
        self._turn_to((*self.history, epoch))
        if self.recipe.keep == BEST and best_epoch(self.history) is epoch:
            self._best = self.engine.state()

    @property
    def _may_be_the_last(self) -> bool:
        """Whether the weights that this epoch ends with may be those that are kept."""
        recipe = self.recipe
        return self._epoch == recipe.epochs or recipe.keep == BEST or recipe.early_stop is not None

    def _take_statistics_unwarped(self) -> None:
        """Batchnorm's running ones, by steps at a rate of 0 that change nothing else."""
        statistics = {str(leaf.name) for leaf in self.engine.step_graph.statistics}
        if not statistics:
            return
        carried = self.engine.state()
        self.engine.epoch(
            self.material.images.pixels,
            self._targets,
            0.0,
            order=np.resize(self._order, SETTLING * self.recipe.batch),
            seed=self.recipe.net.seed,
            epoch=len(self.history),
        )
        self.engine.restore({name: carried[name] for name in carried.keys() - statistics})

    def _doubt(self) -> str | None:
        if not is_time(len(self.history), self.steps, self.recipe.epochs):
            return None
        numbers = self.material.numbers
        some = self.material.images.pixels[numbers[:LOOKED_AT]]
        outputs = self.engine.predict(some)
        return early_doubt(
            self.recipe.net, self.history, self.material.images.labels[numbers], outputs
        )

    def _score(self, images: Images, where: str) -> Score:
        found = score(self.recipe.net, self.engine.predict(images.pixels), images.labels)
        return self._finite(found, where)

    def _finite(self, found: Score, where: str) -> Score:
        if not isfinite(found.loss):
            self._give_up(where)
        return found

    # What comes of it.

    def settle(self) -> None:
        """Take the weights that are to be kept. For the end."""
        if self._best:
            self.engine.restore(self._best)

    def test(self) -> tuple[float, NDArray[np.int64]]:
        """The share of the test images read right, and each class read as each. For the end: all
        is chosen."""
        images, net = self.material.dataset.test_for_reporting, self.recipe.net
        outputs = self.engine.predict(images.pixels)
        found = self._finite(score(net, outputs, images.labels), "on the test images")
        classes = len(self.material.dataset.classes)
        return found.accuracy, confusion_of(images.labels, answers(net, outputs), classes)

    def doubts(self, confusion: NDArray[np.int64]) -> tuple[str, ...]:
        """What is said against it, when the test came to this."""
        data, net, model = self.material.dataset, self.recipe.net, self.model()
        numbers, tested = self.material.numbers, len(data.test_for_reporting)
        some = self.material.images.pixels[numbers[:: -(-len(numbers) // MOST_LOOKED_AT)]]
        return doubts(
            Ending(
                net=net,
                first_loss=self.history[0].train_loss,
                last_loss=self.history[-1].train_loss,
                scored=f"{counted(tested, 'image')} trained on"
                if data.everything
                else counted(tested, "test image"),
                unit="image",
                dead=find_dead_units(net, model.values, np.stack([*map(model.prepare, some)])),
                confusion=confusion,
                classes=data.classes,
            )
        )

    def model(self, test_accuracy: float | None = None) -> Model:
        """The network with its values as they are now."""
        carried = self.engine.state()
        kept = kept_epoch(self.recipe, self.history) if self.history else None
        about = {
            "recipe": str(self.recipe),
            "epochs": kept.epoch if kept else 0,
            "validation_accuracy": kept.validation_accuracy if kept else None,
            "test_accuracy": test_accuracy,
            "images": list(self.material.images.shape),
            "framing": str(framing(self.material.images) or "") or None,
        }
        mean, deviation = self.material.brightness
        return Model(
            self.recipe.net,
            {name: carried[name] for name in trained_shapes(self.recipe.net)},
            mean,
            deviation,
            self.material.dataset.classes,
            about,
            self.recipe.batch,
        )


def _shapes(arrays: Mapping[str, NDArray[Any]]) -> dict[str, tuple[int, ...]]:
    return {name: array.shape for name, array in arrays.items()}


# Shown while it goes: in a notebook as one display, elsewhere in lines ---------

LOOK_AGAIN = 0.5  # seconds: how often it is shown anew within an epoch

Told = Listener | Callable[["Epoch"], object] | None


@contextmanager
def show_while(told: Told, show: bool | None) -> Iterator[Listener]:
    """A listener that passes on what it hears and shows it: in notebooks, where nobody says."""
    listener = told if isinstance(told, Listener) else Telling(told) if told else Listener()
    notebook = _notebook_display()
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


class _Passing(Listener):
    """Tells another listener all that it hears."""

    def __init__(self, listener: Listener) -> None:
        self.listener = listener

    def on_start(self, training: TrainingRun) -> None:
        self.listener.on_start(training)

    def on_epoch(self, epoch: Epoch) -> None:
        self.listener.on_epoch(epoch)

    def on_doubt(self, doubt: str) -> None:
        self.listener.on_doubt(doubt)


class _Printed(_Passing):
    """Prints a line for each epoch."""

    def on_epoch(self, epoch: Epoch) -> None:
        super().on_epoch(epoch)
        print(epoch, flush=True)

    def on_doubt(self, doubt: str) -> None:
        super().on_doubt(doubt)
        print(doubt, flush=True)


class LiveTraining(_Passing):
    """What a notebook shows of a training: one display, again and again in the same place."""

    def __init__(self, listener: Listener, display: Callable[..., Any]) -> None:
        super().__init__(listener)
        self.training: TrainingRun | None = None
        self.doubt = ""
        self.is_over = False
        self._display = display
        self._lock, self._ended = Lock(), Event()
        self._looking = Thread(target=self._look_again, daemon=True)

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

    def _look_again(self) -> None:
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
