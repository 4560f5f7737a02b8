"""Tokens by their numbers: read, written again, and what is refused of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradbook.errors import GradbookError
from gradbook.net import Conv, Embedding, Net, Sample
from gradbook.net.build import training_step
from gradbook.net.step import run

LETTERS = "input tokens 3 of 4\nembed 2\nconv1d 4 1 no bias\nsoftmax\nloss cross-entropy\n"


def test_tokens_and_classes_go_by_number():
    net = Net.parse(LETTERS + "sample 0 3 1 -> 3 1 -1\n")
    (sample,) = net.samples
    assert sample.inputs == (1, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0)
    assert sample.targets == (0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0)
    assert str(net) == LETTERS + "sample 0 3 1 -> 3 1 -1\n"


def test_classes_of_the_whole_go_by_number_too():
    text = "input tokens 3 of 4; embed 2; flatten; dense 3; softmax; loss cross-entropy"
    net = Net.parse(f"{text}; sample 0 1 2 -> 2; sample 3 3 3 -> 0 0.5 0.5")
    assert [sample.targets for sample in net.samples] == [(0, 0, 1), (0, 0.5, 0.5)]
    assert Net.parse(str(net)) == net


def test_an_embedding_is_the_row_of_its_token():
    """By numpy: the columns of the weights, one for each token."""
    net = Net.parse(LETTERS + "sample 2 0 3 -> 0 1 2\n")
    step = training_step(net)
    values = next(run(step, 1))
    embedded = next(node for node in step.graph.nodes if str(node.name) == "e")
    columns = np.array(net.start_values()["w"][:8]).reshape(2, 4)
    assert np.array_equal(np.squeeze(values[embedded]), columns[:, [2, 0, 3]])


@given(st.lists(st.lists(st.integers(0, 3), min_size=3, max_size=3), max_size=3), st.data())
def test_any_numbers_come_back(lines, data):
    numbers = st.lists(st.integers(-1, 3), min_size=3, max_size=3).filter(lambda n: max(n) >= 0)
    told = [(tokens, data.draw(numbers)) for tokens in lines]
    rows = [f"sample {' '.join(map(str, a))} -> {' '.join(map(str, b))}\n" for a, b in told]
    text = LETTERS + "".join(rows)
    assert str(Net.parse(text)) == text


def test_a_sample_of_ones_in_the_wrong_places_is_refused():
    net = Net.parse(LETTERS)
    two = Sample((1, 1, 0, 0) * 3, (0, 0, 0, 1) * 3)
    with pytest.raises(GradbookError, match="sample 1: step 1 isn't a token"):
        replace(net, samples=(two,))


def test_an_embedding_has_nothing_but_a_width():
    with pytest.raises(GradbookError, match="embed has a width"):
        Embedding(2, bias="bias")


def test_it_is_a_convolution_in_other_words():
    assert Embedding(2).in_other_words == Conv(2, (1, 1), bias="no bias", row=True)
