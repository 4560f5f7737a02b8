"""Work done in processes of its own, that may die of it or be ended.

A worker does one task at a time: a function without arguments, which can be sent to another
process. One that dies of its task, or takes too long for it, is replaced, and only that task goes
without an answer. Knows nothing of what is done.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from threading import Thread
from time import monotonic, sleep
from typing import Any
from weakref import finalize

from gradbook import system
from gradbook.amounts import counted
from gradbook.errors import GradbookError, one_line
from gradbook.interruption import uninterrupted

LOOK_ROUND = 1.0  # seconds after which a worker without a task looks whether it is still wanted
Task = Callable[[], Any]


class Lost(Exception):
    """No answer will come to a task: why, as the end of a sentence."""


class OurFault(Exception):
    """What went wrong with a task and is no input's fault."""

    def __str__(self) -> str:
        return f"a fault of gradbook's own ({one_line(super().__str__())})"


@dataclass(frozen=True)
class Outcome:
    """What a task came to, or why it came to nothing."""

    value: Any = None
    error: GradbookError | Lost | OurFault | None = None


def outcome_of(task: Task) -> Outcome:
    """A task done here and now."""
    try:
        return Outcome(task())
    except GradbookError as error:
        return Outcome(error=error)
    except Exception as error:
        return Outcome(error=OurFault(f"{type(error).__name__}: {error}"))


class Worker:
    """A process that does one task at a time, and so many seconds at most for each."""

    def __init__(self, longest: float) -> None:
        self.longest = longest
        self.is_busy = False
        self.until = 0.0
        self._start()

    def _start(self) -> None:
        context: Any = get_context("fork" if system.may_be_copied() else "spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_work, args=(theirs, os.getpid()), daemon=True)
        with uninterrupted():
            self.process.start()
            self._left_alone = finalize(self, _end_left_alone, self.process, os.getpid())
        theirs.close()

    def give(self, task: Task) -> None:
        self.is_busy, self.until = True, monotonic() + self.longest
        with suppress(OSError):  # it is gone, which is seen when its answer doesn't come
            self.pipe.send(task)

    def outcome(self, patience: float = 0.0) -> Outcome | None:
        """What became of its task, waited for so many seconds; None while it is at work."""
        left = max(self.until - monotonic(), 0.0)
        is_ready = bool(wait([self.pipe], min(patience, left)))
        if not is_ready and monotonic() < self.until:
            return None
        lost = Lost(f"takes longer than {counted(round(self.longest), 'second')}")
        if is_ready:
            try:
                found: Outcome = self.pipe.recv()
                self.is_busy = False
                return found
            except (EOFError, OSError):
                lost = Lost("took more than there is")
        self.begin_anew()
        return Outcome(error=lost)

    def begin_anew(self) -> None:
        """Whatever it is doing, it is ready for another task."""
        self.end()
        self.is_busy = False
        self._start()

    def end(self) -> None:
        """Whatever it is doing."""
        self.process.kill()
        self.process.join()
        self.process.close()
        self._left_alone.detach()
        self.pipe.close()


def outcomes(workers: Sequence[Worker]) -> Iterator[tuple[Worker, Outcome]]:
    """The next outcomes, once there are any, of workers some of which are busy."""
    busy = [worker for worker in workers if worker.is_busy]
    patience = min(worker.until for worker in busy) - monotonic()
    wait([worker.pipe for worker in busy], max(patience, 0.0))
    for worker in busy:
        found = worker.outcome()
        if found is not None:
            yield worker, found


def _end_left_alone(process: Any, parent: int) -> None:
    """Of a worker that an interruption came before anybody knew of: it hears of no other signal,
    and would be waited for without end."""
    if os.getpid() == parent:
        with suppress(ValueError):  # it was ended after all
            process.kill()


def _end_with(parent: int) -> None:
    """Whatever this process is doing, nobody waits for it when its parent was killed."""
    while os.getppid() == parent:
        sleep(LOOK_ROUND)
    os._exit(1)


def _work(pipe: Connection, parent: int) -> None:
    """What a worker does as long as its parent, which may be gone before it has begun, lives."""
    Thread(target=_end_with, args=(parent,), daemon=True).start()
    gc.freeze()  # what is loaded stays, and a task leaves few cycles behind
    try:
        while os.getppid() == parent:
            if pipe.poll(LOOK_ROUND):
                pipe.send(outcome_of(pipe.recv()))
    except (EOFError, OSError):
        return
