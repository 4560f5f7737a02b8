"""What a run looked like from inside: warped images, filters, an image layer by layer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gradbook.amounts import counted
from gradbook.data.images import Images
from gradbook.lab.models.insides import Stage
from gradbook.net.layers import spell
from gradbook.report.images.pixels import picture, strip, tinted
from gradbook.report.page.shell import text
from gradbook.report.page.tables import bar, table

MOST_TILES = 32  # of a layer
PERCENTILE = 99.5  # of a layer's values: what counts as full strength

Array = NDArray[np.float64]


def warped_rows(rows: Sequence[tuple[str, Images]]) -> str:
    """The same images in each row, each row with its words."""
    factor = max(56 // rows[0][1].pixels.shape[3], 1)
    return "\n".join(
        f'<div class="film"><p>{text(words)}</p><img src="{strip(images.pixels, factor)}" '
        f'alt="{counted(len(images), "training image")}, {text(words)}"></div>'
        for words, images in rows
    )


def filters(kernels: Array, sums: Array | None) -> str:
    """Each filter, and below it what it makes of the image."""
    strongest = float(np.abs(kernels).max())
    full = _full(sums) if sums is not None else 0.0
    cells = []
    for number, kernel in enumerate(kernels[:MOST_TILES]):
        parts = [tile(channel, strongest, f"filter {number + 1}") for channel in kernel]
        if sums is not None:
            parts.append(tile(sums[number], full, f"the image through filter {number + 1}"))
        cells.append(f"<li>{''.join(parts)}</li>")
    return f'<ol class="filters">{"".join(cells)}</ol>{_left_out(len(kernels), "filter")}'


def tile(values: Array, most: float, words: str) -> str:
    return f'<img src="{tinted(values, most)}" alt="{text(words)}">'


def stages(shown: Sequence[Stage]) -> str:
    """A row of channels for each stage."""
    return "\n".join(map(_stage, shown))


def _stage(stage: Stage) -> str:
    full = _full(stage.values)
    tiles = "".join(
        f'<img src="{tinted(channel, full)}" alt="">' for channel in stage.values[:MOST_TILES]
    )
    field = stage.field[0] if len(set(stage.field)) == 1 else spell(stage.field)
    facts = f"{spell(stage.values.shape)}, each value sees {field} pixels each way"
    return (
        f'<div class="stage"><p><b>{text(stage.layers)}</b> <span>{text(facts)}</span></p>\n'
        f'<div class="tiles" role="img" aria-label="the channels">{tiles}</div>'
        f"{_left_out(len(stage.values), 'channel')}</div>"
    )


def _full(values: Array) -> float:
    return float(np.nan_to_num(np.percentile(np.abs(values), PERCENTILE))) or float(
        np.nan_to_num(np.abs(values).max())
    )


def _left_out(count: int, what: str) -> str:
    if count <= MOST_TILES:
        return ""
    return f'<p class="aside">The first {MOST_TILES} of {counted(count, what)}.</p>'


def answer(image: NDArray[np.uint8], probabilities: Array, classes: Sequence[str]) -> str:
    """An image, and how likely each class was found: the likeliest of many."""
    ranked = np.argsort(-probabilities, kind="stable")[:10]
    order = sorted(ranked.tolist()) if len(classes) <= 10 else ranked.tolist()
    rows = [
        (text(classes[k]), bar(float(np.nan_to_num(probabilities[k])), "activations"))
        for k in order
    ]
    shown = table((), rows, headed=True)
    return f'<div class="answer"><img src="{picture(image)}" alt="the image">{shown}</div>'
