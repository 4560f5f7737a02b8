"""Recordings of signals: values that come step after step, and the windows that are cut of them.

A table holds recordings in its rows, with a column for each channel; or a folder holds a file for
each, tables or WAV, in a folder for each class. Windows of one recording overlap, so they never go
apart: it is recordings, or the people they are of, that are dealt to training, validation and test.
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
from gradbook.data.formats.cells import is_missing
from gradbook.data.formats.files import words
from gradbook.data.tables import MOST_NUMBERS, SUFFIXES, ColumnTable, Numbers, read_columns
from gradbook.errors import DataError, LimitError, UsageError, one_line

# What a recording is ----------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Recording:
    """A stretch of one class. Stretches of the same `name` were recorded in one go."""

    file: str
    name: str
    values: Numbers  # (rows, channels)
    label: str = ""  # '' where nobody says it
    subject: str = ""
    row: int = 1  # of the file, where it begins


@dataclass(frozen=True)
class Windows:
    """How recordings are cut: how many rows a window has, and after how many the next begins."""

    length: int
    step: int
    channels: tuple[str, ...]
    rate: float | None = None  # rows a second, where that is known

    @property
    def width(self) -> int:
        """How many numbers a window has."""
        return self.length * len(self.channels)

    def seconds(self, rows: int) -> float | None:
        return rows / self.rate if self.rate else None

    @property
    def latency(self) -> float | None:
        """Seconds from the first row of what happens to the answer about it, at most: a window
        must be full of it, and a step may have just gone by."""
        return self.seconds(self.length + self.step)

    def starts(self, rows: int) -> range:
        """Where in a recording of so many rows windows begin."""
        return range(0, rows - self.length + 1, self.step)

    def cut(self, values: Numbers) -> Numbers:
        """The windows of a recording: (windows, numbers), all channels of a row together."""
        starts = np.asarray(self.starts(len(values)), np.intp)
        rows = starts[:, None] + np.arange(self.length)
        return np.asarray(values[rows].reshape(len(starts), self.width))


@dataclass(frozen=True)
class SignalColumns:
    """Which column means what; one that isn't named ('') is known by its heading."""

    label: str = ""
    time: str = ""
    recording: str = ""
    subject: str = ""
    channels: tuple[str, ...] = ()  # none: all that are left over
    usual: tuple[str, ...] = ()  # channels where none are asked for, if all of them are there
    ignored: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Signals:
    """The recordings of a source, all with the same channels, in the order in which they stand."""

    source: str
    channels: tuple[str, ...]
    recordings: tuple[Recording, ...]
    rate: float | None = None  # rows a second
    subjects: str = ""  # what those of the recordings are called; '' where there are none
    label: str = "label"  # what the classes are called
    remarks: tuple[str, ...] = ()
    columns: SignalColumns = SignalColumns()  # of a table: what each is
    decimal: str = ""  # the decimal sign, where that isn't as usual


# Reading ----------------------------------------------------------------------

TIMES = ("time", "timestamp", "t", "seconds", "milliseconds", "ms")
LABELS = ("label", "class", "activity", "gesture", "target", "word")
NAMES = ("recording", "session", "take", "file", "trial", "segment")
SUBJECTS = ("subject", "person", "user", "participant", "speaker", "volunteer")
UNITS = {"ms": 1e-3, "milliseconds": 1e-3, "millis": 1e-3, "us": 1e-6, "microseconds": 1e-6}
DAY = 86_400.0
UNEVEN = 1.5  # times the usual step, from which one is a gap
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
    """The recordings in a table, a WAV file, or a folder with a folder of such for each class."""
    path = Path(where)
    if path.is_dir():
        return _folder(path, asked, decimal)
    if path.suffix.lower() == wav.SUFFIX:
        if labelled:
            raise DataError(f"one recording has one class: {NONE_LABELLED}", file=where)
        return _sound(path)
    return _table(path, asked, labelled, decimal)


def is_recorded(name: str) -> bool:
    """Whether a file of this name may hold a recording."""
    return name.lower().endswith(RECORDED) and not name.startswith(".")


