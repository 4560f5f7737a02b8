"""Which layers of a file are layers applied again, told by the names of their weights."""

import numpy as np

from gradbook.formats.imported import StoredLayer, explain_copies, find_repeats
from gradbook.net import Activation, Again, Dense
from tests.cases import for_each


def stored(letters: str) -> list[StoredLayer]:
    """A dense layer for each letter, with the weights of that name; dots are activations."""
    return [
        StoredLayer(Activation("tanh"), {}, ())
        if letter == "."
        else StoredLayer(Dense(2), {"weight": np.full((2, 2), ord(letter))}, (letter,))
        for letter in letters
    ]


@for_each(
    ("letters", "found"),
    [
        ("aaa", [Again(0, 1, 3)]),
        ("a.a.a.", [Again(0, 2, 3)]),
        ("a.a.a", [Again(0, 2, 2)]),
        (".a.a", [Again(0, 2, 2)]),
        ("ab.ab.", [Again(0, 3, 2)]),
        ("a.b.a.b.c.c.", [Again(0, 4, 2), Again(8, 2, 2)]),
        ("xa.a.yb.b.", [Again(1, 2, 2), Again(6, 2, 2)]),
        ("aabaab", [Again(0, 3, 2)]),
        ("a.b.a.", []),
        ("...", []),
        ("", []),
    ],
)
def test_blocks_are_found_by_the_names_of_weights(letters, found):
    assert list(find_repeats(stored(letters))) == found


def test_the_same_name_with_other_numbers_is_another_layer():
    one, other = stored("aa")
    changed = StoredLayer(other.layer, {"weight": other.weights["weight"] + 1}, other.stored)
    assert not find_repeats([one, changed])


def test_the_same_numbers_under_other_names_are_other_weights():
    one, other = stored("aa")
    assert not find_repeats([one, StoredLayer(other.layer, other.weights, ("b",))])
    assert not find_repeats([StoredLayer(one.layer, one.weights, ())] * 2)


def test_more_layers_than_a_network_has_are_not_looked_through():
    assert not find_repeats(stored("a" * 10_000))


def test_what_stays_apart_is_named():
    assert explain_copies(stored("a.b.a"), ["1", "2", "3", "4", "5"], range(5)).startswith(
        "1, 5 have"
    )
    assert explain_copies(stored("a.a."), ["1", "2", "3", "4"], (0, 1, 0, 1)) == ""
