from __future__ import annotations

import numpy as np
import pytest

from gradbook.net import builtin, parse
from gradbook.rates.criteria import MEANINGS, Verdict
from gradbook.rates.sweep import sweep
from tests.cases import for_each
from tests.rates.made import WORKED, line

FAR_TARGETS = parse(str(WORKED).replace("-> 0.5 0.5", "-> 0.01 0.99"))


def verdict(net, rate, epochs=70):
    return sweep(net, [rate], epochs)[rate].verdict


# Saturation: low is not learning.


def test_the_floor_of_a_saturated_network_is_named(worked):
    said = "a_o is at 0.0000, with slopes of at most 6e-06; the loss stays at 0.25"
    assert worked[1000].reason == said


def test_a_death_that_looks_like_success_is_called_saturated():
    outcome = sweep(FAR_TARGETS, [1000])[1000]
    assert outcome.end == pytest.approx(1e-4, rel=1e-12)
    assert outcome.end < outcome.losses[0] / 1000
    assert (outcome.verdict, outcome.trains) == (Verdict.SATURATED, False)
    assert outcome.reason.startswith("a_o is at 0.0000 … 1.0000, with slopes of at most ")
    assert "the loss stays at 0.0001" in outcome.reason


def test_an_output_that_saturates_where_it_is_wanted_is_no_failure():
    net = parse(str(WORKED).replace("-> 0.5 0.5", "-> 0 1"))
    outcome = sweep(net, [10000])[10000]
    assert (outcome.verdict, outcome.trains) == (Verdict.GOOD, True)


def test_one_dead_output_of_two_is_told_from_the_one_that_learned():
    net = parse(
        "input 1; dense 2 no bias; sigmoid; loss half squared error; weights 0.1 50; "
        "sample 1 -> 0.6 0.6"
    )
    outcome = sweep(net, [20.0])[20.0]
    assert outcome.verdict is Verdict.SATURATED
    assert outcome.reason.startswith("a_o is at 1.0000, with slopes of at most 0")
    assert "the loss stays at 0.08" in outcome.reason


DEAD = """input 2; dense 2 no bias; relu; dense 1; loss half squared error
weights -1 -1 -1 -1 1 1; sample 1 1 -> 0.5; sample 1 0 -> 0.1"""


def test_dead_relus_are_saturated_on_what_the_last_bias_can_do():
    outcome = sweep(parse(DEAD), [1.0])[1.0]
    assert outcome.verdict is Verdict.SATURATED
    assert outcome.reason.startswith("a_h is at 0.0000, with slopes of at most 0")
    assert outcome.end == pytest.approx(0.02)  # half the variance of 0.5 and 0.1


def test_dead_relus_with_nothing_behind_them_have_no_gradient_at_all():
    swept = sweep(parse(DEAD.replace("dense 1;", "dense 1 no bias;")))
    assert {outcome.verdict for outcome in swept.outcomes} == {Verdict.SATURATED}
    assert swept.limit.rate is None


def test_a_softmax_saturates_under_a_squared_error_but_not_under_cross_entropy():
    squared = "input 1; dense 2; softmax; loss half squared error; sample 1 -> 1 0"
    start = "; weights -30 30; biases 0 0"
    assert verdict(parse(squared + start), 1.0) is Verdict.SATURATED
    cross = squared.replace("half squared error", "cross-entropy")
    assert verdict(parse(cross + start), 1.0) is not Verdict.SATURATED


def test_tanh_in_the_middle_is_named_with_its_slope():
    net = parse(
        "input 1; dense 2 no bias; tanh; dense 1 no bias; identity; loss half squared error; "
        "weights 20 -20 1 1; sample 1 -> 1; sample -1 -> 1"
    )
    found = sweep(net, [0.3])[0.3]
    assert found.verdict is Verdict.SATURATED
    assert "a_h is at -1.0000 … 1.0000, with slopes of at most 0" in found.reason


@for_each("rate", [1e5, 1e6, 1e10])
def test_dead_hidden_units_are_not_good_where_their_outputs_happen_to_be_right(rate):
    outcome = sweep(WORKED, [rate])[rate]
    assert outcome.end < 1e-20
    assert (outcome.verdict, outcome.trains) == (Verdict.SATURATED, False)
    assert outcome.reason.startswith("a_h is at 0.0000, with slopes of at most ")


def test_hidden_units_that_are_only_steep_nowhere_are_not_dead():
    found = sweep(builtin("xor"), [1.0], 3000)[1.0]
    assert found.verdict is Verdict.GOOD


# A parabola: everything is known of it.


@for_each("x", [0.5, 1, 3])
@for_each(
    ("share", "wanted"),
    [
        (0.005, Verdict.TOO_SLOW),
        (0.2, Verdict.GOOD),
        (1.0, Verdict.GOOD),
        (1.3, Verdict.OSCILLATES),
        (1.99, Verdict.OSCILLATES),
        (2.0, Verdict.OSCILLATES),
        (2.01, Verdict.DIVERGES),
        (2.5, Verdict.DIVERGES),
        (1e6, Verdict.DIVERGES),
    ],
)
def test_a_parabola_gets_its_verdict_by_how_its_rate_stands_to_its_curvature(x, share, wanted):
    assert verdict(line(x=x), share / x**2) is wanted


