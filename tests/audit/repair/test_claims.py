"""A gradient that is a sum over samples: each sample's share is looked at by itself."""

from __future__ import annotations

import random

from gradbook.audit.check_book import check
from gradbook.audit.repair.departures import serving_others, whose
from gradbook.audit.search.hypotheses import Cause
from tests.audit.material.layouts.optimisers import with_rule
from tests.audit.material.layouts.places import laid, spots
from tests.audit.material.layouts.planted import changed
from tests.audit.material.layouts.sketch import Shape
from tests.audit.material.made import Spot, cells_of
from tests.audit.material.mutants import is_right_once_corrected
from tests.audit.material.network import NETWORK, W1, W2, proposed, symptoms, two_samples
from tests.audit.material.small import at
from tests.cases import for_each


@for_each(
    ("share", "right"),
    [
        ("=({y}-{x})*{x}*2", ("(C2-B2)*A2*2", "(C3-B3)*A3*2")),
        ("=({y}-{t})*2", ("(C2-B2)*2*A2", "(C3-B3)*2*A3")),
        ("=EXP({y})", ("2*(C2-B2)*A2", "2*(C3-B3)*A3")),
    ],
    ids=["a wrong reference", "a factor left out", "another formula"],
)
def test_every_samples_share_is_put_right(share, right):
    (hypothesis,) = proposed("shares of samples", symptoms(*two_samples(share)))
    assert hypothesis.cells == (at("E2", 1), at("E3", 1))
    assert hypothesis.formulas == right
    assert hypothesis.explains == {W1}


def test_a_share_that_is_right_is_left_alone():
    (hypothesis,) = proposed(
        "shares of samples", symptoms(*two_samples(other="=({y}-{t})*{first}*2"))
    )
    assert (hypothesis.cells, hypothesis.formulas) == ((at("E3", 1),), ("(C3-B3)*A3*2",))


def test_right_shares_are_no_mistake():
    assert proposed("shares of samples", symptoms(*two_samples())) == []


def test_of_shares_of_different_shapes_the_wrong_one_is_put_right():
    (hypothesis,) = proposed("shares of samples", symptoms(*two_samples(other="=EXP({y})")))
    assert (hypothesis.cells, hypothesis.formulas) == ((at("E3", 1),), ("2*(C3-B3)*A3",))


# A gradient gathered from shares that stand here and there -----------------------------


SAMPLES = Shape(2, 0, 1, "sigmoid", "sigmoid", 3, False, True)  # w1 w2 b1, three of each share
SKETCH = with_rule(SAMPLES, random.Random(3), "descent")


@for_each("layout", ["a form per step", "a step a row"])
@for_each("share", ["{δo1@2}*{x2@2}", "{δo1@2}+{x1@2}"])
def test_one_samples_wrong_share_is_put_right(layout, share, path):
    judged = changed(path, SKETCH, layout, "g_w1@2", share)
    assert judged.found, judged.words
    assert judged.repaired


def test_where_all_shares_are_right_the_sum_is_to_blame(path):
    judged = changed(path, SKETCH, "a form per step", "∂E/∂w1", "SUM({g_w1@*})/2")
    assert judged.found, judged.words
    assert judged.repaired


@for_each("layout", ["a form per step", "a sheet per step"])
def test_shares_that_are_all_wrong_are_put_right_sample_by_sample(layout, path):
    shape = Shape(2, 0, 2, "sigmoid", "sigmoid", 3, False, True)
    sketch = with_rule(shape, random.Random(3), "descent")
    blamed = set[Spot]()
    for k in (1, 2, 3):
        sketch = sketch.with_formula(f"g_w1@{k}", f"{{δo2@{k}}}*{{x1@{k}}}")
        blamed.update(spots(sketch, layout, f"g_w1@{k}"))
    report = check(laid(sketch, layout).save(path))
    assert {(f.sheet, *cell) for f in report.findings for cell in cells_of(f.cells)} == blamed
    assert is_right_once_corrected(path, report)


# An update that takes another weight's gradient is led back to its own -----------------


CROSSED = {**NETWORK, "A3:A8": "=A2-$L$3*H2"}


def test_an_update_gets_its_own_gradient():
    (hypothesis,) = proposed("other gradients", symptoms(CROSSED))
    assert (hypothesis.cause, hypothesis.whose) == (Cause.UPDATE, W2)
    assert (hypothesis.cells, hypothesis.formulas) == ((at("A3"),), ("A2-$L$3*I2",))
    assert hypothesis.explains == {W1}


def test_two_updates_that_are_crossed_are_both_led_back():
    found = proposed("other gradients", symptoms({**CROSSED, "B3:B8": "=B2-$L$3*I2"}))
    assert {(h.home, h.formulas[0], h.whose) for h in found} == {
        (at("A3"), "A2-$L$3*I2", W2),
        (at("B3"), "B2-$L$3*H2", W1),
    }


def test_a_velocity_takes_the_place_of_anothers_velocity():
    velocities = {"M2": "=I2", "M3:M8": "=0.9*M2+I3", "N2": "=H2", "N3:N8": "=0.9*N2+H3"}
    updates = {"A3:A8": "=A2-$L$3*N2", "B3:B8": "=B2-$L$3*N2"}
    (hypothesis,) = proposed("other gradients", symptoms({**NETWORK, **velocities, **updates}))
    assert (hypothesis.home, hypothesis.formulas) == (at("A4"), ("A3-$L$3*M3",))


def test_a_gradient_that_nobody_has_is_no_other_weights():
    assert proposed("other gradients", symptoms({**NETWORK, "I2:I8": "=G2*B2*D2*$L$1"})) == []


def test_where_a_claims_own_column_is_missing_nothing_is_proposed():
    cleared = {**CROSSED, "I2:I8": "=G2"}
    found = symptoms(cleared)
    assert whose(found.under_test, W1, found.wrong[W1]) == W2
    assert proposed("other gradients", found) == []


def test_a_claim_that_an_update_follows_serves_its_own():
    found = symptoms(CROSSED)
    assert serving_others(found.under_test, found.wrong) == set()


LINE = Shape(3, 0, 1, "sigmoid", "sigmoid", 1, False, True)  # w1 w2 w3 b1


@for_each("layout", ["a block per step", "a form per step"])
@for_each(
    ("rule", "memory", "taken"),
    [
        ("momentum as a mean", "v_w2", "{μ}*{v_w2<}+(1-{μ})*{∂E/∂w3}"),
        ("momentum, one step later", "v_w2", "{μ}*{v_w2<}+{∂E/∂w3<}"),
        ("descent, change apart", "Δw2", "-{η}*{∂E/∂w3}"),
    ],
)
def test_a_memory_is_led_back_in_every_step_and_nowhere_else(layout, rule, memory, taken, path):
    judged = changed(path, with_rule(LINE, random.Random(7), rule), layout, memory, taken)
    assert judged.found, judged.words
    assert judged.repaired


def test_a_gradient_that_repeats_a_wrong_cell_is_to_blame_and_not_its_update(path):
    sketch = with_rule(
        Shape(3, 2, 1, "sigmoid", "sigmoid", 1, False, True), random.Random(7), "descent"
    )
    for layout in ("a step a row", "a form per step"):
        judged = changed(path, sketch, layout, "∂E/∂b2", "{δh1}")
        assert judged.found, judged.words
        assert judged.repaired
