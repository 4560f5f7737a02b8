"""Which cells are blamed: several mistakes in one book, columns of any kind, updates."""

from __future__ import annotations

from gradbook.audit.check_book import check
from gradbook.cells.read import read_book
from tests.audit.material.lookalikes import FORMULAS, ROWS, TOP, book, cells, letter
from tests.audit.material.made import table_of
from tests.audit.material.small import at
from tests.audit.material.styles import array_updates, offset
from tests.audit.material.tables import Columns, all_values
from tests.cases import for_each


def found(path):
    report = check(path)
    return {(f.cells, f.kind) for sheet in report.sheets for f in sheet.findings}


def updated(name, formula):
    """Every update of a weight said in another way, by the row it stands in."""
    return {(name, k): formula.format(k=TOP + 1 + k) for k in range(1, ROWS)}


WRONG = {
    "∂E/∂w5": (FORMULAS["∂E/∂w5"].replace("{a_h1}", "{a_h2}"), "wrong reference"),
    "∂E/∂w8": ("=-" + FORMULAS["∂E/∂w8"][1:], "wrong sign"),
    "∂E/∂w6": (FORMULAS["∂E/∂w6"].replace("({a_o1}-{t1})", "({a_o1}+{t1})"), "wrong operator"),
}


@for_each("count", [2, 3])
def test_every_mistake_of_a_book_is_a_finding_of_its_own(count, path):
    some = dict(list(WRONG.items())[:count])
    changed = {name: formula for name, (formula, _) in some.items()}
    assert found(book(path, changed)) == {(cells(name), kind) for name, (_, kind) in some.items()}


def test_a_mistake_in_one_row_beside_one_in_a_column(path):
    changed = {"∂E/∂w5": WRONG["∂E/∂w5"][0]}
    assert found(book(path, changed, special={("h1", 3): "=D9*F9+D9*G9"})) == {
        (cells("∂E/∂w5"), "wrong reference"),
        (f"{letter('h1')}{TOP + 5}", "departing row"),
    }


@for_each("name", WRONG)
def test_saturation_hides_no_kind_of_mistake(name, path):
    formula, kind = WRONG[name]
    assert found(book(path, {name: formula}, rate=1000)) == {(cells(name), kind)}


@for_each(
    ("name", "formula", "kind"),
    [
        ("h1", "={i1}*{w1}+{i1}*{w2}", "wrong reference"),
        ("h1", "={i1}*{w1}-{i2}*{w2}", "wrong operator"),
        ("h1", "={i1}*{w1}+AZ500*{w2}", "blank reference"),
        ("h1", "={i1}*{w1}", "missing term"),
        ("o1", "={a_h1}*{w6}+{a_h2}*{w5}", "swapped references"),
        ("a_h1", "=1/1+EXP(-{h1})", "parentheses"),
        ("E2", "=0.5*({t1}-{a_o2})^2", "wrong reference"),
    ],
)
def test_the_way_to_the_loss_is_blamed_where_it_is_the_odd_one(name, formula, kind, path):
    special = {("t2", k): 0.7 for k in range(ROWS)}
    assert found(book(path, {name: formula}, special=special)) == {(cells(name), kind)}


@for_each(
    ("name", "formula", "extra"),
    [
        ("∂E/∂w5", "{}*(1-{a_h1})", "1-K6"),
        ("∂E/∂w5", "{}*({a_o1}-{t1})", "S6-B6"),
        ("∂E/∂w5", "{}*3", "3"),
        ("∂E/∂w5", "{}+{w5}", "N6 (w5)"),
        ("h1", "{}+{i1}*{w3}", "D6*H6"),
    ],
)
def test_a_part_too_many_is_left_out_again(name, formula, extra, path):
    right = FORMULAS[name]
    (finding,) = (
        f
        for sheet in check(book(path, {name: formula.replace("{}", right)})).sheets
        for f in sheet.findings
    )
    assert (finding.cells, finding.kind) == (cells(name), "one factor or term too many")
    assert finding.why.startswith(f"{extra} doesn't belong there")
    assert check(book(path)).verdict == "right"
    assert finding.expected == "=" + read_book(path).patterns[at(f"{letter(name)}6")].text


def test_a_gradient_without_its_difference_lacks_a_factor(path):
    formula = FORMULAS["∂E/∂w5"].replace("({a_o1}-{t1})*", "")
    (finding,) = (f for s in check(book(path, {"∂E/∂w5": formula})).sheets for f in s.findings)
    assert (finding.cells, finding.kind) == (cells("∂E/∂w5"), "missing factor")
    assert finding.why == "it lacks the factor a_o1−t1: multiply by S6-B6"


