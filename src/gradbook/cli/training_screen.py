"""A training on a terminal: the table, and beneath it bars that move."""

from __future__ import annotations

from itertools import count
from time import monotonic
from typing import TYPE_CHECKING

from gradbook.cli.screen import Screen
from gradbook.cli.training_display import AsLines, Display
from gradbook.engine import compilers
from gradbook.report.run.epochs import (
    BLOCK,
    QUIET,
    Trace,
    duration,
    in_a_line,
    running,
)
from gradbook.report.words.lines import Piece, TextLine

if TYPE_CHECKING:
    from gradbook.lab.history import Epoch, Progress
    from gradbook.lab.training import Training

WHEELS = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏", "|/-\\"
DOTS = "…", "..."
LEAST_ROWS = 8  # of a terminal; with less there is one line of progress
LOADING = "loading the images"
COMPILING = "compiling the engine for this network, once"
SCORING = "scoring the test images"
STOPPING = "finishing the step and saving"
HINT = "Ctrl-C finishes the step, saves and stops"


class OnScreen(AsLines):
    """The same, with bars beneath that move."""

    def __init__(self) -> None:
        super().__init__()
        self.screen = Screen(self.foot)
        self.busy = LOADING
        self.turning, self.since = "", 0.0  # what the wheel turns for
        self.turns = count()
        self.trace = Trace()
        self.traced = 0  # steps, over all epochs

    def __enter__(self) -> Display:
        self.screen.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.screen.__exit__()

    def started(self, training: Training) -> None:
        super().started(training)
        self.doing("")

    def epoch_done(self, epoch: Epoch) -> None:
        assert self.training
        if epoch.epoch == self.training.recipe.epochs:
            self.doing(SCORING)
        unseen = epoch.epoch * self.training.steps - self.traced
        self.trace.add([epoch.train_loss] * unseen)
        self.traced += unseen
        super().epoch_done(epoch)

    def doing(self, what: str) -> None:
        self.busy = what

    def say(self, lines: list[TextLine]) -> None:
        self.screen.say(lines)

    def foot(self, columns: int, rows: int) -> list[TextLine]:
        """What stands beneath the table at this moment."""
        training = self.training
        if compilers.are_running():
            return [self._wheel(COMPILING)]
        if self.busy or training is None:
            return [self._wheel(self.busy)]
        if training.stopped:
            return [[], self._wheel(STOPPING)]
        now = training.progress()
        if rows < LEAST_ROWS:
            return [in_a_line(now, columns)]
        self._follow(now)
        room = min(columns, BLOCK)
        bars = running(now, self.trace, room, ascii_only=self.ascii_only)
        return [[], *bars, [], [Piece(HINT, QUIET)]]

    def _follow(self, now: Progress) -> None:
        """Note the losses that came since it was last drawn."""
        done = (now.epoch - 1) * now.steps + now.step
        new = now.recent_losses[-(done - self.traced) :] if done > self.traced else ()
        self.trace.add(new)
        self.traced += len(new)

    def _wheel(self, what: str) -> TextLine:
        if what != self.turning:
            self.turning, self.since = what, monotonic()
        wheel = WHEELS[self.ascii_only]
        turn = wheel[next(self.turns) % len(wheel)]
        return [
            Piece(f"{turn} ", "cyan"),
            Piece(f"{what} {DOTS[self.ascii_only]} "),
            Piece(duration(monotonic() - self.since), QUIET),
        ]