def test_a_wave_in_the_loss_is_an_oscillation():
    found = sweep(line(update="momentum 0.9"), [0.5])[0.5]
    assert found.verdict is Verdict.OSCILLATES
    low, high = found.losses[-18:].min(), found.losses[-18:].max()
    assert found.reason.endswith(f"the loss is between {low:.3g} and {high:.3g}")


def test_what_overflows_diverges_and_says_when():
    found = sweep(line(), [1e9])[1e9]
    assert found.verdict is Verdict.DIVERGES
    first = np.flatnonzero(~np.isfinite(found.losses))[0] + 1
    assert f"no longer a number from epoch {first} on" in found.reason


def test_adam_is_judged_like_the_others():
    swept = sweep(line(update="adam"), [1e-4, 0.1, 100.0])
    verdicts = [outcome.verdict for outcome in swept.outcomes]
    assert verdicts[0] is Verdict.TOO_SLOW
    assert swept.outcomes[1].trains
    assert not swept.outcomes[2].trains


# Flat is not converged.


NOISE = parse(
    "input 1; dense 1; loss half squared error; "
    "sample 1 -> 1; sample 1 -> 0; sample 2 -> 1.5; sample 3 -> 2.8"
)


def test_coming_to_rest_on_what_no_line_can_explain_is_good():
    swept = sweep(NOISE, [0.1, 0.4], 500)
    residual = np.linalg.lstsq(
        np.array([[1, 1], [1, 1], [2, 1], [3, 1]]), np.array([1, 0, 1.5, 2.8]), rcond=None
    )[1]
    for outcome in swept.outcomes:
        assert outcome.verdict is Verdict.GOOD
        assert outcome.end == pytest.approx(float(residual[0]) / 8, rel=1e-6)
        assert outcome.reason.endswith("of the possible reduction, to 0.0645")


def test_the_way_down_is_measured_to_where_another_rate_came_to_rest():
    swept = sweep(NOISE, [0.01, 0.4])
    assert "of the possible reduction, to 0.0646" in swept[0.01].reason


def test_a_flat_stretch_with_gradients_left_is_only_slow():
    xor = builtin("xor")
    swept = sweep(xor, [0.05, 1.0], 300)
    slow = swept[0.05]
    assert slow.losses[30] - slow.losses[45] < 0.01 * slow.losses[30]
    assert sweep(xor, [0.05], 45)[0.05].verdict is Verdict.TOO_SLOW
    assert swept[1.0].verdict is Verdict.GOOD


def test_a_point_with_no_gradient_and_no_excuse_is_stuck():
    zero = parse(
        "input 2; dense 2 no bias; tanh; dense 1 no bias; tanh; loss half squared error; "
        "weights 0 0 0 0 0 0; sample 1 1 -> 0.5"
    )
    swept = sweep(zero)
    assert {outcome.verdict for outcome in swept.outcomes} == {Verdict.STUCK}
    assert swept.outcomes[0].reason.startswith("settles at ")
    assert "no gradient to begin with" in swept.limit.words(70)


def test_a_poor_valley_is_stuck_where_another_rate_finds_a_better_one():
    net = parse(
        "input 1; dense 1 no bias; leaky relu 0.1; loss half squared error; "
        "update momentum 0.9; weights -5; sample 1 -> 1; sample -1 -> 1; sample 2 -> 2"
    )
    swept = sweep(net, [0.01, 0.03], 500)
    assert (swept[0.01].verdict, swept[0.03].verdict) == (Verdict.STUCK, Verdict.GOOD)
    assert swept[0.01].reason.startswith("settles at 0.96: ")
    assert swept[0.01].reason.endswith("yet it could be as low as 0.201")


def test_an_optimum_has_nothing_to_learn_at_any_rate():
    swept = sweep(line(start=1))
    assert {outcome.verdict for outcome in swept.outcomes} == {Verdict.GOOD}
    assert swept.outcomes[0].reason == "100 % of the possible reduction, to 0"


# The edges of what can be asked.


@for_each("rate", [0, 5e-324, 1e-300])
def test_a_rate_that_learns_nothing_is_too_slow(rate):
    found = sweep(WORKED, [rate])[rate]
    assert (found.verdict, found.trains) == (Verdict.TOO_SLOW, False)
    assert found.reason == "0 % of the possible reduction, to 0"


@for_each("rate", [-1e-6, -0.1, -1.0, -100.0, -1e6])
def test_a_rate_below_0_climbs(rate):
    found = sweep(WORKED, [rate])[rate]
    assert (found.verdict, found.trains) == (Verdict.DIVERGES, False)
    assert found.reason.startswith("the loss goes from 0.0142 to ")


@for_each("net", [builtin("strokes"), builtin("xor")])
def test_a_loss_that_ends_far_above_its_start_diverges_however_it_swings(net):
    found = sweep(net, [1000.0])[1000.0]
    assert found.end > 10 * found.losses[0]
    assert (np.diff(found.losses) < 0).any()
    assert found.verdict is Verdict.DIVERGES


@for_each("epochs", [2, 3, 4])
def test_a_few_epochs_are_enough_for_a_verdict(epochs):
    swept = sweep(WORKED, epochs=epochs)
    assert swept[0.5].verdict is Verdict.TOO_SLOW
    assert not swept[10000].trains


def test_every_verdict_has_a_meaning():
    assert set(MEANINGS) == set(Verdict)
