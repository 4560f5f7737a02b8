"""Activations in general, each with the factors of its derivative."""

from __future__ import annotations

from gradbook.targets.algebra.math import (
    Bracket,
    Call,
    Cases,
    Form,
    Number,
    Relation,
    Words,
    as_form,
    exp,
    ln,
    sigmoid,
    softmax,
    tanh,
)


def activated(kind: str, slope: float, x: Form) -> Form:
    zero, positive = as_form(0), Relation(x, ">", Number(0))
    return {
        "sigmoid": sigmoid(x),
        "tanh": tanh(x),
        "relu": Call("max", (zero, x)),
        "leaky relu": Cases(((x, positive), (slope * x, Words("else")))),
        "softplus": ln(1 + exp(x)),
        "identity": x,
        "softmax": softmax(x),
        "log softmax": ln(softmax(x)),
    }[kind]


def slopes(kind: str, slope: float, x: Form, y: Form) -> tuple[Form, ...]:
    """The factors of an activation's derivative."""
    positive = Relation(x, ">", Number(0))
    return {
        "sigmoid": (y, 1 - y),
        "tanh": (1 - y**2,),
        "relu": (Bracket(positive),),
        "leaky relu": (Cases(((Number(1), positive), (Number(slope), Words("else")))),),
        "softplus": (sigmoid(x),),
        "identity": (),
    }[kind]
