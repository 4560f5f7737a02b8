"""Amounts in words: shares with as many decimals as they are worth."""

from __future__ import annotations

from math import ceil, isfinite, log10


def percent(share: float, of: int) -> str:
    """A share of so many things: 99.52 % of 10,000, 97.5 % of 360."""
    decimals = max(ceil(log10(of)) - 2, 0) if of > 1 else 0
    return f"{100 * share:.{decimals}f} %"


def sureness(probability: float) -> str:
    """A probability, and never all of it or nothing where that isn't so."""
    if not isfinite(probability):
        return "–"
    shown = f"{100 * probability:.1f}"
    if probability < 1 and shown == "100.0":
        return "> 99.9 %"
    return "< 0.1 %" if probability > 0 and shown == "0.0" else f"{shown} %"


def counted(count: int, one: str, several: str = "") -> str:
    """1 image, 2 images."""
    return f"{count:,} {one if count == 1 else several or one + 's'}"
