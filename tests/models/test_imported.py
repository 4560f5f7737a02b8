"""Layers that were read, as a network."""

import numpy as np
import pytest

from gradbook.errors import DataError
from gradbook.models.imported import ImportedLayer, Refusals, assembled
from gradbook.net.layers import Activation, Dense, Residual


def layers(*reads):
    """Sums where two values are read, activations where one is."""
    return [
        ImportedLayer(Residual(1) if len(own) == 2 else Activation("tanh"), own, place=f"layer {k}")
        for k, own in enumerate(reads)
    ]


def test_a_sum_goes_back_as_far_as_what_it_adds():
    dense = ImportedLayer(Dense(3), (0,), {"weight": np.eye(3)})
    net = assembled("net", (3,), [dense, *layers((0,), (1,), (2, 0))[1:]]).net
    assert net.layers[-1] == Residual(2)


@pytest.mark.parametrize("reads", [((0,), (0,), (2, 1)), ((0,), (1,), (2,), (2, 1), (4, 3))])
def test_branches_that_are_no_row_are_refused(reads):
    with pytest.raises(DataError, match="where branches meet again, only one of them has layers"):
        assembled("net", (3,), layers(*reads))


def test_places_with_one_reason_are_told_together():
    refusals = Refusals("net")
    for place, reason in (
        ("first", "it is odd"),
        ("second", "it is large"),
        ("third", "it is odd"),
    ):
        refusals.add(place, reason)
    with pytest.raises(DataError) as caught:
        refusals.settle(layers((0,), (0,)))
    said = caught.value.message
    assert said.startswith("first, third: it is odd; second: it is large; layer 1: it goes on from")
