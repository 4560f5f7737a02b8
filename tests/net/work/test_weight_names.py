"""Which weight some words mean."""

from __future__ import annotations

import re

import numpy as np
import pytest

from gradbook.errors import UsageError
from gradbook.net import parse
from gradbook.net.names import named_weight, weight_name
from tests.cases import for_each

NET = parse(
    "input 2x8x8; conv 4 3x3 groups 2; batchnorm; relu; conv 3 2x2 no bias; flatten; dense 5 fixed "
    "bias; dense 2; softmax; loss cross-entropy"
)


def test_every_weight_is_found_by_its_own_name():
    for parameter in NET.parameters:
        for place in np.ndindex(parameter.shape):
            name = weight_name(parameter, place)
            assert name == parameter.names[int(np.ravel_multi_index(place, parameter.shape))]
            if not parameter.fixed:
                assert named_weight(NET, name) == (parameter, place)


@for_each(
    ("words", "layer", "role", "place"),
    [
        ("conv2 2,3,1,0", 3, "w", (2, 3, 1, 0)),
        ("Conv 2 [2, 3, 1, 0]", 3, "w", (2, 3, 1, 0)),
        ("conv 3,0,2,2", 0, "w", (3, 0, 2, 2)),
        ("conv1 b 3", 0, "b", (3,)),
        ("bn 2", 1, "γ", (2,)),
        ("batchnorm1 β 0", 1, "β", (0,)),
        ("dense2 1,4", 6, "w", (1, 4)),
        ("fc2 1,4", 6, "w", (1, 4)),
        ("Conv2d 2 2,3,1,0", 3, "w", (2, 3, 1, 0)),
        ("batchnorm2d β 0", 1, "β", (0,)),
    ],
)
def test_a_layer_and_a_place_name_a_weight(words, layer, role, place):
    parameter, found = named_weight(NET, words)
    assert (parameter.layer, str(parameter.role), found) == (layer, role, place)


@for_each(
    ("words", "complaint"),
    [
        ("w0", "no weight is called 'w0'"),
        ("w99999", "the weights are w1 … w"),
        ("conv3 0,0,0,0", "or by layer and place, such as 'conv2 3,1,0,2'"),
        ("conv2 b 0", "no weight is called"),
        ("conv2 3,0,0,0", "conv2 has 3 x 4 x 2 x 2 weights, and none at 3,0,0,0"),
        ("conv2 1,1", "conv2 has 3 x 4 x 2 x 2 weights: name one by its place"),
        ("conv2", "counted from 0; the last is 'conv2 2,3,1,1'"),
        ("conv99", "no weight is called 'conv99'"),
        ("dense1 b 0", "is fixed and has no gradient"),
        ("", "no weight is called ''"),
    ],
)
def test_what_names_no_weight_is_refused(words, complaint):
    with pytest.raises(UsageError, match=re.escape(complaint)):
        named_weight(NET, words)
