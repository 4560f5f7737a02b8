"""A training that shows itself while it goes: in a notebook as one display, elsewhere in lines."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Any

from gradbook.interruption import uninterrupted
from gradbook.lab.training.training import Listener, Telling

if TYPE_CHECKING:
    from gradbook.lab.training.history import Epoch
    from gradbook.lab.training.training import TrainingRun

LOOK_AGAIN = 0.5  # seconds: how often it is shown anew within an epoch

Told = Listener | Callable[["Epoch"], object] | None


@contextmanager
def shown(told: Told, show: bool | None) -> Iterator[Listener]:
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

    def started(self, training: TrainingRun) -> None:
        self.listener.started(training)

    def epoch_done(self, epoch: Epoch) -> None:
        self.listener.epoch_done(epoch)

    def doubted(self, doubt: str) -> None:
        self.listener.doubted(doubt)


class _Printed(_Passing):
    """Prints a line for each epoch."""

    def epoch_done(self, epoch: Epoch) -> None:
        super().epoch_done(epoch)
        print(epoch, flush=True)

    def doubted(self, doubt: str) -> None:
        super().doubted(doubt)
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

    def started(self, training: TrainingRun) -> None:
        self.training = training
        super().started(training)

    def epoch_done(self, epoch: Epoch) -> None:
        super().epoch_done(epoch)
        self._show()

    def doubted(self, doubt: str) -> None:
        self.doubt = doubt
        super().doubted(doubt)

    def _look_again(self) -> None:
        while not self._ended.wait(LOOK_AGAIN):
            self._show()

    def _show(self) -> None:
        with self._lock:  # the thread that trains and the one that looks meet here
            self._handle.update(self)

    def __str__(self) -> str:
        from gradbook.report.run.live import words

        return words(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))

    def _repr_html_(self) -> str:
        from gradbook.report.run.live import html

        return html(self)
