"""An engine's numbers are the reference's, for every layer, level of machine and size of batch."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from gradbook.engine.native import NativeEngine
from gradbook.graph.reference import evaluate
from gradbook.net import DIGITS, Net, builtin, parse, write
from gradbook.net.build import inference, training_step
from gradbook.net.step import follow
from gradbook.targets.c.machine import machine
from gradbook.targets.c.source import source
from tests.cases import for_each
from tests.conftest import THOROUGH
from tests.engine.against import (
    CLOSE,
    QUICK,
    Settled,
    a_batch,
    apart,
    distance,
    held,
    reference,
    run,
    settled,
    shaken,
    sizes_summed,
    slopes,
)
from tests.engine.levels import COMPILERS, compiler_called, levels
from tests.families import networks

pytestmark = pytest.mark.witness("cc")

NETS = {
    "digits in small": """\
input 1x14x14; conv 10 3x3 pad 1 no bias; batchnorm; relu; conv 9 3x3; relu; batchnorm; dropout 0.1
maxpool 2; conv 16 3x3; dropout 0.2 channels; relu; batchnorm; conv 7 1x1; avgpool all
log softmax; loss cross-entropy smoothing 0.1; update momentum 0.9 nesterov; decay 0.001""",
    "all windows": """\
input 4x9x11; conv 6 3x2 stride 2 pad 1 groups 2; leaky relu 0.1; maxpool 2 stride 1
depthwise 2x2 no bias; sigmoid; conv 8 3x3 pad 2 shared bias; softplus; avgpool 2 stride 3
conv 5 2x1 fixed bias; tanh; flatten; dense 3; softmax; loss mean squared error; update adamw""",
    "flat": """\
input 7; dense 37; batchnorm; relu; dropout 0.3; dense 18 no bias; identity; leaky relu
dense 3 shared bias; sigmoid; loss binary cross-entropy; update adam; decay 0.01""",
    "branches": """\
input 3x10x10; conv 6 3x3 stride 2 no bias; batchnorm; relu; conv 4 1x1; relu
go back 2; conv 5 3x3 pad 1; relu; go back 5; maxpool 3 stride 1 pad 1; conv 3 1x1; tanh
concat back 7 4 0; conv 7 3x3 pad 1 no bias; batchnorm; go back 2; conv 7 1x1; add back 2; relu
avgpool all; flatten; dense 4; log softmax; loss cross-entropy; update momentum 0.9""",
    "larger maps": """\
input 2x6x7; conv 6 3x3; batchnorm; relu; avgpool all; flatten; dense 6; sigmoid; multiply back 4
convtranspose 8 3x2 stride 2x3 pad 1x0x0x1 groups 2; tanh; upsample 1x2; convtranspose 3 2x2 no bias
maxpool 2; upsample 3x2; conv 4 3x3 stride 2; avgpool all; flatten; dense 4; softmax
loss cross-entropy; update adam""",
    "heard": """input 40x1; conv1d 1 3; tanh; mel 3 frame 16 step 5 rate 100 low 5 high 45
        conv1d 2 2; relu; flatten; dense 3; log softmax; loss cross-entropy; rate 0.01""",
    "tokens": """input tokens 5 of 6; embed 4; sinusoids; attention heads 2 causal; conv1d 4 1; tanh
unembed 6; softmax; loss cross-entropy; update adam""",
    "place by place": """\
input 3x9x11; conv 8 2x2 stride 2; placenorm; depthwise 3x3 pad 1; placenorm epsilon 0.01
conv 12 1x1; exact gelu; conv 8 1x1; add back 5; placenorm; batchnorm; relu
conv 1 3x3 pad 1 no bias; concat back 2 0; placenorm; maxpool 2; avgpool all
placenorm epsilon 0.01; flatten; dense 3; log softmax; loss cross-entropy; update adamw""",
    "step by step": """\
input 5x3; rnn 4 all; lstm 3 all no bias; dropout 0.1; gru 4 all; gru 3 reset_before; dense 2
softmax; loss cross-entropy; update adam""",
    "attending": """\
input 5x4; attention heads 2 causal; add back 1; tanh; attention no bias; conv1d 3 1; gelu
attention heads 3; avgpool1d 2 stride 1; flatten; dense 2; softmax; loss cross-entropy""",
    "at every step": """\
input 6x3; gru 4 all; conv1d 5 2 pad 1x0; positions; rmsnorm; attention causal; rmsnorm plain
conv1d 3 1; softmax
loss cross-entropy smoothing 0.1; update momentum 0.9""",
    "few bits": """\
