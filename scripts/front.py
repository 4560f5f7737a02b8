"""The picture with which the README and the site begin: one weight's chain, and a plane divided.

On the left is the worked network with a number on every line and the path of one weight lit; on the
right a network that has learned XOR on 100 points, with its loss. All numbers are computed here.
"""

from __future__ import annotations

import base64
import re
from io import BytesIO
from itertools import repeat

import numpy as np
from PIL import Image

from gradbook.builtin_networks import OPENING, SCENES
from gradbook.data.made_points import points
from gradbook.graph.node import Array
from gradbook.graph.reference import evaluate
from gradbook.net import parse
from gradbook.net.build import training_step
from gradbook.net.step import follow
from scripts.mathematics import mathml
from scripts.scenes import Scene

NARROW = (
    'net="worked" boxes="i1 i2 | a_h1 a_h2 | a_o1 a_o2 | E1 E2" lit="E1 a_o1 a_h1" control="w5"'
)
NUMBERS = (
    'net="worked" boxes="i1 i2 | h1 h2 | a_h1 a_h2 | o1 o2 | a_o1 a_o2 | E1 E2" '
    'lit="E1 a_o1 o1 a_h1" control="w5"'
)
CHAIN = ' factors="E1/a_o1 a_o1/o1 o1/w5" step="3"'
POINTS, EPOCHS, ALL_EPOCHS = 100, 70, 100
SIDE = 100  # pixels of the plane
LOW, PAPER, HIGH = (29, 111, 184), (250, 248, 243), (217, 119, 6)
NUDGE = 1e-5


def front() -> str:
    """The picture as HTML, with a slider for the weight."""
    wide, narrow = Scene.of(NUMBERS + CHAIN, ""), Scene.of(NARROW + CHAIN, "")
    _check_by_nudging(wide)
    partial = r"\frac{\partial E}{\partial w_5}"
    factors = r" \cdot ".join(f"{wide.values[name]:.4f}" for name in wide.factors)
    chain = mathml(f"{partial} = {factors} = {wide.values['chain']:.4f}")
    chain = wide.with_numbers(chain.replace("<math>", '<math displaystyle="true">'))
    drawn = wide.drawing().replace("scene-net", "scene-net wide")
    small = narrow.drawing().replace("scene-net", "scene-net narrow")
    data = wide.table(set(re.findall(r'data-of="([^"]+)"', drawn + small + chain)))
    return (
        f'<gb-scene class="front"><div class="front-net">{drawn}{small}'
        f'<p class="front-chain scene-words"><span>{chain}</span> '
        '<span class="front-nudged">nudged: the same ✓</span></p></div>'
        f'<div class="front-plane">{_plane()}</div>{wide.foot("")}'
        f'<script type="application/json">{data}</script></gb-scene>'
    )


def _check_by_nudging(scene: Scene) -> None:
    """That the slope is also how the error changes when the weight does."""
    errors = []
    for sign in (1, -1):
        leaf = scene.nodes["w5"]
        moved = scene.given | {leaf: scene.given[leaf] + sign * NUDGE}
        errors.append(float(evaluate([scene.nodes["E_total"]], moved)[scene.nodes["E_total"]]))
    measured = (errors[0] - errors[1]) / (2 * NUDGE)
    assert abs(measured - scene.values["chain"]) < 1e-8, measured


def _plane() -> str:
    """100 points, how the network divides the plane, and how its loss fell, as SVG."""
    made = points(OPENING, POINTS)
    losses, share = _trained(made)
    dots = "".join(
        f'<circle cx="{100 * (x + 1):.4g}" cy="{100 * (1 - y):.4g}" r="3.4" '
        f'class="{"above" if which else "below"}"/>'
        for x, y, which in made
    )
    return (
        '<svg viewBox="0 0 206 200" role="img" aria-label="100 points in two classes, and the '
        'two areas into which the network divides the plane"><clipPath id="front-corners"><rect '
        'width="200" height="200" rx="9" x="3"/></clipPath><g clip-path="url(#front-corners)">'
        f'<image href="{_picture(share)}" x="3" width="200" height="200" '
        f'preserveAspectRatio="none"/><g transform="translate(3)">{dots}</g></g></svg>'
        f'<p class="front-loss"><span>XOR, {POINTS} points</span> '
        f"<span><i>E</i> <b>{losses[-1]:.4f}</b></span></p>{_curve(losses)}"
    )


def _trained(made: list[tuple[float, float, int]]) -> tuple[list[float], Array]:
    """The loss of each epoch, and the output at each pixel of the plane."""
    step = training_step(parse(SCENES[OPENING]), batch=POINTS)
    (inputs,), (targets,) = step.inputs, step.targets
    data = {
        inputs: np.array([[x, y] for x, y, _ in made]),
        targets: np.array([[float(which)] for _, _, which in made]),
    }
    losses, values = [], {}
    for values in follow(step, repeat(data, EPOCHS + 1)):
        losses.append(float(values[step.loss]))
    line = (np.arange(SIDE) + 0.5) / SIDE * 2 - 1
    grid = np.stack(np.meshgrid(line, -line), axis=-1).reshape(-1, 2)
    given = {leaf: values[leaf] for leaf in step.start} | {inputs: grid}
    share = evaluate(step.outputs, given)[step.outputs[0]]
    return losses, np.reshape(share, (SIDE, SIDE))


def _picture(share: Array) -> str:
    """The plane in colours, as a data address: strong where the network is sure."""
    sure = np.abs(2 * share - 1)[..., None] ** 0.85 * 0.8
    colours = np.where(share[..., None] > 0.5, HIGH, LOW)
    pixels = PAPER + (colours - np.asarray(PAPER)) * sure
    file = BytesIO()
    Image.fromarray(pixels.round().astype(np.uint8)).save(file, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def _curve(losses: list[float]) -> str:
    left, right, top, low, most = 38, 200, 8, 112, 0.15

    def place(epoch: float, loss: float) -> str:
        x = left + (right - left) * epoch / ALL_EPOCHS
        return f"{x:.4g},{low - (low - top) * loss / most:.4g}"

    lines = []
    for loss in (0.0, 0.05, 0.1, 0.15):
        y = low - (low - top) * loss / most
        lines.append(f'<line x1="{left}" x2="{right}" y1="{y:g}" y2="{y:g}"/>')
        lines.append(f'<text x="{left - 6}" y="{y + 4:g}" class="end">{loss:.2f}</text>')
    path = "L".join(place(epoch, loss) for epoch, loss in enumerate(losses))
    x, y = place(EPOCHS, losses[-1]).split(",")
    return (
        '<svg class="front-curve" viewBox="0 0 206 134" role="img" aria-label="The loss over '
        f'{EPOCHS} epochs">{"".join(lines)}<path d="M{path}"/><circle cx="{x}" cy="{y}" r="4.5"/>'
        f'<text x="{left}" y="130">0</text><text x="{right}" y="130" class="end">epoch '
        f"{ALL_EPOCHS}</text></svg>"
    )
