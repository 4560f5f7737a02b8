"""Loans, savings and depreciation: PMT, FV, PV, NPER, RATE, CUMIPMT, EFFECT, SLN, DDB and others.

Loans and savings follow from one equation between the rate r, the number n of periods, the payment
p, the present value a, the future value f and the due date t (1 at the start of each period,
otherwise 0): a·q + p·(1 + r·t)·(q − 1)/r + f = 0 with q = (1 + r)^n.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isfinite, nan

from gradbook.cells.formula.formula_values import Elementwise, flat, present
from gradbook.cells.formula.operators import if_positive, power
from gradbook.cells.formula.rounding import cut_off
from gradbook.graph.node import Node

ROUNDS = 60  # of Newton's iteration
CLOSE = 1e-13  # relative: the last step
MOST_RATE = 1e6


# Values ---------------------------------------------------------------------------


def _with_limit(rate: Node, usual: Node, at_zero: Node) -> Node:
    """A value that is computed differently for a rate of 0."""
    return if_positive(rate * rate, usual, at_zero)


def _fixed(value: Node | float) -> Node | float:
    """A due date, which has no slope."""
    return flat(value) if isinstance(value, Node) else value


def _growth(rate: Node, periods: Node) -> Node:
    return power(1 + rate, periods)


def _series(rate: Node, periods: Node, due: Node | float) -> Node:
    """The future value of paying 1 in each period: (1 + r·t)·(q − 1)/r."""
    usual = (_growth(rate, periods) - 1) / rate * (1 + rate * _fixed(due))
    return _with_limit(rate, usual, periods)


def _payment(
    rate: Node, periods: Node, now: Node, later: Node | float = 0, due: Node | float = 0
) -> Node:
    return -(now * _growth(rate, periods) + later) / _series(rate, periods, due)


def _future(
    rate: Node, periods: Node, payment: Node, now: Node | float = 0, due: Node | float = 0
) -> Node:
    return -(now * _growth(rate, periods) + payment * _series(rate, periods, due))


def _present_value(
    rate: Node, periods: Node, payment: Node, later: Node | float = 0, due: Node | float = 0
) -> Node:
    return -(payment * _series(rate, periods, due) + later) / _growth(rate, periods)


def _periods(
    rate: Node, payment: Node, now: Node, later: Node | float = 0, due: Node | float = 0
) -> Node:
    """(1 + r)^n from the equation, then n by the logarithm."""
    paid = payment * (1 + rate * _fixed(due)) / rate
    log = rate.graph.make
    usual = log("log", (paid - later) / (now + paid)) / log("log", 1 + rate)
    return _with_limit(rate, usual, -(now + later) / payment)


def _principal(
    rate: Node,
    period: Node,
    periods: Node,
    now: Node,
    later: Node | float = 0,
    due: Node | float = 0,
) -> Node:
    """The part of a payment that repays: it grows by the interest that is no longer due."""
    first = _payment(rate, periods, now, later) + rate * now
    grown = first * _growth(rate, flat(period - 1))
    if not isinstance(due, Node) or not present(due):
        return grown
    if present(period) == 1:
        return _payment(rate, periods, now, later, 1)
    return grown / (1 + rate)


def _interest(
    rate: Node,
    period: Node,
    periods: Node,
    now: Node,
    later: Node | float = 0,
    due: Node | float = 0,
) -> Node:
    payment = _payment(rate, periods, now, later, due)
    return payment - _principal(rate, period, periods, now, later, due)


def _principal_between(
    rate: Node, periods: Node, now: Node, first: Node, last: Node, due: Node
) -> Node:
    """CUMPRINC: what payments repay, a geometric series; one at the very start repays in full."""
    at_start = present(due) != 0
    begin, end = flat(cut_off(first)), flat(cut_off(last))
    is_first = at_start and present(begin) == 1
    repaid = _principal(rate, rate.graph.constant(1), periods, now)
    grown = _growth(rate, end) - _growth(rate, begin if is_first else begin - 1)
    total = repaid * grown / rate
    if not at_start:
        return total
    return (total + _payment(rate, periods, now)) / (1 + rate) if is_first else total / (1 + rate)


def _interest_between(
    rate: Node, periods: Node, now: Node, first: Node, last: Node, due: Node
) -> Node:
    """CUMIPMT."""
    count = flat(cut_off(last)) - flat(cut_off(first)) + 1
    paid = _payment(rate, periods, now, 0, due) * count
    return paid - _principal_between(rate, periods, now, first, last, due)


def _effective(rate: Node, times: Node) -> Node:
    times = flat(cut_off(times))
    return power(1 + rate / times, times) - 1


def _nominal(rate: Node, times: Node) -> Node:
    times = flat(cut_off(times))
    return (power(1 + rate, 1 / times) - 1) * times


def _declining(
    cost: Node, salvage: Node, life: Node, period: Node, factor: Node | float = 2.0
) -> Node:
    """DDB: a share of what is left, but never below the salvage value."""
    period, share = flat(period), factor / life
    kept = if_positive(1 - share, 1 - share, 0)
    left = cost * power(kept, period - 1) if present(period) > 1 else cost
    after = cost * power(kept, period)
    after = if_positive(after - salvage, after, salvage)
    return if_positive(left - after, left - after, 0)


def _rate(
    periods: Node,
    payment: Node,
    now: Node,
    later: Node | None = None,
    due: Node | None = None,
    guess: Node | None = None,
) -> Node:
    """The rate at which the equation holds: found by Newton's iteration on the present numbers;
    one more step, as nodes, gives it its slopes."""
    later = now.graph.constant(0) if later is None else later
    n, p, a, f = (present(node) for node in (periods, payment, now, later))
    t = 0.0 if due is None else present(due)

    def excess(rate: float) -> tuple[float, float]:
        """What the equation leaves at a rate, and its slope."""
        if abs(rate) < 1e-9:
            return a + p * n + f, a * n + p * (n * t + n * (n - 1) / 2)
        growth = (1 + rate) ** n
        slope = n * growth / (1 + rate)
        series = (growth - 1) / rate
        left = a * growth + p * (1 + rate * t) * series + f
        return left, a * slope + p * (t * series + (1 + rate * t) * (slope - series) / rate)

    def discounted(rate: float) -> tuple[float, float]:
        """The same divided by the growth, which is nearly straight."""
        left, slope = excess(rate)
        growth = (1 + rate) ** n
        return left / growth, (slope - left * n / (1 + rate)) / growth

    root = find_root(discounted, 0.1 if guess is None else present(guess))
    steep = excess(root)[1]
    rate = now.graph.constant(root)
    growth = power(1 + rate, periods)
    series = (growth - 1) / root * (1 + root * t) if abs(root) >= 1e-9 else periods
    return rate - (now * growth + payment * series + later) / steep


def find_root(function: Callable[[float], tuple[float, float]], guess: float) -> float:
    """A root above −1 of a function given with its slope; NaN if none is found."""
    for start in (guess, 0.1, 0.01, 0.0, -0.1, 0.5, -0.5, 1.0, -0.9):
        rate = start
        try:
            for _ in range(ROUNDS):
                value, slope = function(rate)
                step = value / slope
                if rate - step <= -1:  # half the way there, and no root yet
                    rate = (rate - 1) / 2
                    continue
                rate -= step
                if abs(step) <= CLOSE * max(abs(rate), 1e-2) or value == 0:
                    return rate if isfinite(rate) and rate < MOST_RATE else nan
        except (ArithmeticError, ValueError, TypeError):
            continue
    return nan


# Slopes ---------------------------------------------------------------------------


def _excess_by_rate(rate: str, n: str, payment: str, now: str, due: str) -> str:
    """The slope of the equation's left side by the rate, as a formula."""
    growth, faster = f"(1+{rate})^{n}", f"{n}*(1+{rate})^({n}-1)"
    series = f"({growth}-1)/{rate}"
    usual = f"{now}*{faster}+{payment}*({due}*{series}+(1+{rate}*{due})*({faster}-{series})/{rate})"
    return f"IF({rate}=0,{now}*{n}+{payment}*({n}*{due}+{n}*({n}-1)/2),{usual})"


