"""The chains: which partials stand in them, where they begin, and what they come to."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings

from gradbook.net import LESSONS, builtin, parse
from gradbook.net.derivation import (
    LONGEST_CHAIN,
    ChainProduct,
    ChainSum,
    Local,
    OverSamples,
    Worked,
    derivation,
    first_values,
    partials,
    slopes,
)
from gradbook.net.lower import scalar_step
from tests.cases import for_each
from tests.families import networks


def chains(text):
    """Every chain by the name of its value, spelled in a line; and the values worked on the way."""
    net = builtin(text) if text in LESSONS else parse(text)
    derived = derivation(scalar_step(net))
    said = {str(value.name): spelled(chain) for value, chain in derived.chains.items()}
    return said, [str(value.name) for value in derived.worked]


def spelled(chain):
    match chain:
        case Local(of, to):
            return f"{of.name}/{to.name}"
        case Worked(root, value):
            return f"<{root.name}/{value.name}>"
        case ChainProduct(factors):
            return " · ".join(
                f"({spelled(f)})" if isinstance(f, ChainSum) else spelled(f) for f in factors
            )
        case ChainSum(terms):
            return " + ".join(map(spelled, terms))
        case OverSamples(inside, mean):
            return f"{'mean' if mean else 'sum'}[{spelled(inside)}]"


def test_a_chain_goes_from_the_error_to_the_weight():
    said, worked = chains("worked")
    assert said["w5"] == "E1/a_o1 · a_o1/o1 · o1/w5"
    assert worked == []


def test_a_value_that_feeds_several_adds_their_chains():
    said, _ = chains("worked")
    assert said["w1"] == (
        "(E1/a_o1 · a_o1/o1 · o1/a_h1 + E2/a_o2 · a_o2/o2 · o2/a_h1) · a_h1/h1 · h1/w1"
    )


def test_a_share_of_the_error_is_said_but_a_plain_sum_is_not():
    said, _ = chains("input 1; dense 2 no bias; loss mean squared error")
    assert said["w1"] == "E_total/E1 · E1/o1 · o1/w1"


def test_a_bias_for_all_adds_over_the_units():
    said, _ = chains("input 1; dense 2 shared bias; loss half squared error")
    assert said["b1"] == "E1/o1 · o1/b1 + E2/o2 · o2/b1"


def test_several_samples_stand_in_a_mean():
    said, worked = chains("xor")
    assert said["w7"] == "mean[E1/o1 · o1/w7]"
    assert said["w1"] == "mean[E1/o1 · o1/a_h1 · a_h1/h1 · h1/w1]"
    assert worked == []


def test_a_deep_network_begins_its_chains_where_others_ended():
    said, worked = chains("input 2; dense 2; tanh; dense 2; tanh; dense 2; sigmoid")
    assert worked == ["o2", "o1", "h2_2", "h2_1", "h1_2", "h1_1"]
    assert said["h2_1"] == "(<E_total/o1> · o1/a_h2_1 + <E_total/o2> · o2/a_h2_1) · a_h2_1/h2_1"
    assert said["w1"] == "<E_total/h1_1> · h1_1/w1"


def test_what_is_added_back_reaches_the_error_over_the_layers_and_past_them():
    said, _ = chains("input 1; dense 1; silu; dense 1; add back 2; loss half squared error")
    assert said["w1"] == "(E1/z1 · z1/o1 · o1/a_h1 · a_h1/h1 + E1/z1 · z1/h1) · h1/w1"
    assert said["w2"] == "E1/z1 · z1/o1 · o1/w2"


def test_a_window_adds_over_its_places():
    said, worked = chains("strokes")
    assert (
        said["w1"]
        == "mean["
        + " + ".join(f"<E_sample/c1_{k}> · c1_{k}/w1" for k in ("1_1", "1_2", "2_1", "2_2"))
        + "]"
    )
    assert "o1" not in worked, "a single partial needs no line of its own"


def test_batch_normalisation_is_derived_from_the_error_of_all_samples():
    samples = "sample 0.1 -> 0.2; sample 0.5 -> 0.4"
    said, _ = chains(f"input 1; dense 1; batchnorm; loss half squared error; {samples}")
    assert said["γ1"] == "mean[E1/y1 · y1/γ1]"
    assert said["s1"] == "mean[<E1/n1> · n1/s1]"
    assert said["μ1"] == "mean[<E1/n1> · n1/μ1] + <E_total/σ²1> · σ²1/μ1"
    assert said["o1"] == (
        "<E_total/μ1> · μ1/o1 + <E_total/σ²1> · σ²1/o1 + E_total/E1 · <E1/n1> · n1/o1"
    )
    assert said["w1"] == "sum[<E_total/o1> · o1/w1]"


def test_a_weight_that_reads_only_padding_has_an_empty_chain():
    text = "input 1x1x1; conv 1 3x3 pad 1; flatten; sample 0.5 -> 0.3"
    said, _ = chains(text)
    assert said["w1"] == ""
    assert said["w5"] == "E1/c1_1 · c1_1/w5"


@for_each("depth", [3, 8, 20])
def test_no_chain_of_a_deep_network_grows_long(depth):
    step = scalar_step(parse("input 3; " + "dense 3; tanh; " * depth + "dense 1"))
    derived = derivation(step)
    longest = max(len(list(partials(chain))) for chain in derived.chains.values())
    assert longest <= LONGEST_CHAIN


def test_many_paths_cost_no_more_time_than_many_values():
    step = scalar_step(parse("input 4; " + "dense 4; tanh; " * 30 + "dense 1"))
    start = time.process_time()
    derivation(step)
    assert time.process_time() - start < 2, "there are 4^30 paths"


def gradients_apart(net):
    """How far the chains are from the gradients, against the largest of these."""
    derived = derivation(scalar_step(net))
    values = first_values(derived)
    found = slopes(derived, values)
    truth = {weight: float(values[d]) for weight, d in derived.step.gradients.items()}
    size = max(1.0, *map(abs, truth.values()))
    return max(abs(float(found[weight]) - gradient) for weight, gradient in truth.items()) / size


@for_each("name", LESSONS)
def test_chains_come_to_the_gradients(name):
    assert gradients_apart(builtin(name)) <= 1e-15


@given(networks())
def test_chains_of_any_network_come_to_its_gradients(net):
    assert gradients_apart(net) <= 1e-12


@settings(max_examples=25)
@given(networks(depth=2, width=2))
def test_chains_may_be_cut_anywhere(net):
    """Whatever length is thought readable, the numbers are the same."""
    step = scalar_step(net)
    whole, cut = derivation(step, longest=10**9), derivation(step, longest=0)
    values = first_values(whole)
    one, other = slopes(whole, values), slopes(cut, values)
    for weight in step.gradients:
        assert float(one[weight]) == pytest.approx(float(other[weight]), rel=1e-9, abs=1e-12)


def test_a_value_in_several_places_of_a_larger_map_has_a_name_at_each():
    text = "input 1x1x2; conv 1 1x1; upsample 2x1; flatten; dense 1 no bias; loss mse"
    derived = derivation(scalar_step(parse(text)))
    spoken = {str(node.name) for node in derived.forward}
    assert {"r1_1", "r1_2", "r2_1", "r2_2"} <= spoken
    (output,) = (node for node in derived.forward if str(node.name) == "o1")
    assert [str(it.name) for it in derived.mentions(output)][1::2] == [
        "r1_1",
        "r1_2",
        "r2_1",
        "r2_2",
    ]
