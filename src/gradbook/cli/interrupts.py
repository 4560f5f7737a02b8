"""Ctrl-C, and being asked to end, while a training runs: it ends after its step."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import current_thread, main_thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gradbook.cli.training_display import Display

NAMES = ("SIGINT", "SIGTERM", "SIGHUP")


@contextmanager
def heeded_by(display: Display) -> Iterator[None]:
    """Signals stop the training that the display hears of; before and after it they interrupt."""

    def stop(number: int, frame: object) -> None:
        training = display.training
        if training is None or len(training.history) == training.recipe.epochs:
            raise KeyboardInterrupt
        training.stop()

    if current_thread() is not main_thread():  # only the main thread may listen
        yield
        return
    numbers = [getattr(signal, name) for name in NAMES if hasattr(signal, name)]
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
