"""Updates in conditions, weights seen ahead, weights that go on from others, by all kinds of
rules."""

from __future__ import annotations

import random
from dataclasses import replace

from gradbook.audit.check_book import check
from tests.audit.material.layouts.optimisers import B2, EPS, MU, RULES, Rule, T, by_rule
from tests.audit.material.layouts.places import laid, spots
from tests.audit.material.layouts.sketch import Quantity, Shape, sketched
from tests.audit.material.made import cells_of
from tests.cases import for_each

LINE = Shape(3, 0, 1, "sigmoid", "sigmoid", 1, False, True)  # w1 w2 w3 b1
HALVED = Rule("IF({t<}>3,{⟦w⟧<}-{⟦η⟧}*{⟦g⟧<}/2,{⟦w⟧<}-{⟦η⟧}*{⟦g⟧<})", counters=(T,), sort="descent")
AHEAD = Rule(
    "{⟦w⟧<}-{v_⟦w⟧<}", (("v_⟦w⟧", "{μ}*{v_⟦w⟧<}+{⟦η⟧}*{⟦g⟧}", "{⟦η⟧}*{⟦g⟧}"),), (MU,), sort="ahead"
)
BY_SIGN = Rule(  # of a running mean, whose size is the root of its square: not a mean of squares
    "{⟦w⟧<}-{⟦η⟧}*{m_⟦w⟧<}/(SQRT({m_⟦w⟧<}^2)+0.001)",
    (("m_⟦w⟧", "{μ}*{m_⟦w⟧<}+(1-{μ})*{⟦g⟧}", "(1-{μ})*{⟦g⟧}"),),
    (MU,),
    sort="by sign",
)


def trained(rule, ahead=False, shape=LINE):
    """A neuron whose weights go on by a rule; perhaps seen where their velocity takes them."""
    draw = random.Random(5)
    passes, weights = sketched(shape, draw)
    if ahead:
        seen = [Quantity(f"a_{w}", f"{{{w}}}-{{μ}}*{{v_{w}<}}", f"{{{w}}}") for w in weights]
        sums = next(q for q in passes if q.name == "o1")
        formula = sums.formula.replace("{w", "{a_w").replace("{b", "{a_b")
        rest = [Quantity(sums.name, formula) if q is sums else q for q in passes]
        passes = [*seen, *rest]
    return by_rule(passes, weights, 1, draw, RULES.get(rule, rule))


def findings_in(path, sketch, layout="a step a row"):
    return check(laid(sketch, layout).save(path))


def blames(report, sketch, called, layout="a step a row"):
    """Whether a quantity's cells are blamed, and no others."""
    blamed = {(f.sheet, *cell) for f in report.findings for cell in cells_of(f.cells)}
    return blamed == set(spots(sketch, layout, called))


@for_each("layout", ["a step a row", "a step a column"])
def test_an_update_is_compared_in_each_case_of_its_condition(layout, path):
    sketch = trained(HALVED)
    assert findings_in(path, sketch, layout).verdict == "right"
    for wrong in (
        "IF({t<}>3,{w2<}-{∂E/∂w2<}/2,{w2<}-{η}*{∂E/∂w2<})",
        "IF({t<}>3,{w2<}-{η}*{∂E/∂w2<}/2,{w2<}-{η}*{η}*{∂E/∂w2<})",
    ):
        report = findings_in(path, sketch.with_formula("w2", wrong), layout)
        assert blames(report, sketch, "w2", layout)
        assert report.findings[0].expected.startswith("=IF(")


@for_each("weight", ["w2", "b3", "w7"])
def test_an_update_behind_a_relu_is_compared_though_its_slope_is_often_0(weight, path):
    sketch = trained(HALVED, shape=Shape(2, 3, 1, "relu", "line", 1, False, True))
    twice = "IF({t<}>3,{w<}-2*{η}*{∂E/∂w<}/2,{w<}-{η}*{∂E/∂w<})".replace("w<", f"{weight}<")
    report = findings_in(path, sketch.with_formula(weight, twice), "a step a column")
    assert blames(report, sketch, weight, "a step a column")


@for_each("layout", ["a step a row", "a step a column", "a sheet per step"])
def test_weights_seen_ahead_have_gradients_like_others(layout, path):
    sketch = trained(AHEAD, ahead=True)
    assert findings_in(path, sketch, layout).verdict == "right"
    wrong = sketch.with_formula("∂E/∂w2", "{δo1}*{x1}")
    assert blames(findings_in(path, wrong, layout), sketch, "∂E/∂w2", layout)
    wrong = sketch.with_formula("v_w2", "{μ}*{v_b1<}+{η}*{∂E/∂w2}")
    assert blames(findings_in(path, wrong, layout), sketch, "v_w2", layout)


def test_the_root_of_a_square_needs_no_mean_of_squares(path):
    assert findings_in(path, trained(BY_SIGN)).verdict == "right"


@for_each("rule", ["momentum, downwards", "rmsprop", "adam", "nesterov, rewritten"])
def test_a_weight_that_goes_on_from_another_is_found(rule, path):
    sketch = trained(rule)
    own = next(q.formula for q in sketch.quantities if q.name == "w2")
    wrong = sketch.with_formula("w2", own.replace("{w2<}", "{w3<}"))
    report = findings_in(path, wrong)
    assert blames(report, sketch, "w2"), [f.cells for f in report.findings]
    assert "belongs there" in report.findings[0].why


@for_each("layout", ["a step a row", "a sheet per step"])
def test_a_rate_that_a_change_lacks_is_missing_there(layout, path):
    sketch = trained("descent, change apart")
    report = findings_in(path, sketch.with_formula("Δw2", "-{∂E/∂w2}"), layout)
    assert blames(report, sketch, "Δw2", layout)
    assert {f.kind for f in report.findings} == {"missing rate"}


