"""Recorded signals as a table in a file: what a user would hand in."""

from __future__ import annotations

from gradbook.data.signals import Signals


def as_csv(signals: Signals) -> list[str]:
    """As a table that is read as the same: lines, the heading first."""
    rate = signals.rate or 1.0
    lines = [",".join(["subject", "recording", "time", *signals.channels, "label"]) + "\n"]
    for one in signals.recordings:
        for k, row in enumerate(one.values.tolist()):
            cells = (one.subject, one.name, f"{k / rate:g}", *(f"{v:g}" for v in row), one.label)
            lines.append(",".join(f'"{c}"' if "," in c else c for c in cells) + "\n")
    return lines
