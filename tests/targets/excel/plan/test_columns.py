"""The order of columns, layer by layer, as people write them."""

from __future__ import annotations

from gradbook.net import builtin, parse
from gradbook.net.lower import scalar_step
from gradbook.targets.excel.plan.column_order import groups
from tests.cases import for_each

NETS = {
    "mazur": builtin("mazur"),
    "softmax": parse("input 1; dense 2; softmax; loss cross-entropy; seed 1"),
    "batchnorm": parse("input 1; dense 1; batchnorm; tanh; sample 1 -> 1; sample 2 -> 0"),
    "pool first": parse("input 1x2x2; avgpool 2; flatten; dense 1; update momentum"),
    "adam": parse("input 1; dense 1 no bias; update adam"),
    "deep": parse("input 1; dense 2 no bias; tanh; dense 1 no bias; sample 1 -> 0; sample 2 -> 1"),
}


def words(net):
    return [
        (group.title, " ".join(str(node.name) for node in group.nodes))
        for group in groups(scalar_step(net))
    ]


@for_each(
    ("name", "expected"),
    [
        (
            "mazur",
            [
                ("targets", "t1 t2"),
                ("inputs", "i1 i2"),
                ("hidden: dense 2 fixed shared bias, sigmoid", "w1 w2 w3 w4 b1 h1 a_h1 h2 a_h2"),
                ("output: dense 2 fixed shared bias, sigmoid", "w5 w6 w7 w8 b2 o1 a_o1 o2 a_o2"),
                ("error", "E1 E2 E_total"),
                ("gradients", " ".join(f"∂E/∂w{k}" for k in range(1, 9))),
            ],
        ),
        (
            "softmax",
            [
                ("targets", "t1 t2"),
                ("inputs", "i1"),
                ("output: dense 2, softmax", "w1 w2 b1 b2 o1 o2 L_o a_o1 a_o2"),
                ("error", "E_total"),
                ("backward from the error", "∂E/∂o1 ∂E/∂o2"),
                ("gradients", "∂E/∂w1 ∂E/∂w2 ∂E/∂b1 ∂E/∂b2"),
            ],
        ),
        (
            "pool first",
            [
                ("targets", "t1"),
                ("inputs", "i1_1 i1_2 i2_1 i2_2"),
                ("avgpool 2, flatten", "p1_1"),
                ("output: dense 1", "w1 b1 o1"),
                ("error", "E1 E_total"),
                ("backward from the error", "∂E/∂o1"),
                ("gradients", "∂E/∂w1 ∂E/∂b1"),
                ("memory of the update", "v_w1 v_b1"),
            ],
        ),
        (
            "deep",
            [
                ("targets", "t1"),
                ("inputs", "i1"),
                ("hidden: dense 2 no bias, tanh", "w1 w2 h1 a_h1 h2 a_h2"),
                ("output: dense 1 no bias", "w3 w4 o1"),
                ("error", "E1 E_total"),
                ("backward from the error", "g_w1 g_w2 g_w3 g_w4"),
                ("gradients", "∂E/∂w1 ∂E/∂w2 ∂E/∂w3 ∂E/∂w4"),
            ],
        ),
    ],
)
def test_columns_stand_where_people_look_for_them(name, expected):
    assert words(NETS[name]) == expected


def test_batch_normalisations_values_belong_to_the_layer_whose_weights_they_wait_for():
    found = dict(words(NETS["batchnorm"]))
    assert found["output: dense 1"].startswith("w1 b1 o1 μ1")
    assert found["output: batchnorm, tanh"] == "γ1 β1 y1 a_y1"


def test_hidden_layers_are_numbered_where_there_are_several():
    net = parse("input 1; dense 2; batchnorm; tanh; dense 2; tanh; dense 1; sample 1 -> 1")
    roles = [title.partition(":")[0] for title, _ in words(net) if ":" in title]
    assert roles == ["hidden 1", "hidden 1", "hidden 2", "output"]


def test_adam_keeps_its_count_with_its_means():
    assert words(NETS["adam"])[-1] == ("memory of the update", "k m_w1 s_w1")


@for_each("name", NETS)
def test_no_value_stands_twice(name):
    nodes = [node for group in groups(scalar_step(NETS[name])) for node in group.nodes]
    assert len(nodes) == len(set(nodes))
