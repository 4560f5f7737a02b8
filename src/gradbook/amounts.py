"""Writes numbers in words: counts, shares, losses, durations, sizes."""

from __future__ import annotations

from math import ceil, isfinite, isnan, log10


def counted(count: int, singular: str, several: str = "") -> str:
    """1 image, 2 images, 1,200 classes."""
    return f"{count:,} {singular if count == 1 else several or singular + 's'}"


def percent(share: float | None, of: int = 10_000) -> str:
    """A share of this many things: 99.52 % of 10,000, 97.5 % of 360; '' for None."""
    if share is None:
        return ""
    decimals = max(ceil(log10(of)) - 2, 0) if of > 1 else 0
    return f"{100 * share:.{decimals}f} %"


def rough_percent(share: float) -> str:
    """Two digits: 0.025 %, 250 %; from 1000 % on as a factor: 101 times its size."""
    if share >= 10:
        return f"{share + 1:.3g} times its size"
    return f"{100 * share:.0f} %" if share >= 0.1 else f"{100 * share:.2g} %"


def sureness(probability: float) -> str:
    """A probability, which isn't rounded to 0 % or 100 % unless it is exactly 0 or 1."""
    if not isfinite(probability):
        return "–"
    shown = f"{100 * probability:.1f}"
    if probability < 1 and shown == "100.0":
        return ">99.9 %"
    return "<0.1 %" if probability > 0 and shown == "0.0" else f"{shown} %"


def loss(value: float | None) -> str:
    """Four decimals, and at most eight characters."""
    if value is None:
        return ""
    if not isfinite(value):
        return _not_finite(value)
    return f"{value:.4f}" if abs(value) < 1000 else f"{value:.2g}"


def short(value: float, digits: int = 3) -> str:
    """This many digits: 0.0142, 1.6e-06, 10000."""
    if not isfinite(value):
        return _not_finite(value)
    return f"{value:.{digits}g}" if abs(value) < 10**digits or value >= 1e6 else f"{value:.0f}"


def _not_finite(value: float) -> str:
    return "NaN" if isnan(value) else "∞" if value > 0 else "−∞"


def shortest(value: float) -> str:
    """The fewest digits that identify this number: 0.05, 10000."""
    return repr(float(value)).removesuffix(".0")


def duration(seconds: float) -> str:
    """4.2 s, 1:05, 2:03:09."""
    if not isfinite(seconds):
        return "?"
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 59.95 else "1:00"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def size(count: int) -> str:
    """A number of bytes as people read it: 64.2 kB."""
    value, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if value >= 999.5:
            value, unit = value / 1000, larger
    return f"{count} B" if unit == "B" else f"{value:#.3g}".rstrip(".") + f" {unit}"
