"""What several operators compute together is known by its numbers."""

from __future__ import annotations

import numpy as np

from gradbook.formats.regions import PLACES, activation_of
from gradbook.layers import Activation


def test_an_activation_is_known_by_its_numbers():
    assert activation_of(np.tanh(PLACES)) == Activation("tanh")
    assert activation_of(PLACES * np.tanh(np.log1p(np.exp(PLACES)))) == Activation("mish")
    assert activation_of(PLACES**3) is None
