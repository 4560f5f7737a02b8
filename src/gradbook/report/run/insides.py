"""What a run looked like from inside: warped images, filters, an image layer by layer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gradbook.amounts import counted
from gradbook.data.warp import write_warp
from gradbook.lab.runs import Evidence, Stage
from gradbook.layers.card import spell
from gradbook.report.images import picture, signed_picture, strip
from gradbook.report.page import bar, table, text

MOST_TILES = 32  # of a layer
PERCENTILE = 99.5  # of a layer's values: what counts as full strength
FILTERS = """\
<h3>The filters of the first layer</h3>
<p>Each filter, and below it its output for the image. <span class="plus">Blue</span> is positive,
<span class="minus">orange</span> negative; zero is the paper.</p>"""

Array = NDArray[np.float64]


def training_images(run: Evidence) -> str:
    """Some of them as they are, and as the first epochs saw them."""
    data, warp = run.dataset, run.recipe.warp
    channels, rows, columns = data.shape
    colour = "grey" if channels == 1 else "colour"
    said = (
        f"{counted(run.image_count, 'image')} of {rows} × {columns} pixels in {colour}, "
        f"{counted(len(data.classes), 'class', 'classes')}."
    )
    if warp.changes_images:
        said += f" Each is warped anew in every epoch: <code>{text(write_warp(warp))}</code>"
    names = ["as they are", *(f"in epoch {k}" for k in range(1, len(run.warped)))]
    factor = max(56 // columns, 1)
    films = "\n".join(
        f'<div class="film"><p>{name}</p><img src="{strip(images.pixels, factor)}" '
        f'alt="{counted(len(images), "training image")}, {name}"></div>'
        for name, images in zip(names, run.warped, strict=True)
    )
    return f"<p>{said}</p>\n{_column(films)}"


def inside(run: Evidence) -> str:
    """A test image layer by layer, and the first filters."""
    test, classes = run.dataset.test_for_reporting, run.dataset.classes
    shown = classes[int(test.labels[run.example])]
    probabilities = run.answers.probabilities[run.example]
    parts = [
        f"<p>Test image {run.example + 1:,} is of class {text(shown)}. The network’s answer:</p>",
        _column(_answer(test.pixels[run.example], probabilities, classes)),
    ]
    later = run.stages
    if run.filters is not None:
        sums = run.stages[0].values if run.stages else None
        later = run.stages[1:]
        parts += [FILTERS, _column(_filters(run.filters, sums))]
    if later:
        stages = "\n".join(_stage(stage, test.shape[1:]) for stage in later)
        parts += ["<h3>Layer by layer</h3>", _column(stages)]
    return "\n".join(parts)


def _column(pictures: str) -> str:
    """A figure no wider than the words."""
    return f'<figure class="column">{pictures}</figure>'


def _filters(kernels: Array, sums: Array | None) -> str:
    """Each filter, and below it its output for the image."""
    strongest = float(np.abs(kernels).max())
    full = _full(sums) if sums is not None else 0.0
    cells = []
    for number, kernel in enumerate(kernels[:MOST_TILES]):
        parts = [_tile(channel, strongest, f"filter {number + 1}") for channel in kernel]
        if sums is not None:
            parts.append(_tile(sums[number], full, f"the image through filter {number + 1}"))
        cells.append(f"<li>{''.join(parts)}</li>")
    return f'<ol class="filters">{"".join(cells)}</ol>{_left_out(len(kernels), "filter")}'


def _tile(values: Array, most: float, words: str) -> str:
    return f'<img src="{signed_picture(values, most)}" alt="{text(words)}">'


def _stage(stage: Stage, sides: tuple[int, ...]) -> str:
    full = _full(stage.values)
    tiles = "".join(_tile(channel, full, "") for channel in stage.values[:MOST_TILES])
    field = spell(stage.field).replace("x", "×")
    beyond = any(sees > side for sees, side in zip(stage.field, sides, strict=True))
    padding = " (past the image’s edge, padding)" if beyond else ""
    facts = f"{spell(stage.values.shape)}, receptive field {field}{padding}"
    return (
        f'<div class="stage"><p><b>{text(stage.layers)}</b> <span>{text(facts)}</span></p>\n'
        f'<div class="tiles" role="img" aria-label="the channels">{tiles}</div>'
        f"{_left_out(len(stage.values), 'channel')}</div>"
    )


def _full(values: Array) -> float:
    sizes = np.abs(values)
    usual, most = np.nan_to_num([np.percentile(sizes, PERCENTILE), sizes.max()]).tolist()
    return float(usual or most)


def _left_out(count: int, what: str) -> str:
    if count <= MOST_TILES:
        return ""
    return f'<p class="aside">The first {MOST_TILES} of {counted(count, what)}.</p>'


def _answer(image: NDArray[np.uint8], probabilities: Array, classes: Sequence[str]) -> str:
    """An image, and how likely each class was found: the likeliest of many."""
    ranked = np.argsort(-probabilities, kind="stable")[:10]
    order = sorted(ranked.tolist()) if len(classes) <= 10 else ranked.tolist()
    rows = [
        (text(classes[k]), bar(float(np.nan_to_num(probabilities[k])), "activations"))
        for k in order
    ]
    shown = table((), rows, headed=True)
    return f'<div class="answer"><img src="{picture(image)}" alt="the image">{shown}</div>'
