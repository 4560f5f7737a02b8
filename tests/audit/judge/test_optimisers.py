"""Velocities, squares and changes say for each weight what they say for the other weights."""

from __future__ import annotations

import random
from dataclasses import replace

from gradbook.audit.check_book import check
from tests.audit.material.layouts.optimisers import with_rule
from tests.audit.material.layouts.places import laid, spots
from tests.audit.material.layouts.sketch import Shape
from tests.audit.material.made import cells_of
from tests.audit.material.small import saved
from tests.cases import for_each

LINE = Shape(3, 0, 1, "sigmoid", "sigmoid", 1, False, True)  # w1 w2 w3 b1


def adam(rule="adam"):
    return with_rule(LINE, random.Random(4), rule)


def judged(path, sketch, called, formula, layout="a step a row"):
    """The findings of a book in which one quantity has another formula, and where that stands."""
    table = laid(sketch.with_formula(called, formula), layout)
    cells = {spot[1:] for spot in spots(sketch, layout, called)}
    return check(table.save(path)).findings, cells


def one_of(findings, cells):
    (finding,) = findings
    assert set(cells_of(finding.cells)) == cells
    return finding


def test_a_second_moment_of_another_gradient_is_found(path):
    wrong = "{β2}*{s_w2<}+(1-{β2})*{∂E/∂w3}^2"
    finding = one_of(*judged(path, adam(), "s_w2", wrong))
    assert (finding.kind, finding.weight) == ("another weight's gradient", "w2")


def test_a_second_moment_without_its_square_is_found(path):
    finding = one_of(*judged(path, adam(), "s_w2", "{β2}*{s_w2<}+(1-{β2})*{∂E/∂w2}"))
    assert finding.kind == "missing factor"
    assert finding.expected.endswith("^2")


def test_a_corrected_square_of_another_weight_is_found(path):
    """The right one has the structure of the corrected mean, and nothing uses it."""
    wrong = "{w2<}-{η}*{mh_w2<}/(SQRT({sh_w1<})+{ε})"
    for layout in ("a step a row", "a form per step"):
        finding = one_of(*judged(path, adam(), "w2", wrong, layout))
        assert finding.kind == "wrong reference"


def test_one_decay_taken_for_the_other_is_found(path):
    finding = one_of(*judged(path, adam(), "sh_w2", "{s_w2}/(1-{β1}^{t})"))
    assert finding.kind == "wrong reference"


def test_a_velocity_doubled_is_found_wherever_it_stands(path):
    sketch, wrong = adam("momentum, one step later"), "2*({μ}*{v_w3<}+{∂E/∂w3<})"
    for layout in ("a step a column", "a form per step"):
        one_of(*judged(path, sketch, "v_w3", wrong, layout))


def test_a_velocity_that_begins_as_a_number_is_known_by_the_next(path):
    sketch, wrong = adam("nesterov, both velocities"), "2*({μ}*{v_w3<}-{η}*{∂E/∂w3<})"
    for layout in ("a step a row", "a block per step"):
        one_of(*judged(path, sketch, "v_w3", wrong, layout))


def test_what_is_odd_in_the_midst_hides_nothing_behind_it(path):
    sketch = adam().with_formula("mh_w1", "2*{m_w1}/(1-{β1}^{t})")
    findings, _ = judged(path, sketch, "s_w2", "{β2}*{s_w2<}+(1-{β2})*{∂E/∂w2}")
    assert {finding.weight for finding in findings} == {"w1", "w2"}


def test_the_formula_offered_makes_the_book_right(path):
    sketch = adam("rmsprop, change apart")
    table = laid(sketch.with_formula("Δw1", "-2*{η}/SQRT({s_w1}+{ε})*{∂E/∂w1}"), "a step a row")
    from tests.audit.material.mutants import repaired

    again = repaired(table, check(table.save(path)))
    assert check(again.save(path)).verdict == "right"


@for_each("rule", ["decay in a gradient apart", "decay"])
def test_a_bias_that_does_not_decay_is_no_mistake(path, rule):
    sketch = adam(rule)
    plain = {"d_b1": "{∂E/∂b1}", "b1": "{b1<}-{η}*{∂E/∂b1<}"}
    changed = tuple(
        replace(q, formula=plain[q.called]) if q.called in plain else q for q in sketch.quantities
    )
    table = laid(replace(sketch, quantities=changed), "a step a row")
    assert check(table.save(path)).findings == ()


DECAYS = {  # what weights use for λ, beside a setting λ_b; and the weights that are blamed
    "a setting for biases": ({"b1": "{λ_b}"}, []),
    "a number for each kind": ({**dict.fromkeys(("w1", "w2", "w3"), "0.2"), "b1": "0.3"}, []),
    "a number for one of a kind": ({"w1": "0.2", "w2": "0.3", "w3": "0.2", "b1": "0.2"}, ["w2"]),
    "a setting for one of a kind": ({"w2": "{λ_b}"}, ["w2"]),
    "the rate": ({"b1": "{η}"}, ["b1"]),
    "one that grows": ({"b1": "0.3*{t}"}, ["b1"]),
    "one with another sign": ({**dict.fromkeys(("w1", "w2", "w3"), "2"), "b1": "(-3)"}, ["b1"]),
}