input 2x9x9; conv 16 3x3 pad 1 no bias ternary; batchnorm; relu; conv 16 3x3 bits 4; relu
depthwise 3x3 bits 2; convtranspose 4 2x2 stride 2 groups 2 bits 2; tanh
conv 3 5x5 stride 2 bits 8; avgpool all; flatten; dense 3 ternary; tanh; again 2; log softmax
loss cross-entropy; update adam""",
    "rounded values": """\
input 1x5x5; conv 3 3x3 no bias; batchnorm; relu; quantize 4; maxpool 2; quantize 2 signed
conv 2 1x1 bits 4; quantize 6 signed; flatten; dense 3; quantize 5; log softmax
loss cross-entropy; update adam""",
    "any width": """\
input 33; dense 8; tanh; dense 17; tanh; dense 1; tanh; dense 24; tanh; dense 65; tanh; dense 3
softmax; loss cross-entropy""",
    "only dense": "input 5; dense 1; tanh; dense 2 fixed bias; loss half squared error",
}
SCALED_AWAY = """\
input 1x14x14; conv 12 3x3 pad 1 no bias; batchnorm; relu; maxpool 2; depthwise 3x3 pad 1 no bias
conv 16 1x1 no bias; batchnorm; relu; maxpool 2; depthwise 3x3 no bias; batchnorm; relu; flatten
dense 5; log softmax; loss cross-entropy"""
SEEDS = [0, 15] if THOROUGH else [0]  # in 15 a maximum falls the other way, in float32
SIZES = [33, 16, 1, 7]  # of batches of at most 33
SPARSE = [(4, 55), (2, 34), (6, 46), (7, 21), (2, 55), (3, 27)]  # a batch's size, and its seed


@contextmanager
def shown(name: str, precision: str, record) -> Iterator[list[Settled]]:
    """Every flip that was found goes into the report of the test."""
    judged: list[Settled] = []
    yield judged
    flips = sum(len(one.flips) for one in judged)
    record("flips", f"{name} {precision}: {flips} of {sum(one.near for one in judged)} near")
    if flips:
        print(f"{flips} values fell on the other side of a corner in {precision}")


def judge(engine: NativeEngine, size: int, seed: int = 0) -> Settled:
    """One step against the reference's, from the weights as they are."""
    step, close, batch = engine.step_graph, CLOSE[engine.real.name], a_batch(engine.net, size, seed)
    given = {**held(engine), **batch.leaves(step)}
    values = reference(step, given)
    expected = pytest.approx(float(values[step.loss]), rel=close * 10, abs=close / 100)
    assert run(engine, batch) == expected
    return settled(step, engine.gradients(), values, given, engine.real.name)


def ready(net: Net, batch: int, precision: str, threads: int = 2, level: str = "native"):
    engine = NativeEngine(net, batch, threads, precision, level=level, extra=QUICK)
    shaken(engine)
    return engine


@pytest.mark.parametrize(
    ("precision", "level"), [("float64", "native"), *(("float32", level) for level in levels())]
)
@pytest.mark.parametrize("name", NETS)
def test_gradients_are_the_references(name, level, precision, record_property):
    engine = ready(parse(NETS[name]), SIZES[0], precision, level=level)
    with shown(name, precision, record_property) as judged:
        for seed, size in enumerate(SIZES):
            if size > 1 or name != "flat":  # one flat value has no variance
                judged.append(judge(engine, size, seed))
                assert not judged[-1].beyond, (size, judged[-1])


@pytest.mark.parametrize("limit", [0.0, -0.5])
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_a_range_that_shrank_too_far_leaves_nothing(limit, precision, record_property):
    layers = "input 1x5x5; conv 3 3x3; relu; quantize 4; conv 2 1x1; quantize 3 signed; flatten"
    engine = ready(parse(f"{layers}; dense 2; loss half squared error"), 4, precision)
    ranges = [name for name in engine.weights() if "ρ" in name]
    assert len(ranges) == 2
    for name in ranges:
        engine.arrays[name][...] = limit
    with shown("ranges", precision, record_property) as judged:
        judged.append(judge(engine, 4))
        assert not judged[-1].beyond
    slopes = engine.gradients()
    assert all(np.isfinite(values).all() for values in slopes.values())
    assert not any(slopes[name].any() for name in ranges)


@pytest.mark.parametrize("level", levels())
def test_a_small_batchs_sums_lose_no_digits_behind_a_relu(level, record_property):
    """Behind one most values are 0: added one by one, all of a channel's round the same way."""
    net = parse(NETS["digits in small"])
    with shown("small batches", "float32", record_property) as judged:
        for size, seed in SPARSE:
            engine = NativeEngine(net, SIZES[0], 2, level=level, extra=QUICK)
            shaken(engine, seed + 1)
            judged.append(judge(engine, size, seed))
            assert not judged[-1].beyond, (size, seed, judged[-1])


