"""Recordings of signals (values over time), and the windows cut from them.

A table contains recordings in its rows, with a column for each channel; a folder contains a file
for each recording, tables or WAV, in a folder for each class. Windows of a recording overlap, so
they stay together: training, validation and test get whole recordings, or whole persons.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gradbook import limits
from gradbook.amounts import counted
from gradbook.data.dataset import FOLDS, scrambled_numbers
from gradbook.data.formats import wav
from gradbook.data.formats.data_files import words
from gradbook.data.tables import (
    MOST_NUMBERS,
    SUFFIXES,
    ColumnTable,
    Numbers,
    encode,
    read_columns,
)
from gradbook.errors import DataError, LimitError, UsageError, one_line

# Recordings -------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Recording:
    """A stretch of one class. Stretches with the same `name` belong to one recording."""

    file: str
    name: str
    values: Numbers  # (rows, channels)
    label: str = ""  # '' if it is unknown
    subject: str = ""
    row: int = 1  # its first row in the file


@dataclass(frozen=True)
class Windows:
    """How recordings are cut: the number of rows in a window, and the step to the next one."""

    length: int
    step: int
    channels: tuple[str, ...]
    rate: float | None = None  # rows per second, if that is known

    @property
    def width(self) -> int:
        """The number of numbers in a window."""
        return self.length * len(self.channels)

    def seconds(self, rows: int) -> float | None:
        return rows / self.rate if self.rate else None

    @property
    def latency(self) -> float | None:
        """The most seconds from the beginning of an event to its answer: it must fill a window,
        and a step may have just passed."""
        return self.seconds(self.length + self.step)

    def starts(self, rows: int) -> range:
        """The first rows of the windows in a recording with this many rows."""
        return range(0, rows - self.length + 1, self.step)

    def cut(self, values: Numbers) -> Numbers:
        """The windows of a recording: (windows, numbers), with all channels of a row together."""
        starts = np.asarray(self.starts(len(values)), np.intp)
        rows = starts[:, None] + np.arange(self.length)
        return np.asarray(values[rows].reshape(len(starts), self.width))


@dataclass(frozen=True)
class SignalColumns:
    """The columns by their meaning; an unnamed one ('') is recognised by its heading."""

    label: str = ""
    time: str = ""
    recording: str = ""
    subject: str = ""
    channels: tuple[str, ...] = ()  # empty: all that are left
    usual: tuple[str, ...] = ()  # the usual channels, if all of them exist
    ignored: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Signals:
    """The recordings of a source, all with the same channels, in their order there."""

    source: str
    channels: tuple[str, ...]
    recordings: tuple[Recording, ...]
    rate: float | None = None  # rows per second
    subjects: str = ""  # the name of the subjects' column; '' if there are none
    label: str = "label"  # the name of the classes' column
    remarks: tuple[str, ...] = ()
    columns: SignalColumns = SignalColumns()  # of a table
    decimal: str = ""  # the decimal mark, unless it is the usual one


# Reading ----------------------------------------------------------------------

TIMES = ("time", "timestamp", "t", "seconds", "milliseconds", "ms")
LABELS = ("label", "class", "activity", "gesture", "target", "word")
NAMES = ("recording", "session", "take", "file", "trial", "segment")
SUBJECTS = ("subject", "person", "user", "participant", "speaker", "volunteer")
UNITS = {"ms": 1e-3, "milliseconds": 1e-3, "millis": 1e-3, "us": 1e-6, "microseconds": 1e-6}
DAY = 86_400.0
UNEVEN = 1.5  # times the usual step: a larger one is a gap
MOST_CLASSES = 100
RECORDED = (*SUFFIXES, wav.SUFFIX)
NONE_LABELLED = "put the files into one folder per class, or name the column of the classes"


def read_signals(
    where: str | os.PathLike[str],
    asked: SignalColumns = SignalColumns(),
    *,
    labelled: bool = True,
    decimal: str = "",
) -> Signals:
    """The recordings in a table, a WAV file, or a folder with a folder of files for each class."""
    path = Path(where)
    if path.is_dir():
        return _folder(path, asked, decimal)
    if path.suffix.lower() == wav.SUFFIX:
        if labelled:
            raise DataError(f"one recording has one class: {NONE_LABELLED}", file=where)
        return _sound(path)
    return _table(path, asked, labelled, decimal)


def _folder(folder: Path, asked: SignalColumns, decimal: str) -> Signals:
    """Each file is a recording; the first folder is its class, a folder within it a person."""
    sources: list[Signals] = []
    recordings: list[Recording] = []
    for file in _files(folder):
        label, *inner = file.relative_to(folder).parent.parts
        if file.suffix.lower() == wav.SUFFIX:
            signals = _sound(file)
        else:
            signals = _table(file, replace(asked, label=""), False, decimal)
        values = np.concatenate([stretch.values for stretch in signals.recordings])
        subject, name = inner[0] if inner else "", str(file.relative_to(folder))
        recording = replace(
            signals.recordings[0], name=name, values=values, label=label, subject=subject
        )
        sources.append(signals)
        recordings.append(recording)
    for signals in sources[1:]:
        _require_alike(signals, sources[0])
    named = all(recording.subject for recording in recordings)
    remarks = dict.fromkeys(remark for signals in sources for remark in signals.remarks)
    return replace(
        sources[0],
        source=str(folder),
        recordings=tuple(recordings),
        subjects="subject" if named else "",
        remarks=tuple(remarks),
    )


def _files(folder: Path) -> list[Path]:
    files = sorted(
        Path(where, name)
        for where, _, names in os.walk(folder)
        for name in names
        if name.lower().endswith(RECORDED) and name[0] != "." and Path(where) != folder
    )
    if not files:
        kinds = ", ".join(kind[1:] for kind in RECORDED)
        raise DataError(
            f"no recordings ({kinds}) in folders within it: put them into one folder per class",
            file=folder,
        )
    if len(files) > limits.CLASSES.most:
        raise LimitError(f"{folder}: {len(files):,} recordings: at most {limits.CLASSES} are read")
    return files


def _require_alike(signals: Signals, first: Signals) -> None:
    if len(signals.channels) != len(first.channels):
        raise DataError(
            f"{counted(len(signals.channels), 'channel')}, but {first.source} has "
            f"{len(first.channels)}: give all recordings the same channels",
            file=signals.source,
        )
    if signals.channels != first.channels:
        raise DataError(
            f"its channels are {', '.join(signals.channels)}, those of {first.source} "
            f"{', '.join(first.channels)}: give all recordings the same channels",
            file=signals.source,
        )
    if signals.rate and first.rate and abs(signals.rate - first.rate) > 0.02 * first.rate:
        raise DataError(
            f"{signals.rate:g} rows a second, but {first.source} has {first.rate:g}: bring all "
            "recordings to the same rate",
            file=signals.source,
        )


def _sound(path: Path) -> Signals:
    sound = wav.read_wav(path)
    many = sound.samples.shape[1]
    channels = tuple(f"channel {k}" for k in range(1, many + 1)) if many > 1 else ("sound",)
    recording = Recording(str(path), path.name, sound.samples)
    return Signals(str(path), channels, (recording,), float(sound.rate))


def _table(path: Path, asked: SignalColumns, labelled: bool, decimal: str) -> Signals:
    table = read_columns(path, decimal, least=1)
    columns = find_columns(table, asked, labelled)
    return signals_of(table, columns, labelled)


def find_columns(table: ColumnTable, asked: SignalColumns, labelled: bool) -> SignalColumns:
    """The meaning of this table's columns: as it was given, or by their headings."""
    if not asked.channels and asked.usual and set(asked.usual) <= set(table.names):
        asked = replace(asked, channels=asked.usual)
    for name in (*asked.ignored, *asked.channels):
        table.place(name)
    used = {*asked.ignored, *asked.channels}

    def choose(name: str, headings: Sequence[str]) -> str:
        """The given column, or the first one whose name begins with one of these words."""
        if name:
            column = table.names[table.place(name)]
            if column in used:
                raise UsageError(f"column '{column}' has two meanings: remove one")
        else:
            left = (name for name in table.names if name not in used)
            column = next((name for name in left if {*words(name)[:1]} & {*headings}), "")
        used.add(column)
        return column

    time = choose(asked.time, TIMES)
    recording, subject = choose(asked.recording, NAMES), choose(asked.subject, SUBJECTS)
    label = choose(asked.label, LABELS)
    last = table.names[-1]
    if labelled and not label and last not in used:
        column = table.column(last)
        if column.words or column.style.truths:
            label = last
            used.add(last)
    if labelled and not label:
        raise DataError("no column with the classes: name it with --target COLUMN", file=table.file)
    channels = asked.channels or tuple(name for name in table.names if name not in used)
    channels = tuple(table.names[table.place(name)] for name in channels)
    return replace(
        asked, time=time, label=label, recording=recording, subject=subject, channels=channels
    )


