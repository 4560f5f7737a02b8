"""Workbooks of sequences: every column says what it holds, and none opens slowly unasked."""

from openpyxl import load_workbook

from gradbook.net import builtin, parse
from gradbook.net.description import DEFAULT_RATES
from gradbook.net.lower import scalar_step
from gradbook.report.workbook import write_workbook
from gradbook.targets.excel.plan.column_order import groups, kind_of
from gradbook.targets.excel.plan.workbook_plan import WorkbookPlan, fitting_rates
from gradbook.targets.excel.sheets.training import MEANINGS, MOST_NOTES, meaning
from tests.cases import for_each

SEQUENCES = {
    "echo": builtin("echo"),
    "attention-by-hand": builtin("attention-by-hand"),
    "gru": parse("input 3x2; gru 2 all; placenorm; flatten; dense 1; sample 1 1 1 1 1 1 -> 1"),
    "reset before": parse("input 3x2; gru 2 reset_before; dense 1; sample 1 1 1 1 1 1 -> 1"),
    "lstm": parse("input 3x2; positions; lstm 2; dense 1; sample 1 1 1 1 1 1 -> 1"),
}
PLAIN = (MEANINGS["h"], MEANINGS["a"])  # what a value has that no layer has words for


@for_each("kind", SEQUENCES)
def test_every_column_of_a_sequence_says_what_it_holds(kind):
    nodes = [node for group in groups(scalar_step(SEQUENCES[kind])) for node in group.nodes]
    inner = [node for node in nodes if node.name.stem in "ha" and node.name.word]
    assert all(meaning(node.name) for node in nodes)
    assert all(meaning(node.name) not in PLAIN for node in inner)
    assert len(inner) > 10 or kind == "echo"


def test_a_wide_table_has_a_note_on_the_first_of_each_kind(tmp_path):
    book = WorkbookPlan(scalar_step(builtin("attention-by-hand")), 2, 0.5, ())
    nodes = [node for group in book.columns(each=True) for node in group.nodes]
    assert len(nodes) > MOST_NOTES
    path = write_workbook(builtin("attention-by-hand"), tmp_path / "x.xlsx", epochs=2, rates=())
    headings = load_workbook(path.path)["Samples"][4][2:]
    noted = [str(cell.value) for cell in headings if cell.comment]
    assert len(noted) == len({kind_of(node) for node in nodes}) < MOST_NOTES
    assert {"h_query_1(1)", "h_score_1_1", "a_share_1_1"} <= set(noted)
    assert "h_score_2_1" not in noted


def test_rates_that_nobody_asked_for_open_quickly():
    """13 usual rates of so wide a table took LibreOffice 12 s."""
    step = scalar_step(builtin("attention-by-hand"))
    assert len(fitting_rates(step, 50, None, DEFAULT_RATES)) == 3
    assert fitting_rates(step, 50, DEFAULT_RATES, DEFAULT_RATES) == DEFAULT_RATES
    small = scalar_step(builtin("xor"))
    assert fitting_rates(small, 70, None, DEFAULT_RATES) == DEFAULT_RATES


def test_a_nudge_computes_what_it_changes_and_takes_the_rest_as_it_is():
    nudges = WorkbookPlan(scalar_step(builtin("attention-by-hand")), 2, 0.5, ()).check.nudges
    names = {str(weight.name): weight for weight in nudges.weights}
    own = {
        name: {str(node.name) for node in nudges.run(names[name]).of_sample.columns}
        for name in ("w1", "b1")
    }
    assert {"h_query_1(1)", "h_score_2_1", "a_c1(3)"} <= own["w1"]
    assert "h_query_2(1)" not in own["w1"]
    assert "h_key_1(1)" not in own["w1"]
    assert {name.partition("(")[0] for name in own["b1"]} == {
        *("c1", "L_c1", "L_c2", "L_c3", "a_c1", "a_c2", "E1", "E2", "E3", "E_sample")
    }
