"""Which layers share a grid of cells, where the grids stand, and what their cells say."""

from __future__ import annotations

import pytest

from gradbook.errors import LimitError, TargetError
from gradbook.net import builtin, parse
from gradbook.net.measure import measure
from gradbook.targets.excel.reader import ReaderPlan, require_room
from tests.cases import for_each

SMALL = """input 1x4x4; conv 2 3x3 pad 1; batchnorm; relu; maxpool 2; conv 2 1x1 groups 2 no bias
flatten; dense 2; log softmax"""


@pytest.fixture
def plan():
    return ReaderPlan(parse(SMALL))


def test_a_stage_is_a_layer_with_what_is_said_around_it(plan):
    assert [stage.words for stage in plan.stages] == [
        "conv 2 3x3 pad 1, batchnorm, relu",
        "maxpool 2",
        "conv 2 1x1 groups 2 no bias",
        "dense 2",
    ]
    assert [stage.grids.shape for stage in plan.stages] == [
        (2, 4, 4),
        (2, 2, 2),
        (2, 2, 2),
        (2, 1, 1),
    ]


def test_no_two_cells_stand_in_one_place(plan):
    grids = [plan.input_grids, *(stage.grids for stage in plan.stages)]
    places = [found.place(*place) for found in grids for place in found.places()]
    assert len(places) == len(set(places))


def test_a_window_in_a_corner_leaves_out_the_padding(plan):
    conv = plan.stages[0]
    said = plan.formula(conv, 0, 0, 0)
    weights = "Weights!$F$4:$G$4", "Weights!$I$4:$J$4"
    assert said.startswith(
        f"=MAX(0,(SUMPRODUCT(B4:C4,{weights[0]})+SUMPRODUCT(B5:C5,{weights[1]})+"
    )
    inside = plan.formula(conv, 1, 1, 1)
    assert inside.count("SUMPRODUCT") == 3
    assert "SUMPRODUCT(B4:D4,Weights!$B$5:$D$5)" in inside


def test_a_group_reads_its_own_channel(plan):
    pooled, conv = plan.stages[1].grids, plan.stages[2]
    for channel in (0, 1):
        said = plan.formula(conv, channel, 1, 1)
        assert said == f"={pooled.cell(channel, 1, 1)}*{plan.blocks['w_layer_4'].cell(channel)}"


def test_pooling_and_dense_layers_take_pictures_row_by_row(plan):
    first = plan.stages[0].grids
    assert plan.formula(plan.stages[1], 1, 0, 1) == f"=MAX({first.area(1, range(2), range(2, 4))})"
    assert plan.formula(plan.stages[3], 0, 0, 0).count("SUMPRODUCT") == 4


def test_what_a_residual_sum_reads_keeps_its_own_grid():
    net = parse("input 1x3x3; conv 1 1x1; relu; conv 1 1x1; relu; add back 2; flatten; dense 2")
    found = ReaderPlan(net)
    assert [stage.words for stage in found.stages][2] == "add back 2"
    one, two = (found.stages[k].grids for k in (1, 0))
    assert found.formula(found.stages[2], 0, 1, 2) == f"={one.cell(0, 1, 2)}+{two.cell(0, 1, 2)}"


def test_values_side_by_side_are_read_where_they_lie():
    net = parse("input 1x2x2; conv 2 1x1; concat back 1 0; flatten; relu; dense 2")
    found = ReaderPlan(net)
    assert [stage.words for stage in found.stages] == [
        "conv 2 1x1",
        "concat back 1 0",
        "relu",
        "dense 2",
    ]
    conv, beside, flat = (found.stages[k].grids for k in range(3))
    assert found.formula(found.stages[1], 0, 1, 0) == f"={found.input_grids.cell(0, 1, 0)}"
    assert found.formula(found.stages[1], 2, 1, 0) == f"={conv.cell(1, 1, 0)}"
    assert flat.shape == (12, 1, 1)
    assert found.formula(found.stages[2], 6, 0, 0) == f"=MAX(0,{beside.cell(1, 1, 0)})"


