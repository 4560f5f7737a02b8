"""Recordings and windows: what is read, what belongs together, and what is refused."""

from __future__ import annotations

import wave

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradbook.data import made_words
from gradbook.data.made_signals import gestures
from gradbook.data.made_words import BACKGROUND, RATE, WORDS
from gradbook.data.signals import (
    SignalColumns,
    Windows,
    cut_signals,
    deal_groups,
    read_signals,
)
from gradbook.errors import DataError, GradbookError, UsageError
from tests.cases import for_each
from tests.data.signal_table import as_csv


def csv(tmp_path, rows, heading="time,x,y,label", name="s.csv"):
    file = tmp_path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join([heading, *(",".join(map(str, row)) for row in rows)]) + "\n")
    return file


def stretch(count, label, first=0, step=0.02):
    return [(f"{k * step:.3f}", first + k, -k, label) for k in range(count)]


def test_time_channels_and_classes_are_found_by_their_headings(tmp_path):
    signals = read_signals(csv(tmp_path, stretch(10, "a") + stretch(8, "b")))
    assert signals.channels == ("x", "y")
    assert signals.rate == 50
    assert [(one.label, len(one.values)) for one in signals.recordings] == [("a", 10), ("b", 8)]
    assert signals.recordings[0].values[3].tolist() == [3, -3]


def test_time_that_starts_again_is_another_recording(tmp_path):
    signals = read_signals(csv(tmp_path, stretch(6, "a") + stretch(6, "a") + stretch(6, "b")))
    assert [one.row for one in signals.recordings] == [2, 8, 14]


def test_milliseconds_are_said_by_the_heading(tmp_path):
    rows = stretch(6, "a", step=10) + stretch(6, "b", step=10)
    assert read_signals(csv(tmp_path, rows, "time (ms),x,y,label")).rate == 100


