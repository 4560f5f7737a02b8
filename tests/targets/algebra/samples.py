"""Networks of every kind that a derivation must be fit to be read of."""

from __future__ import annotations

from gradbook.net import LESSONS, builtin, parse
from gradbook.net.lower import scalar_step
from gradbook.targets.algebra.derive import derive

NORMALISED = """
input 2; dense 2; batchnorm; sigmoid; dense 1; sigmoid
loss mean squared error; update adam; seed 3
sample 0.1 0.2 -> 0.3; sample 0.5 0.3 -> 0.8; sample 0.9 0.1 -> 0.2
"""
WIDE = """
input 4; dense 8; tanh; dense 3; softmax
loss cross-entropy; seed 2
sample 0.1 0.2 0.3 0.4 -> 1 0 0; sample 0.5 0.2 0.3 0.4 -> 0 1 0
sample 0.1 0.7 0.3 0.4 -> 0 0 1; sample 0.1 0.2 0.8 0.4 -> 1 0 0; sample 0.1 0.2 0.3 0.9 -> 0 1 0
"""
DEEP = "input 2; dense 3; leaky relu; dense 3; softplus; dense 2; identity; update momentum"
PLANES = """
input 2x4x4; conv 2 3x3 pad 1 shared bias; batchnorm; relu; avgpool 2; flatten; dense 2; log softmax
loss cross-entropy
"""
TEXTS = {"normalised": NORMALISED, "wide": WIDE, "deep": DEEP, "planes": PLANES}
NAMES = (*LESSONS, *TEXTS)


def step_of(name):
    return scalar_step(builtin(name) if name in LESSONS else parse(TEXTS[name]))


def document_of(name, **wishes):
    return derive(step_of(name), **wishes)