def _excess_by_periods(rate: str, n: str, payment: str, now: str, due: str) -> str:
    growth = f"(1+{rate})^{n}*LN(1+{rate})"
    return f"IF({rate}=0,{payment},({now}+{payment}*(1+{rate}*{due})/{rate})*{growth})"


def _principal_by_rate() -> str:
    """The slope of PPMT by the rate x: of (PMT + x·u)·(1 + x)^(y − 1), and of a payment at the
    start of a period, which is that divided by 1 + x."""
    at_end = f"({_payment_by_rate('PMT(x,z,u,v)', '0')}+u)*(1+x)^(y-1)+(y-1)*%s/(1+x)"
    first = _payment_by_rate("value", "1")
    later = f"({at_end % '(value*(1+x))'}-value)/(1+x)"
    return f"IF(w=0,{at_end % 'value'},IF(y=1,{first},{later}))"


def _payment_by_rate(payment: str, due: str) -> str:
    """The slope by the rate x of a payment for z periods."""
    return f"{_excess_by_rate('x', 'z', payment, 'u', due)}/FV(x,z,1,0,{due})"


def _payment_by_periods(payment: str, due: str) -> str:
    return f"{_excess_by_periods('x', 'z', payment, 'u', due)}/FV(x,z,1,0,{due})"


