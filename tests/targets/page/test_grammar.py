"""The page's own reader of networks against the command's: what it reads, and what it says."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradbook.errors import NetTextError, did_you_mean, one_line
from gradbook.net import Bias, Net, builtin, parse
from gradbook.net.lower import scalars_of
from gradbook.net.text import LONGEST_TEXT, known_words, layer_words, ours
from gradbook.targets.page.grammar import MOST_SINGLES, grammar_table, unbuilt
from tests.cases import for_each
from tests.families import networks
from tests.net.text.test_wrong_text import HEAD, JUNK, WRONG
from tests.targets.page.machine import asked

pytestmark = pytest.mark.witness("node")
GRAMMAR = grammar_table()
NOT_HERE = re.compile(r"a page can't open a file|a page builds at most|a page can't build")
NOT_BUILT = re.compile(r"\b(mel|spectrogram)\b")  # by a page
DENSE = "input 2; dense 2; sigmoid; dense 1"


def read(text):
    return asked("read", text=text, grammar=GRAMMAR)


def refused(text):
    """Where and with which words the command refuses a text."""
    with pytest.raises(NetTextError) as caught:
        parse(text)
    error = caught.value
    return {"line": error.line, "column": error.column, "message": one_line(error.message)}


def is_refused_by_name(said, text):
    """Whether the page doesn't take something that stands where it says so."""
    if not NOT_HERE.search(said["message"]):
        return False
    row = re.split(r"\r\n|\r|\n", text.removeprefix("\ufeff"))[said["line"] - 1]
    return ours(row[said["column"] - 1 :].replace(";", " ").split()[0]) in known_words()


@for_each("text", [text for text, *_ in WRONG])
def test_a_wrong_text_is_told_the_same_at_the_same_place(text):
    content = read(text)
    if "message" in content and NOT_HERE.search(content["message"]):
        assert is_refused_by_name(content, text)
    else:
        assert content == refused(text)


def test_most_of_the_wrong_texts_are_told_the_same():
    built = [text for text, *_ in WRONG if not NOT_BUILT.search(text)]
    here = [text for text in built if not NOT_HERE.search(read(text)["message"])]
    assert len(here) > 0.97 * len(built) > 0.93 * len(WRONG)


@for_each(
    "text",
    [
        "input 2\nagain",
        "input 2\nagain 2",
        "input 2\nsigmoid\nagain 2 back 2",
        HEAD + "again 0",
        HEAD + "again 2 back 0",
        HEAD + "again 2 back",
        HEAD + "again 2 2",
        HEAD + "again 2 back 3",
        HEAD + "again 2000",
        HEAD + "tanh; again 101 back 1",
        HEAD + "again 2; again 2",
        HEAD + "again 2; tanh; again 2 back 2",
        "input 3; dense 2; again 2",
        "input 2x4x4; conv 3 3x3; again 2; flatten; dense 1",
    ],
)
def test_what_is_wrongly_applied_again_is_told_the_same(text):
    assert read(text) == refused(text)


TOKENS = "input tokens 2 of 3; embed 2; {}; sample {}"
EACH = "unembed 3; softmax"


@for_each(
    "text",
    [
        *(f"input tokens {said}" for said in ("", "0 of 3", "3", "3 of", "3 of 0", "three of 3")),
        "input tokens 3 of 4; dense 1",
        "input tokens 3 of 4; embed 2 3; dense 1",
        "input tokens 3 of 4; unembed 4; softmax",
        "input tokens 3 of 4; embed 2; unembed 5; softmax",
        "input tokens 3 of 4; embed 2; conv1d 3 1; unembed 4; softmax",
        "input 4; embed 2; dense 1",
        "input 1x2x2; unembed 2",
        "input 1x2x2; sinusoids; flatten; dense 1",
        *(
            TOKENS.format(EACH, it)
            for it in ("0 -> 1", "0 3 -> 1 1", "0 -1 -> 1 1", "0.5 0 -> 1 1")
        ),
        *(TOKENS.format(EACH, it) for it in ("0 1 -> 1 3", "0 1 -> 1 -2", "0 1 -> -1 -1")),
        *(TOKENS.format(EACH, it) for it in ("0 1 -> 1", "0 1 -> 1 0 0 0.5 0 0")),
        TOKENS.format("rnn 2; dense 3; softmax", "0 1 -> -1"),
        TOKENS.format("rnn 2; dense 1; loss cross-entropy", "1 1 1 -> 2"),
    ],
)
def test_what_is_wrong_with_tokens_is_told_the_same(text):
    assert read(text) == refused(text)


@for_each(
    "text",
    [
        "input 2x3x3; conv 1 1x1; multiply back 1; flatten; dense 1",
        "input 2; dense 3; multiply back 3",
        "input 2; dense 3; multiply back 1",
    ],
)
def test_what_can_not_be_multiplied_or_enlarged_is_told_the_same(text):
    assert read(text) == refused(text)


@for_each("junk", JUNK)
def test_junk_is_refused_in_one_line(junk):
    content = read(JUNK[junk])
    assert content["message"] == refused(JUNK[junk])["message"]


def test_a_text_too_long_is_refused_unread():
    content = read("input 2\n" * LONGEST_TEXT)
    assert "the most is 1,000,000; keep samples in a CSV file" in content["message"]


