"""The learning rates that are shown where nobody asked for others."""

from __future__ import annotations

GENTLE = (0.05, 0.1, 0.2, 0.4, 0.5, 0.6, 0.8, 1.0, 2.0)  # the ones people show
VIOLENT = (10.0, 100.0, 1000.0, 10000.0)  # where a sigmoid leaps, or dies
DEFAULT_RATES = GENTLE + VIOLENT


def split(rates: tuple[float, ...]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The gentle and the violent among these rates, for a chart of each."""
    gentle = tuple(rate for rate in rates if rate < VIOLENT[0])
    return gentle, tuple(rate for rate in rates if rate >= VIOLENT[0])
