"""The picture of accuracy over parameters: its line leaves out networks that others outdo."""

from bench.curve import Point, _heights


def point(parameters: int, mean: float) -> Point:
    return Point("net", parameters, 1, 10, mean, 0.0, mean, mean)


def test_a_larger_network_that_reads_less_is_not_on_the_line():
    points = [
        point(100, 0.9),
        point(300, 0.95),
        point(200, 0.97),
        point(300, 0.98),
        point(400, 0.9),
    ]
    assert _heights(points) == {100: 0.9, 200: 0.97, 300: 0.98}
