"""Right books of many kinds, made by hand, aren't condemned; a mistake in each is found."""

from __future__ import annotations

import pytest

from gradbook.audit.findings import RIGHT
from tests.audit.material.kinds.catalogue import KINDS, found, judged

SPOILT = {  # a few: bench/kinds.py has them all
    "momentum on another sheet": "w 2",
    "Adam with an annealed rate, on other sheets": "dw 1",
    "a sheet for each pass": "dh1 1",
    "an autoencoder": "dcode 1",
    "a block of nine rows a step": "index",
    "attention, backward": "term",
    "one neuron, a circle that is meant": "update",
}


@pytest.mark.parametrize("name", KINDS)
def test_a_right_book_is_right(name, path):
    verdict = judged(KINDS[name], path)
    assert verdict.word == RIGHT, verdict.words


@pytest.mark.parametrize(("name", "what"), SPOILT.items())
def test_a_mistake_is_found_in_its_cells(name, what, path):
    kind = KINDS[name]
    verdict = found(kind, kind.mistakes[what], path)
    assert verdict.word == "found", verdict.words
