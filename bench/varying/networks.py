"""Networks that a plain chain of layers isn't: tied weights, windows, pools, masks, time.

A line names a quantity and its formula. `@` stands for each sample, {x1@*} for all of them.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.audit.material.layouts.sketch import Quantity, Shape, sketched

IN_TURN = "mask", "softmax"  # networks that see another sample in each step
KINDS = (("∂E/∂", "gradient"), ("g_", "share"), ("δ", "delta"), ("E", "loss"), ("e", "error"))


@dataclass(frozen=True)
class Passes:
    """The forward and backward pass of a network, and mistakes that only it can have."""

    quantities: list[Quantity]
    weights: list[str]
    samples: int = 1
    slips: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # words → other formulas
    twins: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # right all the same


def dense(shape: Shape, draw: random.Random) -> Passes:
    """Layers in a chain."""
    return Passes(*sketched(shape, draw), shape.samples)


def written(name: str, draw: random.Random) -> Passes:
    """One of the networks below, with random inputs."""
    text, slips, twins = WRITTEN[name]
    samples, *lines = text.strip().splitlines()
    count = int(samples.split()[1])
    turns = 6 if name in IN_TURN else 1
    found: list[Quantity] = []
    weights: list[str] = []
    for line in lines:
        left, _, right = line.partition(" = ")
        kind, *names = left.split()
        if kind == "weight":
            weights += names
            continue
        if kind != "input":
            names, kind = [kind], _kind(kind)
        for name_ in names:
            for sample in range(1, count + 1) if "@" in name_ else [0]:
                called = name_.replace("@", "")
                formula = _of_sample(right, sample)
                if kind == "input":
                    given = [float(n) for n in right.split()]
                    given = given[sample - 1 : sample] if sample and given else given
                    given = given or [round(draw.uniform(0.1, 0.9), 2) for _ in range(turns)]
                    found.append(Quantity(called, kind=kind, sample=sample, given=given))
                else:
                    found.append(Quantity(called, formula, kind=kind, sample=sample))
    return Passes(found, weights, count if count > 1 else 1, slips, twins)


def _kind(name: str) -> str:
    return next((kind for start, kind in KINDS if name.startswith(start)), "forward")


def _of_sample(formula: str, sample: int) -> str:
    return formula.replace("@}", f"@{sample}}}") if sample else formula


TIED = """
samples 1
input x1 x2
weight w1 w2 b1 b2 b3
h1 = {w1}*{x1}+{w2}*{x2}+{b1}
a_h1 = 1/(1+EXP(-{h1}))
y1 = {w1}*{a_h1}+{b2}
y2 = {w2}*{a_h1}+{b3}
E = (({y1}-{x1})^2+({y2}-{x2})^2)/2
δ1 = {y1}-{x1}
δ2 = {y2}-{x2}
δh = ({δ1}*{w1}+{δ2}*{w2})*{a_h1}*(1-{a_h1})
∂E/∂w1 = {δ1}*{a_h1}+{δh}*{x1}
∂E/∂w2 = {δ2}*{a_h1}+{δh}*{x2}
∂E/∂b1 = {δh}
∂E/∂b2 = {δ1}
∂E/∂b3 = {δ2}
"""

POOL = """
samples 1
input x1 x2 x3 x4
input t1 = 1
weight k1 k2 b1 v1 c1
s1 = {k1}*{x1}+{k2}*{x2}+{b1}
s2 = {k1}*{x2}+{k2}*{x3}+{b1}
s3 = {k1}*{x3}+{k2}*{x4}+{b1}
r1 = TANH({s1})
r2 = TANH({s2})
r3 = TANH({s3})
p = ({r1}+{r2}+{r3})/3
z = {v1}*{p}+{c1}
y = 1/(1+EXP(-{z}))
E = -({t1}*LN({y})+(1-{t1})*LN(1-{y}))
δz = {y}-{t1}
δp = {δz}*{v1}/3
δs1 = {δp}*(1-{r1}^2)
δs2 = {δp}*(1-{r2}^2)
δs3 = {δp}*(1-{r3}^2)
∂E/∂k1 = {δs1}*{x1}+{δs2}*{x2}+{δs3}*{x3}
∂E/∂k2 = {δs1}*{x2}+{δs2}*{x3}+{δs3}*{x4}
∂E/∂b1 = {δs1}+{δs2}+{δs3}
∂E/∂v1 = {δz}*{p}
∂E/∂c1 = {δz}
"""

MASK = """
samples 1
input x1 x2
input t1 = 0.8
input m1 = 1 0 1 1 0 1
input m2 = 1 1 0 1 1 0
input m3 = 0 1 1 1 1 1
weight w1 w2 w3 w4 w5 w6 v1 v2 v3
h1 = {w1}*{x1}+{w2}*{x2}
h2 = {w3}*{x1}+{w4}*{x2}
h3 = {w5}*{x1}+{w6}*{x2}
a_h1 = 1/(1+EXP(-{h1}))*{m1}
a_h2 = 1/(1+EXP(-{h2}))*{m2}
a_h3 = 1/(1+EXP(-{h3}))*{m3}
y = {v1}*{a_h1}+{v2}*{a_h2}+{v3}*{a_h3}
E = ({t1}-{y})^2/2
δy = {y}-{t1}
δh1 = {δy}*{v1}*{a_h1}*(1-{a_h1})*{m1}
δh2 = {δy}*{v2}*{a_h2}*(1-{a_h2})*{m2}
δh3 = {δy}*{v3}*{a_h3}*(1-{a_h3})*{m3}
∂E/∂w1 = {δh1}*{x1}
∂E/∂w2 = {δh1}*{x2}
∂E/∂w3 = {δh2}*{x1}
∂E/∂w4 = {δh2}*{x2}
∂E/∂w5 = {δh3}*{x1}
∂E/∂w6 = {δh3}*{x2}
∂E/∂v1 = {δy}*{a_h1}
∂E/∂v2 = {δy}*{a_h2}
∂E/∂v3 = {δy}*{a_h3}
"""

SOFTMAX = """
samples 1
input x1 x2
input t1 = 0 1 0 0 1 0
input t2 = 1 0 0 1 0 0
input t3 = 0 0 1 0 0 1
weight w1 w2 w3 w4 w5 w6 b1 b2 b3
z1 = {w1}*{x1}+{w2}*{x2}+{b1}
z2 = {w3}*{x1}+{w4}*{x2}+{b2}
z3 = {w5}*{x1}+{w6}*{x2}+{b3}
n = EXP({z1})+EXP({z2})+EXP({z3})
p1 = EXP({z1})/{n}
p2 = EXP({z2})/{n}
p3 = EXP({z3})/{n}
E = -{t1}*LN({p1})-{t2}*LN({p2})-{t3}*LN({p3})
δ1 = {p1}-{t1}
δ2 = {p2}-{t2}
δ3 = {p3}-{t3}
∂E/∂w1 = {δ1}*{x1}
∂E/∂w2 = {δ1}*{x2}
∂E/∂w3 = {δ2}*{x1}
∂E/∂w4 = {δ2}*{x2}
∂E/∂w5 = {δ3}*{x1}
∂E/∂w6 = {δ3}*{x2}
∂E/∂b1 = {δ1}
∂E/∂b2 = {δ2}
∂E/∂b3 = {δ3}
"""

LOGISTIC = """
samples 4
input x1@ x2@
input t1@ = 0 1 1 0
weight w1 w2 b1
z@ = {w1}*{x1@}+{w2}*{x2@}+{b1}
y@ = 1/(1+EXP(-{z@}))
e@ = -({t1@}*LN({y@})+(1-{t1@})*LN(1-{y@}))
E = AVERAGE({e@*})
δ@ = {y@}-{t1@}
g_w1@ = {δ@}*{x1@}
g_w2@ = {δ@}*{x2@}
∂E/∂w1 = AVERAGE({g_w1@*})
∂E/∂w2 = AVERAGE({g_w2@*})
∂E/∂b1 = AVERAGE({δ@*})
"""

RECURRENT = """
samples 1
input x1 x2 x3
input t1 = 0.7
weight w1 u1 b1 v1
z1 = {w1}*{x1}+{b1}
s1 = TANH({z1})
z2 = {w1}*{x2}+{u1}*{s1}+{b1}
s2 = TANH({z2})
z3 = {w1}*{x3}+{u1}*{s2}+{b1}
s3 = TANH({z3})
y = {v1}*{s3}
E = 0.5*({y}-{t1})^2
δy = {y}-{t1}
δ3 = {δy}*{v1}*(1-{s3}^2)
δ2 = {δ3}*{u1}*(1-{s2}^2)
δ1 = {δ2}*{u1}*(1-{s1}^2)
∂E/∂w1 = {δ1}*{x1}+{δ2}*{x2}+{δ3}*{x3}
∂E/∂u1 = {δ2}*{s1}+{δ3}*{s2}
∂E/∂b1 = {δ1}+{δ2}+{δ3}
∂E/∂v1 = {δy}*{s3}
"""

FACTORS = """
samples 1
input x1 x2
input t1 = 0.3
weight w1 w2 b1 v1 b2
h1 = {w1}*{x1}+{w2}*{x2}+{b1}
a_h1 = 1/(1+EXP(-{h1}))
o1 = {v1}*{a_h1}+{b2}
a_o1 = 1/(1+EXP(-{o1}))
E = 0.5*({t1}-{a_o1})^2
δa = {a_o1}-{t1}
δo = {a_o1}*(1-{a_o1})
δv = {v1}
δh = {a_h1}*(1-{a_h1})
∂E/∂w1 = {δa}*{δo}*{δv}*{δh}*{x1}
∂E/∂w2 = {δa}*{δo}*{δv}*{δh}*{x2}
∂E/∂b1 = {δa}*{δo}*{δv}*{δh}
∂E/∂v1 = {δa}*{δo}*{a_h1}
∂E/∂b2 = {δa}*{δo}
"""

WRITTEN: dict[str, tuple[str, dict[str, dict[str, str]], dict[str, dict[str, str]]]] = {
    "tied weights": (
        TIED,
        {
            "∂E/∂w2 forgets the encoder": {"∂E/∂w2": "{δ2}*{a_h1}"},
            "∂E/∂w1 forgets the decoder": {"∂E/∂w1": "{δh}*{x1}"},
            "the decoder takes the other weight": {"y2": "{w1}*{a_h1}+{b3}"},
        },
        {"a_h1-a_h1^2 for a_h1*(1-a_h1)": {"δh": "({δ1}*{w1}+{δ2}*{w2})*({a_h1}-{a_h1}^2)"}},
    ),
    "window and mean": (
        POOL,
        {
            "δp forgets the mean's 1/3": {"δp": "{δz}*{v1}"},
            "δs2 takes another cell": {"δs2": "{δp}*(1-{r3}^2)"},
            "∂E/∂k2 takes another input": {"∂E/∂k2": "{δs1}*{x2}+{δs2}*{x3}+{δs3}*{x3}"},
            "∂E/∂b1 adds two of three": {"∂E/∂b1": "{δs1}+{δs2}"},
        },
        {"the mean by AVERAGE": {"p": "AVERAGE({r1},{r2},{r3})"}},
    ),
    "mask": (
        MASK,
        {
            "δh2 takes another mask": {"δh2": "{δy}*{v2}*{a_h2}*(1-{a_h2})*{m1}"},
            "a_h3 has no mask": {"a_h3": "1/(1+EXP(-{h3}))"},
            "a_h1 takes another mask": {"a_h1": "1/(1+EXP(-{h1}))*{m2}"},
        },
        {"the mask above": {"a_h1": "{m1}/(1+EXP(-{h1}))"}},
    ),
    "softmax": (
        SOFTMAX,
        {
            "n lacks a term": {"n": "EXP({z1})+EXP({z2})"},
            "δ2 takes another target": {"δ2": "{p2}-{t3}"},
            "δ1 has another sign": {"δ1": "{t1}-{p1}"},
            "E by LOG": {"E": "-{t1}*LOG({p1})-{t2}*LOG({p2})-{t3}*LOG({p3})"},
        },
        {"one logarithm": {"E": "-LN({t1}*{p1}+{t2}*{p2}+{t3}*{p3})"}},
    ),
    "samples and logarithms": (
        LOGISTIC,
        {
            "∂E/∂b1 takes three of four": {"∂E/∂b1": "SUM({δ@1}:{δ@3})/4"},
            "∂E/∂w2 takes three of four": {"∂E/∂w2": "AVERAGE({g_w2@1}:{g_w2@3})"},
        },
        {"a sum in the loss alone": {"E": "SUM({e@*})"}},
    ),
    "three moments": (
        RECURRENT,
        {
            "∂E/∂u1 forgets a moment": {"∂E/∂u1": "{δ3}*{s2}"},
            "δ1 goes by w1": {"δ1": "{δ2}*{w1}*(1-{s1}^2)"},
            "δ2 is tanh's slope of the sum": {"δ2": "{δ3}*{u1}*(1-{z2}^2)"},
            "δ2 is tanh's slope of tanh": {"δ2": "{δ3}*{u1}*(1-TANH({s2})^2)"},
        },
        {"tanh's slope by the sum": {"δ2": "{δ3}*{u1}*(1-TANH({z2})^2)"}},
    ),
    "factors in their own cells": (
        FACTORS,
        {
            "σ′ of the sum": {"δh": "{h1}*(1-{h1})"},
            "σ′ of the sum outside": {"δo": "{o1}*(1-{o1})"},
            "the chain goes by another weight": {"δv": "{b2}"},
            "∂E/∂w1 takes another input": {"∂E/∂w1": "{δa}*{δo}*{δv}*{δh}*{x2}"},
            "∂E/∂v1 takes the sum": {"∂E/∂v1": "{δa}*{δo}*{h1}"},
        },
        {"½ missing in the loss alone": {"E": "({t1}-{a_o1})^2"}},
    ),
}
