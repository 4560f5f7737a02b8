"""Arguments: the kinds of value that options take, and which network is meant."""

from __future__ import annotations

import io
import sys
from argparse import ArgumentTypeError

import pytest

from gradbook import limits
from gradbook.builtin_networks import BUILTIN
from gradbook.cli.argument_kinds import (
    network,
    whole_number,
)
from gradbook.errors import FileError, LimitError, NetTextError, UsageError
from gradbook.net.network import parse
from tests.cases import for_each


@for_each("word", ["10000", "10,000", "10_000"])
def test_a_whole_number_may_have_its_thousands_marked(word):
    assert whole_number()(word) == 10_000


@for_each("word", ["", "-", "1.5", "ten", "1e3", "²", "7,0", "70,", "+7", "9" * 5000])
def test_what_is_no_whole_number_is_refused(word):
    with pytest.raises(ArgumentTypeError, match="isn't a whole number"):
        whole_number()(word)


@for_each("word", ["-1", "1001"])
def test_a_whole_number_outside_its_range_is_told_the_range(word):
    with pytest.raises(ArgumentTypeError, match="at least 0 and at most 1,000"):
        whole_number(0, 1000)(word)


SMALL = "input 2\ndense 1\nsigmoid\nloss half squared error\nsample 1 0 -> 1\n"


@pytest.fixture
def given(monkeypatch):
    """`given(bytes)` comes from standard input."""

    def give(content):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))

    return give


@for_each("name", BUILTIN)
def test_a_built_in_network_goes_by_its_name(name):
    assert network(name) == parse(BUILTIN[name])


def test_a_file_may_have_a_space_in_its_name(tmp_path):
    file = tmp_path / "my small.net"
    file.write_text(SMALL)
    assert network(str(file)) == parse(SMALL)


def test_a_built_in_name_wins_over_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "worked").write_text(SMALL)
    assert network("worked") == parse(BUILTIN["worked"])
    assert network("./worked") == parse(SMALL)


@for_each("text", [SMALL, SMALL.replace("\n", "; ")])
def test_text_stands_for_itself(text):
    assert network(text) == parse(SMALL)


def test_samples_come_from_a_table_beside_the_network(tmp_path):
    (tmp_path / "and.csv").write_text("a,b,both\n0,1,0\n1,1,1\n")
    (tmp_path / "and.net").write_text(SMALL.replace("sample 1 0 -> 1", "data and.csv"))
    samples = network(str(tmp_path / "and.net")).samples
    assert [(s.inputs, s.targets) for s in samples] == [((0, 1), (0,)), ((1, 1), (1,))]


def test_a_dash_is_standard_input(given):
    given(SMALL.encode())
    assert network("-") == parse(SMALL)


def test_a_mistake_in_standard_input_says_so(given):
    given(b"input 2\nsigmod\n")
    with pytest.raises(NetTextError, match="standard input, line 2, column 1: "):
        network("-")


def test_a_name_that_is_nothing_is_told_what_there_is():
    with pytest.raises(UsageError, match="called 'qqqqq': the built-in networks are worked, "):
        network("qqqqq")


def test_a_folder_is_no_network(tmp_path):
    with pytest.raises(FileError, match="it is a folder"):
        network(str(tmp_path))


def test_endless_input_is_refused(given):
    given(b"#" * (limits.TEXT.most + 1))
    with pytest.raises(LimitError, match="standard input is larger than"):
        network("-")


def test_a_closed_standard_input_is_said(monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(UsageError, match="standard input is closed"):
        network("-")
