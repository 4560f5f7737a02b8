"""Pieces of C: functions, blocks and loops around lines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence


def indent(lines: Iterable[str], by: int = 1) -> list[str]:
    return [f"{'    ' * by}{line}" for line in lines]


def block(body: Sequence[str]) -> list[str]:
    return ["{", *indent(body), "}"] if body else []


def loop(size: int, body: Sequence[str]) -> list[str]:
    """Over k."""
    if size == 1:
        return block(["const int k = 0;", "(void)k;", *body])
    return [f"for (int k = 0; k < {size}; k++) {{", *indent(body), "}"]


def function(head: str, body: Sequence[str], parameters: Sequence[str] = ("at",)) -> str:
    """Its text, without a warning for the parameters that the body doesn't need."""
    text = "\n".join(body)
    unused = [f"(void){name};" for name in parameters if not re.search(rf"\b{name}\b", text)]
    return "\n".join([f"{head} {{", *indent([*unused, *body]), "}\n"])


def task(name: str, body: Sequence[str]) -> str:
    """A function of a thread's place."""
    return function(f"static void {name}(struct place *at)", body)


def literal(value: float) -> str:
    """A number in C, in the program's precision."""
    return f"(real){value!r}" if value >= 0 else f"-(real){-value!r}"