def signals_of(table: ColumnTable, columns: SignalColumns, labelled: bool) -> Signals:
    """The recordings in the rows of a table."""
    values = _channels(table, columns.channels)
    labels = _words(table, columns.label)
    if labelled:
        place = table.place(columns.label)
        for k in np.flatnonzero(table.missing(place, of_words=True))[:1]:
            why = "the class of a row is missing: add it, or leave out the row"
            raise table.error(why, place, table.rows_at([k])[k].number)
        require_classes(set(labels), table.file)
    names, subjects = _words(table, columns.recording), _words(table, columns.subject)
    times = _times(table, columns.time)
    remarks = [*table.remarks]
    recordings: list[Recording] = []
    stretches = [*pairwise(_breaks(names, subjects, labels, times, columns.recording))]
    rows = table.rows_at(k for first, end in stretches for k in (first, end - 1))
    for first, end in stretches:
        row = rows[first].number
        name = names[first] or f"rows {row:,} to {rows[end - 1].number:,}"
        if columns.recording and columns.subject:
            name = f"{subjects[first]}, {name}"
        label = labels[first] if labelled else ""
        recordings.append(
            Recording(table.file, name, values[first:end], label, subjects[first], row)
        )
    rate, uneven = _rate(times, stretches)
    if uneven:
        remarks.append(
            f"{counted(uneven, 'step')} of time {'is' if uneven == 1 else 'are'} far from the "
            "usual one: all rows are treated as evenly spaced"
        )
    return Signals(
        table.file,
        columns.channels,
        tuple(recordings),
        rate,
        columns.subject,
        columns.label or "label",
        tuple(remarks),
        columns,
        table.decimal,
    )


