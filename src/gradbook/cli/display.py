"""Shows a training: as events for a program, as lines, or on a terminal with moving bars."""

from __future__ import annotations

import sys
from itertools import count
from time import monotonic
from typing import TYPE_CHECKING, Any

import numpy as np

from gradbook.amounts import duration
from gradbook.cli.output import can_redraw, can_say, print_event, show, width
from gradbook.cli.screen import Screen
from gradbook.engine import compilers
from gradbook.lab.tables import TableProblem
from gradbook.lab.texts import LineProblem, LineWriter
from gradbook.lab.training.run_training import Listener, TrainingRun
from gradbook.report.styled_text import QUIET, Span, TextLine, fold
from gradbook.report.training_text import (
    BLOCK,
    NOT_ASCII,
    SeedsTable,
    Trace,
    epoch_table,
    files_lines,
    in_time,
    is_shown,
    lines_before,
    opening_lines,
    progress_in_a_line,
    progress_lines,
    result_lines,
    seeds_files_lines,
    stopping_lines,
)

if TYPE_CHECKING:
    from pathlib import Path

    from gradbook.lab.problem import Problem
    from gradbook.lab.recipes.recipe import Recipe
    from gradbook.lab.training.epochs import Epoch, Progress
    from gradbook.lab.training.run_folder import RunFolder
    from gradbook.lab.training.train import SeedsFolder, Trained

Result = dict[str, Any]  # the contents of result.json

WHEELS = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏", "|/-\\"
DOTS = "…", "..."
LEAST_ROWS = 8  # of a terminal; with fewer there is one line of progress
LOADING = "loading the images"
COMPILING = "compiling the engine for this network (only once)"
SCORING = "scoring the test images"
STOPPING = "finishing the step and saving"
AT_TRAINING = 0.5  # the temperature of lines that are written during training
HINT = "Ctrl-C finishes the step, saves and stops"


def display(as_events: bool, takes_long: bool) -> Display:
    """The display for this output: with bars on a terminal, if the training takes long enough to
    wait."""
    if as_events:
        return AsEvents()
    return OnScreen() if takes_long and can_redraw(sys.stdout) else AsLines()


def seeds_display(as_events: bool, recipe: Recipe, problem: Problem | None, seed: int) -> Display:
    """For one of several seeds: images are shown in full, everything else in one line per seed."""
    if as_events or not isinstance(problem, TableProblem):
        return display(as_events, True)
    table = SeedsTable({problem.score_name: 0.0, "validation_score": 0.0})
    if seed == recipe.net.seed:
        training, held_back = map(len, problem.parts(recipe.held_back))
        remarks = ([Span(remark, "yellow")] for remark in problem.remarks_for(recipe))
        folded = (line for remark in remarks for line in fold(remark, room()))
        show(
            [
                *lines_before(recipe, problem, (training, held_back), room()),
                *folded,
                [],
                *table.heading(),
            ]
        )
    return AsSeedLines(table)


class Display(Listener):
    """Listens to a training while it is open; afterwards other output can be printed."""

    training: TrainingRun | None = None
    shows_doubts = True

    def __enter__(self) -> Display:
        return self

    def __exit__(self, *_: object) -> None: ...

    def on_start(self, training: TrainingRun) -> None:
        self.training = training

    def doing(self, what: str) -> None:
        """An action that takes time after the last epoch."""

    # These are called after the display was closed.

    def on_end(self, trained: Trained, run: RunFolder) -> None: ...

    def on_done_before(self, run: RunFolder) -> None:
        """No training was left to do."""

    def on_stop(self, folder: Path, trained: Trained | None = None) -> None:
        """Resuming this folder continues the training; `trained` is None if it took no step."""

    def on_seed(self, result: Result) -> None:
        """One of several seeds has finished."""

    def on_seeds(self, results: list[Result], event: Result, folder: SeedsFolder) -> None:
        """All seeds have finished."""


class AsEvents(Display):
    """One JSON object per line."""

    def on_start(self, training: TrainingRun) -> None:
        super().on_start(training)
        recipe, problem, held_back = training.recipe, training.problem, training.material.held_back
        samples = problem.samples_key
        print_event(
            "started",
            recipe=recipe.title,
            parameters=recipe.net.count(),
            epochs=recipe.epochs,
            epochs_done=len(training.history),
            steps=training.steps,
            batch=recipe.batch,
            **{"data": recipe.data, **problem.about},
            **{samples: len(training.material.numbers)},
            **{f"validation_{samples}": len(held_back or ())},
            **{f"test_{samples}": problem.test_count()},
            seed=recipe.net.seed,
            remarks=list(training.remarks),
        )

    def on_epoch(self, epoch: Epoch) -> None:
        assert self.training
        figures = epoch.figures(self.training.problem.columns)
        print_event("epoch", seed=self.training.recipe.net.seed, **figures)

    def on_doubt(self, doubt: str) -> None:
        print_event("doubt", doubt=doubt)

    def on_end(self, trained: Trained, run: RunFolder) -> None:
        print_event(**trained.event)

    def on_done_before(self, run: RunFolder) -> None:
        print_event(**run.result())

    def on_stop(self, folder: Path, trained: Trained | None = None) -> None:
        event = trained.event if trained else {"event": "stopped"}
        print_event(**event, resume=str(folder))

    def on_seed(self, result: Result) -> None:
        print_event(**{**result, "event": "seed_done"})

    def on_seeds(self, results: list[Result], event: Result, folder: SeedsFolder) -> None:
        print_event(**event)


