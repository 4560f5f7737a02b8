"""The ops on sequences: extracting and stacking steps, and attention between them.

Outside the network, a sequence is (steps, features). Inside, it is (features, 1, steps): channels
of one row, over which windows slide as over any other. Relations between steps are (heads, steps,
steps), with a row per query and a column per key.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from gradbook.graph.node import Array, Graph, Node, Scalars, define
from gradbook.graph.tensors import array_of, sum_of

define(
    "by_feature",
    lambda x: np.swapaxes(x, -1, -2)[..., None, :],
    shape=lambda x: (x[1], 1, x[0]),
    derivative=lambda d, y, x: (by_step(d),),
    elements=lambda x: x.T[:, None, :],
)
define(
    "by_step",
    lambda x: np.swapaxes(x[..., 0, :], -1, -2),
    shape=lambda x: (x[2], x[0]),
    derivative=lambda d, y, x: (by_feature(d),),
    elements=lambda x: x[:, 0, :].T,
)
define(
    "step",  # the features at one step, from 0
    lambda x, step: x[..., 0, step],
    shape=lambda x, step: x[:1],
    derivative=lambda d, y, x: (
        d.graph.make("only_step", d, attributes=(*y.attributes, x.shape[2])),
    ),
    elements=lambda x, step: x[:, 0, step],
)


def _only_step(x: Array, step: int, steps: int) -> Array:
    sequence = np.zeros((*x.shape, 1, steps))
    sequence[..., 0, step] = x
    return sequence


define(
    "only_step",  # a sequence that is 0 at all other steps
    _only_step,
    shape=lambda x, step, steps: (*x, 1, steps),
)
define(
    "stack",
    lambda *xs: np.stack(xs, axis=-1)[..., None, :],
    shape=lambda *xs: (*xs[0], 1, len(xs)),
    derivative=lambda d, y, *xs: tuple(at_step(d, step) for step in range(len(xs))),
    elements=lambda *xs: np.stack(xs, axis=-1)[:, None, :],
)


def by_feature(x: Node) -> Node:
    """Transpose (steps, features) into a row of steps per feature."""
    return x.graph.make("by_feature", x)


def by_step(x: Node) -> Node:
    return x.graph.make("by_step", x)


def at_step(x: Node, step: int) -> Node:
    return x.graph.make("step", x, attributes=(step,))


def stack(xs: Sequence[Node]) -> Node:
    """The steps of a sequence, one after the other."""
    return xs[0].graph.make("stack", *xs)


def join_steps(shares: Iterable[Node]) -> list[Node]:
    """The same summands with fewer ops: if sequences that are 0 except at one step cover all
    steps, they become one stacked sequence."""
    by_step: dict[int, Node] = {}
    others, steps = [], 0
    for share in shares:
        if share.op.name == "only_step":
            step, steps = (int(str(number)) for number in share.attributes)
            (summand,) = share.inputs
            by_step[step] = by_step[step] + summand if step in by_step else summand
        else:
            others.append(share)
    if not by_step:
        return others
    if len(by_step) == steps:
        return [*others, stack([by_step[step] for step in range(steps)])]
    for step, share in sorted(by_step.items()):
        others.append(share.graph.make("only_step", share, attributes=(step, steps)))
    return others


# Attention -----------------------------------------------------------------------
#
# Each head has its own equal share of the features.


def _heads(x: Any, heads: int) -> Any:
    """The features of each head: (…, heads, features, steps), for arrays and for scalars."""
    *before, features, _, steps = x.shape
    return x.reshape(*before, heads, features // heads, steps)


def _scores(q: Array, k: Array, heads: int) -> Array:
    return np.asarray(np.einsum("...iq,...ik->...qk", _heads(q, heads), _heads(k, heads)))


def _scores_elements(q: Scalars, k: Scalars, heads: int) -> Scalars:
    q, k = _heads(q, heads), _heads(k, heads)
    shape = (heads, q.shape[2], k.shape[2])
    return array_of(shape, lambda h, row, column: sum_of(q[h, :, row] * k[h, :, column]))


def scores(q: Node, k: Node, heads: int) -> Node:
    return q.graph.make("scores", q, k, attributes=(heads,))


def weigh(a: Node, v: Node, back: bool = False) -> Node:
    return a.graph.make("weigh", a, v, attributes=(int(back),))


define(
    "scores",  # of each query for each key, within each head
    _scores,
    shape=lambda q, k, heads: (heads, q[2], k[2]),
    derivative=lambda d, y, q, k: (weigh(d, k), weigh(d, q, back=True)),
    elements=_scores_elements,
)


def _weigh(a: Array, v: Array, back: int) -> Array:
    taken = np.einsum(
        "...kq,...ik->...iq" if back else "...qk,...ik->...iq", a, _heads(v, a.shape[-3])
    )
    return np.asarray(taken.reshape(v.shape[:-1] + taken.shape[-1:]))


def _weigh_elements(a: Scalars, v: Scalars, back: int) -> Scalars:
    """Shares of 0, as under a causal mask, are left out."""
    a, values = a.swapaxes(1, 2) if back else a, _heads(v, a.shape[0])
    mixed = array_of(
        (*values.shape[:2], a.shape[1]),
        lambda h, feature, row: sum_of(
            share * value
            for share, value in zip(a[h, row], values[h, feature], strict=True)
            if not _is_zero(share)
        ),
    )
    return mixed.reshape(v.shape[0], 1, -1)


def _is_zero(node: Node) -> bool:
    return node.is_constant(0) or (node.op.name == "copy" and _is_zero(node.inputs[0]))


def _weigh_derivative(d: Node, y: Node, a: Node, v: Node) -> tuple[Node, Node]:
    (back,) = y.attributes
    pair = (v, d) if back else (d, v)
    return scores(*pair, a.shape[0]), weigh(a, d, back=not back)


define(
    "weigh",  # the values at all steps, weighted by each query's shares; back: by each key's
    _weigh,
    shape=lambda a, v, back: (v[0], 1, a[2] if back else a[1]),
    derivative=_weigh_derivative,
    elements=_weigh_elements,
)


def shares(e: Node, causal: bool) -> Node:
    return e.graph.make("shares", e, attributes=(int(causal),))


def _allowed(shape: tuple[int, ...], causal: int) -> Any:
    """Which keys each query may attend to."""
    everywhere = np.ones(shape[-2:], bool)
    return np.tril(everywhere) if causal else everywhere


def _shares(e: Array, causal: int) -> Array:
    e = np.where(_allowed(e.shape, causal), e, -np.inf)
    grown = np.exp(e - e.max(axis=-1, keepdims=True))
    return np.asarray(grown / grown.sum(axis=-1, keepdims=True))


def _shares_elements(e: Scalars, causal: int) -> Scalars:
    """Through ln Σ e^x, which the softmax subtracts from every value; masked keys have share 0."""
    graph: Graph = e.item(0).graph
    allowed = _allowed(e.shape, causal)

    def share(h: int, row: int, column: int) -> Node:
        if not allowed[row, column]:
            return graph.constant(0)
        seen = e[h, row][allowed[row]]
        return graph.make("exp", e[h, row, column] - graph.make("log_sum_exp", *seen))

    return array_of(e.shape, share)


define(
    "shares",  # of each row, by softmax; causal: no query attends to later keys
    _shares,
    shape=lambda e, causal: e,
    derivative=lambda d, y, e: (d.graph.make("shares_back", d, y),),
    elements=_shares_elements,
)
define(
    "shares_back",
    lambda d, y: y * (d - (d * y).sum(axis=-1, keepdims=True)),
    shape=lambda d, y: y,
)
