"""What a workbook holds: rows, columns, and as many cells as stay pleasant to work with."""

from __future__ import annotations

from gradbook.errors import LimitError
from gradbook.graph.node import Node
from gradbook.graph.step import Step
from gradbook.targets.excel.order import groups

MOST_ROWS, MOST_COLUMNS = 1_048_576, 16_384
MOST_CELLS = 1_500_000  # some half a minute to write, and as many to open
SPARE = 64  # rows and columns for headings and counters


def fitting_rates(
    step: Step, epochs: int, asked: tuple[float, ...] | None, usual: tuple[float, ...]
) -> tuple[float, ...]:
    """The rates whose runs fit beside the training table; a LimitError where those asked don't.

    Where nobody asked, as many of the usual ones as fit, spread evenly.
    """
    own = _cells_of_a_run(step, epochs)
    _check_size(step, epochs, own)
    rows = epochs * step.samples
    most = min((MOST_CELLS - own) // own, (MOST_ROWS - SPARE) // rows)
    wanted = usual if asked is None else asked
    if len(wanted) <= most:
        return wanted
    if asked is not None:
        raise LimitError(
            f"{len(wanted)} rates of {epochs:,} epochs are {len(wanted) * own:,} cells more, and "
            f"a workbook stays pleasant up to {MOST_CELLS:,}: {_fewer(most)}"
        )
    return _spread(usual, most) if most > 1 else ()


def _fewer(most: int) -> str:
    return f"take at most {most}, or fewer epochs" if most else "take fewer epochs, or --rates none"


def _spread(rates: tuple[float, ...], count: int) -> tuple[float, ...]:
    last = len(rates) - 1
    return tuple(rates[round(k * last / (count - 1))] for k in range(count))


def _cells_of_a_run(step: Step, epochs: int) -> int:
    return epochs * sum(step.samples if node.each else 1 for node in _nodes(step))


def _nodes(step: Step) -> list[Node]:
    return [node for group in groups(step) for node in group.nodes]


def _check_size(step: Step, epochs: int, cells: int) -> None:
    across, rows = len(_nodes(step)), epochs * step.samples
    if across > MOST_COLUMNS - SPARE:
        raise LimitError(
            f"{across:,} values in a row, and a sheet has {MOST_COLUMNS:,} columns: "
            "take a smaller network"
        )
    per_epoch = cells // epochs
    most = min(MOST_CELLS // per_epoch, (MOST_ROWS - SPARE) // step.samples)
    if epochs > most:
        kind = f"{rows:,} rows" if rows > MOST_ROWS - SPARE else f"{cells:,} cells"
        remedy = (
            f"at most {most:,} epochs fit" if most else "take a smaller network or fewer samples"
        )
        raise LimitError(
            f"{epochs:,} epochs of {per_epoch:,} values are {kind}, more than a sheet holds or "
            f"anyone would wait for: {remedy}"
        )
