"""Parameters are numbered through all layers, each once."""

from __future__ import annotations

from hypothesis import given

from gradbook.net import Activation, BatchNorm, Conv, Flatten, Loss, Net, Pool, Role, parse
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


def test_shapes_are_those_of_every_layer():
    assert IMAGE.shapes == ((1, 4, 4), *[(2, 2, 2)] * 3, (8,), (3,), (3,), (2,), (2,))


@given(networks())
def test_every_parameter_is_numbered_once(net):
    names = [name for parameter in net.parameters for name in parameter.names]
    expected = [f"{role}{k}" for role in Role for k in range(1, net.count(role) + 1)]
    assert sorted(names) == sorted(expected)
    assert {role: len(values) for role, values in net.start_values().items()} == {
        role: net.count(role) for role in Role if net.count(role)
    }


def test_the_16050_parameters_of_the_reference_network():
    layers = [
        *(Conv(10, 3, pad=1), BatchNorm(), Conv(20, 3), BatchNorm(), Pool("max", 2)),
        *(Conv(20, 3), BatchNorm(), Conv(20, 3), BatchNorm(), Conv(16, 3), BatchNorm()),
        *(Conv(16, 3), BatchNorm(), Conv(10, 3), BatchNorm(), Pool("avg", 3), Flatten()),
    ]
    net = Net((1, 28, 28), [*layers, Activation("log softmax")], Loss.CROSS)
    assert net.count() == 16_050
    heights = [shape[1] for shape in net.shapes if len(shape) == 3]
    assert list(dict.fromkeys(heights)) == [28, 26, 13, 11, 9, 7, 5, 3, 1]