@pytest.mark.parametrize(
    ("name", "precision", "level"),
    [
        *((name, precision, "native") for name in DIGITS for precision in CLOSE),
        *(("reference", "float32", level) for level in levels()[1:]),
    ],
)
def test_gradients_of_the_digit_networks_are_the_references(
    name, precision, level, record_property
):
    engine = ready(builtin(name), 64, precision, level=level)
    with shown(name, precision, record_property) as judged:
        for seed in SEEDS:
            judged.append(judge(engine, 19, seed))
            assert not judged[-1].beyond, (seed, judged[-1])


@pytest.mark.parametrize("name", sorted(COMPILERS.keys() - {"gcc"}))
def test_another_compilers_gradients_are_the_references_too(name, record_property):
    compiler = " ".join(compiler_called(name).command)
    net = builtin("reference")
    engine = NativeEngine(net, 64, 2, level=levels()[-2], compiler=compiler, extra=QUICK)
    shaken(engine)
    with shown(name, "float32", record_property) as judged:
        judged.append(judge(engine, 19))
        assert not judged[0].beyond, judged


@for_each("text", [*map(write, map(builtin, DIGITS)), *NETS.values()])
def test_the_same_network_is_the_same_source(text):
    """Else it would be compiled anew each time."""

    def written() -> str:
        net = parse(text)
        return source(training_step(net, 33), inference(net), machine("avx2")).text

    assert written() == written()


def test_a_long_sequence_is_planned():
    """Its steps follow one from the other, 240 ops deep and more."""
    net = parse("input 120x2; gru 2 all; gru 2; dense 1; loss half squared error")
    assert source(training_step(net, 33), inference(net), machine("avx2")).text


def test_a_flip_is_found_where_there_is_one():
    """A weight moved by next to nothing across a corner: what `settled` must tell apart."""
    net = parse("input 5; dense 2 no bias; relu; dense 1; loss mean squared error")
    engine = ready(net, 4, "float64")
    step, batch = engine.step_graph, a_batch(net, 4)
    engine.restore({"w_layer_0": [[1e-9, 0, 0, 0, 0], [0.5] * 5]})
    given_ = {**held(engine), **batch.leaves(step)}
    engine.restore({"w_layer_0": [[-1e-9, 0, 0, 0, 0], [0.5] * 5]})
    run(engine, batch)
    result = settled(step, engine.gradients(), reference(step, given_), given_, "float32")
    assert len(result.flips) == 4
    assert max(gap.distance for gap in result.gaps.values()) < 1e-6


@pytest.mark.parametrize("level", levels())
def test_a_gradient_that_all_but_cancels_is_as_close_as_its_terms_allow(level, record_property):
    """Scaling a channel before a depthwise convolution and batch normalisation changes nothing:
    γ·∂E/∂γ = −β·∂E/∂β, hundreds of times less than the products that it is the sum of.
    """
    engine = ready(parse(SCALED_AWAY), 33, "float32", level=level)
    with shown("scaled away", "float32", record_property) as judged:
        for seed in SEEDS:
            judged.append(judge(engine, 19, seed))
            assert not judged[-1].beyond, (seed, judged[-1])
            assert judged[-1].gaps["γ_layer_6"].condition > 100


def test_the_rounding_of_its_terms_is_all_that_a_gradient_is_forgiven():
    engine = ready(parse(SCALED_AWAY), 33, "float32", threads=1)
    step, batch = engine.step_graph, a_batch(engine.net, 19)
    given_ = {**held(engine), **batch.leaves(step)}
    values = reference(step, given_)
    exact = slopes(step, values)
    gap = apart(step, exact, values)["γ_layer_6"]
    assert gap.distance == 0
    wrong = exact["γ_layer_6"] * (1 + 3.1 * 2**-24 * gap.condition)
    assert settled(step, {**exact, "γ_layer_6": wrong}, values, given_, "float32").beyond


def _doubt(step, values, leaves, start, random):
    """How far the reference's gradients move when weights, and the sums and means that layers
    compute, do so by a last bit: one layer's after the other's, so that what follows goes along."""

    def nudged(array, by):
        return array + by * random.choice([-1, 1], np.shape(array))

    def moved(given_, weights):
        (others,) = follow(step, [{**leaves, **given_}], start=weights)
        gaps = (np.abs(values[slope] - others[slope]).max() for slope in step.gradients.values())
        return max(gaps, default=0)

    computed = ("h", "o", "c", "z", "p", "μ")
    sums = [n for n in values if n.name is not None and n.name.stem in computed]
    weights = {leaf: nudged(array, 2**-23 * array) for leaf, array in start.items()}
    alone = ({n: nudged(values[n], 2**-24 * sizes_summed(n, values))} for n in sums)
    return moved({}, weights) + sum(moved(one, start) for one in alone)


