from __future__ import annotations

import pytest

from gradbook.data.made_points import points
from gradbook.errors import TargetError
from gradbook.net import builtin, parse
from gradbook.targets.page.page_content import class_targets, content
from tests.cases import for_each

PLAY = "input 2; dense 3; tanh; dense 1; sigmoid; loss binary cross-entropy"


def test_what_dropout_leaves_has_a_name_and_a_mask():
    known = content(parse("input 2; dense 3; tanh; dropout 0.4; dense 1; seed 3"))
    (mask,) = known.table()["masks"]
    names = {place: str(node.name) for node, place in known.lines.places.items()}
    assert [names[line] for line in mask["lines"]] == ["d1", "d2", "d3"]
    assert [[names[line] for line in kept] for kept in mask["kept"]] == [["u1"], ["u2"], ["u3"]]
    assert (mask["layer"], mask["rate"], known.table()["seed"]) == (2, 0.4, 3)


def test_a_channels_mask_leaves_all_of_its_places():
    known = content(parse("input 2x2x2; dropout 0.5 channels; flatten; dense 1"))
    (mask,) = known.table()["masks"]
    assert [len(kept) for kept in mask["kept"]] == [4, 4]


def test_a_network_that_drops_takes_as_many_samples_as_there_are():
    table = content(parse("input 3; dropout 0.5; dense 1")).table()
    assert len(table["samples"]) == 1
    assert table["most"] > 1


def test_too_many_samples_are_refused_with_what_to_do():
    several = "; sample 1 -> 0" * 1001
    with pytest.raises(TargetError, match="at most 1,000 samples: give it fewer"):
        content(parse(f"input 1; dense 1{several}"))


def test_a_single_sample_has_no_mean():
    known = content(builtin("worked"))
    assert known.table()["count"] is None
    assert known.table()["most"] == 1


def test_a_network_on_the_plane_without_samples_gets_points_to_learn():
    table = content(parse(PLAY)).table()
    assert len(table["samples"]) > 50
    wanted = [[[x, y], [float(which)]] for x, y, which in points("circle")]
    assert table["samples"] == wanted
    assert {tuple(targets) for _, targets in table["samples"]} == {(0.0,), (1.0,)}


@for_each(
    ("ending", "classes"),
    [
        ("dense 1; sigmoid", [[0.0], [1.0]]),
        ("dense 1; tanh", [[-1.0], [1.0]]),
        ("dense 2; softmax; loss cross-entropy", [[1.0, 0.0], [0.0, 1.0]]),
    ],
)
def test_the_targets_of_a_class_are_what_the_outputs_can_say(ending, classes):
    net = parse(f"input 2; {ending}")
    assert [class_targets(net.outputs, net.ending, k) for k in (0, 1)] == classes
