"""A sweep for other programs: JSON and CSV."""

from __future__ import annotations

import json
from collections.abc import Iterator
from math import isfinite
from typing import Any

from gradbook.lab.rates.sweep import Outcome, Sweep
from gradbook.report.sweep_charts import rate_text

VERSION = 1  # of the JSON; it goes up when a field is taken away or changes its meaning


def as_json(sweep: Sweep) -> str:
    """One object; a loss that is no number is null.

    {"format": "gradbook sweep", "version": 1, "network": text, "epochs": count,
     "rates": [{"rate", "verdict", "reason", "trains", "end", "lowest", "losses"}, …],
     "largest": {"rate", "beyond", "failing", "tried", "words"}}

    `losses` holds each epoch's loss before its update. `largest` is the search for the largest
    rate that still trains: `beyond` is the next larger rate tried, which doesn't, and `failing`
    those below it that don't either.
    """
    limit = sweep.limit
    whole = {
        "format": "gradbook sweep",
        "version": VERSION,
        "network": str(sweep.net),
        "epochs": sweep.epochs,
        "rates": list(map(_outcome, sweep.outcomes)),
        "largest": {
            "rate": limit.rate,
            "beyond": limit.beyond,
            "failing": limit.failing,
            "tried": limit.tried,
            "words": limit.words(sweep.epochs),
        },
    }
    return json.dumps(whole, ensure_ascii=False, allow_nan=False) + "\n"


def _outcome(outcome: Outcome) -> dict[str, Any]:
    return {
        "rate": outcome.rate,
        "verdict": outcome.verdict,
        "reason": outcome.reason,
        "trains": outcome.trains,
        "end": _number(outcome.end),
        "lowest": _number(outcome.lowest),
        "losses": [_number(loss) for loss in outcome.losses.tolist()],
    }


def _number(value: float) -> float | None:
    return value if isfinite(value) else None


def as_csv(sweep: Sweep) -> str:
    """A row for each epoch and a column for each rate; empty where the loss is no number."""
    return "\n".join(_rows(sweep)) + "\n"


def _rows(sweep: Sweep) -> Iterator[str]:
    yield ",".join(["epoch", *(f"rate {rate_text(rate)}" for rate in sweep.rates)])
    columns = zip(*(outcome.losses.tolist() for outcome in sweep.outcomes), strict=True)
    for epoch, losses in enumerate(columns, 1):
        yield ",".join([str(epoch), *(repr(loss) if isfinite(loss) else "" for loss in losses)])
