"""Layers that were read, as a network."""

import numpy as np
import pytest

from gradbook.errors import DataError
from gradbook.models.imported import ImportedLayer, assembled
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
    with pytest.raises(DataError, match="branches are only read where"):
        assembled("net", (3,), layers(*reads))