def _channels(table: ColumnTable, names: Sequence[str]) -> Numbers:
    if not names:
        raise DataError("no column is left for a channel", file=table.file)
    columns = [table.column(name) for name in names]
    for column in columns:
        if column.words or column.dates:
            raise table.error(
                "it contains no numbers, so it isn't a channel: leave it out with "
                f"--set 'ignore {column.name}', or give its meaning",
                table.place(column.name),
            )
    table.require_complete(columns)
    return encode(table, columns)


def _words(table: ColumnTable, name: str) -> list[str]:
    if not name:
        return [""] * len(table)
    known: dict[str, str] = {}  # equal ones are stored once
    return [known.setdefault(text, text) for text in table.texts(table.place(name))]


def require_classes(labels: set[str], source: str) -> None:
    """Refuse recordings from which no classes can be learned."""
    if len(labels) < 2:
        only = next(iter(labels), "")
        raise DataError(
            f"all recordings are of one class, '{only}': add another class",
            file=source,
        )
    if len(labels) > MOST_CLASSES:
        raise DataError(
            f"{len(labels):,} different classes are too many: at most {MOST_CLASSES}", file=source
        )


def _times(table: ColumnTable, name: str) -> Numbers | None:
    """Seconds."""
    if not name:
        return None
    column = table.column(name)
    if column.words:
        why = "it contains words, so it isn't a time: write seconds or milliseconds"
        raise table.error(why, table.place(name))
    unit = next((UNITS[word] for word in words(name) if word in UNITS), 1.0)
    table.require_complete([column])
    return table.values(column) * (DAY if column.dates else unit)


def _breaks(
    names: Sequence[str],
    subjects: Sequence[str],
    labels: Sequence[str],
    times: Numbers | None,
    named: str,
) -> list[int]:
    """The beginnings of stretches, and the end: where something changes, or, if recordings have no
    names, where time starts again."""
    keys = list(zip(names, subjects, labels, strict=True))
    breaks = [0]
    for k in range(1, len(keys)):
        again = times is not None and not named and times[k] <= times[k - 1]
        if keys[k] != keys[k - 1] or again:
            breaks.append(k)
    return [*breaks, len(keys)]


def _rate(times: Numbers | None, stretches: Sequence[tuple[int, int]]) -> tuple[float | None, int]:
    """The rows per second by the usual time step, and the number of steps that differ much."""
    if times is None:
        return None, 0
    steps = np.concatenate([np.diff(times[first:end]) for first, end in stretches])
    if not len(steps) or float(np.median(steps)) <= 0:
        return None, 0
    usual = float(np.median(steps))
    rate = 1 / usual
    nearest = round(rate)
    rate = float(nearest) if nearest and abs(rate - nearest) < 1e-3 * rate else rate
    return rate, int(((steps > UNEVEN * usual) | (steps <= 0)).sum())


# Windows and their parts ------------------------------------------------------

LEAST_WINDOW = 2
RECORDINGS, SUBJECTS_APART = WAYS = ("recording", "subject")
LEAST_GROUPS = 3  # one to train on, one to hold back, one for the test


