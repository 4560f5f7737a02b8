from __future__ import annotations

import pytest

from gradbook.net.build import training_step
from gradbook.rates.criteria import SHUT
from gradbook.rates.trial import trial
from tests.rates.made import WORKED, line


@pytest.mark.parametrize(
    ("rate", "published"),
    [  # by the same formulas typed out once more and computed with 40 digits
        (0.1, 0.009458370956581388185),
        (0.5, 0.001671192670626319583),
        (1, 0.0001726414000596440774),
        (2, 1.601767124142494950e-06),
        (100, 2.246666132657351404e-06),
        (1000, 0.2499968690599633402),
        (10000, 0.25),
    ],
)
def test_the_published_end_losses_are_met(rate, published):
    assert trial(training_step(WORKED), 70, rate).end == pytest.approx(
        published, rel=1e-13, abs=1e-17
    )


def test_the_gradient_of_a_parabola_turns_round_at_every_step_beyond_its_curvature():
    assert (trial(training_step(line()), 5, 1.5).turns[1:] < 0).all()
    assert (trial(training_step(line()), 5, 0.5).turns[1:] > 0).all()


def test_a_saturated_activation_is_a_gate_that_is_shut():
    gates = trial(training_step(WORKED), 70, 1000).gates
    assert [(gate.name, gate.is_output, gate.covers) for gate in gates] == [
        ("a_h", False, False),
        ("a_o", True, True),
    ]
    assert gates[-1].openness <= SHUT
    assert trial(training_step(WORKED), 70, 1).gates[-1].openness > SHUT
