"""Parameters are numbered through all layers, each once."""

from __future__ import annotations

from hypothesis import given

from gradbook.net import Role, parse
from tests.families import networks

IMAGE = parse(
    """input 1x4x4; conv 2 3x3; batchnorm; relu; flatten; dense 3 no bias; tanh
    dense 2 fixed shared bias; batchnorm; loss half squared error"""
)


def test_parameters_are_numbered_through_all_layers():
    told = [
        (p.layer, str(p.role), p.shape, p.names[0], p.names[-1], p.fixed) for p in IMAGE.parameters
    ]
    assert told == [
        (0, "w", (2, 1, 3, 3), "w1", "w18", False),
        (0, "b", (2,), "b1", "b2", False),
        (1, "γ", (2,), "γ1", "γ2", False),
        (1, "β", (2,), "β1", "β2", False),
        (4, "w", (3, 8), "w19", "w42", False),
        (6, "w", (2, 3), "w43", "w48", False),
        (6, "b", (1,), "b3", "b3", True),
        (7, "γ", (2,), "γ3", "γ4", False),
        (7, "β", (2,), "β3", "β4", False),
    ]
    assert (IMAGE.count(), IMAGE.count(Role.WEIGHT), IMAGE.count(Role.SCALE)) == (59, 48, 4)


@given(networks())
def test_every_parameter_is_numbered_once(net):
    names = [name for parameter in net.parameters for name in parameter.names]
    expected = [f"{role}{k}" for role in Role for k in range(1, net.count(role) + 1)]
    assert sorted(names) == sorted(expected)
    assert {role: len(values) for role, values in net.start_values().items()} == {
        role: net.count(role) for role in Role if net.count(role)
    }
