"""Networks for signals: windows of recordings to classify, split by recording or by person.

A window is a row of a table, with all channels of its first step first, so everything about
training on tables applies to it. The differences: windows of one recording stay together, a
channel is scaled to mean 0 and deviation 1 over all steps, and time matters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from itertools import groupby
from math import ceil, exp, lgamma, log, log2, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradbook.amounts import counted
from gradbook.data.formats.cells import CellRow, is_number
from gradbook.data.signals import (
    RECORDINGS,
    SUBJECTS_APART,
    CutSignals,
    Signals,
    Windows,
    cut_signals,
    deal_groups,
    fold_count,
    require_classes,
    require_groups,
)
from gradbook.data.tables import Column, ColumnTable, Numbers
from gradbook.errors import DataError, UsageError, did_you_mean, one_line
from gradbook.lab.models.answers import FinalScore
from gradbook.lab.models.model import Model
from gradbook.lab.models.recorded import HOW_READ, RECORDINGS_KEY, how_read, read_recordings
from gradbook.lab.models.table_columns import WINDOWS
from gradbook.lab.problem import Normal, Rows
from gradbook.lab.recipes.recipe import Recipe, fitting_batch
from gradbook.lab.tables import BATCH, LEAST_STEPS, TableProblem, along_a_cosine
from gradbook.layers.spectra import LONGEST_FRAME
from gradbook.net import Net, parse
from gradbook.net.description import Task
from gradbook.schema import Choice, ListOf, PlainText, Schema

HOUR = 3600.0
FAR_OFF = 0.02  # relative difference of rates
DOUBT = 0.05
QUARTER = 4
MOST_STEPS = 16  # left when the mean over steps is taken
WIDE, NARROW, DEPTH = 16, 8, 6  # channels of the usual network, and its most layers
EPOCHS, MOST_EPOCHS = 60, 200
LEAST_HEARD = 4000  # samples per second from which a single channel is sound
BANDS, LOWEST, HIGHEST = 16, 100, 8000  # of the usual network, in hertz
KIND = "signals"  # in the record of a run
KEPT = Schema(
    kind=Choice(KIND),
    recordings=HOW_READ,
    windows=WINDOWS,
    background=PlainText(),
    asked=ListOf(PlainText()),
)
FRAME_SECONDS, FRAMES_A_SECOND, LEAST_FRAMES = 0.033, 50, 8


@dataclass(frozen=True, eq=False)
class SignalProblem(TableProblem):
    """The windows of a source's recordings, and the class of each."""

    cut: CutSignals | None = None
    way: str = RECORDINGS  # the unit that is never split
    background: str = ""  # the class in which nothing happens
    asked: tuple[str, ...] = ()  # the options with which a command reads the same data

    unit = "window"

    @property
    def pieces(self) -> CutSignals:
        assert self.cut
        return self.cut

    @property
    def windows(self) -> Windows:
        return self.pieces.windows

    @property
    def how_read(self) -> dict[str, Any]:
        return how_read(self.pieces.signals, self.way)

    @property
    def record(self) -> dict[str, Any]:
        return {
            "kind": KIND,
            "recordings": self.how_read[RECORDINGS_KEY],
            "windows": asdict(self.windows),
            "background": self.background,
            "asked": list(self.asked),
        }

    @cached_property
    def rows(self) -> Numbers:
        return self.pieces.rows

    @cached_property
    def groups(self) -> NDArray[np.intp]:
        """The groups of windows that belong together."""
        return self.pieces.groups(self.way)

    def folds_of(self, rows: NDArray[np.intp]) -> NDArray[np.uint8]:
        return deal_groups(self.targets[rows].astype(np.int32), self.groups[rows])

    def parts(self, fold: int | None) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        if fold is not None and not self.everything:
            others = np.setdiff1d(np.arange(len(self.table)), self.test_rows)
            there = fold_count(self.targets[others].astype(np.int32), self.groups[others])
            if fold >= there:
                raise UsageError(
                    f"the {self.way}s make only {there} folds, 0 to {there - 1}: hold back another"
                )
        return super().parts(fold)

    def filling(self, fold: int | None) -> None:
        return None

    @property
    def inputs_in_words(self) -> str:
        windows = self.windows
        many = f"{windows.length} steps of {', '.join(windows.channels)}, every {windows.step}"
        if windows.rate:
            seconds = f"{windows.length / windows.rate:.3g} s"
            return f"windows of {many} ({seconds} at {windows.rate:g} a second)"
        return f"windows of {many}"

    @property
    def shown(self) -> tuple[str, ...]:
        return self.table.names[:-1]

    @property
    def beginning(self) -> str:
        return f"'input {self.windows.length}x{len(self.windows.channels)}'"

    def normal(self, rows: Numbers, weights: Numbers | None, chosen: Rows | None) -> Normal:
        """The mean and deviation of each channel, over all steps."""
        length, channels = self.windows.length, len(self.windows.channels)
        rows = rows if chosen is None else rows[chosen]
        by_channel = Normal.of(rows.reshape(-1, channels), channels)
        return Normal(np.tile(by_channel.mean, length), np.tile(by_channel.deviation, length))

    def words_to_repeat(self) -> list[str]:
        return list(self.asked)

    def balance(self, fold: int | None) -> list[tuple[str | int, ...]]:
        """For each class: recordings, windows, and windows for training, validation and test."""
        training, held_back = self.parts(fold)
        labels, recordings = self.targets.astype(np.int32), self.pieces.groups(RECORDINGS)
        lines: list[tuple[str | int, ...]] = []
        for number, name in enumerate(self.target.words):
            of_class = labels == number
            parts = [int(of_class[part].sum()) for part in (training, held_back, self.test_rows)]
            many = len(np.unique(recordings[of_class]))
            lines.append((name, many, int(of_class.sum()), *parts))
        return lines

    # Figures that depend on time.

    def figures(self, test: FinalScore | None) -> dict[str, Any]:
        windows = self.windows
        figures: dict[str, Any] = super().figures(test) | {
            "window": windows.length,
            "step": windows.step,
            "channels": list(windows.channels),
            "rows_a_second": windows.rate,
            "latency_seconds": windows.latency,
            "split_by": self.way,
        }
        if self.background and test:
            figures |= self._alarms(test)
        return figures

    def _alarms(self, test: FinalScore) -> Mapping[str, Any]:
        """False alarms in recordings in which nothing happens. Successive windows with
        the same answer are one alarm."""
        nothing = self.target.words.index(self.background)
        quiet = np.flatnonzero(self.targets[test.rows] == nothing)
        alarms, rows, windows = 0, 0, self.windows
        recordings = self.pieces.recording[test.rows[quiet]]
        for recording in np.unique(recordings):
            answers = test.read[quiet][recordings == recording].tolist()
            alarms += sum(1 for read, _ in groupby(answers) if read != nothing)
            rows += windows.length + (len(answers) - 1) * windows.step
        seconds = windows.seconds(rows)
        return {
            "background": self.background,
            "false_alarms": alarms,
            "background_seconds": seconds,
            "false_alarms_an_hour": alarms * HOUR / seconds if seconds else None,
            "false_alarms_an_hour_below": most_expected(alarms) * HOUR / seconds
            if seconds
            else None,
        }


