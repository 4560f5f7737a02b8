from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gradbook as gb
from gradbook.errors import (
    LONGEST_MESSAGE,
    DataError,
    GradbookError,
    LimitError,
    NetTextError,
    ShapeError,
    TargetError,
    UsageError,
    did_you_mean,
    one_line,
)
from tests.cases import for_each


def test_a_text_error_names_its_place_before_its_message():
    error = NetTextError("unknown layer 'sigmod'", line=3, column=1, source="worked.net")
    assert str(error) == "worked.net, line 3, column 1: unknown layer 'sigmod'"


def test_a_text_error_without_a_place_is_its_message():
    assert str(NetTextError("no loss")) == "no loss"


def test_a_text_error_can_be_told_its_source_later():
    error = NetTextError("no loss", line=2)
    error.source = "my.net"
    assert str(error) == "my.net, line 2: no loss"


def test_a_data_error_names_file_row_and_column():
    error = DataError("'x' isn't a number", file="iris.csv", row=7, column="width")
    assert str(error) == "iris.csv, row 7, column width: 'x' isn't a number"


@for_each("kind", [UsageError, NetTextError, ShapeError, DataError, TargetError, LimitError])
def test_one_clause_catches_every_kind(kind):
    with pytest.raises(GradbookError, match="^plain$"):
        raise kind("plain")


def test_an_error_survives_the_way_between_processes():
    error = NetTextError("no loss", line=2, column=5, source="a.net", text="lss")
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.text) == (str(error), "lss")


@given(st.text())
def test_a_message_is_one_printable_line_whatever_is_in_it(text):
    assert str(GradbookError(text)).isprintable()


def test_a_bell_and_a_colour_are_shown_not_obeyed():
    assert one_line("a\x07\x1b[31mb\nc") == r"a\x07\x1b[31mb\nc"


def test_a_long_message_loses_its_middle_not_its_end():
    line = str(UsageError("x" * 100_000 + " the remedy"))
    assert len(line) <= LONGEST_MESSAGE
    assert line.endswith("the remedy")


@for_each(
    ("word", "hint"),
    [
        ("sigmod", ": did you mean 'sigmoid'?"),
        ("SIGMOID", ": did you mean 'sigmoid'?"),
        ("tan", ": did you mean 'tanh'?"),
        ("fourier", ""),
        ("", ""),
    ],
)
def test_the_closest_known_word_is_proposed(word, hint):
    assert did_you_mean(word, ["sigmoid", "tanh", "relu"]) == hint


@for_each("rows", [np.ones((2, 4)), [[1.0, 2.0, float("nan")]]])
def test_wrong_arrays_are_value_errors_as_in_numpy(rows):
    step = gb.steps("input 3; dense 1", rate=0.1)
    with pytest.raises(ValueError, match=r"\d"):
        step.predict(rows)