def test_columns_can_be_named(tmp_path):
    rows = [(k // 8, k, 2 * k, "p", "a" if k < 8 else "b") for k in range(16)]
    file = csv(tmp_path, rows, "nr,left,right,who,kind")
    asked = SignalColumns(label="kind", recording="nr", subject="who", channels=("right",))
    signals = read_signals(file, asked)
    assert (signals.channels, signals.subjects) == (("right",), "who")
    assert [one.name for one in signals.recordings] == ["p, 0", "p, 1"]


def test_a_folder_has_a_file_for_each_recording_and_one_in_it_for_each_class(tmp_path):
    for label in "ab":
        for k in range(2):
            csv(tmp_path, [(k, 1, 2)] * 5, "time,x,y", f"{label}/{k}.csv")
    signals = read_signals(tmp_path)
    assert [one.name for one in signals.recordings] == ["a/0.csv", "a/1.csv", "b/0.csv", "b/1.csv"]
    assert [one.label for one in signals.recordings] == ["a", "a", "b", "b"]
    assert signals.subjects == ""


def test_folders_within_are_people(tmp_path):
    for label in "ab":
        csv(tmp_path, [(1, 2)] * 5, "x,y", f"{label}/ann/1.csv")
    signals = read_signals(tmp_path)
    assert (signals.subjects, signals.recordings[0].subject) == ("subject", "ann")


def sound(file, rate=8000, count=50):
    file.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(file), "wb") as stream:
        stream.setnchannels(1)
        stream.setsampwidth(2)
        stream.setframerate(rate)
        stream.writeframes(b"\0\1" * count)


def test_a_folder_of_sounds_knows_its_rate(tmp_path):
    sound(tmp_path / "yes" / "1.wav")
    sound(tmp_path / "no" / "1.wav")
    signals = read_signals(tmp_path)
    assert (signals.channels, signals.rate) == (("sound",), 8000)


def test_what_is_made_is_written_and_read_as_the_same(tmp_path):
    made = gestures()
    file = tmp_path / "moves.csv"
    few = made.recordings[:12]
    file.write_text("".join(as_csv(type(made)("m", made.channels, few, 50.0, "subject"))))
    signals = read_signals(file)
    assert (signals.channels, signals.rate, signals.subjects) == (made.channels, 50, "subject")
    for own, other in zip(few, signals.recordings, strict=True):
        assert (own.label, own.subject) == (other.label, other.subject)
        np.testing.assert_array_equal(own.values, other.values)


# What is refused.


@for_each("word", WORDS)
def test_a_word_rises_from_a_noise_that_a_microphone_has(word):
    for speaker in range(3):
        heard = made_words.sound(word, speaker, 1)
        assert len(heard) == 1.2 * RATE
        assert np.abs(heard).max() < 1  # or it would be cut off
        before, whole = (np.sqrt(np.mean(part**2)) for part in (heard[:1200], heard))
        assert 0.0009 < before < 0.022  # 0.15 s; from 1/1000 to 1/50 of full strength
        assert (whole > 0.03) == (word != BACKGROUND)


def test_one_class_is_nothing_to_learn(tmp_path):
    with pytest.raises(DataError, match="all recordings are of one class, 'a'"):
        read_signals(csv(tmp_path, stretch(10, "a")))


@for_each("cell", ["", "nan", "?"])
def test_a_missing_value_is_refused_by_its_place(tmp_path, cell):
    rows = [*stretch(10, "a"), *stretch(10, "b")]
    rows[4] = ("0.08", cell, 1, "a")
    with pytest.raises(DataError, match="row 6, column x"):
        read_signals(csv(tmp_path, rows))


def test_a_missing_class_is_refused_by_its_place(tmp_path):
    rows = [*stretch(10, "a"), *stretch(10, "")]
    with pytest.raises(DataError, match="row 12, column label"):
        read_signals(csv(tmp_path, rows), SignalColumns(label="label"))


def test_words_are_no_channel(tmp_path):
    rows = [(k, "up", "a" if k < 5 else "b") for k in range(10)]
    with pytest.raises(DataError, match="column way: it contains no numbers"):
        read_signals(csv(tmp_path, rows, "x,way,label"))


def test_unknown_columns_are_refused(tmp_path):
    file = csv(tmp_path, stretch(10, "a") + stretch(10, "b"))
    with pytest.raises(DataError, match="no column 'z'"):
        read_signals(file, SignalColumns(channels=("x", "z")))
    with pytest.raises(UsageError, match="has two meanings"):
        read_signals(file, SignalColumns(label="x", channels=("x", "y")))


def test_recordings_have_the_same_channels_and_rate(tmp_path):
    csv(tmp_path, [(1, 2)] * 5, "x,y", "a/1.csv")
    csv(tmp_path, [(1, 2, 3)] * 5, "x,y,z", "b/1.csv")
    with pytest.raises(DataError, match="3 channels, but .* has 2"):
        read_signals(tmp_path)
    sound(tmp_path / "w" / "yes" / "1.wav", 8000)
    sound(tmp_path / "w" / "no" / "1.wav", 16_000)
    with pytest.raises(DataError, match="8000 rows a second, but .* has 16000"):
        read_signals(tmp_path / "w")


def test_a_recording_shorter_than_a_window_is_refused(tmp_path):
    signals = read_signals(csv(tmp_path, stretch(20, "a") + stretch(9, "b")))
    with pytest.raises(DataError, match="row 22: recording 'rows 22 to 30' has 9 rows, fewer than"):
        cut_signals(signals, Windows(10, 5, signals.channels))


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(GradbookError, match="no recordings"):
        read_signals(tmp_path)


# Windows.


def test_windows_are_the_rows_that_they_say(tmp_path):
    signals = read_signals(csv(tmp_path, stretch(11, "a") + stretch(8, "b", 100)))
    cut = cut_signals(signals, Windows(4, 3, signals.channels))
    assert cut.remarks == ()
    assert cut.first.tolist() == [0, 3, 6, 0, 3]
    assert cut.recording.tolist() == [0, 0, 0, 1, 1]
    for row, which, first in zip(cut.rows, cut.recording, cut.first, strict=True):
        whole = signals.recordings[which].values
        np.testing.assert_array_equal(row.reshape(4, 2), whole[first : first + 4])


def test_a_window_has_two_rows_or_more(tmp_path):
    signals = read_signals(csv(tmp_path, stretch(4, "a") + stretch(4, "b")))
    assert cut_signals(signals, Windows(2, 2, signals.channels)).first.tolist() == [0, 2, 0, 2]
    with pytest.raises(GradbookError, match="a window must have at least 2 rows"):
        cut_signals(signals, Windows(1, 1, signals.channels))


def test_no_window_is_of_two_classes(tmp_path):
    rows = [(k, k, "r", "a" if k % 20 < 10 else "b") for k in range(63)]
    signals = read_signals(csv(tmp_path, rows, "x,y,recording,label"))
    cut = cut_signals(signals, Windows(6, 1, signals.channels))
    for first in cut.rows[:, 0]:
        assert first % 10 <= 4
    assert cut.remarks == ("1 stretch between two classes, shorter than a window: left out",)
    assert len(np.unique(cut.groups("recording"))) == 1  # for they were recorded in one go


@given(st.data())
def test_what_belongs_together_is_in_one_fold(data):
    count = data.draw(st.integers(3, 20))
    sizes = data.draw(st.lists(st.integers(1, 9), min_size=count, max_size=count))
    groups = np.repeat(np.arange(count), sizes)
    labels = np.array(data.draw(st.lists(st.integers(0, 2), min_size=count, max_size=count)))
    folds = deal_groups(labels[groups], groups)
    for group in range(count):
        assert len(np.unique(folds[groups == group])) == 1
    assert set(folds) == set(range(folds.max() + 1))
    for label in np.unique(labels[groups]):
        assert set(folds[labels[groups] == label]) == set(range(folds.max() + 1))


def test_folds_of_equal_groups_are_equal():
    groups = np.repeat(np.arange(24), 10)
    labels = np.tile(np.arange(5), 48)
    counts = np.bincount(deal_groups(labels, groups))
    assert counts.tolist() == [40] * 6