@for_each(
    ("layers", "read"),
    [
        ("conv 1 1x1; dropout 0.1; relu; conv 1 1x1; add back 3; flatten", (0, 0, 1)),
        ("conv 1 1x1; flatten; dense 4; add back 1", (0, 0, 1)),
    ],
)
def test_a_sum_finds_what_dropout_and_flatten_passed_on(layers, read):
    found = ReaderPlan(parse(f"input 1x2x2; {layers}; dense 2"))
    number = [stage.words[:3] for stage in found.stages].index("add")
    stage, first = found.stages[number], found.stages[0].grids
    place = (0, 0, 1) if stage.grids.is_pictures else (1, 0, 0)
    before = found.stages[number - 1].grids.cell(*place)
    assert found.formula(stage, *place) == f"={before}+{first.cell(*read)}"


@for_each(
    ("activation", "said"),
    [
        ("leaky relu 0.1", "IF(B11>0,B11,0.1*B11)"),
        ("softplus", "MAX(B11,0)+LN(1+EXP(-ABS(B11)))"),
        ("silu", "B11*IF(B11<-709,0,1/(1+EXP(-B11)))"),
        ("exact gelu", "B11*NORMSDIST(B11)"),
        ("relu6", "IF(B11>0,IF(6-B11>0,B11,6),0)"),
        ("elu", "IF(B11>0,B11,EXP(B11)-1)"),
        ("gelu", "0.5*B11*(1+TANH(0.7978845608028654*B11*(1+0.044715*B11^2)))"),
    ],
)
def test_an_activation_that_mentions_its_value_twice_has_a_grid_of_its_own(activation, said):
    plan = ReaderPlan(parse(f"input 1x4x4; conv 1 3x3; {activation}; flatten; dense 2"))
    assert [stage.words for stage in plan.stages][1] == activation
    assert plan.formula(plan.stages[1], 0, 0, 0) == f"={said}"


@for_each(
    ("activation", "around"),
    [
        ("relu", "MAX(0,{})"),
        ("tanh", "TANH({})"),
        ("logrelu", "LN(1+MAX(0,{}))"),
        ("identity", "{}"),
    ],
)
def test_an_activation_that_mentions_its_value_once_is_said_around_the_sum(activation, around):
    said = []
    for words in ("", f"{activation}; "):
        plan = ReaderPlan(parse(f"input 1x4x4; conv 1 3x3; {words}flatten; dense 2"))
        said.append(plan.formula(plan.stages[0], 0, 0, 0).removeprefix("="))
    plain, bent = said
    assert bent == around.format(plain)


@for_each(
    ("text", "complaint"),
    [
        ("input 1x4x4; flatten; dense 3; softmax; dense 2", "softmax can only be the last layer"),
    ],
)
def test_what_it_has_no_words_for_is_named_with_its_layer(text, complaint):
    with pytest.raises(TargetError, match=complaint) as told:
        plan = ReaderPlan(parse(text))
        [plan.formula(stage, 0, 0, 0) for stage in plan.stages]
    assert "layer 2" in str(told.value) or "layer 3" in str(told.value)


def test_a_network_that_is_too_large_is_refused_with_its_counts():
    net = builtin("reference")
    with pytest.raises(LimitError, match="16,050 parameters need [0-9,]+ formulas with [0-9,]+"):
        require_room(ReaderPlan(net), measure(net).macs)


def test_a_sigmoid_far_below_zero_is_0_and_no_error():
    """EXP(800) is more than a cell holds, so it is said of a cell of its own."""
    found = ReaderPlan(parse("input 1x2x2; flatten; dense 2; sigmoid; dense 2; softmax"))
    assert [stage.words for stage in found.stages] == ["dense 2", "sigmoid", "dense 2"]
    before = found.stages[0].grids.cell(1, 0, 0)
    said = found.formula(found.stages[1], 1, 0, 0)
    assert said == f"=IF({before}<-709,0,1/(1+EXP(-{before})))"
