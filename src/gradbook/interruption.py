"""Being interrupted, by Ctrl-C or by being asked to end: the one place where it is heard.

A command hears of it once (`interruptible`, `heard_alike`): what then tidies up, and the end of
the process, aren't torn apart by a second one that comes with it; one that comes later ends all at
once. Native code, compilers and trainings work in threads of their own; the main thread waits for
them, and interrupted it tells them to stop and waits until they have (`side_by_side`,
`until_stopped`). Threads and processes that are started `uninterrupted` leave Ctrl-C to who waits
for them. Who was told to ignore a signal, as by nohup, ignores it.
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

IMPATIENT = 1.0  # seconds; a closed terminal or a shutdown may send two signals at once
LOOK_ROUND = 0.02  # seconds; a signal that comes just before some waiting begins doesn't end it


class Hearing:
    """A handler of signals that raises KeyboardInterrupt when first called, and never again.

    Where the process is ours, one that comes a while after the first ends it at once. What was
    written by then is whole, for nothing is ever written in its own place.
    """

    def __init__(self, *, is_ours: bool = False) -> None:
        self.is_ours = is_ours
        self.is_over = False
        self.first: float | None = None
        self.number: int = signal.SIGINT

    def was_lost(self) -> None:
        """It comes again in a moment."""
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
            end_at_once()


def end_at_once() -> None:
    """Without tidying up: who comes next does that."""
    shown_again = b"\033[?25h\n" if os.isatty(2) else b""  # the cursor, which displays hide
    with suppress(OSError):
        os.write(2, shown_again + b"gradbook: ended at once; whatever was saved is whole\n")
    os._exit(130)


def interruptible(command: Callable[[], int], interrupted: int) -> int:
    """The command's exit code, however it is asked to end. Once it has one, the process ends
    without hearing of that.
    """
    hearing = Hearing(is_ours=True)
    sys.unraisablehook = partial(_told, hearing, sys.unraisablehook)
    for number in system.interrupting():
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, hearing)
    try:
        code = command()
        hearing.is_over = True
    except KeyboardInterrupt:  # between the command's last step and the line above
        return interrupted
    return code


def _told(hearing: Hearing, usual: Callable[[Any], object], what: Any) -> None:
    """Of what came where nothing can be raised: in a callback while Python imports, or as
    something goes. An interruption is simply lost there, and a training would go on.
    """
    if issubclass(what.exc_type, KeyboardInterrupt) and not hearing.is_over:
        hearing.was_lost()
    else:
        usual(what)


@contextmanager
def heard_alike() -> Iterator[None]:
    """Being asked to end interrupts the block as Ctrl-C does the command, all together once."""
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
    """An interruption waits until the block ends. Processes and threads that are started in it
    never hear of Ctrl-C.
    """
    later = _Later()
    blocked = None
    try:
        for number in system.interrupting() if current_thread() is main_thread() else ():
            handler = signal.getsignal(number)
            if callable(handler):  # one of Python's, which another thread may set off as well
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
    """A handler that keeps what comes for those that were there before.

    Once it is over it hands on at once: one that comes while handlers are put back may raise there,
    and where one of them isn't back by then, nothing is lost all the same.
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
        """Each of them, whatever the first ones raise."""
        if self.came:
            number = self.came.pop(0)
            try:
                self.before[number](number, None)
            finally:
                self.tell()


def _put_back(handlers: Mapping[int, Any]) -> None:
    """All of them, even where one that is back already is called meanwhile and raises."""
    try:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def side_by_side(*works: Callable[[], Any], stop: Callable[[], None]) -> list[Any]:
    """What each came to, in a thread of its own. If the waiting is interrupted, they are told to
    stop, and when all have ended the interruption goes on.
    """
    futures, interrupted = _done(works, stop)
    if interrupted:
        raise KeyboardInterrupt
    return [future.result() for future in futures]


def until_stopped(work: Callable[[], None], stop: Callable[[], None]) -> None:
    """Do the work to its end, or until an interruption has told it to stop.

    Called from another thread it does the work there, where no signal arrives.
    """
    if current_thread() is not main_thread():
        return work()
    (future,), _ = _done([work], stop)
    future.result()


def _done(
    works: Sequence[Callable[[], Any]], stop: Callable[[], None]
) -> tuple[list[Future[Any]], bool]:
    """The works, all ended, and whether the waiting for them was interrupted.

    Whatever ends the waiting (a handler of the user's own may raise anything, and more than once),
    nobody goes on from here while any of them is at work: they work on what we hold.
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
    """Once they are told to; not if somebody was impatient, who is heard already."""
    from concurrent.futures import wait

    with suppress(BaseException):
        stop()
        while wait(futures, LOOK_ROUND).not_done:
            stop()  # again, for what had only just begun
        pool.shutdown()
        return True
    return False