@for_each(
    ("text", "line", "column", "message"),
    [
        (HEAD + "sigmoid\n data iris.csv", 4, 2, "a page can't open a file by itself"),
        ("input 20\ndense 20", 2, 1, "420 weights and biases: a page builds at most 300"),
        (
            "input 1x20x20\nconv 2 5x5\nmaxpool all; flatten; dense 1",
            *(3, 23, "13,772 single values and products: a page builds at most 4,000"),
        ),
    ],
)
def test_what_the_page_does_not_build_is_refused_by_name(text, line, column, message):
    content = read(text)
    assert (content["line"], content["column"]) == (line, column)
    assert content["message"].startswith(message)


def as_read(net: Net):
    """A network as the page has it."""
    return {
        "input": list(net.input),
        "tokens": net.tokens,
        "shapes": [list(shape) for shape in net.shapes],
        "owners": list(net.owners),
        "layers": [_layer(layer) for layer in net.layers],
        "samples": [[list(it.inputs), list(it.targets)] for it in net.samples],
        "start": {role: list(values) for role, values in net.start.items()},
        "parameters": [
            {
                "role": p.role,
                "shape": list(p.shape),
                "fans": list(p.fans),
                "layer": p.layer,
                "first": p.first,
                "fixed": p.fixed,
                **({"part": p.part} if p.part else {}),
            }
            for p in net.parameters
        ],
        "outputs": net.outputs,
        "ending": net.ending,
        "loss": net.objective,
        "smoothing": net.smoothing,
        "rate": net.learning_rate,
        "seed": net.seed,
        "name": net.name,
        "update": {"kind": net.update.kind, **net.update.settings},
        "decay": {p.role: net.decay_of(p.role) for p in net.parameters if net.decay_of(p.role)},
    }


def _layer(layer):
    """A card's name and its fields."""
    return json.loads(json.dumps({"card": type(layer).__name__.lower(), **layer.fields}))


def is_built(net):
    return scalars_of(net) <= MOST_SINGLES and not unbuilt(net)


def found(text):
    """What the page read, with a decay of nothing left out."""
    content = read(text)
    assert "net" in content, content
    decay = {role: share for role, share in content["net"]["decay"].items() if share}
    return {**content["net"], "decay": decay}


@given(networks(dropout=True).filter(is_built))
def test_what_the_page_reads_is_what_the_command_reads(net):
    assert found(str(net)) == as_read(net)


@for_each(
    "text",
    [
        "input 2; FC 3; tanh; Linear 1; loss MSE; optimizer SGD; LR 0.5",
        f"{DENSE}; update momentum nesterov; decay 0.1 weights biases; seed 7",
        f"{DENSE} shared bias; update adamw; name two words",
        "input 2 # a remark\n\n  dense 2 fixed bias ; leaky relu 0.2\r\nlog softmax",
        "input 2; dense 1; weights −1e-3 .5; rate 2.",
        "input 2x6x6; depthwise 3 stride 2x1 pad same; instancenorm; BatchNorm2d epsilon 0.1; "
        "MaxPool2d 2 ceil; avgpool 2x1 pad 1x0 zeros stride 1; flatten; dense 2",
        "input 2x4x4; conv 2 3x3 pad 1 dilation 1x1 groups 2 no bias; relu; add back 1; "
        "cat back 3 0; dropout 0.25 channels; groupnorm 2; avgpool all; flatten; dense 1",
        "input tokens 3 of 4; Embedding 2; positions; rmsnorm plain; attention; add back 2; "
        "unembed 4; softmax; sample 0 1 3 -> 1 -1 2; sample 3 3 0 -> 1 0 0 0  0 0.5 0.5 0  0 0 0 0",
        "input tokens 2 of 3; embed 2; rnn 3; dense 3; softmax; sample 0 2 -> 2",
        "input tokens 2 of 3; embed 2; rnn 3; dense 2; sample 0 2 -> 2 -0.5",
        "input tokens 3 of 3; embed 3; again 2; unembed 3; again 2 back 1; softmax",
        "input 2x3x3; conv 2 1x1; multiply back 1; avgpool all; flatten; multiply back 2; "
        "flatten; dense 1",
        "input 1x4x4; conv 2 3x3 pad 1; relu; conv 2 3 pad 1; batchnorm; relu; again 3; "
        "add back 6; flatten; dense 4; again 1; dense 4; tanh; again 2 back 2; dense 1",
        *(str(builtin(name)) for name in ("worked", "mazur", "xor", "strokes")),
    ],
)
def test_a_text_as_people_write_it_is_read_the_same(text):
    assert found(text) == as_read(parse(text))


LETTERS = st.characters(max_codepoint=0x52F)  # what later editions of Unicode leave as it is


@given(
    st.text(LETTERS, min_size=1, max_size=12)
    | st.sampled_from([*known_words(), *layer_words(), *Bias])
)
def test_any_first_word_is_answered_the_same(word):
    text = f"input 2\n{word} 2"
    try:
        net = parse(text)
    except NetTextError:
        content = read(text)
        assert is_refused_by_name(content, text) or content == refused(text)
    else:
        assert "net" in read(text) or NOT_HERE.search(read(text)["message"])
        assert net


@given(st.sampled_from(known_words()), st.data())
def test_a_misspelt_word_gets_the_same_hint(word, data):
    letters = list(word)
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(letters)))
        letters[place : place + data.draw(st.integers(0, 2))] = data.draw(
            st.text("abcdefghilmnoprstuvwx", max_size=2)
        )
    wrong = "".join(letters) or "x"
    if ours(wrong) in known_words():
        return
    hint = did_you_mean(wrong, known_words()) or ": see gradbook help networks"
    assert read(f"input 2\n{wrong}")["message"] == f"unknown layer {wrong!r}{hint}"