_WHOLE = "PMT(x,z,u,v,w)"
_PRINCIPAL_BY_PERIODS = (
    f"IF(w*(y=1),{_payment_by_periods('value', '1')},"
    f"{_payment_by_periods('PMT(x,z,u,v)', '0')}*(1+x)^(y-1-w))"
)


def _of_rest(slope: str) -> str:
    """A slope of PPMT where `value` is the interest."""
    return slope.replace("value", f"({_WHOLE}-value)")


_INTEREST_BY_RATE = f"{_payment_by_rate(_WHOLE, 'w')}-({_of_rest(_principal_by_rate())})"
_INTEREST_BY_PERIODS = f"{_payment_by_periods(_WHOLE, 'w')}-({_of_rest(_PRINCIPAL_BY_PERIODS)})"

# What is repaid between two payments: N/(1 + x)^w, where N is a series of the first principal.
_SPAN = "((1+x)^INT(v)-(1+x)^(INT(u)-1+w*(INT(u)=1)))"
_SPAN_BY_RATE = "(INT(v)*(1+x)^(INT(v)-1)-(INT(u)-1+w*(INT(u)=1))*(1+x)^(INT(u)-2+w*(INT(u)=1)))"
_FIRST_BY_RATE = f"{_excess_by_rate('x', 'y', 'PMT(x,y,z)', 'z', '0')}/FV(x,y,1)"
_FIRST_BY_PERIODS = f"{_excess_by_periods('x', 'y', 'PMT(x,y,z)', 'z', '0')}/FV(x,y,1)"
_REPAID_BY_RATE = (
    f"((({_FIRST_BY_RATE}+z)*{_SPAN}+PPMT(x,1,y,z)*({_SPAN_BY_RATE}-{_SPAN}/x))/x"
    f"+w*(INT(u)=1)*{_FIRST_BY_RATE}-w*(PPMT(x,1,y,z)*{_SPAN}/x+(INT(u)=1)*PMT(x,y,z))/(1+x))"
    "/(1+x)^w"
)
_REPAID_BY_PERIODS = f"{_FIRST_BY_PERIODS}*({_SPAN}/x+w*(INT(u)=1))/(1+x)^w"
_KEPT = "MAX(0,1-v/z)"
_IS_LAST = f"(x*{_KEPT}^u<y)"  # what is left is the salvage value
_DDB_BY_COST = f"IF(value>0,IF({_IS_LAST},{_KEPT}^(u-1),{_KEPT}^(u-1)-{_KEPT}^u),0)"
_DDB_BY_SALVAGE = f"IF(AND(value>0,{_IS_LAST}),-1,0)"
_DDB_BY_SHARE = (  # through what is kept of a value, 1 − v/z
    f"IF(AND(value>0,{_KEPT}>0),x*(IF({_IS_LAST},0,u*{_KEPT}^(u-1))"
    f"-IF(u>1,(u-1)*{_KEPT}^(u-2),0))*({{}}),0)"
)
_COUNT = "(INT(v)-INT(u)+1)"
_PAID_BY_RATE = f"{_excess_by_rate('x', 'y', 'PMT(x,y,z,0,w)', 'z', 'w')}/FV(x,y,1,0,w)"
_PAID_BY_PERIODS = f"{_excess_by_periods('x', 'y', 'PMT(x,y,z,0,w)', 'z', 'w')}/FV(x,y,1,0,w)"

