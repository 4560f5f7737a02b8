"""Right books of many kinds, made by hand, aren't condemned; a mistake in each is found."""

from __future__ import annotations

from gradbook.audit.findings import RIGHT
from tests.audit.material.kinds.catalogue import KINDS, found, judged
from tests.audit.material.kinds.nothing import FORWARD_PASSES, NOTHING
from tests.cases import for_each

SPOILT = [  # a few: bench/kinds.py has them all
    ("momentum on another sheet", "w 2"),
    ("rates typed for every step", "w 2"),  # beside it the other update is the only witness
    ("Adam with an annealed rate, on other sheets", "dw 1"),
    ("Adam, factors typed, on another sheet", "sa 3"),  # of the square of another's gradient
    ("a sheet for each pass", "dh1 1"),
    ("an autoencoder", "dcode 1"),
    ("a block of nine rows a step", "index"),
    ("attention, backward", "term"),
    ("one neuron, a circle that is meant", "update"),
    ("a gated unit, backward", "gate"),  # a derivative that stands twice, where another is meant
    ("an embedding, backward", "index"),  # the same, and one beside it has none
    ("attention, backward", "weight"),
    ("a convolution, backward", "range"),
    ("back through time", "index"),  # by sums that have no cells of their own
    ("back through time", "term"),
    ("back through time", "weight"),
    ("layer normalisation, backward", "term"),  # only a heading says that it is a derivative
    ("a cubic", "da 1"),  # not the sum, in which two weights would be one
    ("a cubic", "dd 3"),
    ("logistic regression, across", "dw 1"),  # nor an output, which would be another
    ("Huber's loss", "gc 2"),
    ("ReLU by IF, across", "∂b1 1"),
    ("no two before the error", "dw 1"),  # of the loss that the other gradient is of
    ("a parabola", "x 2"),  # whose value is taken for its slope
    ("the chain in columns, with a 1", "dz/dw 3"),  # in a cell that only repeats another
    ("Widrow and Hoff's rule", "w0 2"),  # whose error others take rightly
]


@for_each("name", KINDS)
def test_a_right_book_is_right(name, path):
    verdict = judged(KINDS[name], path)
    assert verdict.word == RIGHT, verdict.words


@for_each("name", NOTHING)
def test_a_forward_pass_is_called_one_and_nothing_else_is(name, path):
    words = judged(NOTHING[name], path).words
    assert words.startswith("forward pass: ") == (name in FORWARD_PASSES)
    assert ("Sheet1 computes a forward pass: " in words) == (name in FORWARD_PASSES)


@for_each("name", ["a controller", "a thermostat"])
def test_a_controller_trains_nothing_though_it_has_an_error(name, path):
    assert judged(NOTHING[name], path).words == "no network: "


@for_each(("name", "what"), SPOILT)
def test_a_mistake_is_found_in_its_cells(name, what, path):
    kind = KINDS[name]
    verdict = found(kind, kind.mistakes[what], path)
    assert verdict.word == "found", verdict.words