class AsLines(Display):
    """A table in plain characters, with one line per epoch."""

    def __init__(self) -> None:
        self.ascii_only = not can_say(NOT_ASCII)
        self.best = 0.0
        self.writer: LineWriter | None = None
        self.random = np.random.default_rng(0)

    def on_start(self, training: TrainingRun) -> None:
        super().on_start(training)
        validated = training.material.held_back is not None
        self.table = epoch_table(training.problem, width(), validated, self.ascii_only)
        if isinstance(training.problem, LineProblem):
            self.writer = LineWriter(training.problem.lines, training.engine)
        self.say([*opening_lines(training, room()), *self.table.heading()])
        for epoch in training.history:
            self.on_epoch(epoch)

    def on_epoch(self, epoch: Epoch) -> None:
        right = epoch.validation_accuracy or 0.0
        if self._is_shown(epoch):
            self.say([[*self.table.row(epoch, best=right > self.best), *self._written()]])
        self.best = max(self.best, right)

    def _written(self) -> TextLine:
        """A line that the network generates at this point, if it is one that writes."""
        return [Span(f"  {self.writer.write(self.random, AT_TRAINING)}")] if self.writer else []

    def _is_shown(self, epoch: Epoch) -> bool:
        assert self.training
        return is_shown(self.training.problem, epoch.epoch, self.training.recipe.epochs)

    def on_doubt(self, doubt: str) -> None:
        self.say(list(fold([Span(doubt, "yellow")], room())))

    def on_end(self, trained: Trained, run: RunFolder) -> None:
        ends = dict.fromkeys([trained.history[-1], trained.kept_epoch])
        show(self.table.row(epoch) for epoch in ends if not self._is_shown(epoch))
        count = len(trained.test.rows)
        show(result_lines(trained.event, room(), trained.scored_rows, count))
        show(fold(in_time(trained.event), room()))
        show(files_lines(run, width()))

    def on_done_before(self, run: RunFolder) -> None:
        result = run.result()
        words = (
            f"{run.path} is already finished: remove the folder, or name another, to train again"
        )
        show(fold(words, room()))
        for doubt in result.get("doubts", ()):
            self.on_doubt(doubt)
        rows = "rows" if run.problem_file.is_file() else "images"
        usual = f"{rows} trained on" if "training_r2" in result else f"test {rows}"
        usual = "the lines held out" if run.learns_lines else usual
        show(result_lines(result, room(), result.get("tested_on", usual)))
        show(files_lines(run, width()))

    def on_stop(self, folder: Path, trained: Trained | None = None) -> None:
        show(stopping_lines(self.training if trained else None, folder, room()))

    def on_seed(self, result: Result) -> None:
        if self.training:
            show([[]])

    def on_seeds(self, results: list[Result], event: Result, folder: SeedsFolder) -> None:
        table = SeedsTable(results[0])
        show([*table.heading(), *map(table.line, results), *table.summary(event)])
        show(seeds_files_lines(folder, width()))

    def say(self, lines: list[TextLine]) -> None:
        show(lines)
        print(end="", flush=True)


class AsSeedLines(Display):
    """One line per seed, and a summary."""

    def __init__(self, table: SeedsTable) -> None:
        self.table = table

    def on_stop(self, folder: Path, trained: Trained | None = None) -> None:
        show(stopping_lines(self.training if trained else None, folder, room()))

    def on_seed(self, result: Result) -> None:
        show([self.table.line(result)])
        print(end="", flush=True)

    def on_seeds(self, results: list[Result], event: Result, folder: SeedsFolder) -> None:
        show(self.table.summary(event))
        show(seeds_files_lines(folder, width()))


def room() -> int:
    """The number of columns for text, which is no wider than the table."""
    return min(width(), BLOCK)


class OnScreen(AsLines):
    """The table, with moving bars below it."""

    def __init__(self) -> None:
        super().__init__()
        self.screen = Screen(self.foot)
        self.busy = LOADING
        self.turning, self.since = "", 0.0  # the task for which the spinner turns
        self.turns = count()
        self.trace = Trace()
        self.traced = 0  # counted in steps, over all epochs

    def __enter__(self) -> Display:
        self.screen.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.screen.__exit__()

    def on_start(self, training: TrainingRun) -> None:
        super().on_start(training)
        self.doing("")

    def on_epoch(self, epoch: Epoch) -> None:
        assert self.training
        if self.training.is_over:
            self.doing(SCORING)
        unseen = epoch.epoch * self.training.steps - self.traced
        self.trace.add([epoch.train_loss] * unseen)
        self.traced += unseen
        super().on_epoch(epoch)

    def doing(self, what: str) -> None:
        self.busy = what

    def say(self, lines: list[TextLine]) -> None:
        self.screen.say(lines)

    def foot(self, columns: int, rows: int) -> list[TextLine]:
        """The lines below the table at this moment."""
        training = self.training
        if compilers.are_running():
            return [self._wheel(COMPILING)]
        if self.busy or training is None:
            return [self._wheel(self.busy)]
        if training.stopped:
            return [[], self._wheel(STOPPING)]
        now = training.progress()
        if rows < LEAST_ROWS:
            return [progress_in_a_line(now, columns)]
        self._follow(now)
        room = min(columns, BLOCK)
        bars = progress_lines(now, self.trace, room, ascii_only=self.ascii_only)
        return [[], *bars, [], [Span(HINT, QUIET)]]

    def _follow(self, now: Progress) -> None:
        """Note the losses since the last drawing."""
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
            Span(f"{turn} ", "cyan"),
            Span(f"{what} {DOTS[self.ascii_only]} "),
            Span(duration(monotonic() - self.since), QUIET),
        ]
