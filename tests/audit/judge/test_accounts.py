"""Updates whose gradients are right, and which take more or less of them than the others do."""

from __future__ import annotations

from gradbook.audit.check_book import check
from gradbook.audit.copies.correct import correct
from tests.audit.material.lookalikes import ROWS, TOP, book, cells, findings, letter
from tests.audit.material.small import saved
from tests.cases import for_each

HIDDEN, OUTER = ("w1", "w2", "w3", "w4"), ("w5", "w6", "w7", "w8")


def updated_by(change, *weights):
    """Other updates of some weights: {w} less what is said of the gradient {g}."""
    special = {}
    for weight in weights:
        for k in range(1, ROWS):
            above = TOP + 1 + k
            gradient = f"{letter('∂E/∂' + weight)}{above}"
            special[weight, k] = f"={letter(weight)}{above}-{change.format(g=gradient)}"
    return special


def updates_of(weight):
    first, last = cells(weight).split(":")
    column = letter(weight)
    return f"{column}{int(first[len(column) :]) + 1}:{last}"


@for_each("weights", [HIDDEN, OUTER, ("w3",)], ids=",".join)
@for_each(
    ("change", "kind"),
    [("{g}", "missing rate"), ("$C$2*$C$2*{g}", "wrong update"), ("$C$2^2*{g}", "wrong update")],
)
def test_a_rate_left_out_or_taken_twice_is_found_in_every_weight(path, weights, change, kind):
    found = findings(book(path, special=updated_by(change, *weights)))
    assert {(f.weight, f.kind, f.cells) for f in found} == {
        (weight, kind, updates_of(weight)) for weight in weights
    }
    assert all("$C$2" in f.expected and "$C$2*$C$2" not in f.expected for f in found)
    mended = path.with_name("mended.xlsx")
    mended.write_bytes(correct(path, check(path)).content)
    assert check(mended).verdict == "right"


def test_twice_the_rate_of_the_others_is_a_fault_of_the_one(path):
    (finding,) = findings(book(path, special=updated_by("2*$C$2*{g}", "w6")))
    assert (finding.weight, finding.cells) == ("w6", updates_of("w6"))
    assert "2 times" in str(finding.why)


@for_each("weights", [("w6",), OUTER], ids=",".join)
def test_a_rate_added_to_the_gradient_is_found_in_every_weight(path, weights):
    found = findings(book(path, special=updated_by("($C$2+{g})", *weights)))
    assert {(f.weight, f.kind, f.cells) for f in found} == {
        (weight, "wrong update", updates_of(weight)) for weight in weights
    }
    assert all("-$C$2*" in f.expected for f in found)


@for_each("law", ["{g}/(1+ABS({g}))", "SIGN({g})", "MAX(-0.01,MIN(0.01,{g}))"])
def test_another_law_in_half_of_the_weights_is_neither_right_nor_wrong(path, law):
    report = check(book(path, special=updated_by(f"$C$2*{law}", *OUTER)))
    assert report.verdict == "unfinished"
    assert sum("not accounted for" in note for sheet in report.sheets for note in sheet.notes) == 4


@for_each(("typed", "is_wrong"), [(0.7, True), (0.5, False)])
def test_a_number_typed_for_the_rate_is_a_fault_unless_it_is_the_same(path, typed, is_wrong):
    found = findings(book(path, special=updated_by(f"{typed}*{{g}}", "w5")))
    assert [(f.kind, f.cells) for f in found] == [("wrong rate", updates_of("w5"))] * is_wrong
    assert all("-$C$2*" in f.expected for f in found)


def test_a_gradient_that_a_dollar_keeps_at_the_first_row_is_found(path):
    column, gradient, second = letter("w2"), letter("∂E/∂w2"), TOP + 3
    tied = updated_by(f"$C$2*{gradient}${second - 1}", "w2")
    (finding,) = findings(book(path, special=tied))
    assert (finding.kind, finding.cells) == (
        "frozen row",
        f"{column}{second + 1}:{column}{TOP + 1 + ROWS}",
    )
    assert finding.expected == f"={column}{second}-$C$2*{gradient}{second}"


def test_a_rate_of_its_own_for_a_layer_is_a_choice(path):
    rate = {("t1", 0): 0.5}
    assert findings(book(path, special=rate | updated_by("0.1*{g}", *OUTER))) == []


MEANS = {
    "A1": "rate",
    "B1": 0.5,
    **{f"A{k}": round(0.31 * k % 1.3, 2) for k in range(4, 10)},
    **{f"B{k}": float(k % 2) for k in range(4, 10)},
    "C3": "w",
    "D3": "b",
    "E3": "loss",
}


def test_a_sum_where_the_other_gradient_is_a_mean_is_found(path):
    """Each block of six rows is a step: a logistic regression."""
    table = dict(MEANS)
    for step in range(4):
        z, p, loss, theta = (chr(ord("C") + 4 * step + k) for k in range(4))
        before = chr(ord(theta) - 4)
        table[f"{z}3"], table[f"{p}3"], table[f"{loss}3"] = "z", "p", "loss"
        table[f"{theta}3"] = "theta"
        for k in range(4, 10):
            table[f"{z}{k}"] = f"=$A{k}*{theta}$4+{theta}$5"
            table[f"{p}{k}"] = f"=1/(1+EXP(-{z}{k}))"
            table[f"{loss}{k}"] = f"=-(B{k}*LN({p}{k})+(1-B{k})*LN(1-{p}{k}))".replace("B", "$B")
        table[f"{loss}10"] = f"=AVERAGE({loss}4:{loss}9)"
        if not step:
            table[f"{theta}4"], table[f"{theta}5"] = 0.3, -0.2
        else:
            old = chr(ord(p) - 4)
            error = f"({old}4:{old}9-$B$4:$B$9)"
            table[f"{theta}4"] = f"={before}4-$B$1*SUMPRODUCT({error},$A$4:$A$9)/6"
            table[f"{theta}5"] = f"={before}5-$B$1*SUMPRODUCT({error})"
    (finding,) = findings(saved(path, table))
    assert "6 times" in str(finding.why)
    assert finding.expected.endswith("/6")


def test_rates_that_are_typed_into_the_updates_are_a_choice(path):
    special = updated_by("0.1*{g}", *OUTER) | updated_by("0.5*{g}", *HIDDEN)
    assert check(book(path, special=special)).verdict == "right"
