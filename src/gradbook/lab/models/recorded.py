"""Reads the recordings of a model of signals again: windows to calibrate on and to score."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradbook.data.dataset import training_parts
from gradbook.data.made_signals import MADE, made_signals
from gradbook.data.signals import (
    SUBJECTS_APART,
    WAYS,
    CutSignals,
    SignalColumns,
    Signals,
    Windows,
    cut_signals,
    deal_groups,
    read_signals,
)
from gradbook.data.tables import Numbers
from gradbook.errors import DataError, GradbookError, UsageError, did_you_mean
from gradbook.lab.recipes.recipe_text import parse
from gradbook.schema import Choice, ListOf, PlainText, Schema, Usually

RECORDINGS_KEY = "recordings"  # the key in a model's record
ELSEWHERE = "name the recordings with --data"
HOW_READ = Schema(
    source=PlainText(),
    split_by=Choice(*WAYS),
    columns=Schema(
        label=PlainText(),
        time=PlainText(),
        recording=PlainText(),
        subject=PlainText(),
        channels=ListOf(PlainText()),
        ignored=ListOf(PlainText()),
    ),
    decimal=Usually(PlainText(), ""),
)


def how_read(signals: Signals, way: str) -> dict[str, Any]:
    """How these recordings were read and split, for a model to keep."""
    source = signals.source
    columns = asdict(signals.columns)
    del columns["usual"]
    return {
        RECORDINGS_KEY: {
            "source": os.path.abspath(source) if os.path.exists(source) else source,
            "split_by": way,
            "columns": columns,
            "decimal": signals.decimal,
        }
    }


@dataclass(frozen=True, eq=False)
class RecordedWindows:
    """Windows to calibrate on, and windows to score with their classes (windows, steps x channels);
    `what` describes the latter."""

    fitting: Numbers
    scored: Numbers
    labels: NDArray[np.int64]
    what: str


def recorded_windows(
    windows: Windows, classes: Sequence[str], about: Mapping[str, Any], data: str = ""
) -> RecordedWindows:
    """The windows that a model of these classes was trained on and those of its test, by its record
    of its training; or all windows of other recordings."""
    recipe = None
    with suppress(GradbookError):
        recipe = parse(str(about["recipe"])) if "recipe" in about else None
    kept: Mapping[str, Any] = about.get(RECORDINGS_KEY, {})
    trained_on = recipe.data if recipe and recipe.data in MADE else kept.get("source", "")
    where = data or trained_on
    if not where:
        raise UsageError(f"the model doesn't record its training data: {ELSEWHERE}")
    signals = read_recordings(where, kept)
    if signals.channels != windows.channels:
        raise DataError(
            f"its channels are {', '.join(signals.channels)}, but the model reads "
            f"{', '.join(windows.channels)}: {ELSEWHERE}",
            file=signals.source,
        )
    cut = cut_signals(signals, windows)
    labels = _labels(classes, cut)
    if (where if where in MADE else os.path.abspath(where)) != trained_on:
        return RecordedWindows(cut.rows, cut.rows, labels, f"windows of {os.path.basename(data)}")
    if recipe is None or not recipe.tests:
        return RecordedWindows(cut.rows, cut.rows, labels, "windows trained on")
    way = SUBJECTS_APART if where in MADE else kept.get("split_by", "")
    groups, short = cut.groups(way), labels.astype(np.int32)
    folds = deal_groups(short, groups)
    training, _ = training_parts(
        folds, lambda rows: deal_groups(short[rows], groups[rows]), recipe.held_back
    )
    test = folds == 0
    return RecordedWindows(cut.rows[training], cut.rows[test], labels[test], "test windows")


def read_recordings(where: str, kept: Mapping[str, Any]) -> Signals:
    """The recordings at this place, read as a model or a run recorded it."""
    if where in MADE:
        return made_signals(where, SignalColumns())
    if not os.path.exists(where):
        hint = did_you_mean(where, MADE) or f": {ELSEWHERE}"
        raise UsageError(f"no recordings in {where}{hint}")
    columns: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in kept.get("columns", {}).items()
    }
    return read_signals(where, SignalColumns(**columns), decimal=kept.get("decimal", ""))


def _labels(classes: Sequence[str], cut: CutSignals) -> NDArray[np.int64]:
    """The number of each window's class among these."""
    numbers = {name: k for k, name in enumerate(classes)}
    recordings = cut.signals.recordings
    for stretch in recordings:
        if stretch.label not in numbers:
            why = f"class '{stretch.label}' isn't one of the model's: {', '.join(classes)}"
            raise DataError(why, file=stretch.file, row=stretch.row)
    labels = np.array([numbers[stretch.label] for stretch in recordings], np.int64)
    return labels[cut.recording]
