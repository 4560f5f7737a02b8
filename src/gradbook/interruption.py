"""Interruption by Ctrl-C or by a request to end: the only module that handles these signals.

A command is interrupted once (`interruptible`, `heard_alike`): a second signal that comes with the
first doesn't disturb the cleanup; one that comes later ends the process at once. Native code,
compilers and trainings work in their own threads; the main thread waits for them, and when it is
interrupted it tells them to stop and waits until they have (`side_by_side`, `until_stopped`).
Threads and processes that are started `uninterrupted` leave Ctrl-C to the thread that waits for
them. A signal that the process was told to ignore, as by nohup, stays ignored.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from threading import Timer, current_thread, main_thread
from time import monotonic

from gradbook import system

TYPE_CHECKING = False  # every command imports this
if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor
    from typing import Any

IMPATIENT = 1.0  # seconds; closed terminals and shutdowns may send two signals at once
LOOK_ROUND = 0.02  # seconds between checks, as a signal just before waiting doesn't end it


class Hearing:
    """A handler of signals that raises KeyboardInterrupt when first called, and never again.

    If the process is ours, a later signal ends the process at once, unless it closely follows
    the first. All files are complete even then, since none is ever written in place.
    """

    def __init__(self, *, is_ours: bool = False) -> None:
        self.is_ours = is_ours
        self.is_over = False
        self.first: float | None = None
        self.number: int = signal.SIGINT

    def was_lost(self) -> None:
        """The interruption was lost: send the signal again in a moment."""
        self.first = None
        again = Timer(LOOK_ROUND, os.kill, (os.getpid(), self.number))
        again.daemon = True
        again.start()

    def __call__(self, number: int, frame: object) -> None:
        if self.is_over:
            return
        if self.first is None:
            self.first, self.number = monotonic(), number
            raise KeyboardInterrupt
        if self.is_ours and monotonic() - self.first > IMPATIENT:
            # End without cleaning up: the next command does that. A display hides the cursor.
            cursor = b"\033[?25h\n" if os.isatty(2) else b""
            with suppress(OSError):
                os.write(2, cursor + b"gradbook: ended at once; all saved files are complete\n")
            os._exit(130)


def interruptible(command: Callable[[], int], interrupted: int) -> int:
    """The command's exit code, even if it is interrupted. Once it has finished, signals are
    ignored until the process ends.
    """
    hearing = Hearing(is_ours=True)
    sys.unraisablehook = partial(_handle_unraisable, hearing, sys.unraisablehook)
    for number in system.interrupting():
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, hearing)
    try:
        code = command()
        hearing.is_over = True
    except KeyboardInterrupt:  # between the command's last step and the line above
        return interrupted
    return code


def is_interrupted() -> bool:
    """Whether the command heard of it, and nobody has taken that for its end yet."""
    hearing = signal.getsignal(signal.SIGINT)
    return isinstance(hearing, Hearing) and hearing.first is not None


def _handle_unraisable(hearing: Hearing, usual: Callable[[Any], object], what: Any) -> None:
    """Handle exceptions where none can be raised: in a callback during an import, or when an object
    is deleted. An interruption would be lost there, and a training would continue.
    """
    if issubclass(what.exc_type, KeyboardInterrupt) and not hearing.is_over:
        hearing.was_lost()
    else:
        usual(what)


@contextmanager
def heard_alike() -> Iterator[None]:
    """Make requests to end interrupt the block as Ctrl-C does, and only once in all."""
    if current_thread() is not main_thread():  # only the main thread may listen
        yield
        return
    now = signal.getsignal(signal.SIGINT)
    hearing = now if isinstance(now, Hearing) else Hearing()
    heeded = [n for n in system.interrupting() if signal.getsignal(n) is not signal.SIG_IGN]
    before = {number: signal.signal(number, hearing) for number in heeded}
    try:
        yield
    finally:
        _put_back(before)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Delay interruptions until the block ends. Processes and threads that are started in it never
    receive Ctrl-C.
    """
    later = _Later()
    blocked = None
    try:
        for number in system.interrupting() if current_thread() is main_thread() else ():
            handler = signal.getsignal(number)
            if callable(handler):  # one of Python's, which another thread may also trigger
                later.before[number] = handler
                signal.signal(number, later)
        blocked = system.keep_ctrl_c_back()
        yield
    finally:
        system.let_through(blocked)
        try:
            later.is_over = True
            _put_back(later.before)
        finally:
            later.tell()


class _Later:
    """A handler that keeps signals for the handlers that were there before.

    Once the block is over, it passes them on at once: one that comes while handlers are restored
    may raise there, and even if one of them isn't restored yet, no signal is lost.
    """

    def __init__(self) -> None:
        self.before: dict[int, Callable[[int, Any], Any]] = {}
        self.came: list[int] = []
        self.is_over = False

    def __call__(self, number: int, frame: object) -> None:
        if self.is_over:
            self.before[number](number, frame)
        elif number not in self.came:
            self.came.append(number)

    def tell(self) -> None:
        """Pass all of them on, even if the first ones raise."""
        if self.came:
            number = self.came.pop(0)
            try:
                self.before[number](number, None)
            finally:
                self.tell()


def _put_back(handlers: Mapping[int, Any]) -> None:
    """Restore all handlers, even if a restored one is called meanwhile and raises."""
    try:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def side_by_side(*works: Callable[[], Any], stop: Callable[[], None]) -> list[Any]:
    """The results of works that each run in a thread of its own. If the waiting is interrupted,
    they are told to stop, and after all have ended the interruption is raised again.
    """
    futures, interrupted = _done(works, stop)
    if interrupted:
        raise KeyboardInterrupt
    return [future.result() for future in futures]


def until_stopped(work: Callable[[], None], stop: Callable[[], None]) -> None:
    """Do the work to its end, or until an interruption has told it to stop.

    In any other thread than the main one, the work is done there, since no signal arrives.
    """
    if current_thread() is not main_thread():
        return work()
    (future,), _ = _done([work], stop)
    future.result()


def _done(
    works: Sequence[Callable[[], Any]], stop: Callable[[], None]
) -> tuple[list[Future[Any]], bool]:
    """The works, all ended, and whether the waiting for them was interrupted.

    Whatever ends the waiting (a user's own handler may raise anything, and more than once), this
    returns only after all of them have ended, since they use our memory.
    """
    from concurrent.futures import ThreadPoolExecutor, wait

    futures: list[Future[Any]] = []
    pool = ThreadPoolExecutor(min(len(works), os.cpu_count() or 1))
    try:
        with uninterrupted():
            futures += map(pool.submit, works)
        while wait(futures, LOOK_ROUND).not_done:
            pass
    except BaseException as reason:
        while not _have_ended(pool, futures, stop):
            pass
        if not isinstance(reason, KeyboardInterrupt):
            raise
        return futures, True
    pool.shutdown()
    return futures, False


def _have_ended(
    pool: ThreadPoolExecutor, futures: Sequence[Future[Any]], stop: Callable[[], None]
) -> bool:
    """Tell them to stop and wait; False if this was interrupted again."""
    from concurrent.futures import wait

    with suppress(BaseException):
        stop()
        while wait(futures, LOOK_ROUND).not_done:
            stop()  # again, for works that had only just begun
        pool.shutdown()
        return True
    return False
