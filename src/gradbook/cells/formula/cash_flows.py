"""Values of payments over time: NPV, IRR, MIRR, XNPV, XIRR."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import isnan

from gradbook.cells.formula.annuities import find_root
from gradbook.cells.formula.formula_values import (
    Meaning,
    NotUnderstood,
    as_block,
    error,
    number,
    present,
    present_number,
)
from gradbook.cells.formula.operators import power
from gradbook.cells.formula.totals import numbers_of, total
from gradbook.graph.node import Graph, Node
from gradbook.language.message import Message

YEAR = 365  # days, for XNPV and XIRR


def _net_present(graph: Graph, rate: Meaning, *payments: Meaning) -> Node:
    """NPV: the first payment is a period away."""
    growth = 1 + number(graph, rate)
    amounts = numbers_of(graph, payments)
    return total(graph, [x / growth ** (k + 1) for k, x in enumerate(amounts)])


def _dated(graph: Graph, payments: Meaning, dates: Meaning) -> tuple[list[Node], list[float]]:
    """Payments, and the years from the first of them."""
    amounts = [number(graph, x) for x in as_block(payments).singles()]
    days = [present_number(graph, x) // 1 for x in as_block(dates).singles()]
    if len(amounts) != len(days) or not days:
        raise NotUnderstood(Message("ranges of different sizes in one operation"))
    return amounts, [(day - days[0]) / YEAR for day in days]


def _dated_present(graph: Graph, rate: Meaning, payments: Meaning, dates: Meaning) -> Node:
    """XNPV."""
    growth = 1 + number(graph, rate)
    amounts, years = _dated(graph, payments, dates)
    terms = (x / power(growth, graph.constant(t)) for x, t in zip(amounts, years, strict=True))
    return total(graph, list(terms))


def _return(graph: Graph, amounts: Sequence[Node], years: Sequence[float], guess: float) -> Node:
    """The rate at which the payments are worth nothing: one step of Newton's iteration from the
    root, as nodes, has its slopes."""
    flows = [present(x) for x in amounts]
    if not any(x > 0 for x in flows) or not any(x < 0 for x in flows):
        return error(graph)

    def worth(rate: float) -> tuple[float, float]:
        shares = [(1 + rate) ** -t for t in years]
        value = sum(x * share for x, share in zip(flows, shares, strict=True))
        slope = -sum(x * t * s for x, t, s in zip(flows, years, shares, strict=True)) / (1 + rate)
        return value, slope

    root = find_root(worth, guess)
    if isnan(root):
        return error(graph)
    left = total(graph, [x * (1 + root) ** -t for x, t in zip(amounts, years, strict=True)])
    return root - left / worth(root)[1]


def _internal(graph: Graph, payments: Meaning, *guess: Meaning) -> Node:
    """IRR."""
    amounts = numbers_of(graph, (payments,))
    rate = present_number(graph, *guess) if guess else 0.1
    return _return(graph, amounts, [float(k) for k in range(len(amounts))], rate)


def _modified(graph: Graph, payments: Meaning, cost: Meaning, gain: Meaning) -> Node:
    """MIRR: from what was paid in, at the first day, to what came out, at the last."""
    amounts = numbers_of(graph, (payments,))
    into, out = 1 + number(graph, cost), 1 + number(graph, gain)
    last = len(amounts) - 1
    paid = [-x / into**k for k, x in enumerate(amounts) if present(x) < 0]
    earned = [x * out ** (last - k) for k, x in enumerate(amounts) if present(x) > 0]
    if not paid or not earned:
        return error(graph)
    share = total(graph, earned) / total(graph, paid)
    return power(share, graph.constant(1 / last)) - 1


def _dated_internal(graph: Graph, payments: Meaning, dates: Meaning, *guess: Meaning) -> Node:
    """XIRR."""
    amounts, years = _dated(graph, payments, dates)
    return _return(graph, amounts, years, present_number(graph, *guess) if guess else 0.1)


CASH_FLOWS: Mapping[str, Callable[..., Meaning]] = {
    "NPV": _net_present,
    "XNPV": _dated_present,
    "IRR": _internal,
    "MIRR": _modified,
    "XIRR": _dated_internal,
}
