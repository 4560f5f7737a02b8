"""What a pass has to know of the loop that does a heavy op."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gradbook.graph.node import Node


@dataclass(frozen=True)
class Packing:
    """Weights laid out as a kernel reads them, made anew before each step."""

    weights: Node
    size: int
    lines: Sequence[str]  # from `weights` to `packed`


@dataclass(frozen=True)
class Kernel:
    """`call` has the places {reads}, {leave}, {finish}, {packed}, {slopes} and {winners} for the
    hooks and arrays.
    """

    call: str
    scratch: int  # vectors
    readers: Sequence[Node]
    packing: Packing | None = None
    slopes: int = 0  # numbers a tile gives that are summed over the tiles
    by_value: bool = False  # reads rows value by value
    unpack: str = ""  # from these sums to the weights' gradient, where it isn't the same


def literal(kind: str, *numbers: int) -> str:
    """Its braces are doubled, since `call` is filled in."""
    return f"(struct {kind}){{{{{', '.join(map(str, numbers))}}}}}"
