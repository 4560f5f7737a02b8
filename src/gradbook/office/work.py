"""OfficeWork in a thread, while the office goes on: progress, cancelling, and its end.

Knows threads, the status bar and the budget of what runs; it doesn't know what is done.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from threading import Thread
from typing import Any

import unohelper
from com.sun.star.awt import XCallback

from gradbook.cells.budget import budget_in
from gradbook.language import in_same_language

TICK = 0.15  # seconds between two looks at the progress
FULL = 100


class Later(unohelper.Base, XCallback):
    """A call that the office makes when it has time, in the thread of its windows."""

    def __init__(self, call: Callable[[], None]) -> None:
        self.call = call

    def notify(self, data: Any) -> None:
        self.call()


def call_later(context: Any, call: Callable[[], None]) -> None:
    """Let the office make a call, in the thread that may change documents."""
    manager = context.ServiceManager
    waiting = manager.createInstanceWithContext("com.sun.star.awt.AsyncCallback", context)
    waiting.addCallback(Later(call), None)


class OfficeWork:
    """Something that is computed in a thread; what follows is done by the office's own."""

    def __init__(
        self,
        context: Any,
        do: Callable[[], Any],
        then: Callable[[Any, Exception | None], None],
        indicator: Any,
    ) -> None:
        self.context, self.do, self.then, self.indicator = context, do, then, indicator
        self.is_cancelled = False
        self.thread = Thread(target=in_same_language(self._run), daemon=True)
        self.watch = Thread(target=self._watch, daemon=True)
        self.inside = copy_context()

    def start(self) -> None:
        self.thread.start()
        self.watch.start()

    def cancel(self) -> None:
        """End it soon; its result is thrown away."""
        self.is_cancelled = True
        budget = budget_in(self.inside)
        if budget is not None:
            budget.stop()

    def _run(self) -> None:
        outcome, problem = None, None
        try:
            outcome = self.inside.run(self.do)
        except Exception as error:
            problem = error
        with suppress(Exception):  # the office may have gone
            call_later(self.context, lambda: self.then(outcome, problem))

    def _watch(self) -> None:
        """Show how much of the budget is spent, which is most of the time little: a bar that
        approaches its end ever more slowly shows that something happens."""
        start = time.monotonic()
        while self.thread.is_alive():
            budget = budget_in(self.inside)
            if self.is_cancelled and budget is not None:
                budget.stop()  # it may have begun since
            share = budget.spent_share if budget is not None else 0.0
            passed = time.monotonic() - start
            with suppress(Exception):  # its window may be closed
                self.indicator.setValue(round(FULL * max(share, passed / (passed + 3))))
            time.sleep(TICK)
