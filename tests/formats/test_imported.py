"""Layers that were read, as a network."""

import numpy as np
import pytest

from gradbook.errors import DataError
from gradbook.formats.imported import (
    ImportedLayer,
    Refusals,
    assemble,
    in_a_row,
    with_bias_and_distance,
)
from gradbook.layers.activations import Activation
from gradbook.layers.sums import Dense
from gradbook.layers.wiring import Residual
from tests.cases import for_each


def layers(*reads):
    """Sums where two values are read, activations where one is."""
    return [
        ImportedLayer(Residual(1) if len(own) == 2 else Activation("tanh"), own, place=f"layer {k}")
        for k, own in enumerate(reads)
    ]


def test_a_sum_goes_back_as_far_as_what_it_adds():
    dense = ImportedLayer(Dense(3), (0,), {"weight": np.eye(3)})
    net = assemble("net", (3,), [dense, *layers((0,), (1,), (2, 0))[1:]]).net
    assert net.layers[-1] == Residual(2)


@for_each(
    ("reads", "said"),
    [
        (((0,), (0,), (2, 1)), "tanh; go back 1; tanh; add back 2"),
        (
            ((0,), (0,), (1,), (2,), (4, 3)),
            "tanh; tanh; go back 2; tanh; tanh; add back 3",
        ),
        (
            ((0,), (0,), (1,), (1,), (3, 4), (2, 5)),
            "tanh; tanh; go back 1; tanh; add back 2; go back 5; tanh; add back 2",
        ),
        (
            ((0,), (1,), (0,), (2, 1), (4, 3)),
            "tanh; tanh; add back 1; go back 3; tanh; add back 2",
        ),
        (((0,), (1,), (0,)), "tanh"),  # without what leads nowhere
    ],
)
def test_branches_are_said_one_after_the_other(reads, said):
    row = in_a_row(layers(*reads))
    assert "; ".join(with_bias_and_distance(own, k).text for k, own in enumerate(row)) == said


def test_places_with_one_reason_are_told_together():
    refusals = Refusals("net")
    for place, reason in (
        ("first", "it is odd"),
        ("second", "it is large"),
        ("third", "it is odd"),
    ):
        refusals.add(place, reason)
    with pytest.raises(DataError) as caught:
        refusals.settle()
    assert caught.value.message == "first, third: it is odd; second: it is large"
