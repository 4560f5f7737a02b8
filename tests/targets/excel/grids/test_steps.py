"""A network that reads sequences as matrices: a row for each unit, a column for each step."""

import numpy as np
from openpyxl import load_workbook

from gradbook.net import builtin, parse
from gradbook.net.lower import scalar_step
from gradbook.report.workbook import write_workbook
from gradbook.targets.excel.grids.grids_sheet import IN_STEPS
from gradbook.targets.excel.grids.scene import GridScene
from gradbook.targets.excel.plan.workbook_plan import WorkbookPlan
from tests.cases import for_each

LSTM = "input 3x2; lstm 2 all; conv1d 2 2; flatten; dense 1; sample 1 2 3 4 5 6 -> 1"
HEADS = """input 4x4; positions; rmsnorm; attention heads 2 causal no bias; add back 3
conv1d 2 1; softmax; sample 1 0 0 0  0 1 0 0  0 0 1 0  0 0 0 1 -> 1 0  0 1  1 0  0 1"""


def scene(net):
    return GridScene(WorkbookPlan(scalar_step(net), 2, 0.5, ()))


def block(found, begins):
    (own,) = (b for s in found.stages for b in s.blocks if b.title.startswith(f"{begins}:"))
    return own


def test_attention_goes_from_weights_to_queries_scores_shares_and_what_they_mix():
    (attention,) = (s for s in scene(builtin("attention-by-hand")).stages if "attention" in s.words)
    titles = [own.title.partition(":")[0] for own in (*attention.parts, attention.values)]
    assert titles == [
        *("w1 … w4", "h_query", "w5 … w8", "h_key", "w9 … w12", "h_value"),
        *("h_score", "a_share", "h_mixed", "w13 … w16", "h"),
    ]
    assert {own.title.partition(":")[0] for own in attention.slopes} == {
        "∂E/∂" + title.replace("… ", "… ∂E/∂") for title in titles
    }


def test_what_a_causal_layer_does_not_look_at_is_left_empty(tmp_path):
    found = scene(builtin("attention-by-hand"))
    for title in ("h_score", "a_share", "∂E/∂h_score", "∂E/∂a_share"):
        own = block(found, title)
        assert own.grids.shape == (1, 3, 3)
        assert own.missing == {(0, 0, 1), (0, 0, 2), (0, 1, 2)}
    path = write_workbook(builtin("attention-by-hand"), tmp_path / "x.xlsx", epochs=2, rates=())
    written = load_workbook(path.path)
    told = {cell.value for row in written["Network"].iter_rows() for cell in row}
    assert "every layer as matrices, with one column per step, and their gradients" in told
    sheet, own = written["Grids"], block(found, "a_share")
    assert (sheet["B1"].value, sheet["B2"].value) == ("Step by step", IN_STEPS)
    for place in own.grids.places():
        assert (sheet[own.grids.cell(*place)].value is None) == (place in own.missing)


def test_each_head_has_a_matrix_of_its_own():
    own = block(scene(parse(HEADS)), "a_share")
    assert own.grids.shape == (2, 4, 4)
    assert own.labels == ("a_share_1", "a_share_2")


def test_a_recurrent_layer_has_a_column_for_each_step_and_its_weights_above():
    (rnn,) = (s for s in scene(builtin("echo")).stages if "rnn" in s.words)
    assert [own.words for own in rnn.parts[:3]] == ["weights", "recurrent weights", "biases"]
    assert rnn.values.grids.shape == (1, 3, 4)
    assert rnn.values.rows == ("a_h1", "a_h2", "a_h3")
    assert str(rnn.values.nodes[0, 1, 2].name) == "a_h2(3)"


def test_gates_stand_where_they_are_computed_and_windows_still_slide():
    found = scene(parse(LSTM))
    titles = [own.title.partition(":")[0] for own in found.stages[1].blocks]
    for gate in ("in", "forget", "new", "out"):
        assert titles.index(f"h_{gate}") < titles.index(f"a_{gate}") < titles.index("a_cell") + 9
    forget = block(found, "a_forget")
    assert forget.missing == {(0, 0, 0), (0, 1, 0)}  # there is nothing to forget at first
    assert found.stages[1].values.grids.shape == (2, 1, 3)
    assert [stage.kind for stage in found.stages] == ["", "", "conv", ""]


MANY_MAPS = "input 1x3x3; conv 20 2x2; flatten; dense 1"  # whose biases take 20 columns


@for_each("net", [builtin("echo"), builtin("attention-by-hand"), parse(HEADS), parse(MANY_MAPS)])
def test_no_two_blocks_share_a_cell_and_titles_have_room(net):
    found = scene(net)
    taken = np.zeros((1000, 60), int)
    for own in (b for s in found.stages for b in s.blocks):
        for place in own.grids.places():
            taken[own.grids.place(*place)] += 1
        if own.grids.left < found.right:
            assert len(own.title) <= 7 * (found.right - own.grids.left)
    assert taken.max() == 1
