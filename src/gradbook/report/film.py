"""A training as a film: the network with its weights, the loss, and the output over a plane.

Knows pictures; Pillow writes them as a GIF, which code hosts and lessons show at once.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gradbook.errors import LimitError, UsageError
from gradbook.files import whole_file
from gradbook.graph.names import Name
from gradbook.graph.node import Array, Node, ancestors
from gradbook.graph.reference import evaluate_in_order
from gradbook.net import Net
from gradbook.net.lower import scalar_step
from gradbook.net.step import Step, run
from gradbook.palette import ERROR, INPUT, QUIET, WEIGHT
from gradbook.report.charts import Chart, Curve, thin
from gradbook.targets.drawing import draw, draw_weights
from gradbook.targets.drawing.png import paint
from gradbook.targets.page.plane import share_of, tells_points_apart

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

MOST_FRAMES = 150
MOST_EPOCHS = 20_000
MOST_WEIGHTS = 400
FPS = 15
WIDTH = 832  # pixels: as wide as a code host shows a picture
COLOURS = 64  # of a GIF
BELOW = 260  # pixels of height for the curve and the plane
EDGE = 24
GRID = 48  # points of the plane along each side
LAST = 2.0  # seconds that the last frame stays
ENDING = ".gif"
INK, PAPER = "#22242A", "#FFFFFF"


@dataclass(frozen=True)
class FilmScene:
    """What one frame shows: the weights by name, and the plane if there is one."""

    epoch: int
    weights: Mapping[Name, float]
    plane: Array | None


@dataclass(frozen=True)
class Film:
    """A training that is to be shown: its losses, and a scene for each frame."""

    net: Net
    rate: float
    losses: Array  # of every epoch, the first before any update
    scenes: tuple[FilmScene, ...]
    reach: tuple[float, float, float, float]  # of the plane: left, right, bottom, top


def film(net: Net, epochs: int, rate: float) -> Film:
    """Train a small network, and keep what its film shows."""
    if epochs > MOST_EPOCHS:
        raise LimitError(f"a film has at most {MOST_EPOCHS:,} epochs, not {epochs:,}: use fewer")
    if net.count() > MOST_WEIGHTS:
        raise LimitError(
            f"a film shows each weight, and this network has {net.count():,}; at most "
            f"{MOST_WEIGHTS} can be drawn: film a smaller one"
        )
    step = scalar_step(net)
    shown = set(np.unique(np.linspace(0, epochs, min(epochs + 1, MOST_FRAMES)).round().astype(int)))
    mixes = any(layer.mixes_samples for layer in net.layers)  # outputs depend on the other samples
    has_plane = step.samples > 1 and tells_points_apart(net) and not mixes
    plane = _Plane(step) if has_plane else None
    losses: list[float] = []
    scenes: list[FilmScene] = []
    for epoch, values in enumerate(run(step, epochs + 1, rate)):
        losses.append(float(values[step.loss]))
        if epoch in shown:
            weights = {w.name: float(values[w]) for w in step.weights if w.name}
            scenes.append(FilmScene(epoch, weights, plane.shares(values) if plane else None))
    reach = plane.reach if plane else (0.0, 1.0, 0.0, 1.0)
    return Film(net, rate, np.array(losses), tuple(scenes), reach)


class _Plane:
    """The network's output at each point of the plane around its samples."""

    def __init__(self, step: Step) -> None:
        self.step = step
        self.share = share_of(step.outputs, step.net.ending, step.net.objective)
        self.order = ancestors([self.share])
        x, y = (step.data[node] for node in step.inputs)
        self.reach = (*_widened(x), *_widened(y))
        across, up = (
            np.linspace(low, high, GRID) for low, high in (self.reach[:2], self.reach[2:])
        )
        points = np.meshgrid(across, up[::-1])
        self.points = {
            node: column.ravel() for node, column in zip(step.inputs, points, strict=True)
        }

    def shares(self, values: Mapping[Node, Array]) -> Array:
        given = {weight: values[weight] for weight in self.step.weights} | self.points
        made = evaluate_in_order(self.order, given, GRID * GRID)
        return np.clip(np.broadcast_to(made[self.share], GRID * GRID).reshape(GRID, GRID), 0, 1)


def _widened(values: Array) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    room = 0.15 * (high - low) or 1.0
    return low - room, high + room


# Frames -----------------------------------------------------------------------


