"""Tokens by their numbers: read, written again, and what is refused of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradbook.errors import GradbookError, NetTextError
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


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("sample 0 1 -> 1 2 3", "sample 1: 2 tokens, but the input takes 3 tokens"),
        ("sample 0 1 4 -> 1 2 3", "token 4 isn't one of 4: they are counted from 0 to 3"),
        ("sample 0 1 0.5 -> 1 2 3", "token 0.5 isn't one of 4"),
        ("sample 0 1 -1 -> 1 2 3", "token -1 isn't one of 4"),
        ("sample 0 1 2 -> 1 2 4", "class 4 isn't one of 4"),
        ("sample 0 1 2 -> -1 -1 -1", "no step has a target"),
        ("sample 0 1 2 -> 1 2", "2 targets, but the network takes 12"),
    ],
)
def test_samples_that_do_not_fit_are_refused_at_their_line(line, said):
    with pytest.raises(NetTextError, match=said) as refused:
        Net.parse(LETTERS + line)
    assert refused.value.line == 6


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("input tokens 3; embed 2", "of how many different ones"),
        ("input tokens 3 of 4; flatten; dense 2", "tokens are read by a layer of sequences"),
        ("input tokens 0 of 4; embed 2", "from 1 up"),
        (
            "input 3x4; unembed 4; flatten; dense 1",
            "the 'embed' before it, and there is none",
        ),
        ("input 3x4; embed 2; unembed 5; flatten; dense 1", "which are 2x4 .* have to be 2x5"),
    ],
)
def test_an_input_of_tokens_that_cannot_be_is_refused(text, said):
    with pytest.raises(NetTextError, match=said):
        Net.parse(text)


def test_a_sample_of_ones_in_the_wrong_places_is_refused():
    net = Net.parse(LETTERS)
    two = Sample((1, 1, 0, 0) * 3, (0, 0, 0, 1) * 3)
    with pytest.raises(GradbookError, match="sample 1: step 1 isn't a token"):
        replace(net, samples=(two,))


def test_an_embedding_has_nothing_but_a_width():
    with pytest.raises(GradbookError, match="embed has a width"):
        Embedding(2, bias="bias")


def test_it_can_be_said_without_tokens():
    net = Net.parse(LETTERS + "sample 0 3 1 -> 3 1 -1\n").with_tokens_spelled_out()
    assert net.layers[0] == Conv(2, (1, 1), bias="no bias", row=True)
    assert str(net).startswith("input 3x4\nconv1d 2 1 no bias\n")
    assert Net.parse(str(net)) == net
