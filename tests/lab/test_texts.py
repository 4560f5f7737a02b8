"""Lines learned letter by letter: what is given and wanted, that it is learned, what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from gradbook.errors import DataError, ShapeError
from gradbook.lab.texts import (
    LineWriter,
    learn_lines,
    lines_of,
    read_lines,
    usual_lines,
    usual_network,
)
from gradbook.net import parse

WORDS = "\n".join(["aba", "bab", "abab", "baba", "ababa", "babab", "ab", "ba", "abababa", "bababa"])
SMALL = "input {}x3; gru 8 all; conv1d 3 1; softmax; loss cross-entropy; update adam; rate 0.02"


@pytest.fixture
def writer():
    return LineWriter(parse(SMALL.format(8)), lines_of(WORDS, "words"), seed=1)


def test_each_letter_is_given_and_the_next_is_wanted(writer):
    given, wanted = writer.arrays(["ab"])
    assert given[0].argmax(axis=1)[:3].tolist() == [0, 1, 2]  # the beginning, a, b
    wanted = wanted.reshape(given.shape)
    assert wanted[0].argmax(axis=1)[:3].tolist() == [1, 2, 0]  # a, b, the end
    assert not given[0, 3:].any()
    assert not wanted[0, 3:].any()


def test_a_line_that_is_too_long_is_cut_and_counted():
    writer = LineWriter(parse(SMALL.format(4)), lines_of(WORDS, "words"))
    given, wanted = writer.arrays(["ababa"])
    assert given.shape == (1, 4, 3)
    assert wanted.reshape(given.shape)[0].argmax(axis=1).tolist() == [1, 2, 1, 2]
    assert writer.cut == 6


def test_what_alternates_is_learned_to_alternate(writer):
    """Each letter but the first and the end follows from the one before."""
    before = writer.loss(writer.held_out)
    last = learn_lines(writer, 400, lambda _: None)
    assert last.step == 400
    assert writer.loss(writer.held_out) < before - 0.3
    random = np.random.default_rng(0)
    written = [writer.write(random, 0.5) for _ in range(30)]
    assert all("aa" not in line and "bb" not in line for line in written)
    assert len(set(written)) > 3


def test_at_temperature_0_chance_has_no_say(writer):
    learn_lines(writer, 200, lambda _: None)
    first, other = (writer.write(np.random.default_rng(seed), 0.0) for seed in (1, 2))
    assert first == other


def test_the_loss_is_pytorchs(writer):
    torch = pytest.importorskip("torch")
    given, wanted = writer.arrays(writer.held_out)
    shares = torch.tensor(writer.engine.predict(given).reshape(given.shape))
    labels = torch.tensor(wanted.reshape(given.shape)).argmax(2)
    labels[~torch.tensor(wanted.reshape(given.shape).any(2))] = -100
    each = torch.nn.functional.nll_loss(shares.log().movedim(2, 1), labels, reduction="none")
    counts = (labels >= 0).sum(1)
    assert writer.loss(writer.held_out) == pytest.approx(float((each.sum(1) / counts).mean()))


def test_the_names_that_come_along_are_for_microgpt():
    lines = usual_lines()
    net = usual_network(lines.tokens, 16)
    assert (len(lines.lines), lines.tokens, net.count()) == (1511, 27, 4192)
    assert max(map(len, lines.lines)) < 16


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("one\ntwo\n", "has 2 different lines: give at least 10"),
        ("\n".join(chr(0x4E00 + k) for k in range(300)), "has 300 different letters: at most 299"),
    ],
)
def test_lines_that_can_not_be_learned_are_refused(tmp_path, text, said):
    file = tmp_path / "lines.txt"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=said):
        read_lines(file)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("input 2; dense 2", "begin the network with 'input tokens 16 of 3', not 'input 2'"),
        ("input 8x3; gru 3; dense 3; softmax", "say the next letter at each step: end it with"),
        ("input 8x3; gru 3 all; tanh", "say the next letter at each step"),
    ],
)
def test_a_network_that_says_no_letters_is_refused(text, said):
    with pytest.raises(ShapeError, match=said):
        LineWriter(parse(text), lines_of(WORDS, "words"))
