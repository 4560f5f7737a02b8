"""Networks of every card, exported and opened by the programs that the exports are for."""

from __future__ import annotations

from functools import cache

import pytest

from tests.conftest import require
from tests.every_card import cards, network
from tests.outside.exported import EXPORTS, Case, case, opened

NETWORKS = 40
REFUSED = {  # a piece of each reason that there is, by the export's ending
    ".keras": ("transposed convolutions have no groups",),
    ".py": ("whose reset gate multiplies the previous state's sums",),
    ".c": (
        "isn't the last layer: it can be written in C only at the end",
        "can't be written in C, which makes rows one after the other",
        "can't be written in C: use another layer",
        "can't be written in C if no layer reads its steps",
        "predicts logarithms can't be written in C",
        "of a single output never changes",
    ),
}
MOST_REFUSED = 0.5  # of all networks


@cache
def cases() -> list[Case]:
    return [one for number in range(NETWORKS) if (one := case(number)) is not None]


def test_so_many_networks_have_every_card():
    layers = [layer for number in range(NETWORKS) for layer in network(number).layers]
    assert [
        form.words
        for kind, form in cards()
        if not any(isinstance(layer, kind) and form.fits(layer) for layer in layers)
    ] == []


@pytest.mark.parametrize("name", EXPORTS)
def test_every_program_predicts_what_the_model_predicts(name, tmp_path):
    export = EXPORTS[name]
    require(*export.needs)
    refused, faults = 0, []
    for one in cases():
        outcome = opened(name, one, tmp_path)
        known = REFUSED.get(export.ending.replace(".h", ".c"), ())
        if outcome.kind == "refused" and any(piece in outcome.detail for piece in known):
            refused += 1
        elif outcome.kind != "same":
            faults.append(f"{one.number} {outcome.kind}: {outcome.detail}\n{one.net}")
    assert not faults, "\n".join(faults)
    assert len(cases()) > 0.9 * NETWORKS
    assert refused < MOST_REFUSED * NETWORKS
