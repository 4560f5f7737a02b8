from __future__ import annotations

from gradbook.net.build import training_step
from gradbook.rates.criteria import SHUT
from gradbook.rates.trial import trial
from tests.rates.made import WORKED, line


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