@dataclass(frozen=True, eq=False)
class CutSignals:
    """The windows of all recordings."""

    signals: Signals
    windows: Windows
    rows: Numbers  # (windows, numbers)
    recording: NDArray[np.intp]  # of each window, by its number
    first: NDArray[np.intp]  # the first row of each window in its recording, from 0
    remarks: tuple[str, ...] = ()
    _names: dict[str, NDArray[np.intp]] = field(default_factory=dict, init=False, repr=False)

    def places(self) -> Iterator[tuple[Recording, int]]:
        """The recording of each window, and its first row there."""
        for which, first in zip(self.recording.tolist(), self.first.tolist(), strict=True):
            yield self.signals.recordings[which], first

    def groups(self, way: str) -> NDArray[np.intp]:
        """The number of each window's group: its recording, or its subject."""
        if way not in self._names:
            names = [
                recording.subject if way == SUBJECTS_APART else (recording.file, recording.name)
                for recording in self.signals.recordings
            ]
            numbers = {name: k for k, name in enumerate(dict.fromkeys(names))}
            self._names[way] = np.array([numbers[name] for name in names])[self.recording]
        return self._names[way]


def cut_signals(signals: Signals, windows: Windows) -> CutSignals:
    """All windows; a recording shorter than a window is refused."""
    if windows.length < LEAST_WINDOW:
        raise UsageError(f"a window must have at least {LEAST_WINDOW} rows")
    counts = [len(windows.starts(len(part.values))) for part in signals.recordings]
    longest: dict[tuple[str, str], int] = {}
    for part in signals.recordings:
        known = longest.get((part.file, part.name), 0)
        longest[part.file, part.name] = max(known, len(part.values))
    for part in signals.recordings:
        if longest[part.file, part.name] < windows.length:
            raise DataError(
                f"recording '{part.name}' has {counted(len(part.values), 'row')}, fewer than a "
                f"window of {windows.length:,}: use a shorter --window, or leave out the recording",
                file=part.file,
                row=part.row,
            )
    if sum(counts) * windows.width > MOST_NUMBERS:
        raise LimitError(
            f"{signals.source}: {sum(counts):,} windows of {windows.width:,} numbers are too many: "
            f"at most {MOST_NUMBERS:,} numbers together; use a larger step, as in --set 'step 64'"
        )
    remarks = list(signals.remarks)
    short = sum(not count for count in counts)
    if short:
        remarks.append(
            one_line(
                f"{counted(short, 'stretch', 'stretches')} between two classes, shorter than a "
                "window: left out"
            )
        )
    rows = np.concatenate([windows.cut(part.values) for part in signals.recordings])
    first = [np.asarray(windows.starts(len(part.values)), np.intp) for part in signals.recordings]
    recording = np.repeat(np.arange(len(counts)), counts)
    return CutSignals(signals, windows, rows, recording, np.concatenate(first), tuple(remarks))


def deal_groups(labels: NDArray[np.integer], groups: NDArray[np.integer]) -> NDArray[np.uint8]:
    """The fold of every window: those of one group share a fold, and each class is spread evenly.
    There are as many folds as every class has groups, `FOLDS` at most.

    The largest group goes first, into the fold with the least of its class; among equal ones, into
    the emptiest, with fold 0 last.
    """
    _, group_of = np.unique(groups, return_inverse=True)
    count, classes = int(group_of.max()) + 1, int(labels.max()) + 1
    of_groups = np.zeros((count, classes), np.int64)
    np.add.at(of_groups, (group_of, labels), 1)
    folds = fold_count(labels, groups)
    there, fold_of = np.zeros((folds, classes), np.int64), np.zeros(count, np.uint8)
    for group in np.lexsort((scrambled_numbers(count), -of_groups.sum(axis=1))).tolist():
        alike = (there @ of_groups[group]).tolist()
        sizes = there.sum(axis=1).tolist()
        fold = min(range(folds), key=lambda k: (alike[k], sizes[k], -k))
        there[fold] += of_groups[group]
        fold_of[group] = fold
    return fold_of[group_of]


def fold_count(labels: NDArray[np.integer], groups: NDArray[np.integer]) -> int:
    """The number of folds that can each contain every class."""
    pairs = np.unique(np.stack([labels, groups]), axis=1)
    return min(FOLDS, int(np.bincount(pairs[0])[np.unique(labels)].min()))


def require_groups(
    labels: NDArray[np.integer], groups: NDArray[np.integer], names: Sequence[str], way: str
) -> None:
    """Refuse recordings that can't be split into training, validation and test."""
    for number, name in enumerate(names):
        count = len(np.unique(groups[labels == number]))
        if count < LEAST_GROUPS:
            raise DataError(
                f"class '{name}' is in {counted(count, way)}: give at least {LEAST_GROUPS}, one "
                "to train on, one to hold back and one for the test; or train on everything "
                "with --set 'test none'"
            )
