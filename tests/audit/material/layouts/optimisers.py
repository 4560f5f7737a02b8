"""The rules by which people let weights go on, each in several of their wordings."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from tests.audit.material.layouts.sketch import Quantity, Shape, Sketch, drawn_shape, sketched


@dataclass(frozen=True)
class Rule:
    """How one weight goes on: ⟦w⟧ is its name, ⟦g⟧ its gradient's, ⟦η⟧ the learning rate's."""

    update: str  # of a step, in terms of the step before
    memories: tuple[tuple[str, str, float | str | None], ...] = ()  # name, formula, first step's
    settings: tuple[tuple[str, float], ...] = ()
    counters: tuple[tuple[str, str, float], ...] = ()  # of all weights: name, formula, first
    sort: str = ""  # what it is called


GD = "{⟦w⟧<}-{⟦η⟧}*{⟦g⟧<}"
MU, B1, B2 = ("μ", 0.9), ("β1", 0.9), ("β2", 0.99)
EPS = ("ε", 1e-6)
T = ("t", "{t<}+1", 1.0)
M = ("m_⟦w⟧", "{β1}*{m_⟦w⟧<}+(1-{β1})*{⟦g⟧}", "(1-{β1})*{⟦g⟧}")
S = ("s_⟦w⟧", "{β2}*{s_⟦w⟧<}+(1-{β2})*{⟦g⟧}^2", "(1-{β2})*{⟦g⟧}^2")
S2 = ("s_⟦w⟧", "{β2}*{s_⟦w⟧<}+(1-{β2})*{⟦g⟧}*{⟦g⟧}", "(1-{β2})*{⟦g⟧}*{⟦g⟧}")
MB = ("m_⟦w⟧", "{β1}*{m_⟦w⟧<}+(1-{β1})*{⟦g⟧<}", 0.0)
SB = ("s_⟦w⟧", "{β2}*{s_⟦w⟧<}+(1-{β2})*{⟦g⟧<}^2", 0.0)
HATS = (
    ("mh_⟦w⟧", "{m_⟦w⟧}/(1-{β1}^{t})", None),
    ("sh_⟦w⟧", "{s_⟦w⟧}/(1-{β2}^{t})", None),
)
G = ("G_⟦w⟧", "{G_⟦w⟧<}+{⟦g⟧}^2", "{⟦g⟧}^2")

RULES: dict[str, Rule] = {
    "descent": Rule(GD, sort="descent"),
    "descent, change apart": Rule(
        "{⟦w⟧<}+{Δ⟦w⟧<}", (("Δ⟦w⟧", "-{⟦η⟧}*{⟦g⟧}", None),), sort="descent"
    ),
    "descent, new weight apart": Rule(
        "{n_⟦w⟧<}", (("n_⟦w⟧", "{⟦w⟧}-{⟦η⟧}*{⟦g⟧}", None),), sort="descent"
    ),
    "descent, step to take off": Rule(
        "{⟦w⟧<}-{Δ⟦w⟧<}", (("Δ⟦w⟧", "{⟦η⟧}*{⟦g⟧}", None),), sort="descent"
    ),
    "momentum": Rule(
        "{⟦w⟧<}-{⟦η⟧}*{v_⟦w⟧<}",
        (("v_⟦w⟧", "{μ}*{v_⟦w⟧<}+{⟦g⟧}", "{⟦g⟧}"),),
        (MU,),
        sort="momentum",
    ),
    "momentum as a mean": Rule(
        "{⟦w⟧<}-{⟦η⟧}*{v_⟦w⟧<}",
        (("v_⟦w⟧", "{μ}*{v_⟦w⟧<}+(1-{μ})*{⟦g⟧}", "(1-{μ})*{⟦g⟧}"),),
        (MU,),
        sort="momentum",
    ),
    "momentum, rate inside": Rule(
        "{⟦w⟧<}-{v_⟦w⟧<}",
        (("v_⟦w⟧", "{μ}*{v_⟦w⟧<}+{⟦η⟧}*{⟦g⟧}", "{⟦η⟧}*{⟦g⟧}"),),
        (MU,),
        sort="momentum",
    ),
    "momentum, downwards": Rule(
        "{⟦w⟧<}+{v_⟦w⟧}",
        (("v_⟦w⟧", "{μ}*{v_⟦w⟧<}-{⟦η⟧}*{⟦g⟧<}", 0.0),),
        (MU,),
        sort="momentum",
    ),
    "momentum, one step later": Rule(
        "{⟦w⟧<}-{⟦η⟧}*{v_⟦w⟧}",
        (("v_⟦w⟧", "{μ}*{v_⟦w⟧<}+{⟦g⟧<}", 0.0),),
        (MU,),
        sort="momentum",
    ),
    "nesterov, rewritten": Rule(
        "{⟦w⟧<}-{⟦η⟧}*({⟦g⟧<}+{μ}*{v_⟦w⟧<})",
        (("v_⟦w⟧", "{μ}*{v_⟦w⟧<}+{⟦g⟧}", "{⟦g⟧}"),),
        (MU,),
        sort="nesterov momentum",
    ),
    "nesterov, both velocities": Rule(
        "{⟦w⟧<}-{μ}*{v_⟦w⟧<}+(1+{μ})*{v_⟦w⟧}",
        (("v_⟦w⟧", "{μ}*{v_⟦w⟧<}-{⟦η⟧}*{⟦g⟧<}", 0.0),),
        (MU,),
        sort="nesterov momentum",
    ),
    "adagrad": Rule("{⟦w⟧<}-{⟦η⟧}*{⟦g⟧<}/(SQRT({G_⟦w⟧<})+{ε})", (G,), (EPS,), sort="adagrad"),
    "adagrad, ε inside": Rule(
        "{⟦w⟧<}-{⟦η⟧}/SQRT({G_⟦w⟧<}+{ε})*{⟦g⟧<}", (G,), (EPS,), sort="adagrad"
    ),
    "adagrad, own rates": Rule(
        "{⟦w⟧<}-{r_⟦w⟧<}*{⟦g⟧<}",
        (G, ("r_⟦w⟧", "{⟦η⟧}/SQRT({G_⟦w⟧}+{ε})", None)),
        (EPS,),
        sort="adagrad",
    ),
    "adagrad by powers": Rule(
        "{⟦w⟧<}-{⟦η⟧}*{⟦g⟧<}*({G_⟦w⟧<}+{ε})^(-0.5)", (G,), (EPS,), sort="adagrad"
    ),
    "rmsprop": Rule("{⟦w⟧<}-{⟦η⟧}*{⟦g⟧<}/(SQRT({s_⟦w⟧<})+{ε})", (S,), (B2, EPS), sort="rmsprop"),
    "rmsprop, ε inside": Rule(
        "{⟦w⟧<}-{⟦η⟧}*{⟦g⟧<}/SQRT({s_⟦w⟧<}+{ε})", (S2,), (B2, EPS), sort="rmsprop"
    ),
    "rmsprop, change apart": Rule(
        "{⟦w⟧<}+{Δ⟦w⟧<}",
        (S, ("Δ⟦w⟧", "-{⟦η⟧}/SQRT({s_⟦w⟧}+{ε})*{⟦g⟧}", None)),
        (B2, EPS),
        sort="rmsprop",
    ),
    "adam": Rule(
        "{⟦w⟧<}-{⟦η⟧}*{mh_⟦w⟧<}/(SQRT({sh_⟦w⟧<})+{ε})",
        (M, S, *HATS),
        (B1, B2, EPS),
        (T,),
        sort="adam",
    ),
    "adam without correction": Rule(
        "{⟦w⟧<}-{⟦η⟧}*{m_⟦w⟧<}/(SQRT({s_⟦w⟧<})+{ε})", (M, S2), (B1, B2, EPS), sort="adam"
    ),
    "adam, correction inside": Rule(
        "{⟦w⟧<}-{⟦η⟧}*({m_⟦w⟧<}/(1-{β1}^{t<}))/(SQRT({s_⟦w⟧<}/(1-{β2}^{t<}))+{ε})",
        (M, S),
        (B1, B2, EPS),
        (T,),
        sort="adam",
    ),
    "adam, corrected rate": Rule(
        "{⟦w⟧<}-{⟦η⟧}*SQRT(1-{β2}^{t<})/(1-{β1}^{t<})*{m_⟦w⟧<}/(SQRT({s_⟦w⟧<})+{ε})",
        (M, S),
        (B1, B2, EPS),
        (T,),
        sort="adam",
    ),
    "adam, powers carried": Rule(
        "{⟦w⟧<}-{⟦η⟧}*{mh_⟦w⟧<}/(SQRT({sh_⟦w⟧<})+{ε})",
        (
            M,
            S,
            ("mh_⟦w⟧", "{m_⟦w⟧}/(1-{p1})", None),
            ("sh_⟦w⟧", "{s_⟦w⟧}/(1-{p2})", None),
        ),
        (B1, B2, EPS),
        (("p1", "{p1<}*{β1}", 0.9), ("p2", "{p2<}*{β2}", 0.99)),
        sort="adam",
    ),
    "adam, one step later": Rule(
        "{⟦w⟧<}-{⟦η⟧}*({m_⟦w⟧}/(1-{β1}^{t<}))/(SQRT({s_⟦w⟧}/(1-{β2}^{t<}))+{ε})",
        (MB, SB),
        (B1, B2, EPS),
        (T,),
        sort="adam",
    ),
    "adamw": Rule(
        "{⟦w⟧<}*(1-{⟦η⟧}*{λ})-{⟦η⟧}*{mh_⟦w⟧<}/(SQRT({sh_⟦w⟧<})+{ε})",
        (M, S, *HATS),
        (B1, B2, EPS, ("λ", 0.01)),
        (T,),
        sort="adamw",
    ),
    "adamw, decay inside": Rule(
        "{⟦w⟧<}-{⟦η⟧}*({mh_⟦w⟧<}/(SQRT({sh_⟦w⟧<})+{ε})+{λ}*{⟦w⟧<})",
        (M, S, *HATS),
        (B1, B2, EPS, ("λ", 0.01)),
        (T,),
        sort="adamw",
    ),
    "decay": Rule("{⟦w⟧<}-{⟦η⟧}*({⟦g⟧<}+{λ}*{⟦w⟧<})", settings=(("λ", 0.01),), sort="descent"),
    "decay, 2λw": Rule(
        "{⟦w⟧<}-{⟦η⟧}*({⟦g⟧<}+2*{λ}*{⟦w⟧<})", settings=(("λ", 0.01),), sort="descent"
    ),
    "decay as a share": Rule(
        "(1-{⟦η⟧}*{λ})*{⟦w⟧<}-{⟦η⟧}*{⟦g⟧<}", settings=(("λ", 0.01),), sort="descent"
    ),
    "decay in a gradient apart": Rule(
        "{⟦w⟧<}-{⟦η⟧}*{d_⟦w⟧<}",
        (("d_⟦w⟧", "{⟦g⟧}+{λ}*{⟦w⟧}", None),),
        (("λ", 0.01),),
        sort="descent",
    ),
    "clipped": Rule(
        "{⟦w⟧<}-{⟦η⟧}*MAX(-{c},MIN({c},{⟦g⟧<}))", settings=(("c", 0.5),), sort="descent"
    ),
    "clipped apart": Rule(
        "{⟦w⟧<}-{⟦η⟧}*{c_⟦w⟧<}",
        (("c_⟦w⟧", "MIN(MAX({⟦g⟧},-0.5),0.5)", None),),
        sort="descent",
    ),
    "clipped by IF": Rule(
        "{⟦w⟧<}-{⟦η⟧}*{c_⟦w⟧<}",
        (("c_⟦w⟧", "IF({⟦g⟧}>0.5,0.5,IF({⟦g⟧}<-0.5,-0.5,{⟦g⟧}))", None),),
        sort="descent",
    ),
}

RATES: dict[str, tuple[tuple[str, float], tuple[str, str, float | str]] | None] = {
    "one rate": None,
    "rate over time": (("k", 0.01), ("η_t", "{η}/(1+{k}*{t})", "{η}/(1+{k}*{t})")),
    "rate by powers": (("q", 0.9), ("η_t", "{η}*{q}^{t}", "{η}*{q}^{t}")),
    "rate by steps": (("q", 0.5), ("η_t", "IF({t}>3,{η}*{q},{η})", "IF({t}>3,{η}*{q},{η})")),
    "rate going on": (("q", 0.9), ("η_t", "{η_t<}*{q}", "{η}")),
}


def drawn_sketch(draw: random.Random, rule: str, rate: str = "one rate") -> Sketch:
    """A small network, trained by a rule."""
    return with_rule(drawn_shape(draw), draw, rule, rate)


def with_rule(shape: Shape, draw: random.Random, rule: str, rate: str = "one rate") -> Sketch:
    """A network of some shape, trained by a rule."""
    return by_rule(*sketched(shape, draw), shape.samples, draw, rule, rate)


def by_rule(
    passes: Sequence[Quantity],
    weights: Sequence[str],
    samples: int,
    draw: random.Random,
    rule: str | Rule,
    rate: str = "one rate",
) -> Sketch:
    """Any forward and backward pass, whose weights go on by a rule."""
    chosen = RULES[rule] if isinstance(rule, str) else rule
    schedule = RATES[rate]
    settings = [("η", 0.5 if chosen.sort == "descent" else 0.1), *chosen.settings]
    counters: list[tuple[str, str, float | str]] = list(chosen.counters)
    eta = "{η}"
    if schedule is not None:
        settings.append(schedule[0])
        if "{t}" in schedule[1][1] and T not in counters:
            counters.append(T)
        counters.append(schedule[1])
        eta = "{η_t<}"
    stand = [Quantity(name, kind="setting", given=[value]) for name, value in settings]
    count = [Quantity(name, said, first, "counter") for name, said, first in counters]
    own = [
        Quantity(w, _of(w, chosen.update, eta), round(draw.uniform(-0.9, 0.9), 2), "weight")
        for w in weights
    ]
    memories = [
        Quantity(_of(w, name, eta), *(_of(w, s, _now(eta)) for s in (said, first)), "memory")  # type: ignore[arg-type]
        for name, said, first in chosen.memories
        for w in weights
    ]
    inputs = [q for q in passes if q.kind == "input"]
    rest = [q for q in passes if q.kind != "input"]
    found = (*stand, *count, *inputs, *own, *rest, *memories)
    return Sketch(found, samples, (rule if isinstance(rule, str) else rule.sort, rate))


def _now(eta: str) -> str:
    return eta.replace("<", "")


def _of(weight: str, said: float | str | None, eta: str) -> float | str | None:
    """A rule's words about one weight."""
    if not isinstance(said, str):
        return said
    found = said.replace("{⟦η⟧}", eta)
    if "{⟦g⟧<}" in found:  # a memory that goes on from the step before has that step's rate
        found = found.replace("{η_t}", "{η_t<}")
    return found.replace("⟦g⟧", f"∂E/∂{weight}").replace("⟦w⟧", weight)


__all__ = ["RATES", "RULES", "Rule", "by_rule", "drawn_sketch", "with_rule"]
