"""How PyTorch says a window: by its own arguments, or with a frame put around what it reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gradbook.graph.window import NOWHERE, Both, Sides
from gradbook.net.layers import Conv, Pool
from gradbook.net.trained import TrainedLayer

LOWEST = ', value=float("-inf")'


def pads_itself(uses: Sequence[TrainedLayer], conv: Conv) -> bool:
    """Whether its own padding will do: the same on both sides, and wherever it is called."""
    pads = {conv.window(own.given).pad for own in uses}
    return len(pads) == 1 and all(map(_is_even, pads))


def conv_arguments(own: TrainedLayer, conv: Conv, pads: bool) -> list[str]:
    """What nn.Conv2d is given, as far as it isn't usual; `pads` says that it pads what it reads."""
    window = conv.window(own.given)
    asked = {
        "stride": _short(window.stride),
        "padding": _short(window.pad[:2] if pads else (0, 0)),
        "dilation": _short(window.dilation),
        "groups": str(conv.groups),
    }
    usual = {"stride": "1", "padding": "0", "dilation": "1", "groups": "1"}
    said = [f"{name}={value}" for name, value in asked.items() if value != usual[name]]
    return [str(own.given[0]), str(conv.channels), _short(conv.kernel), *said]


def framed_for(own: TrainedLayer, conv: Conv, x: str, pads: bool) -> str:
    """What a convolution reads, with zeros around where it doesn't put them there itself."""
    window = conv.window(own.given)
    return x if pads or not any(window.pad) else _framed(x, window.pad)


def pooled(own: TrainedLayer, pool: Pool, x: str) -> str:
    """The call of a pool on x."""
    if pool.size is None:
        return f"F.adaptive_{pool.kind}_pool2d({x}, 1)"
    if _is_known(own, pool):
        return _call(own, pool, x, *_padding(own, pool), *_counting(pool))
    if pool.kind == "max":
        return _call(own, pool, _framed(x, pool.window(own.given).pad, LOWEST))
    return _call(own, pool, _framed(x, pool.window(own.given).pad))


def places_inside(own: TrainedLayer, pool: Pool) -> str | None:
    """What an average of x is divided by after its frame, where not all that it reads counts."""
    if pool.kind == "max" or pool.size is None or _is_known(own, pool):
        return None
    sides, counted = pool.window(own.given).pad, pool.counted(own.given)
    if sides == counted:
        return None
    top, left, below, right = (side - one for side, one in zip(sides, counted, strict=True))
    ones = "torch.ones_like(x)"
    if counted != NOWHERE:
        ones = _framed(ones, counted, ", value=1.0")
    return _call(own, pool, _framed(ones, (top, left, below, right)))


def has_gaps(pool: Pool) -> bool:
    """Whether it is an average with gaps, which PyTorch has none of: a convolution of each channel
    by itself makes it, with weights that are all the same and never change."""
    return pool.kind == "avg" and pool.dilation != (1, 1)


def shares_made(own: TrainedLayer, pool: Pool) -> str:
    """How such weights are made, which the module keeps under the layer's name."""
    window = pool.window(own.given)
    return f"torch.full({(own.given[0], 1, *window.size)}, 1 / {window.area})"


def _is_known(own: TrainedLayer, pool: Pool) -> bool:
    """Whether PyTorch's pools have such padding: the same on both sides, of half a window."""
    assert pool.size is not None
    if has_gaps(pool):
        return False
    sides = replace(pool, ceil=False).window(own.given).pad
    halves = zip(sides, pool.size * 2, strict=True)
    return _is_even(sides) and all(side <= size // 2 for side, size in halves)


def _padding(own: TrainedLayer, pool: Pool) -> list[str]:
    sides = replace(pool, ceil=False).window(own.given).pad
    said = [f"padding={_short(sides[:2])}"] if any(sides) else []
    return [*said, *(["ceil_mode=True"] if pool.ceil else [])]


def _counting(pool: Pool) -> list[str]:
    """An average of PyTorch's counts its padding, if nothing is said."""
    beside = pool.pad != NOWHERE or pool.ceil
    left_out = pool.kind == "avg" and beside and not pool.zeros
    return ["count_include_pad=False"] if left_out else []


def _call(own: TrainedLayer, pool: Pool, x: str, *further: str) -> str:
    window = pool.window(own.given)
    weighed = has_gaps(pool)
    said = [x, f"self.{own.name}" if weighed else _short(window.size)]
    usual = (1, 1) if weighed else window.size
    said += [f"stride={_short(window.stride)}"] if window.stride != usual else []
    said += [f"dilation={_short(window.dilation)}"] if window.dilation != (1, 1) else []
    if weighed:
        return f"F.conv2d({', '.join([*said, f'groups={own.given[0]}'])})"
    return f"F.{pool.kind}_pool2d({', '.join([*said, *further])})"


def _framed(x: str, sides: Sides, value: str = "") -> str:
    if not any(sides):
        return x
    top, left, below, right = sides
    return f"F.pad({x}, ({left}, {right}, {top}, {below}){value})"


def _is_even(sides: Sides) -> bool:
    return sides[:2] == sides[2:]


def _short(pair: Both) -> str:
    """One number where both are the same."""
    return str(pair[0]) if pair[0] == pair[1] else str(pair)