def _folder(folder: Path, asked: SignalColumns, decimal: str) -> Signals:
    """A file is a recording; the first folder is its class, one within it a person."""
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
        whole = replace(
            signals.recordings[0], name=name, values=values, label=label, subject=subject
        )
        sources.append(signals)
        recordings.append(whole)
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
        if is_recorded(name) and Path(where) != folder
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
    """Which columns of this table mean what: as is asked, or by their headings."""
    if not asked.channels and asked.usual and set(asked.usual) <= set(table.names):
        asked = replace(asked, channels=asked.usual)
    for name in (*asked.ignored, *asked.channels):
        table.place(name)
    used = {*asked.ignored, *asked.channels}

    def choose(name: str, headings: Sequence[str]) -> str:
        """The column asked for, or the first one whose name begins with such a word."""
        if name:
            column = table.names[table.place(name)]
            if column in used:
                raise UsageError(f"column '{column}' can't be two things: leave it out once")
        else:
            left = (name for name in table.names if name not in used)
            column = next((name for name in left if {*words(name)[:1]} & {*headings}), "")
        used.add(column)
        return column

    time = choose(asked.time, TIMES)
    recording, subject = choose(asked.recording, NAMES), choose(asked.subject, SUBJECTS)
    label = choose(asked.label, LABELS)
    last = table.names[-1]
    if labelled and not label and last not in used and table.column(last).words:
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
        missing = (k for k, label in enumerate(labels) if is_missing(label, of_words=True))
        for k in missing:
            why = "the class of a row is missing: say it, or leave the row out"
            raise table.error(why, table.place(columns.label), table.rows[k].number)
        require_classes(set(labels), table.file)
    names, subjects = _words(table, columns.recording), _words(table, columns.subject)
    times = _times(table, columns.time)
    remarks = [*table.remarks]
    recordings: list[Recording] = []
    stretches = [*pairwise(_breaks(names, subjects, labels, times, columns.recording))]
    for first, end in stretches:
        row = table.rows[first].number
        name = names[first] or f"rows {row:,} to {table.rows[end - 1].number:,}"
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
            "usual one: all rows are taken as evenly spaced"
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
        raise DataError("no column is left that could be a channel", file=table.file)
    columns = [table.column(name) for name in names]
    for column in columns:
        if column.words or column.dates:
            raise table.error(
                "not a channel, for it has no numbers: leave it out with "
                f"--set 'ignore {column.name}', or say what it is",
                table.place(column.name),
            )
    table.require_complete(columns)
    return np.stack([table.values(column) for column in columns], axis=1)


def _words(table: ColumnTable, name: str) -> list[str]:
    if not name:
        return [""] * len(table)
    place = table.place(name)
    return [row.cells[place] for row in table.rows]


