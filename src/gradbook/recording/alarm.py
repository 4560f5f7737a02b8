"""Ends a program that has run long enough, wherever it is then: in a loop, or waiting.

Knows neither what the program does nor what was seen of it.
"""

from __future__ import annotations

import _thread
import signal
import threading
from time import perf_counter
from types import FrameType

from gradbook.recording.recorder import RECORDER, EnoughError

LINGER = 5.0  # seconds for which a program may go on when enough was seen, to reach its end
OFTEN = 0.1  # seconds between two looks
SIGNAL = getattr(signal, "SIGALRM", signal.SIGINT)  # Windows has no other that can be raised


class Alarm:
    """Raises `EnoughError` in the main thread after so many seconds, or when nothing has been
    recorded for a while; `with Alarm(seconds):` around a program."""

    def __init__(self, seconds: float) -> None:
        self.end = perf_counter() + seconds
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Alarm:
        self.before = signal.signal(SIGNAL, self._ring)
        self.main = threading.get_ident()
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.is_over.set()
        signal.signal(SIGNAL, self.before)

    def _ring(self, _signal: int, _frame: FrameType | None) -> None:
        if not self.is_over.is_set():
            raise EnoughError

    def _look(self) -> None:
        """The program may have a handler that catches everything: it is rung again and again."""
        recorded = perf_counter()
        while not self.is_over.wait(OFTEN):
            now = perf_counter()
            if RECORDER.is_on:
                recorded = now
            if now > min(self.end, recorded + LINGER):
                if hasattr(signal, "pthread_kill"):
                    signal.pthread_kill(self.main, SIGNAL)
                else:
                    _thread.interrupt_main(SIGNAL)
