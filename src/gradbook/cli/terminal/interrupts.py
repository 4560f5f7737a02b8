"""Ctrl-C, and being asked to end: heard once, so that what then tidies up isn't torn apart.

Who is told to ignore a signal, as by nohup, ignores it.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import current_thread, main_thread
from typing import TYPE_CHECKING

from gradbook.cli.main import INTERRUPTED

if TYPE_CHECKING:
    from gradbook.cli.training.display import Display

NAMES = ("SIGINT", "SIGTERM", "SIGHUP")


class Interrupting:
    """Raises KeyboardInterrupt when first called, and never again."""

    def __init__(self) -> None:
        self.heard = False

    def __call__(self, number: int, frame: object) -> None:
        if not self.heard:
            self.heard = True
            raise KeyboardInterrupt


def interruptible(command: Callable[[], int]) -> int:
    """The command's exit code. Once it has one, the process ends without hearing of Ctrl-C."""
    interrupting = Interrupting()
    if _is_heeded(signal.SIGINT):
        signal.signal(signal.SIGINT, interrupting)
    try:
        code = command()
        interrupting.heard = True
    except KeyboardInterrupt:  # between the command's last step and the line above
        return INTERRUPTED
    return code


@contextmanager
def heeded_by(display: Display) -> Iterator[None]:
    """Signals stop the training that the display hears of; before and after it they interrupt."""
    interrupt = Interrupting()

    def stop(number: int, frame: object) -> None:
        training = display.training
        if training is None or len(training.history) == training.recipe.epochs:
            interrupt(number, frame)
        else:
            training.stop()

    if current_thread() is not main_thread():  # only the main thread may listen
        yield
        return
    numbers = [getattr(signal, name) for name in NAMES if hasattr(signal, name)]
    before = {number: signal.signal(number, stop) for number in numbers if _is_heeded(number)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _is_heeded(number: int) -> bool:
    return signal.getsignal(number) is not signal.SIG_IGN