@for_each(
    ("name", "left_out", "value", "kind"),
    [
        ("∂E/∂w5", "-{t1}", 0.0, "missing term"),
        ("∂E/∂w1", "*{i1}", 1.0, "missing factor"),
    ],
    ids=["a target of 0", "an input of 1"],
)
def test_what_these_numbers_alone_make_right_is_wrong_where_the_others_have_it(
    name, left_out, value, kind, path
):
    special = {(left_out.strip("-*{}"), k): value for k in range(ROWS)}
    assert check(book(path, special=special)).verdict == "right"
    wrong = {name: FORMULAS[name].replace(left_out, "")}
    assert found(book(path, wrong, special=special)) == {(cells(name), kind)}


@for_each(
    ("name", "formula"),
    [("h1", "=F6*D6+G6*E6"), ("a_h1", "=1/(1+EXP(-J6))"), ("a_o2", "=1/(1+EXP(-T6))")],
)
def test_a_whole_column_of_values_gets_its_formula_back(name, formula, path):
    values = {(name, k): 0.5 + 0.01 * k for k in range(ROWS)}
    (finding,) = (f for s in check(book(path, special=values)).sheets for f in s.findings)
    assert (finding.cells, finding.kind, finding.expected) == (cells(name), "pasted value", formula)
    assert len(finding.fixes) == ROWS


def test_a_sum_that_was_cleared_is_to_be_filled_in(path):
    blank = {("h1", k): None for k in range(ROWS)}
    assert found(book(path, special=blank)) == {(cells("h1"), "to fill in")}


def test_an_update_by_another_weights_gradient_is_found(path):
    wrong = updated("w1", "=F{k}-$C$2*Z{k}")
    (finding,) = (f for s in check(book(path, special=wrong)).sheets for f in s.findings)
    assert finding.kind == "another weight's gradient"
    assert finding.cells == f"F{TOP + 3}:F{TOP + 1 + ROWS}"
    assert finding.expected == f"=F{TOP + 2}-$C$2*Y{TOP + 2}"


@for_each(
    "formula",
    [
        "=F{k}*(1-$C$2*0.01)-$C$2*Y{k}",
        "=(1-$C$2*0.01)*F{k}-$C$2*Y{k}",
        "=F{k}-$C$2*(Y{k}+0.01*F{k})",
        "=F{k}-$C$2*Y{k}-$C$2*0.01*F{k}",
    ],
)
def test_a_weight_that_decays_is_right(formula, path):
    assert check(book(path, special=updated("w1", formula))).verdict == "right"


def test_a_rate_is_proposed_where_it_is_blank(path):
    (finding,) = (f for s in check(book(path, rate=None)).sheets for f in s.findings)
    assert finding.fixes == {"C2": "=0.5"}


NETWORK = """input 2
dense 2 no bias
sigmoid
dense 2 no bias
sigmoid
loss half squared error
weights 0.15 0.2 0.25 0.3 0.4 0.45 0.5 0.55
sample 0.05 0.1 -> 0.5 0.6
"""


def test_updates_as_one_array_formula_are_read(path):
    table = offset(array_updates(table_of(NETWORK)))
    assert any(str(c).startswith("{") for c in table.sheets["Training"].values())
    assert check(table.save(path)).verdict == "right"


def test_a_mistake_beside_array_formulas_is_found(path):
    table = array_updates(table_of(NETWORK))
    columns = Columns(table)
    column = columns.names["∂E/∂w5"]
    for row in columns.rows(column):
        table.sheets["Training"][row, column] = "=-" + columns.formula(row, column)[1:]
    (finding,) = (f for s in check(table.save(path)).sheets for f in s.findings)
    assert (finding.quantity, finding.kind) == ("∂E/∂w5", "wrong sign")


def test_an_old_value_is_found_in_its_very_cell(path):
    table = table_of(NETWORK)
    spot = ("Training", 6, Columns(table).names["a_h1"])
    values = all_values(table)
    table.values = {**values, spot: 1.001 * values[spot]}
    (finding,) = (f for s in check(table.save(path)).sheets for f in s.findings)
    assert (finding.kind, finding.cells[-1]) == ("stale value", "7")