def most_expected(count: int) -> float:
    """The highest mean that fits a count with 95 % confidence: with a higher one, so few would
    occur in less than one case in twenty (Poisson)."""
    low, high = 0.0, 10.0 + 2 * count + 10 * sqrt(count)
    while high - low > 1e-9 * high:
        middle = (low + high) / 2
        terms = (exp(k * log(middle) - middle - lgamma(k + 1)) for k in range(count + 1))
        low, high = (middle, high) if sum(terms) > DOUBT else (low, middle)
    return high


@dataclass(frozen=True)
class WindowsAsked:
    """How to cut and split recordings, and facts about them beside their values."""

    length: int
    step: int = 0  # 0: windows overlap by three quarters
    way: str = ""  # '': by subject if there are subjects
    background: str = ""
    rate: float | None = None  # rows per second, if the recordings don't give it


def signal_problem(
    signals: Signals,
    how: WindowsAsked,
    everything: bool = False,
    asked: tuple[str, ...] = (),
) -> SignalProblem:
    """The problem of classifying the windows of these recordings."""
    labels = {one.label for one in signals.recordings}
    require_classes(labels, signals.source)
    step = how.step or max(how.length // QUARTER, 1)
    windows = Windows(how.length, step, signals.channels, how.rate or signals.rate)
    cut = cut_signals(signals, windows)
    way = how.way or (SUBJECTS_APART if signals.subjects else RECORDINGS)
    if way == SUBJECTS_APART and not signals.subjects:
        raise UsageError(
            "the recordings name no person: name the column with --set "
            "'subject COLUMN', or split by recording"
        )
    names = tuple(sorted(labels, key=float if all(map(is_number, labels)) else str))
    if how.background and how.background not in names:
        hint = did_you_mean(how.background, names) or f": the classes are {', '.join(names)}"
        raise UsageError(one_line(f"background: no class '{how.background}'{hint}"))
    table = _table(cut)
    remarks = [*cut.remarks]
    if way == RECORDINGS and signals.subjects:
        remarks.append(
            "split by recording: people are in several parts, so its score on others is unknown"
        )
    problem = SignalProblem(
        table,
        tuple(
            Column(f"{channel}({step})")  # x(1), y(1), z(1), x(2) …
            for step in range(1, windows.length + 1)
            for channel in windows.channels
        ),
        Column(signals.label, names),
        Task.CLASSES,
        everything=everything,
        remarks=tuple(remarks),
        cut=cut,
        way=way,
        background=how.background,
        asked=asked,
    )
    if not everything:
        require_groups(problem.targets.astype(np.int32), problem.groups, names, way)
        training = set(problem.targets[problem.parts(0)[0]].tolist())
        for number, name in enumerate(names):
            if number not in training:
                raise DataError(
                    f"no {way} of class '{name}' is left to train on: give more, or split by "
                    "recording",
                    file=table.file,
                )
    return problem


def read_signal_problem(data: str, kept: Mapping[str, Any], everything: bool) -> SignalProblem:
    """The problem of a run again, from its record."""
    known = KEPT.read(kept)
    windows, how = known["windows"], known["recordings"]
    cut = (windows["length"], windows["step"], how["split_by"], known["background"])
    asked = WindowsAsked(*cut, windows["rate"])
    signals = read_recordings(data, how)
    return signal_problem(signals, asked, everything, tuple(known["asked"]))


def _table(cut: CutSignals) -> ColumnTable:
    """A row for each window with its place and its class."""
    signals, rows = cut.signals, list[CellRow]()
    whose = ("subject",) if signals.subjects else ()
    for recording, first in cut.places():
        seconds = cut.windows.seconds(first)
        begins = f"row {recording.row + first}" if seconds is None else f"{seconds:.2f} s"
        subject = (recording.subject,) if whose else ()
        rows.append(CellRow(len(rows) + 1, (recording.name, *subject, begins, recording.label)))
    return ColumnTable(signals.source, ("recording", *whose, "begins", signals.label), tuple(rows))


# The windows of a model --------------------------------------------------------


@dataclass(frozen=True)
class PlacedWindow:
    """The place of a window."""

    recording: str
    row: int  # its first row in the file
    first: int  # its first row in the recording, from 0


def windows_for(
    model: Model, signals: Signals, step: int | None = None
) -> tuple[list[PlacedWindow], Numbers]:
    """The windows of these recordings in the form of the model's input."""
    windows = model.windows
    if windows is None:
        raise UsageError("this model reads rows of a table, not windows of signals")
    if len(signals.channels) != len(windows.channels):
        raise DataError(
            f"{counted(len(signals.channels), 'channel')} ({', '.join(signals.channels)}), but "
            f"the model reads {', '.join(windows.channels)}: name them with --set 'channels …'",
            file=signals.source,
        )
    if windows.rate and signals.rate and abs(windows.rate - signals.rate) > FAR_OFF * windows.rate:
        raise DataError(
            f"{signals.rate:g} rows a second, but the model was trained on {windows.rate:g}: bring "
            "the recording to that rate",
            file=signals.source,
        )
    cut = cut_signals(signals, replace(windows, step=step or windows.step))
    places = [PlacedWindow(one.name, one.row + first, first) for one, first in cut.places()]
    return places, cut.rows


# Usual settings ---------------------------------------------------------------


def usual_network(windows: Windows, classes: int) -> Net:
    """Windows slide over the steps until few are left, at least once; the class follows from their
    mean. Bands, which are far from 0, and the sums of each window are normalised."""
    lines, steps, width = (
        [f"input {windows.length}x{len(windows.channels)}"],
        windows.length,
        NARROW,
    )
    bands = usual_bands(windows)
    if bands:
        lines.append(f"{bands}; batchnorm")
        steps = parse("\n".join([*lines, "flatten; dense 1"])).shapes[1][-1]
    slides = 0
    while slides < DEPTH and steps > MOST_STEPS:
        stride = 4 if steps > 32 * MOST_STEPS else 2
        lines.append(f"conv1d {width} 5 stride {stride}; batchnorm; relu")
        steps, width, slides = (steps - 5) // stride + 1, WIDE, slides + 1
    if not slides:
        normalised = "; batchnorm" if steps > 1 else ""
        lines.append(f"conv1d {WIDE} {min(3, max(steps - 1, 1))}{normalised}; relu")
    lines.append(f"avgpool1d all; flatten; dense {classes}; log softmax")
    return parse("\n".join([*lines, "loss cross-entropy", "update adam", "rate 0.01"]))


def usual_bands(windows: Windows) -> str:
    """Mel bands of frames of up to 32 ms, 50 per second, if the signal is sound: a channel of
    at least 4,000 samples per second, in a window of several such frames."""
    rate = round(windows.rate or 0)
    if len(windows.channels) > 1 or rate < LEAST_HEARD:
        return ""
    frame = min(2 ** int(log2(rate * FRAME_SECONDS)), LONGEST_FRAME)
    step, high = rate // FRAMES_A_SECOND, min(HIGHEST, rate // 2)
    if windows.length < frame + (LEAST_FRAMES - 1) * step:
        return ""
    return f"mel {BANDS} frame {frame} step {step} rate {rate} low {LOWEST} high {high}"


def usual_signal_recipe(
    problem: SignalProblem, name: str, net: Net | None = None, held_back: int | None = 0
) -> Recipe:
    """Adam with a cosine; the epoch that is best on the validation samples is kept."""
    net = net or usual_network(problem.windows, len(problem.target.words))
    windows = len(problem.parts(held_back)[0])
    batch = fitting_batch(BATCH, windows)
    steps = ceil(windows / batch)
    epochs = min(max(ceil(LEAST_STEPS / steps), EPOCHS), MOST_EPOCHS)
    return along_a_cosine(problem, net, epochs, batch, name, held_back)