@for_each("rule", ["adamw", "adamw, decay inside"])
@for_each("case", DECAYS)
def test_only_another_kind_of_parameter_may_have_another_decay(case, rule, path):
    decays, blamed = DECAYS[case]
    sketch = adam(rule)
    setting = replace(sketch.quantities[0], name="λ_b", given=[0.02])
    formulas = {q.called: q.formula for q in sketch.quantities}
    for called, decay in decays.items():
        sketch = sketch.with_formula(called, formulas[called].replace("{λ}", decay))
    table = laid(replace(sketch, quantities=(setting, *sketch.quantities)), "a step a row")
    report = check(table.save(path))
    assert [finding.weight for finding in report.findings] == blamed
    assert report.verdict == ("wrong" if blamed else "right")


def test_a_bias_with_a_rate_of_its_own_is_no_mistake(path):
    sketch = adam()
    own = sketch.quantities[0]
    changed = (replace(own, name="η_b"), *sketch.quantities)
    bias = "{b1<}-{η_b}*{mh_b1<}/(SQRT({sh_b1<})+{ε})"
    table = laid(replace(sketch, quantities=changed).with_formula("b1", bias), "a step a row")
    assert [f for f in check(table.save(path)).findings if f.kind != "wrong rate"] == []


TWO = {  # a line through points, by Adam: a step a row, each with a sample of its own
    "A1": "lr",
    "B1": 0.05,
    "A2": "b1",
    "B2": 0.9,
    "A3": "b2",
    "B3": 0.99,
    "A4": "eps",
    "B4": 1e-8,
    "A7": "t",
    "B7": "x",
    "C7": "y",
    "D7": "a",
    "E7": "b",
    "F7": "pred",
    "G7": "loss",
    "H7": "da",
    "I7": "db",
    "J7": "ma",
    "K7": "mb",
    "L7": "va",
    "M7": "vb",
    **{f"A{r}": float(r - 7) for r in range(8, 20)},
    **{f"B{r}": round(0.3 + 0.21 * r % 1.7, 2) for r in range(8, 20)},
    **{f"C{r}": round(1 + 0.37 * r % 2.3, 2) for r in range(8, 20)},
    "D8": 0.5,
    "E8": 0.2,
    "D9:E19": "=D8-$B$1*N8/(SQRT(P8)+$B$4)",
    "F8:F19": "=D8+E8*B8",
    "G8:G19": "=(F8-C8)^2",
    "H8:H19": "=2*(F8-C8)",
    "I8:I19": "=2*(F8-C8)*B8",
    "J8:K8": "=(1-$B$2)*H8",
    "J9:K19": "=$B$2*J8+(1-$B$2)*H9",
    "L8:M8": "=(1-$B$3)*H8^2",
    "L9:M19": "=$B$3*L8+(1-$B$3)*H9^2",
    "N8:O19": "=J8/(1-$B$2^$A8)",
    "P8:Q19": "=L8/(1-$B$3^$A8)",
}
ROOT, OTHER = (f"={w}8-$B$1*{g}8/(SQRT(L8)+$B$4)" for w, g in ("DH", "EI"))
OF_TWO = {  # what is typed instead, and where it is wrong
    "the other weight's root": ({"D9:E19": ROOT, "E9:E19": OTHER}, "E9:E19"),
    "one row of another gradient": ({"J12": "=$B$2*J11+(1-$B$2)*I12"}, "J12"),
    "the first share for the second": ({"P8:P19": "=L8/(1-$B$2^$A8)"}, "P8:P19"),
    "no mean at all": ({"Q8:Q19": "=$A8/(1-$B$3^$A8)"}, "Q8:Q19"),
    "a sign in one row": ({"K16": "=$B$2*K15-(1-$B$2)*I16"}, "K16"),
    "another cell's past": ({"L9:L19": "=$B$3*I8+(1-$B$3)*H9^2"}, "L9:L19"),
    "a sign in a mean": ({"M9:M19": "=$B$3*M8+(1+$B$3)*I9^2"}, "M9:M19"),
    "half of the rows": ({"P14:P19": "=E14/(1-$B$3^$A14)"}, "P14:P19"),
}


def test_a_right_training_of_two_weights_is_right(path):
    assert check(saved(path, TWO)).verdict == "right"
    assert check(saved(path, {**TWO, "D9:E19": ROOT})).verdict == "right"


@for_each("name", OF_TWO)
def test_which_of_two_weights_is_odd_is_known(path, name):
    changed, cells = OF_TWO[name]
    finding = one_of(check(saved(path, {**TWO, **changed})).findings, set(cells_of(cells)))
    assert finding.expected
