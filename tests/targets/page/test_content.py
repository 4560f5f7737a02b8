from __future__ import annotations

import pytest

from gradbook.errors import TargetError
from gradbook.net import builtin, parse
from gradbook.targets.page.content import class_targets, content

PLAY = "input 2; dense 3; tanh; dense 1; sigmoid; loss binary cross-entropy"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("input 2; dense 2; concat back 1; dense 1", "layer 2: a page doesn't show 'concat back"),
        ("input 2; dense 2; dropout 0.5; dense 1", "layer 2: a page doesn't show 'dropout 0.5'"),
    ],
)
def test_what_a_page_cannot_show_is_refused_with_its_place(text, words):
    with pytest.raises(TargetError, match=words):
        content(parse(text))


def test_a_single_sample_has_no_mean():
    known = content(builtin("worked"))
    assert known.table()["count"] is None
    assert known.table()["most"] == 1


def test_a_network_on_the_plane_without_samples_gets_points_to_learn():
    table = content(parse(PLAY)).table()
    assert len(table["samples"]) > 50
    points = table["plane"]["sets"]["circle"]
    assert table["samples"] == [[[x, y], [float(which)]] for x, y, which in points]
    assert {tuple(targets) for _, targets in table["samples"]} == {(0.0,), (1.0,)}


@pytest.mark.parametrize(
    ("ending", "classes"),
    [
        ("dense 1; sigmoid", [[0.0], [1.0]]),
        ("dense 1; tanh", [[-1.0], [1.0]]),
        ("dense 2; softmax; loss cross-entropy", [[1.0, 0.0], [0.0, 1.0]]),
    ],
)
def test_the_targets_of_a_class_are_what_the_outputs_can_say(ending, classes):
    net = parse(f"input 2; {ending}")
    assert [class_targets(net, k) for k in (0, 1)] == classes