CARRIED = "={∂E/∂w5}/{a_h1}*{a_h2}"


def test_a_gradient_made_of_a_wrong_one_is_a_consequence(tmp_path):
    wrong = FORMULAS["∂E/∂w5"].replace("{t1}", "{t2}").replace("(1-{a_o1})", "(1-{o1})")
    (finding,) = check(book(tmp_path / "b.xlsx", {"∂E/∂w5": wrong, "∂E/∂w6": CARRIED})).findings
    assert (finding.quantity, finding.cells) == ("∂E/∂w5", cells("∂E/∂w5"))
    assert finding.spoils == ("w5", "w6")


def test_a_gradient_made_of_a_wrong_one_may_be_wrong_itself(tmp_path):
    wrong = FORMULAS["∂E/∂w5"].replace("(1-{a_o1})", "(1-{o1})")
    changed = {"∂E/∂w5": wrong, "∂E/∂w6": CARRIED.replace("{a_h2}", "{h2}")}
    first, second = check(book(tmp_path / "b.xlsx", changed)).findings
    assert (first.quantity, first.spoils) == ("∂E/∂w5", ())
    assert (second.quantity, second.kind) == ("∂E/∂w6", "pre-activation")


ENTROPY = {f"E{k}": f"=-({{t{k}}}*LN({{a_o{k}}})+(1-{{t{k}}})*LN(1-{{a_o{k}}}))" for k in (1, 2)}
ITS_GRADIENTS = {
    f"∂E/∂w{k}": FORMULAS[f"∂E/∂w{k}"]
    .replace("*{a_o1}*(1-{a_o1})", "")
    .replace("*{a_o2}*(1-{a_o2})", "")
    for k in range(1, 9)
}


@for_each("word", ["LOG", "LOG10"])
def test_a_logarithm_to_the_base_ten_is_told_from_the_natural_one(word, path):
    right = {**ENTROPY, **ITS_GRADIENTS}
    assert check(book(path, right)).verdict == "right"
    changed = {**right, "E2": ENTROPY["E2"].replace("LN", word)}
    (finding,) = check(book(path, changed)).findings
    assert (finding.cells, finding.kind) == (cells("E2"), "wrong function")
    assert word not in finding.expected
    assert finding.expected.count("LN(") == 2


SIGMOID = "1/(1+EXP(-{{a_o{k}}}))"


def test_a_slope_taken_of_the_activation_is_one_mistake(path):
    changed = {}
    for name in ("∂E/∂w5", "∂E/∂w6"):
        formula = FORMULAS[name]
        again = SIGMOID.format(k=1)
        changed[name] = formula.replace("*{a_o1}*(1-{a_o1})", f"*({again})*(1-{again})")
    found = check(book(path, changed)).findings
    assert [(f.cells, f.kind) for f in found] == [(cells(n), "wrong function") for n in changed]
    assert all("EXP" not in f.expected for f in found)


@for_each(("own", "said"), [("1", "1/2"), ("0.25", "2")])
def test_a_common_factor_hides_no_mistake_that_all_gradients_have(own, said, path):
    changed = {name: FORMULAS[name].replace("0.5", own) for name in ("E1", "E2")}
    for name, formula in FORMULAS.items():
        if name in ("∂E/∂w1", "∂E/∂w2", "∂E/∂w3", "∂E/∂w4"):
            changed[name] = formula.replace("*{i1}", "*{t1}").replace("*{i2}", "*{t2}")
        elif name.startswith("∂"):
            changed[name] = formula.replace("(1-{a_o1})", "(1-{t1})").replace("1-{a_o2}", "1-{t2}")
    targets = {("t2", row): 0.7 for row in range(ROWS)}
    report = check(book(path, changed, special=targets))
    kinds = {(f.weight, f.kind) for f in report.findings}
    assert kinds == {(f"w{k}", "wrong reference") for k in range(1, 9)}
    assert f"{said} times the slope" in report.sheets[0].notes[0]


def test_sums_in_the_place_of_all_activations_are_one_mistake(path):
    (finding,) = check(book(path, {"o1": "={h1}*{w5}+{h2}*{w6}"})).findings
    assert (finding.cells, finding.kind) == (cells("o1"), "pre-activation")
    row = TOP + 2
    a, b, w5, w6 = (f"{letter(name)}{row}" for name in ("a_h1", "a_h2", "w5", "w6"))
    assert finding.expected == f"={a}*{w5}+{b}*{w6}"