ANNUITIES: Mapping[str, Elementwise] = {
    "PMT": Elementwise(
        _payment,
        (
            f"{_excess_by_rate('x', 'y', 'value', 'z', 'v')}/FV(x,y,1,0,v)",
            f"{_excess_by_periods('x', 'y', 'value', 'z', 'v')}/FV(x,y,1,0,v)",
            "PMT(x,y,1,0,v)",
            "PMT(x,y,0,1,v)",
            "",
        ),
        ("", "", "", "0", "0"),
    ),
    "FV": Elementwise(
        _future,
        (
            f"-{_excess_by_rate('x', 'y', 'z', 'u', 'v')}",
            f"-{_excess_by_periods('x', 'y', 'z', 'u', 'v')}",
            "FV(x,y,1,0,v)",
            "-((1+x)^y)",
            "",
        ),
        ("", "", "0", "0", "0"),
    ),
    "PV": Elementwise(
        _present_value,
        (
            f"-{_excess_by_rate('x', 'y', 'z', 'value', 'v')}/(1+x)^y",
            f"-{_excess_by_periods('x', 'y', 'z', 'value', 'v')}/(1+x)^y",
            "PV(x,y,1,0,v)",
            "-1/(1+x)^y",
            "",
        ),
        ("", "", "0", "0", "0"),
    ),
    "NPER": Elementwise(
        _periods,
        (
            *(
                f"-{slope}/{_excess_by_periods('x', 'value', 'y', 'z', 'v')}"
                for slope in (
                    _excess_by_rate("x", "value", "y", "z", "v"),
                    "(-FV(x,value,1,0,v))",
                    "((1+x)^value)",
                    "1",
                )
            ),
            "",
        ),
        ("", "", "", "0", "0"),
    ),
    "RATE": Elementwise(
        _rate,
        (
            *(
                f"-{slope}/{_excess_by_rate('value', 'x', 'y', 'z', 'v')}"
                for slope in (
                    _excess_by_periods("value", "x", "y", "z", "v"),
                    "(-FV(value,x,1,0,v))",
                    "((1+value)^x)",
                    "1",
                )
            ),
            "",
            "",
        ),
        ("", "", "", "0", "0", "0.1"),
    ),
    "PPMT": Elementwise(
        _principal,
        (
            _principal_by_rate(),
            "",
            _PRINCIPAL_BY_PERIODS,
            "PPMT(x,y,z,1,0,w)",
            "PPMT(x,y,z,0,1,w)",
            "",
        ),
        ("", "", "", "", "0", "0"),
    ),
    "IPMT": Elementwise(
        _interest,
        (
            _INTEREST_BY_RATE,
            "",
            _INTEREST_BY_PERIODS,
            "IPMT(x,y,z,1,0,w)",
            "IPMT(x,y,z,0,1,w)",
            "",
        ),
        ("", "", "", "", "0", "0"),
    ),
    "CUMPRINC": Elementwise(
        _principal_between, (_REPAID_BY_RATE, _REPAID_BY_PERIODS, "value/z", "", "", "")
    ),
    "CUMIPMT": Elementwise(
        _interest_between,
        (
            f"{_COUNT}*({_PAID_BY_RATE})-({_REPAID_BY_RATE})",
            f"{_COUNT}*({_PAID_BY_PERIODS})-({_REPAID_BY_PERIODS})",
            "value/z",
            "",
            "",
            "",
        ),
    ),
    "EFFECT": Elementwise(_effective, ("(1+x/INT(y))^(INT(y)-1)", "")),
    "NOMINAL": Elementwise(_nominal, ("(1+x)^(1/INT(y)-1)", "")),
    "SYD": Elementwise(
        lambda cost, salvage, life, period: (
            (cost - salvage) * (life - period + 1) * 2 / (life * (life + 1))
        ),
        (
            "value/(x-y)",
            "-value/(x-y)",
            "(x-y)*2/(z*(z+1))-value*(2*z+1)/(z*(z+1))",
            "-(x-y)*2/(z*(z+1))",
        ),
    ),
    "DDB": Elementwise(
        _declining,
        (
            _DDB_BY_COST,
            _DDB_BY_SALVAGE,
            _DDB_BY_SHARE.format("-v/z^2"),
            "",
            _DDB_BY_SHARE.format("1/z"),
        ),
        ("", "", "", "", "2"),
    ),
    "SLN": Elementwise(
        lambda cost, salvage, life: (cost - salvage) / life, ("1/z", "-1/z", "-value/z")
    ),
}
"""Each with its slopes: an implicit function's follow from those of the equation."""
