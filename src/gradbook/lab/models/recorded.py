"""Recordings behind a model of signals, read again: windows to fit to, and others to score by."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any, Protocol

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
from gradbook.lab.recipes.recipe import Recipe
from gradbook.lab.recipes.text import parse
from gradbook.schema import Choice, ListOf, PlainText, Schema, Usually

RECORDINGS_KEY = "recordings"  # what a model keeps this under
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


class SignalModel(Protocol):
    """What is asked of a model: what it reads and tells apart, and how it came about."""

    @property
    def windows(self) -> Windows | None: ...

    @property
    def classes(self) -> tuple[str, ...]: ...

    @property
    def about(self) -> Mapping[str, Any]: ...


def how_read(signals: Signals, way: str) -> dict[str, Any]:
    """How these were read and split, for a model to keep."""
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
    """Windows, (windows, steps x channels): what to fit to, and what to score by with its classes;
    `said` tells which these are."""

    fitting: Numbers
    scored: Numbers
    labels: NDArray[np.int64]
    said: str


def recorded_windows(model: SignalModel, data: str = "") -> RecordedWindows:
    """Those that the model was trained on, and those of its test; or all of other recordings."""
    recipe = None
    with suppress(GradbookError):
        recipe = parse(str(model.about["recipe"])) if "recipe" in model.about else None
    signals, way, own = _read(model, recipe, data)
    assert model.windows
    if signals.channels != model.windows.channels:
        raise DataError(
            f"its channels are {', '.join(signals.channels)}, but the model reads "
            f"{', '.join(model.windows.channels)}: {ELSEWHERE}",
            file=signals.source,
        )
    cut = cut_signals(signals, model.windows)
    labels = _labels(model, cut)
    if not own:
        return RecordedWindows(cut.rows, cut.rows, labels, f"windows of {os.path.basename(data)}")
    if recipe is None or not recipe.tests:
        return RecordedWindows(cut.rows, cut.rows, labels, "windows trained on")
    groups, short = cut.groups(way), labels.astype(np.int32)
    folds = deal_groups(short, groups)
    training, _ = training_parts(
        folds, lambda rows: deal_groups(short[rows], groups[rows]), recipe.held_back
    )
    test = folds == 0
    return RecordedWindows(cut.rows[training], cut.rows[test], labels[test], "test windows")


def _read(model: SignalModel, recipe: Recipe | None, data: str) -> tuple[Signals, str, bool]:
    """The recordings, how they were split, and whether they are those that it was trained on."""
    kept: Mapping[str, Any] = model.about.get(RECORDINGS_KEY, {})
    trained_on = recipe.data if recipe and recipe.data in MADE else kept.get("source", "")
    where = data or trained_on
    if not where:
        raise UsageError(f"the model doesn't say what it was trained on: {ELSEWHERE}")
    way = SUBJECTS_APART if where in MADE else kept.get("split_by", "")
    is_own = (where if where in MADE else os.path.abspath(where)) == trained_on
    return read_recordings(where, kept), way, is_own


def read_recordings(where: str, kept: Mapping[str, Any]) -> Signals:
    """The recordings there, read as those of a model or a run were that kept how."""
    if where in MADE:
        return made_signals(where, SignalColumns())
    if not os.path.exists(where):
        hint = did_you_mean(where, MADE) or f": {ELSEWHERE}"
        raise UsageError(f"no recordings in {where}{hint}")
    columns: dict[str, Any] = {
        name: tuple(said) if isinstance(said, list) else said
        for name, said in kept.get("columns", {}).items()
    }
    return read_signals(where, SignalColumns(**columns), decimal=kept.get("decimal", ""))


def _labels(model: SignalModel, cut: CutSignals) -> NDArray[np.int64]:
    """The number of each window's class among the model's."""
    numbers = {name: k for k, name in enumerate(model.classes)}
    for one in cut.signals.recordings:
        if one.label not in numbers:
            raise DataError(
                f"class '{one.label}' is none of the model's: {', '.join(model.classes)}",
                file=one.file,
                row=one.row,
            )
    own = np.array([numbers[one.label] for one in cut.signals.recordings], np.int64)
    return own[cut.recording]