def require_classes(labels: set[str], source: str) -> None:
    """Refuse recordings from which no classes can be learned."""
    if len(labels) < 2:
        only = next(iter(labels), "")
        raise DataError(
            f"all recordings are of one class, '{only}': there is nothing to tell apart",
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
        why = "not a time, for it has words: write seconds or milliseconds"
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
    """Where stretches begin, and the end: where something is another, or, if recordings have no
    names, where time starts again."""
    own = list(zip(names, subjects, labels, strict=True))
    breaks = [0]
    for k in range(1, len(own)):
        again = times is not None and not named and times[k] <= times[k - 1]
        if own[k] != own[k - 1] or again:
            breaks.append(k)
    return [*breaks, len(own)]


def _rate(times: Numbers | None, stretches: Sequence[tuple[int, int]]) -> tuple[float | None, int]:
    """Rows a second by the usual step of time, and how many steps are far from it."""
    if times is None:
        return None, 0
    steps = np.concatenate([np.diff(times[first:end]) for first, end in stretches])
    if not len(steps) or float(np.median(steps)) <= 0:
        return None, 0
    usual = float(np.median(steps))
    rate = 1 / usual
    whole = round(rate)
    rate = float(whole) if whole and abs(rate - whole) < 1e-3 * rate else rate
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
    first: NDArray[np.intp]  # the row of its recording with which each begins, from 0
    remarks: tuple[str, ...] = ()
    _names: dict[str, NDArray[np.intp]] = field(default_factory=dict, init=False, repr=False)

    def places(self) -> Iterator[tuple[Recording, int]]:
        """Of each window its recording, and the row of that with which it begins."""
        for which, first in zip(self.recording.tolist(), self.first.tolist(), strict=True):
            yield self.signals.recordings[which], first

    def groups(self, way: str) -> NDArray[np.intp]:
        """Of each window the number of what it belongs to: its recording, or its subject."""
        if way not in self._names:
            names = [
                one.subject if way == SUBJECTS_APART else (one.file, one.name)
                for one in self.signals.recordings
            ]
            numbers = {name: k for k, name in enumerate(dict.fromkeys(names))}
            self._names[way] = np.array([numbers[name] for name in names])[self.recording]
        return self._names[way]


def cut_signals(signals: Signals, windows: Windows) -> CutSignals:
    """All windows; a recording in which there is room for none is refused."""
    if windows.length < LEAST_WINDOW:
        raise UsageError(f"a window has at least {LEAST_WINDOW} rows")
    counts = [len(windows.starts(len(one.values))) for one in signals.recordings]
    longest: dict[tuple[str, str], int] = {}
    for one in signals.recordings:
        known = longest.get((one.file, one.name), 0)
        longest[one.file, one.name] = max(known, len(one.values))
    for one in signals.recordings:
        if longest[one.file, one.name] < windows.length:
            raise DataError(
                f"recording '{one.name}' has {counted(len(one.values), 'row')}, fewer than a "
                f"window of {windows.length:,}: take a shorter --window, or leave it out",
                file=one.file,
                row=one.row,
            )
    if sum(counts) * windows.width > MOST_NUMBERS:
        raise LimitError(
            f"{signals.source}: {sum(counts):,} windows of {windows.width:,} numbers are too many: "
            f"at most {MOST_NUMBERS:,} numbers together; take a larger step, as in --set 'step 64'"
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
    rows = np.concatenate([windows.cut(one.values) for one in signals.recordings])
    first = [np.asarray(windows.starts(len(one.values)), np.intp) for one in signals.recordings]
    recording = np.repeat(np.arange(len(counts)), counts)
    return CutSignals(signals, windows, rows, recording, np.concatenate(first), tuple(remarks))


def deal_groups(
    labels: NDArray[np.integer], groups: NDArray[np.integer], most: int = FOLDS
) -> NDArray[np.uint8]:
    """The fold of every window: those of one group are in one fold, and of each class there is
    about as much in each. There are as many folds as every class has groups, `most` at most.

    The largest group goes first, into the fold that has least of what it has; where that is equal,
    into the emptiest, of which fold 0 comes last.
    """
    _, own = np.unique(groups, return_inverse=True)
    count, classes = int(own.max()) + 1, int(labels.max()) + 1
    of_groups = np.zeros((count, classes), np.int64)
    np.add.at(of_groups, (own, labels), 1)
    folds = fold_count(labels, groups, most)
    there, fold_of = np.zeros((folds, classes), np.int64), np.zeros(count, np.uint8)
    for group in np.lexsort((scrambled_numbers(count), -of_groups.sum(axis=1))).tolist():
        alike = (there @ of_groups[group]).tolist()
        sizes = there.sum(axis=1).tolist()
        fold = min(range(folds), key=lambda k: (alike[k], sizes[k], -k))
        there[fold] += of_groups[group]
        fold_of[group] = fold
    return fold_of[own]


def fold_count(labels: NDArray[np.integer], groups: NDArray[np.integer], most: int = FOLDS) -> int:
    """How many folds can each have every class."""
    pairs = np.unique(np.stack([labels, groups]), axis=1)
    return min(most, int(np.bincount(pairs[0])[np.unique(labels)].min()))


def require_groups(
    labels: NDArray[np.integer], groups: NDArray[np.integer], names: Sequence[str], way: str
) -> None:
    """Refuse what can't be dealt to training, validation and test."""
    for number, name in enumerate(names):
        count = len(np.unique(groups[labels == number]))
        if count < LEAST_GROUPS:
            raise DataError(
                f"class '{name}' is in {counted(count, way)}: give at least {LEAST_GROUPS}, one "
                "to train on, one to hold back and one for the test; or train on everything "
                "with --set 'test none'"
            )
