"""Work that Ctrl-C asks to end where it may, and doesn't tear apart."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread, current_thread, main_thread

HEEDS = 0.2  # seconds: a signal that comes just before the waiting begins doesn't end it


def in_a_thread(work: Callable[[], None], stop: Callable[[], None]) -> None:
    """Do the work in a thread of its own while the main one waits for it, or for Ctrl-C to stop it.

    Called from another thread it does the work there, where no signal arrives.
    """
    if current_thread() is not main_thread():
        return work()
    failures: list[BaseException] = []

    def caught() -> None:
        try:
            work()
        except BaseException as error:
            failures.append(error)

    worker, working = Thread(target=caught), True
    worker.start()
    while working:
        try:
            worker.join(HEEDS)
            working = worker.is_alive()
        except KeyboardInterrupt:
            stop()
    if failures:
        raise failures[0]