V = ("v_⟦w⟧", "{β2}*{v_⟦w⟧<}+(1-{β2})*{⟦g⟧}^2", "(1-{β2})*{⟦g⟧}^2")
M = ("m_⟦w⟧", "{m_⟦w⟧<}+(1-{β2})*({⟦g⟧}-{m_⟦w⟧<})", "(1-{β2})*{⟦g⟧}")
SIZE = "IF({⟦g⟧}*{⟦g⟧<}>0,{s_⟦w⟧<}*1.2,IF({⟦g⟧}*{⟦g⟧<}<0,{s_⟦w⟧<}*0.5,{s_⟦w⟧<}))"
LAWS = {
    "a mean by its difference": Rule("{⟦w⟧<}-{⟦η⟧}*{m_⟦w⟧<}", (M,), (B2,), sort="mean"),
    "a step size of its own": Rule(
        "{⟦w⟧<}-SIGN({⟦g⟧<})*{s_⟦w⟧<}", (("s_⟦w⟧", SIZE, "{⟦η⟧}"),), sort="rprop"
    ),
    "without the mean's square": Rule(
        "{⟦w⟧<}-{⟦η⟧}*{⟦g⟧<}/SQRT({v_⟦w⟧<}-{m_⟦w⟧<}^2+{ε})", (M, V), (B2, EPS), sort="centred"
    ),
    "within bounds": Rule("MAX(-1,MIN(1,{⟦w⟧<}-{⟦η⟧}*{⟦g⟧<}))", sort="bounded"),
    "the largest mean": Rule(
        "{⟦w⟧<}-{⟦η⟧}*{⟦g⟧<}/SQRT({u_⟦w⟧<}+{ε})",
        (V, ("u_⟦w⟧", "MAX({u_⟦w⟧<},{v_⟦w⟧})", "{v_⟦w⟧}")),
        (B2, EPS),
        sort="amsgrad",
    ),
}


@for_each("rule", LAWS)
def test_laws_of_few_books_are_right_and_their_gradients_are_judged(rule, path):
    sketch = trained(LAWS[rule])
    for layout in ("a step a row", "a step a column"):
        report = findings_in(path, sketch, layout)
        assert report.verdict == "right", str(report)
    wrong = sketch.with_formula("∂E/∂w2", "{δo1}*{x1}")
    assert blames(findings_in(path, wrong), sketch, "∂E/∂w2")


NORM = "SQRT({∂E/∂w1}^2+{∂E/∂w2}^2+{∂E/∂w3}^2+{∂E/∂b1}^2)"


def test_gradients_may_be_scaled_by_their_norm(path):
    rule = Rule("{⟦w⟧<}-{⟦η⟧}*{f<}*{⟦g⟧<}", sort="scaled")
    sketch = trained(rule)
    scale = [Quantity("n", NORM), Quantity("f", "MIN(1,0.1/{n})")]
    sketch = replace(sketch, quantities=(*sketch.quantities, *scale))
    assert findings_in(path, sketch).verdict == "right"
    wrong = sketch.with_formula("∂E/∂w2", "{δo1}*{x1}")
    assert findings_in(path, wrong).verdict == "wrong"


def through_copies(rule):
    """A rule whose memories continue from a column that only repeats their last values."""
    found = []
    for name, formula, first in rule.memories:
        old = f"{{{name}<}}"
        if old in formula:
            begin = first if isinstance(first, float) else None
            found.append((f"old_{name}", old, 0.0))
            found.append((name, formula.replace(old, f"{{old_{name}}}"), begin))
        else:
            found.append((name, formula, first))
    return replace(rule, memories=tuple(found))


PASSED_ON = {  # which rules, whether weights are seen ahead, and a mistake in them
    "momentum": (RULES["momentum"], False, ("v_w2", "{μ}*{old_v_b1}+{∂E/∂w2}")),
    "momentum, the gradient before": (
        RULES["momentum, downwards"],
        False,
        ("v_w2", "{μ}*{old_v_w2}-{η}*{∂E/∂w1<}"),
    ),
    "Nesterov": (AHEAD, True, ("v_w2", "{μ}*{old_v_b1}+{η}*{∂E/∂w2}")),
    "Adam": (RULES["adam"], False, ("s_w2", "{β2}*{old_s_w3}+(1-{β2})*{∂E/∂w2}^2")),
}


@for_each("layout", ["a step a row", "a step a column", "a form per step", "a sheet per step"])
@for_each("law", PASSED_ON)
def test_a_memory_may_continue_from_a_copy_of_its_last_value(law, layout, path):
    rule, ahead, (called, wrong) = PASSED_ON[law]
    sketch = trained(through_copies(rule), ahead)
    report = findings_in(path, sketch, layout)
    assert report.verdict == "right", str(report)
    report = findings_in(path, sketch.with_formula(called, wrong), layout)
    blamed = {(f.sheet, *cell) for f in report.findings for cell in cells_of(f.cells)}
    first, *later = spots(sketch, layout, called)
    assert blamed - {first} == set(later), str(report)  # all memories begin with 0: any is right


@for_each("layout", ["a step a row", "a step a column"])
def test_a_copy_of_another_weights_velocity_is_no_memory(layout, path):
    sketch = trained(through_copies(RULES["momentum"]))
    report = findings_in(path, sketch.with_formula("old_v_w2", "{v_b1<}"), layout)
    assert report.verdict == "wrong"
    assert {finding.weight for finding in report.findings} == {"w2"}


def test_a_memory_may_begin_typed_below_settings(path):
    sketch = trained("adam, one step later")  # its formulas would refer to settings there
    assert findings_in(path, sketch, "a form per step").verdict == "right"
