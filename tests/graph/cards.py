"""One card per op: what it is asked for, and what is known of its values and slopes.

A new op needs a card here; `test_ops.py` does the asking.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import cos, e, erf, inf, log, log1p, pi, sin, sqrt, tan, tanh
from typing import Any

from gradbook.graph.levels import BY_ROWS, Bits
from gradbook.graph.node import Attribute
from gradbook.graph.window import NOWHERE, Window
from gradbook.net import Shape

SCALAR: Shape = ()


@dataclass(frozen=True)
class Known:
    """At these inputs the op is worth that, and (where it is said) its slopes are these."""

    inputs: tuple[Any, ...]
    value: Any
    slopes: tuple[Any, ...] | None = None


def at(*inputs: Any, value: Any, slopes: tuple[Any, ...] | None = None) -> Known:
    return Known(inputs, value, slopes)


@dataclass(frozen=True)
class Card:
    """`shapes` of the inputs; `low` and `high` of random ones, one pair for all or one each."""

    shapes: tuple[Shape, ...]
    known: list[Known]
    attributes: tuple[Attribute, ...] = ()
    reach: tuple[float, float] = (-2, 2)
    torch: Callable[..., Any] | None = field(default=None)  # (torch, *tensors, *attributes)
    constant: tuple[float, ...] = ()  # inputs that come last and are numbers, such as an exponent
    flat: tuple[int, ...] = ()  # inputs that it jumps with, or only decides by: slope 0
    differentiable: bool = True
    straight: bool = False  # its slopes are agreed on: a moved input doesn't show them


ONE, TWO, THREE = (SCALAR,), (SCALAR,) * 2, (SCALAR,) * 3
IMAGE = (2, 4, 5)
ROAMING = Window((3, 2), (2, 1), (1, 0, 1, 1), (1, 2))
HALF_PADDED = Window((3, 2), (2, 2), (1, 1, 1, 1))


def framed(torch: Any, x: Any, window: Window, value: float = 0.0) -> Any:
    top, left, below, right = window.pad
    return torch.nn.functional.pad(x, (left, right, top, below), value=value)


def unframed(torch: Any, x: Any, area: Any, window: Window) -> Any:
    """Without the frame, and with zeros where no window came."""
    top, left, *_ = window.pad
    height, width = x.shape[-2:]
    frame = (-left, area[1] + left - width, -top, area[0] + top - height)
    return torch.nn.functional.pad(x, frame)


def heads_of(x: Any, heads: int) -> Any:
    """The features of each head, by steps."""
    return x.reshape(*x.shape[:-3], heads, x.shape[-3] // heads, x.shape[-1])


def straight_through(torch: Any, w: Any, s: Any, bits: Bits) -> Any:
    """As it is usually written: the weight, and what makes a level of it, which has no slope."""
    ratio = torch.where(s > 0, w / s, 0)
    if bits is Bits.TWO:
        whole = (2 * torch.floor(ratio / 2) + 1).clamp(-3, 3)
    else:
        whole = torch.floor(ratio + 0.5).clamp(-bits.highest, bits.highest)
    return w + (s * whole - w).detach()


def rounded(torch: Any, x: Any, limit: Any, lowest: float, highest: float) -> Any:
    """LSQ as it is usually written, with nothing passed on beyond the last steps, nor by a range
    of 0 or below."""
    most = torch.where(limit > 0, limit, 0)
    above = x > most * lowest / highest
    inside = above & (x < most)
    ends = torch.where(above, highest, lowest) + 0 * x.detach()
    ratio = torch.where(inside, x / torch.where(inside, most, 1) * highest, ends)
    return most / highest * (ratio + (torch.floor(ratio + 0.5) - ratio).detach())


SELU, SELU_BELOW = 1.0507009873554805, 1.7580993408473766  # λ, and λ·α
L3 = log(e + e**2 + e**3)  # of 1, 2, 3

CARDS: dict[str, Card] = {
    "copy": Card(ONE, [at(3, value=3, slopes=(1,))], ("a_h1",), torch=lambda torch, x, name: x + 0),
    # Arithmetic.
    "add": Card(
        TWO,
        [at(0.1, 0.2, value=0.1 + 0.2, slopes=(1, 1)), at(1e308, 1e308, value=inf)],
        torch=lambda torch, a, b: a + b,
    ),
    "subtract": Card(TWO, [at(5, 7, value=-2, slopes=(1, -1))], torch=lambda torch, a, b: a - b),
    "multiply": Card(
        TWO,
        [at(5, 7, value=35, slopes=(7, 5)), at(0, 7, value=0, slopes=(7, 0))],
        torch=lambda torch, a, b: a * b,
    ),
    "divide": Card(
        TWO,
        [
            at(6, 4, value=1.5, slopes=(0.25, -0.375)),
            at(0, 4, value=0, slopes=(0.25, 0)),
            at(1, 0, value=inf),
            at(1e-300, 1e200, value=0, slopes=(1e-200, 0)),  # b² would overflow
            at(1e-200, 1e-200, value=1, slopes=(1e200, -1e200)),  # b² would be 0
        ],
        reach=(0.5, 3),
        torch=lambda torch, a, b: a / b,
    ),
    "negate": Card(ONE, [at(3, value=-3, slopes=(-1,))], torch=lambda torch, x: -x),
    "power": Card(
        ONE,
        [at(3, value=9, slopes=(6,)), at(-3, value=9, slopes=(-6,)), at(0, value=0, slopes=(0,))],
        constant=(2,),
        torch=lambda torch, x, n: x**n,
    ),
    "exp": Card(
        ONE,
        [at(0, value=1, slopes=(1,)), at(-1000, value=0, slopes=(0,)), at(1000, value=inf)],
        torch=lambda torch, x: x.exp(),
    ),
    "log": Card(
        ONE,
        [at(1, value=0, slopes=(1,)), at(4, value=log(4), slopes=(0.25,)), at(0, value=-inf)],
        reach=(0.1, 3),
        torch=lambda torch, x: x.log(),
    ),
    "sqrt": Card(
        ONE,
        [at(4, value=2, slopes=(0.25,)), at(0, value=0)],
        reach=(0.1, 3),
        torch=lambda torch, x: x.sqrt(),
    ),
    # Choices.
    "choose": Card(
        THREE,
        [
            at(1, 5, 7, value=5, slopes=(0, 1, 0)),
            at(-1, 5, 7, value=7, slopes=(0, 0, 1)),
            at(0, 5, 7, value=7, slopes=(0, 0, 1)),
            at(-0.0, 5, 7, value=7, slopes=(0, 0, 1)),
            at(1, 5, inf, value=5, slopes=(0, 1, 0)),
        ],
        torch=lambda torch, c, a, b: a.where(c > 0, b),
        flat=(0,),
    ),
    "largest": Card(
        THREE,
        [
            at(1, 3, 2, value=3, slopes=(0, 1, 0)),
            at(3, 3, 3, value=3, slopes=(1, 0, 0)),
            at(1, 3, 3, value=3, slopes=(0, 1, 0)),
            at(0.0, -0.0, -1, value=0, slopes=(1, 0, 0)),
            at(-inf, -inf, -5, value=-5, slopes=(0, 0, 1)),
        ],
    ),
    "floor": Card(
        ONE,
        [at(1.5, value=1, slopes=(0,)), at(-1.5, value=-2), at(2, value=2)],
        torch=lambda torch, x: torch.floor(x),
        flat=(0,),
        straight=True,  # but at the steps it is flat
    ),
    "level": Card(  # its scale is a constant
        TWO,
        [
            at(0.49, 0.5, value=0.5, slopes=(1, 0)),
            at(0.25, 0.5, value=0.5, slopes=(1, 0)),  # halfway: up
            at(-0.25, 0.5, value=0, slopes=(1, 0)),
            at(0.2, 0.5, value=0, slopes=(1, 0)),
            at(3, 0, value=0, slopes=(1, 0)),
        ],
        (Bits.FOUR,),
        reach=(0.1, 2),
        torch=straight_through,
        straight=True,
    ),
    "stepped": Card(
        TWO,
        [
            at(0.5, 3, value=1, slopes=(1, (1 - 0.5) / 3)),  # halfway: up
            at(0.4, 3, value=0, slopes=(1, (0 - 0.4) / 3)),
            at(-1, 3, value=0, slopes=(0, 0)),
            at(0, 3, value=0, slopes=(0, 0)),
            at(2.8, 3, value=3, slopes=(1, (3 - 2.8) / 3)),
            at(4, 3, value=3, slopes=(0, 1)),
            at(4, 6, value=4, slopes=(1, 0)),
            at(2, 0, value=0, slopes=(0, 0)),  # a range that has shrunk too far
            at(0, 0, value=0, slopes=(0, 0)),
            at(2, -1, value=0, slopes=(0, 0)),
            at(-2, -1, value=0, slopes=(0, 0)),
        ],
        (0.0, 3.0),
        reach=(0.1, 3),
        torch=rounded,
        straight=True,
    ),
    "scales": Card(
        ((2, 3),),
        [
            at(
                [[1, -3, 2], [0, 0, 0]],
                value=[2, 0],
                slopes=([[0, 0, 0], [0, 0, 0]],),
            )
        ],
        (Bits.TERNARY, BY_ROWS),
        torch=lambda torch, w, bits, groups: abs(w).mean(1).detach() + 0 * w.sum(1),
        straight=True,
    ),
    "levelled": Card(
        ((4, 3, 2, 1), (6,)),
        [],
        (Bits.TWO, 2),
        reach=(0.1, 3),
        torch=lambda torch, w, s, bits, groups: straight_through(
            torch, w, s.reshape(2, 3).repeat_interleave(2, 0)[..., None, None], bits
        ),
        straight=True,
    ),
    "is_largest": Card(
        THREE,
        [
            at(1, 3, 2, value=1, slopes=(0, 0, 0)),
            at(4, 3, 2, value=0, slopes=(0, 0, 0)),
            at(3, 3, 2, value=0, slopes=(0, 0, 0)),  # the tie is the first one's
            at(1, 3, 3, value=1, slopes=(0, 0, 0)),
        ],
        attributes=(1,),
        flat=(0, 1, 2),
    ),
    # Activations.
    "sigmoid": Card(
        ONE,
        [
            at(0, value=0.5, slopes=(0.25,)),
            at(1000, value=1, slopes=(0,)),
            at(-1000, value=0, slopes=(0,)),
            at(log(3), value=0.75, slopes=(0.1875,)),
        ],
        torch=lambda torch, x: x.sigmoid(),
    ),
    "sin": Card(
        ONE,
        [at(0, value=0, slopes=(1,)), at(1.5, value=sin(1.5), slopes=(cos(1.5),))],
        torch=lambda torch, x: x.sin(),
    ),
    "cos": Card(
        ONE,
        [at(0, value=1, slopes=(0,)), at(1.5, value=cos(1.5), slopes=(-sin(1.5),))],
        torch=lambda torch, x: x.cos(),
    ),
    "tan": Card(
        ONE,
        [at(0, value=0, slopes=(1,)), at(1, value=tan(1), slopes=(1 / cos(1) ** 2,))],
        reach=(-1.2, 1.2),
        torch=lambda torch, x: x.tan(),
    ),
    "asin": Card(
        ONE,
        [at(0.5, value=pi / 6, slopes=(1 / sqrt(0.75),))],
        reach=(-0.9, 0.9),
        torch=lambda torch, x: x.asin(),
    ),
    "acos": Card(
        ONE,
        [at(-0.5, value=2 * pi / 3, slopes=(-1 / sqrt(0.75),))],
        reach=(-0.9, 0.9),
        torch=lambda torch, x: x.acos(),
    ),
    "atan": Card(ONE, [at(1, value=pi / 4, slopes=(0.5,))], torch=lambda torch, x: x.atan()),
    "sinh": Card(ONE, [at(0, value=0, slopes=(1,))], torch=lambda torch, x: x.sinh()),
    "cosh": Card(ONE, [at(0, value=1, slopes=(0,))], torch=lambda torch, x: x.cosh()),
    "asinh": Card(
        ONE,
        [at(0.75, value=log(2), slopes=(0.8,)), at(-0.75, value=-log(2), slopes=(0.8,))],
        torch=lambda torch, x: x.asinh(),
    ),
    "acosh": Card(
        ONE,
        [at(1.25, value=log(2), slopes=(4 / 3,))],
        reach=(1.1, 3),
        torch=lambda torch, x: x.acosh(),
    ),
    "atanh": Card(
        ONE,
        [at(0.6, value=log(2), slopes=(1 / 0.64,))],
        reach=(-0.9, 0.9),
        torch=lambda torch, x: x.atanh(),
    ),
    "log10": Card(
        ONE,
        [at(100, value=2, slopes=(0.01 / log(10),))],
        reach=(0.2, 3),
        torch=lambda torch, x: x.log10(),
    ),
    "log2": Card(
        ONE,
        [at(8, value=3, slopes=(0.125 / log(2),))],
        reach=(0.2, 3),
        torch=lambda torch, x: x.log2(),
    ),
    "erf": Card(
        ONE,
        [at(0, value=0, slopes=(2 / sqrt(pi),)), at(0.5, value=erf(0.5))],
        torch=lambda torch, x: x.erf(),
    ),
    "sign": Card(ONE, [at(0, value=0), at(-2, value=-1), at(2, value=1)], flat=(0,)),
    "tanh": Card(
        ONE,
        [
            at(0, value=0, slopes=(1,)),
            at(1000, value=1, slopes=(0,)),
            at(-1000, value=-1, slopes=(0,)),
            at(0.5, value=tanh(0.5), slopes=(1 - tanh(0.5) ** 2,)),
        ],
        torch=lambda torch, x: x.tanh(),
    ),
    "softplus": Card(
        ONE,
        [
            at(0, value=log(2), slopes=(0.5,)),
            at(1000, value=1000, slopes=(1,)),
            at(-1000, value=0, slopes=(0,)),
            at(-40, value=log1p(4.248354255291589e-18), slopes=(4.248354255291589e-18,)),
        ],
        torch=lambda torch, x: torch.nn.functional.softplus(x),
    ),
    "relu": Card(
        ONE,
        [
            at(2, value=2, slopes=(1,)),
            at(-2, value=0, slopes=(0,)),
            at(0, value=0, slopes=(0,)),
            at(-0.0, value=0, slopes=(0,)),
            at(5e-324, value=5e-324, slopes=(1,)),
        ],
        torch=lambda torch, x: x.relu(),
    ),
    "gelu": Card(
        ONE,
        [
            at(0, value=0, slopes=(0.5,)),
            at(1, value=0.8411919906082768, slopes=(1.0829640838457826,)),  # by mpmath
            at(-1, value=-0.15880800939172324, slopes=(-0.0829640838457826,)),
            at(1000, value=1000, slopes=(1,)),
            at(-1000, value=0, slopes=(0,)),
        ],
        torch=lambda torch, x: torch.nn.functional.gelu(x, approximate="tanh"),
    ),
    "normal_share": Card(
        ONE,
        [
            at(0, value=0.5, slopes=(1 / sqrt(2 * pi),)),
            at(1, value=0.8413447460685429, slopes=(0.24197072451914337,)),  # by mpmath
            at(1000, value=1, slopes=(0,)),
            at(-1000, value=0, slopes=(0,)),
            at(-5, value=2.866515718791939e-07),
        ],
        torch=lambda torch, x: torch.special.ndtr(x),
    ),
    "exact_gelu": Card(
        ONE,
        [
            at(0, value=0, slopes=(0.5,)),
            at(1, value=0.8413447460685429, slopes=(1.0833154705876864,)),  # by mpmath
            at(-1, value=-0.15865525393145705, slopes=(-0.08331547058768627,)),
            at(1000, value=1000, slopes=(1,)),
            at(-1000, value=0, slopes=(0,)),
        ],
        torch=lambda torch, x: torch.nn.functional.gelu(x),
    ),
    "relu6": Card(
        ONE,
        [
            at(2, value=2, slopes=(1,)),
            at(-2, value=0, slopes=(0,)),
            at(7, value=6, slopes=(0,)),
            at(0, value=0, slopes=(0,)),
            at(6, value=6, slopes=(0,)),
        ],
        reach=(-3, 9),
        torch=lambda torch, x: torch.nn.functional.relu6(x),
    ),
    "elu": Card(
        ONE,
        [
            at(2, value=2, slopes=(1,)),
            at(0, value=0, slopes=(1,)),
            at(-log(2), value=-0.5, slopes=(0.5,)),
            at(1000, value=1000, slopes=(1,)),
            at(-1000, value=-1, slopes=(0,)),
        ],
        torch=lambda torch, x: torch.nn.functional.elu(x),
    ),
    "selu": Card(
        ONE,
        [
            at(2, value=2 * SELU, slopes=(SELU,)),
            at(-log(2), value=-0.5 * SELU_BELOW, slopes=(0.5 * SELU_BELOW,)),
            at(1000, value=1000 * SELU, slopes=(SELU,)),
            at(-1000, value=-SELU_BELOW, slopes=(0,)),
        ],
        torch=lambda torch, x: torch.nn.functional.selu(x),
    ),
    "abs": Card(
        ONE,
        [
            at(2, value=2, slopes=(1,)),
            at(-3, value=3, slopes=(-1,)),
            at(0, value=0, slopes=(0,)),
        ],
        torch=lambda torch, x: x.abs(),
    ),
    "scale": Card(
        ONE,
        [at(2, value=-3, slopes=(-1.5,))],
        attributes=(-1.5,),
        torch=lambda torch, x, factor: factor * x,
    ),
    "shift": Card(
        ONE,
        [at(2, value=0.5, slopes=(1,))],
        attributes=(-1.5,),
        torch=lambda torch, x, term: x + term,
    ),
    "atleast": Card(
        ONE,
        [at(2, value=2, slopes=(1,)), at(-2, value=-0.5, slopes=(0,))],
        attributes=(-0.5,),
        torch=lambda torch, x, least: x.clamp(min=least),
    ),
    "atmost": Card(
        ONE,
        [at(2, value=0.5, slopes=(0,)), at(-2, value=-2, slopes=(1,))],
        attributes=(0.5,),
        torch=lambda torch, x, most: x.clamp(max=most),
    ),
    "hardsigmoid": Card(
        ONE,
        [
            at(0, value=0.5, slopes=(1 / 6,)),
            at(1.5, value=0.75, slopes=(1 / 6,)),
            at(4, value=1, slopes=(0,)),
            at(-4, value=0, slopes=(0,)),
        ],
        reach=(-5, 5),
        torch=lambda torch, x: torch.nn.functional.relu6(x + 3) / 6,
    ),
    "hard_swish": Card(
        ONE,
        [
            at(0, value=0, slopes=(0.5,)),
            at(1, value=2 / 3, slopes=(5 / 6,)),
            at(-2, value=-1 / 3, slopes=(-1 / 6,)),
            at(4, value=4, slopes=(1,)),
            at(-4, value=0, slopes=(0,)),
        ],
        reach=(-5, 5),
        torch=lambda torch, x: torch.nn.functional.hardswish(x),
    ),
    "silu": Card(
        ONE,
        [
            at(0, value=0, slopes=(0.5,)),
            at(log(3), value=0.75 * log(3), slopes=(0.75 + 0.1875 * log(3),)),
            at(1000, value=1000, slopes=(1,)),
            at(-1000, value=0, slopes=(0,)),
        ],
        torch=lambda torch, x: torch.nn.functional.silu(x),
    ),
    "mish": Card(
        ONE,
        [
            at(0, value=0, slopes=(0.6,)),
            at(log(3), value=15 / 17 * log(3), slopes=(15 / 17 + 48 / 289 * log(3),)),
            at(1000, value=1000, slopes=(1,)),
            at(-1000, value=0, slopes=(0,)),
        ],
        torch=lambda torch, x: torch.nn.functional.mish(x),
    ),
    "logrelu": Card(
        ONE,
        [
            at(0, value=0, slopes=(0,)),
            at(1e6 - 1, value=6 * log(10), slopes=(1e-6,)),
            at(e - 1, value=1, slopes=(1 / e,)),
            at(-3, value=0, slopes=(0,)),
        ],
        torch=lambda torch, x: torch.log(1 + torch.relu(x)),
    ),
    "leaky_relu": Card(
        ONE,
        [
            at(2, value=2, slopes=(1,)),
            at(-2, value=-0.5, slopes=(0.25,)),
            at(0, value=0, slopes=(0.25,)),
        ],
        attributes=(0.25,),
        torch=lambda torch, x, slope: torch.nn.functional.leaky_relu(x, slope),
    ),
    "prelu": Card(
        TWO,
        [
            at(2, 0.5, value=2, slopes=(1, 0)),
            at(-2, 0.5, value=-1, slopes=(0.5, -2)),
            at(0, 0.5, value=0, slopes=(0.5, 0)),
        ],
        torch=lambda torch, x, slope: torch.where(x > 0, x, slope * x),
    ),
    "log_sum_exp": Card(
        THREE,
        [
            at(1, 2, 3, value=L3, slopes=(e / e**L3, e**2 / e**L3, e**3 / e**L3)),
            at(0, 0, 0, value=log(3), slopes=(1 / 3, 1 / 3, 1 / 3)),
            at(1000, -1000, 0, value=1000, slopes=(1, 0, 0)),
            at(-1000, -1000, -1000, value=log(3) - 1000),
        ],
        torch=lambda torch, *xs: torch.stack(xs).logsumexp(0),
    ),
    # Losses.
    "half_square": Card(
        TWO,
        [at(0.5, 2, value=1.125, slopes=(-1.5, 1.5)), at(3, 3, value=0, slopes=(0, 0))],
        torch=lambda torch, t, a: torch.nn.functional.mse_loss(a, t) / 2,
    ),
    "square": Card(
        TWO,
        [at(0.5, 2, value=2.25, slopes=(-3, 3)), at(3, 3, value=0, slopes=(0, 0))],
        torch=lambda torch, t, a: torch.nn.functional.mse_loss(a, t),
    ),
    "absolute_error": Card(
        TWO,
        [
            at(0.5, 2, value=1.5, slopes=(-1, 1)),
            at(2, 0.5, value=1.5, slopes=(1, -1)),
            at(3, 3, value=0, slopes=(0, 0)),
        ],
        torch=lambda torch, t, a: torch.nn.functional.l1_loss(a, t),
    ),
    "huber": Card(
        TWO,
        [
            at(0.5, 1, value=0.125, slopes=(-0.5, 0.5)),
            at(2, 0.5, value=1, slopes=(1, -1)),
            at(0, 2.5, value=2, slopes=(-1, 1)),
            at(3, 3, value=0, slopes=(0, 0)),
        ],
        torch=lambda torch, t, a: torch.nn.functional.huber_loss(a, t),
    ),
    "binary_cross_entropy": Card(
        TWO,
        [
            at(1, 0, value=log(2), slopes=(0, -0.5)),
            at(1, 1000, value=0, slopes=(-1000, 0)),
            at(0, 1000, value=1000, slopes=(-1000, 1)),
            at(1, -1000, value=1000, slopes=(1000, -1)),
            at(0, -1000, value=0, slopes=(1000, 0)),
            at(0.5, log(3), value=log(4) - 0.5 * log(3), slopes=(-log(3), 0.25)),
        ],
        torch=lambda torch, t, o: torch.nn.functional.binary_cross_entropy_with_logits(o, t),
    ),
    "cross_entropy_of": Card(
        (SCALAR,) * 4,
        [
            at(1, 0, 0, 0, value=log(2), slopes=(0, 0, -0.5, 0.5)),
            at(1, 0, 1000, -1000, value=0, slopes=(-1000, 1000, 0, 0)),
            at(0, 1, 1000, -1000, value=2000, slopes=(-1000, 1000, 1, -1)),
            at(0.5, 0.5, log(3), 0, value=log(4) - log(3) / 2, slopes=(-log(3), 0, 0.25, -0.25)),
        ],
    ),
    # Shapes.
    "reshape": Card(
        ((2, 3),), [at([[1, 2, 3], [4, 5, 6]], value=[[1, 2], [3, 4], [5, 6]])], ((3, 2), 2)
    ),
    "spread": Card(((2,),), [at([1, 2], value=[[1, 1, 1], [2, 2, 2]], slopes=([3, 3],))], ((3,),)),
    "sum": Card(((2, 3),), [at([[1, 2, 3], [4, 5, 6]], value=[6, 15])], (1,)),
    "spread_channels": Card(
        ((1, 1, 2),),
        [at([[[1, 2]]], value=[[[1, 2]]] * 3, slopes=([[[3, 3]]],))],
        (3,),
    ),
    "sum_channels": Card(
        ((3, 1, 2),),
        [at([[[1, 2]], [[3, 4]], [[5, 7]]], value=[[[9, 13]]])],
        torch=lambda torch, x: x.sum(-3, keepdim=True),
    ),
    "concat": Card(
        ((1, 2), (2, 2)),
        [at([[1, 2]], [[3, 4], [5, 6]], value=[[1, 2], [3, 4], [5, 6]])],
        (2,),
        torch=lambda torch, a, b, axes: torch.cat([a, b], -axes),
    ),
    "part": Card(
        ((3, 2),),
        [at([[1, 2], [3, 4], [5, 6]], value=[[3, 4], [5, 6]])],
        (1, 2, 2),
        differentiable=False,
    ),
    # Steps of a sequence: 3 steps of 2 features, laid out as features of one row of steps.
    "by_feature": Card(
        ((3, 2),),
        [at([[1, 2], [3, 4], [5, 6]], value=[[[1, 3, 5]], [[2, 4, 6]]])],
        torch=lambda torch, x: x.movedim(-2, -1)[..., None, :],
    ),
    "by_step": Card(
        ((2, 1, 3),),
        [at([[[1, 3, 5]], [[2, 4, 6]]], value=[[1, 2], [3, 4], [5, 6]])],
        torch=lambda torch, x: x[..., 0, :].movedim(-1, -2),
    ),
    "step": Card(
        ((2, 1, 3),),
        [at([[[1, 3, 5]], [[2, 4, 6]]], value=[3, 4], slopes=([[[0, 1, 0]], [[0, 1, 0]]],))],
        (1,),
        torch=lambda torch, x, step: x[..., 0, step],
    ),
    "only_step": Card(
        ((2,),),
        [at([3, 4], value=[[[0, 3, 0]], [[0, 4, 0]]])],
        (1, 3),
        differentiable=False,
    ),
    "stack": Card(
        ((2,), (2,), (2,)),
        [at([1, 2], [3, 4], [5, 6], value=[[[1, 3, 5]], [[2, 4, 6]]])],
        torch=lambda torch, *xs: torch.stack(xs, -1)[..., None, :],
    ),
    "scores": Card(  # two heads of one feature each, three steps
        ((2, 1, 3), (2, 1, 3)),
        [
            at(
                [[[1, 2, 3]], [[4, 5, 6]]],
                [[[1, 10, 100]], [[2, 3, 4]]],
                value=[
                    [[1, 10, 100], [2, 20, 200], [3, 30, 300]],
                    [[8, 12, 16], [10, 15, 20], [12, 18, 24]],
                ],
            )
        ],
        (2,),
        torch=lambda torch, q, k, heads: heads_of(q, heads).mT @ heads_of(k, heads),
    ),
    "weigh": Card(
        ((1, 2, 2), (2, 1, 2)),
        [at([[[1, 10], [2, 20]]], [[[1, 2]], [[3, 4]]], value=[[[21, 42]], [[43, 86]]])],
        (0,),
        torch=lambda torch, a, v, back: (heads_of(v, a.shape[-3]) @ (a if back else a.mT)).reshape(
            v.shape
        ),
    ),
    "shares": Card(
        ((1, 2, 2),),
        [
            at([[[0, 5], [1, 1]]], value=[[[1, 0], [0.5, 0.5]]]),
            at([[[7, 9], [log(3), 0]]], value=[[[1, 0], [0.75, 0.25]]]),
        ],
        (1,),
        torch=lambda torch, e, causal: torch.softmax(
            e.masked_fill(torch.ones(e.shape[-2:]).triu(1).bool(), -inf) if causal else e, -1
        ),
    ),
    "shares_back": Card(
        ((1, 1, 2), (1, 1, 2)),
        [at([[[3, 1]]], [[[0.75, 0.25]]], value=[[[0.375, -0.375]]])],
        differentiable=False,
    ),
    # Weighted sums.
    "linear": Card(
        ((2, 3), (3,)),
        [at([[1, 2, 3], [4, 5, 6]], [1, 10, 100], value=[321, 654])],
        torch=lambda torch, w, x: torch.nn.functional.linear(x, w),
    ),
    "linear_back": Card(
        ((2, 3), (2,)),
        [at([[1, 2, 3], [4, 5, 6]], [1, 10], value=[41, 52, 63])],
        differentiable=False,
    ),
    "outer": Card(
        ((2,), (3,)),
        [at([1, 10], [1, 2, 3], value=[[1, 2, 3], [10, 20, 30]])],
        differentiable=False,
    ),
    # Convolution: other steps down than across and gaps, over 4 x 5 with padding.
    "conv": Card(
        ((4, 1, 3, 2), IMAGE),
        [],
        (ROAMING, 2),
        torch=lambda torch, w, x, window, groups: torch.nn.functional.conv2d(
            framed(torch, x, window), w, None, window.stride, 0, window.dilation, groups
        ),
    ),
    "conv_back": Card(
        ((4, 1, 3, 2), (4, 2, 4)),
        [],
        (IMAGE[1:], ROAMING, 2),
        torch=lambda torch, w, d, area, window, groups: unframed(
            torch,
            torch.nn.functional.conv_transpose2d(
                d, w, None, window.stride, 0, 0, groups, window.dilation
            ),
            area,
            window,
        ),
    ),
    "conv_weights": Card(((4, 2, 4), IMAGE), [], (ROAMING, 2), differentiable=False),
    # Pooling: windows that overlap, or leave a row and a column out.
    "maxpool": Card(
        (IMAGE,),
        [],
        (ROAMING,),
        torch=lambda torch, x, window: torch.nn.functional.max_pool2d(
            framed(torch, x, window, -inf), window.size, window.stride, 0, window.dilation
        ),
    ),
    "maxpool_back": Card(((2, 2, 4), IMAGE), [], (ROAMING,), differentiable=False),
    "winners": Card(
        ((1, 2, 4),),
        [at([[[1, 3, 2, 2], [3, 2, 2, 2]]], value=[[[0, 1, 1, 0], [0, 0, 0, 0]]])],
        (Window((2, 2), (2, 2)),),
        differentiable=False,
    ),
    "pick": Card(
        ((3, 2, 2),),
        [
            at(
                [[[1, 2], [3, 4]], [[5, 6], [7, 8]], [[9, 10], [11, 12]]],
                value=[[[5, 6], [7, 8]], [[0, 0], [0, 0]], [[5, 6], [7, 8]]],
                slopes=([[[0, 0], [0, 0]], [[2, 2], [2, 2]], [[0, 0], [0, 0]]],),
            )
        ],
        (0, (1, -1, 1), 3),
        torch=lambda torch, x, axis, places, axes: torch.cat(
            [torch.zeros_like(x[..., :1, :, :]), x], -3
        ).index_select(-3, torch.tensor([place + 1 for place in places])),
    ),
    "unpooled": Card(
        ((1, 1, 2),),
        [at([[[7, 9]]], value=[[[7, 7, 9, 9], [7, 7, 9, 9]]])],
        (Window((2, 2), (2, 2)),),
        torch=lambda torch, x, window: x.repeat_interleave(window.size[0], -2).repeat_interleave(
            window.size[1], -1
        ),
    ),
    "window_sums": Card(
        ((2, 2, 6),),
        [at([[[1, 2, 4, 8, 0, 0], [16, 32, 0, 0, 0, 1]]] * 2, value=[[[51, 12, 1]]] * 2)],
        (Window((2, 2), (2, 2)),),
        torch=lambda torch, x, window: torch.nn.functional.avg_pool2d(
            x, window.size, divisor_override=1
        ),
    ),
    "avgpool": Card(
        (IMAGE,),
        [],
        (HALF_PADDED, NOWHERE),
        torch=lambda torch, x, window, counted: torch.nn.functional.avg_pool2d(
            x, window.size, window.stride, window.pad[:2], count_include_pad=False
        ),
    ),
    "avgpool_back": Card(((2, 2, 3),), [], (HALF_PADDED, NOWHERE, IMAGE[1:]), differentiable=False),
    # Classes.
    "log_sum_exp_all": Card(
        ((3,),),
        [
            at([1, 2, 3], value=L3),
            at([1000, -1000, 0], value=1000, slopes=([1, 0, 0],)),
            at([-1000, -1000, -1000], value=log(3) - 1000),
        ],
        torch=lambda torch, x: x.logsumexp(-1),
    ),
    "cross_entropy": Card(
        ((2,), (2,)),
        [
            at([1, 0], [0, 0], value=log(2), slopes=([0, 0], [-0.5, 0.5])),
            at([0, 1], [1000, -1000], value=2000, slopes=([-1000, 1000], [1, -1])),
        ],
    ),
}