@settings(max_examples=25 if THOROUGH else 8, phases=[Phase.explicit, Phase.generate])
@given(networks(dropout=True, samples=0), st.integers(2, 37), st.integers(0, 99))
def test_any_networks_step_is_the_references_in_float32(net, size, seed):
    """Compared as far as the reference itself is sure when its weights, and the sums and means that
    layers compute, move by a last bit: batch normalisation may take the difference of nearly equal
    sums.
    """
    engine = NativeEngine(net, 37, 2, "float32", extra=QUICK)
    step, start, batch = engine.step_graph, held(engine), a_batch(net, size, seed)
    leaves = batch.leaves(step)
    (values,) = follow(step, [leaves], start=start)
    largest = max((np.abs(values[s]).max() for s in step.gradients.values()), default=0)
    random = np.random.default_rng(0)
    doubt = max(_doubt(step, values, leaves, start, random) for _ in range(4))
    assume(doubt < 1e-6 * largest)
    run(engine, batch)
    found = engine.gradients()
    for weight, slope in step.gradients.items():
        gap = np.linalg.norm(np.ravel(found[str(weight.name)] - values[slope]))
        sizes = (np.linalg.norm(np.ravel(values[slope])), largest)
        assert gap <= CLOSE["float32"] * max(sizes), weight.name


@for_each("precision", CLOSE)
def test_what_is_carried_is_the_references_for_ten_steps(precision):
    """Weights, momentum and running statistics; then what the network says with them.

    No value of these batches comes so near a corner that float32 might take the other branch: from
    there on the two would be different trainings.
    """
    engine = ready(parse(NETS["digits in small"]), SIZES[0], precision)
    step, start, close = engine.step_graph, held(engine), 100 * CLOSE[precision]
    batches = [a_batch(engine.net, 43 - seed, seed) for seed in range(10, 20)]
    *_, last = follow(step, [batch.leaves(step) for batch in batches], start=start)
    for batch in batches:
        run(engine, batch)
    for leaf, following in step.next.items():
        assert distance(engine.arrays[str(leaf.name)], last[following]) < close, leaf.name

    forward, pictures = inference(engine.net), batches[0].inputs
    own = {str(leaf.name): values for leaf, values in held(engine).items()}
    leaves = {n: own[str(n.name)] for n in forward.graph.nodes if str(n.name) in own}
    said = evaluate([forward.outputs], {**leaves, forward.inputs: pictures})[forward.outputs]
    assert distance(engine.predict(pictures), said) < close
    assert np.array_equal(engine.predict(pictures[:1]), engine.predict(pictures)[:1])


IN_GROUPS = parse(
    """input 21; dense 13; batchnorm; tanh; dense 7; dropout 0.2; dense 3; log softmax
    update momentum 0.9"""
)


@for_each("precision", CLOSE)
def test_tiles_whose_gradients_are_summed_together_are_the_references_by_any_threads(
    precision, record_property
):
    """Batches of a flat network that fill several groups of tiles, the last of them in part."""
    engines = [ready(IN_GROUPS, 300, precision, threads) for threads in (1, 2, 3)]
    together = int(re.search(r"#define GROUP (\d+)", engines[0].source.text)[1])
    assert together > 1
    with shown("in groups", precision, record_property) as judged:
        for seed, size in enumerate((300, 284, 171, 9)):
            for engine in engines:
                judged.append(judge(engine, size, seed))
                assert not judged[-1].beyond, (size, judged[-1])
            once, *others = ({n: a.tobytes() for n, a in e.arrays.items()} for e in engines)
            assert all(other == once for other in others), size


APPLIED_AGAIN = parse(
    """input 1x28x28; conv 4 5x5 stride 2; batchnorm; relu; depthwise 3x3; conv 4 1x1; batchnorm
    dropout 0.1; relu; again 3 back 5; maxpool 2; flatten; dense 10; log softmax
    update momentum 0.9"""
)


@for_each("net", [builtin("reference"), APPLIED_AGAIN], ids=["reference", "again"])
def test_the_same_bits_by_any_threads_again_and_in_two_calls(net):
    random = np.random.default_rng(3)
    images = random.integers(0, 256, (150, 1, 28, 28), dtype=np.uint8)
    labels, order = random.integers(0, 10, 150), random.permutation(150)

    def trained(threads: int, *parts: slice) -> bytes:
        engine = NativeEngine(net, 64, threads, extra=QUICK)
        engine.normalise(0.1307, 0.3081, 255)
        for part in parts:
            engine.epoch(images, labels, 0.05, order=order[part], seed=4, epoch=1)
        return b"".join(array.tobytes() for array in engine.state().values())

    once = trained(1, slice(None))
    assert all(trained(threads, slice(None)) == once for threads in (1, 2, 4))
    assert trained(2, slice(64), slice(64, None)) == once