def frames(shot: Film) -> Iterator[Image]:
    """Each frame as a picture."""
    from PIL import Image, ImageDraw

    drawing = draw(shot.net)
    largest = max((abs(v) for one in shot.scenes for v in one.weights.values()), default=1.0)
    high = min(round(drawing.height * WIDTH / drawing.width), 2 * BELOW)
    height = high + BELOW + 3 * EDGE
    broad = round(drawing.width * high / drawing.height)
    for scene in shot.scenes:
        image = Image.new("RGB", (WIDTH, height), PAPER)
        network = paint(draw_weights(drawing, scene.weights, largest), broad)
        image.paste(network, ((WIDTH - broad) // 2, 2 * EDGE))
        pen = ImageDraw.Draw(image)
        loss = shot.losses[scene.epoch]
        caption = f"epoch {scene.epoch:,}    error {loss:.4g}    rate {shot.rate:g}"
        _write(pen, (EDGE, EDGE // 2), caption, 18)
        side = BELOW - EDGE
        right = WIDTH - EDGE - (side + 2 * EDGE if scene.plane is not None else 0)
        _curve(pen, shot, scene.epoch, (EDGE + 50, high + 2 * EDGE, right, height - EDGE))
        if scene.plane is not None:
            _paint_plane(image, pen, shot, scene.plane, (WIDTH - EDGE - side, high + 2 * EDGE))
        yield image


def _write(
    pen: ImageDraw, place: tuple[int, int], words: str, size: int, anchor: str = "la"
) -> None:
    from PIL import ImageFont

    pen.text(place, words, INK, ImageFont.load_default(size), anchor)


def _curve(pen: ImageDraw, shot: Film, epoch: int, box: tuple[int, int, int, int]) -> None:
    """The error up to that epoch, on the scale of the whole training."""
    left, top, right, bottom = box
    chart = Chart("", (Curve("", shot.losses, ERROR.ink),))
    pen.rectangle(box, outline=QUIET.fill)

    def row(value: float) -> int:
        return round(bottom - min(max(chart.height(value), 0), 1) * (bottom - top))

    for level in chart.levels:
        y = row(level)
        pen.line([(left, y), (right, y)], QUIET.fill)
        word, power = chart.scale.tick(level)
        _write(pen, (left - 6, y), f"{word}^{power}".rstrip("^").replace("−", "-"), 12, "rm")
    points = [
        (round(left + chart.across(place) * (right - left)), row(loss))
        for place, loss in zip(*thin(shot.losses[: epoch + 1], WIDTH), strict=True)
        if np.isfinite(loss)
    ]
    if len(points) > 1:
        pen.line(points, ERROR.ink, 3, joint="curve")
    if points:
        x, y = points[-1]
        pen.ellipse([x - 5, y - 5, x + 5, y + 5], ERROR.ink)


def _paint_plane(
    image: Image, pen: ImageDraw, shot: Film, plane: Array, corner: tuple[int, int]
) -> None:
    """Paint blue where the first class is predicted, brown for the second, and the samples."""
    from PIL import Image as Images
    from PIL import ImageColor

    side = BELOW - EDGE
    first, second = (np.array(ImageColor.getrgb(it.ink), float) for it in (INPUT, WEIGHT))
    share = np.nan_to_num(plane, nan=0.5)[..., None]
    strength = 0.15 + 1.1 * np.abs(share - 0.5)
    tone = np.where(share < 0.5, first, second) * strength + 255 * (1 - strength)
    picture = Images.fromarray(np.clip(tone, 0, 255).astype(np.uint8))
    image.paste(picture.resize((side, side), Images.Resampling.BILINEAR), corner)
    left, right, bottom, top = shot.reach
    for sample in shot.net.examples():
        (x, y), target = sample.inputs, sample.targets
        across = corner[0] + (x - left) / (right - left) * side
        down = corner[1] + (top - y) / (top - bottom) * side
        second_class = target[-1] > (0.5 if len(target) == 1 else target[0])
        box = [across - 5, down - 5, across + 5, down + 5]
        pen.ellipse(box, WEIGHT.ink if second_class else INPUT.ink, PAPER, 2)


# Files ------------------------------------------------------------------------


def write_film(
    shot: Film,
    path: str | os.PathLike[str],
    fps: int = FPS,
    tick: Callable[[int], None] = lambda done: None,
) -> None:
    """Write the whole film or nothing; `tick` is called after each frame."""
    from PIL import Image

    if Path(path).suffix.lower() != ENDING:
        raise UsageError(f"a film's name ends in {ENDING}: not {os.fspath(path)}")
    pictures: list[Image.Image] = []
    for frame in frames(shot):
        pictures.append(frame)
        tick(len(pictures))
    plain = Image.Dither.NONE
    # One palette for all frames, so that nothing flickers; it keeps the colours of small dots.
    colours = pictures[-1].quantize(COLOURS, method=Image.Quantize.MAXCOVERAGE)
    first, *others = [picture.quantize(palette=colours, dither=plain) for picture in pictures]
    lasting = [round(1000 / fps)] * len(others) + [round(1000 * LAST)]
    with whole_file(path) as part, part.open("wb") as file:
        first.save(file, "GIF", save_all=True, append_images=others, duration=lasting, loop=0)
