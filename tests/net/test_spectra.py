"""Mel bands and spectrograms in a network: what they are worth, beside NumPy's Fourier transform,
and what they refuse."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from gradbook.data.made_words import RATE
from gradbook.graph.reference import evaluate
from gradbook.layers.spectra import MelBands, hertz, mel, triangles
from gradbook.net import parse
from gradbook.net.build import inference, training_step
from gradbook.net.measure import measure
from gradbook.net.step import run
from tests.cases import for_each

HEARD = MelBands(bands=16, rate=RATE, frame=256, step=160, low=100, high=3800)


def heard(layer, samples):
    """What the network makes of samples, (steps, bands)."""
    net = parse(f"input {len(samples)}x1; {layer}; flatten; dense 1; loss mse")
    forward, step = inference(net), training_step(net)
    start = {str(leaf.name): values for leaf, values in step.start.items()}
    x, made = forward.inputs, forward.loss.graph.by_name["l"]
    given = {leaf: start[str(leaf.name)] for leaf in forward.weights}
    given[x] = np.asarray(samples).reshape(1, -1, 1)
    return evaluate([made], given)[made][0, :, 0].T


def power(samples, frame, step):
    """Of each frame's frequencies, by the Fourier transform under Hann's periodic window."""
    hann = np.hanning(frame + 1)[:-1]
    starts = range(0, len(samples) - frame + 1, step)
    framed = np.stack([samples[first : first + frame] * hann for first in starts])
    return np.abs(np.fft.rfft(framed, axis=1)) ** 2 / frame


def filters(bands, frame, rate, low, high):
    """A triangle each, frequency by frequency, on the scale 2595·log₁₀(1 + f/700)."""
    ends = [2595 * np.log10(1 + f / 700) for f in (low, high)]
    edges = [700 * (10 ** (m / 2595) - 1) for m in np.linspace(*ends, bands + 2)]
    found = np.zeros((bands, frame // 2 + 1))
    for band, (below, middle, above) in enumerate(zip(edges, edges[1:], edges[2:], strict=False)):
        for k in range(frame // 2 + 1):
            at = k * rate / frame
            if below < at <= middle:
                found[band, k] = (at - below) / (middle - below)
            elif middle < at < above:
                found[band, k] = (above - at) / (above - middle)
    return found


SAMPLES = np.random.default_rng(3).normal(0, 0.1, 700)


@for_each(("frame", "step"), [(64, 32), (50, 50), (33, 7)])
def test_a_spectrogram_is_the_fourier_transform_of_each_frame(frame, step):
    expected = np.log(1 + 1e6 * power(SAMPLES, frame, step))
    found = heard(f"spectrogram frame {frame} step {step}", SAMPLES)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


@for_each(
    "told",
    [(16, 256, 160, 8000, 100, 3800), (5, 64, 20, 16_000, 50, 8000), (8, 100, 100, 4000, 20, 1500)],
)
def test_mel_bands_are_triangles_of_its_power(told):
    bands, frame, step, rate, low, high = told
    expected = np.log(
        1 + 1e6 * power(SAMPLES, frame, step) @ filters(bands, frame, rate, low, high).T
    )
    layer = f"mel {bands} frame {frame} step {step} rate {rate} low {low} high {high}"
    np.testing.assert_allclose(heard(layer, SAMPLES), expected, rtol=1e-9, atol=1e-9)


def test_the_scale_goes_there_and_back():
    frequencies = np.array([50.0, 1000.0, 3900.0])
    np.testing.assert_allclose(hertz(mel(frequencies)), frequencies)
    assert mel(np.array([1000.0]))[0] == pytest.approx(1000, abs=0.1)  # which it is named after


def test_bands_are_triangles_that_meet():
    """Between the first band's middle and the last one's every frequency counts once in all."""
    bands = MelBands(12, 1024, 256, 16_000, 100, 7000)
    edges = hertz(np.linspace(mel(np.array([100.0]))[0], mel(np.array([7000.0]))[0], 14))
    frequencies = np.arange(513) * 16_000 / 1024
    inside = (frequencies >= edges[1]) & (frequencies <= edges[-2])
    np.testing.assert_allclose(triangles(bands).sum(axis=0)[inside], 1)
    assert (triangles(bands)[:, (frequencies < 100) | (frequencies > 7000)] == 0).all()


@for_each("pitch", [300.0, 1000.0, 2500.0])
def test_a_tone_is_loudest_in_its_band(pitch):
    said = heard(HEARD.text, np.sin(2 * np.pi * pitch * np.arange(RATE) / RATE)).mean(axis=0)
    edges = hertz(np.linspace(mel(np.array([100.0]))[0], mel(np.array([3800.0]))[0], 18))
    lower, upper = list(pairwise(edges[1:-1]))[max(said.argmax() - 1, 0)]
    assert lower / 1.2 < pitch < upper * 1.2


def test_silence_is_zero_and_a_spectrogram_has_whole_frames_alone():
    for rows, steps in ((256, 1), (256 + 159, 1), (256 + 160, 2)):
        assert (heard(HEARD.text, np.zeros(rows)) == np.zeros((steps, 16))).all()


def test_what_it_weighs_with_stays_and_is_no_parameter():
    net = parse(
        "input 12x1; conv1d 1 3; spectrogram frame 4 step 3; flatten; dense 2; softmax\n"
        "loss cross-entropy; rate 0.5; sample 1 2 0 1 0 3 1 2 1 0 2 1 -> 1 0"
    )
    step = training_step(net)
    first, _, last = run(step, 3)
    fixed = [leaf for leaf in step.weights if leaf.shape[-1:] == (4,) or leaf.shape == (3, 6, 1, 1)]
    assert len(fixed) == 2
    values = [{str(n.name): x for n, x in each.items() if n.name} for each in (first, last)]
    for leaf in step.weights:
        before, after = (each[str(leaf.name)] for each in values)
        assert (before == after).all() == (leaf in fixed)
    assert measure(net).trained == net.count() == 4 + 2 * 3 * 3 + 2


@for_each(
    "said",
    [
        "mel 4 frame 32 step 8 rate 16000 low 200 high 7000",
        "mel 4",
        "spectrogram frame 20",
        "spectrogram",
    ],
)
def test_the_text_says_what_is_not_usual(said):
    assert said in str(parse(f"input 300x1; {said}; flatten; dense 2"))
