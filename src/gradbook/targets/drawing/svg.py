"""Writes a drawing as SVG: light colours in every shape, and a style for dark screens."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from gradbook.palette import KINDS, PAPER, QUIET, Colour
from gradbook.targets.drawing.shapes import (
    NUMBER_GAP,
    SERIF,
    SUBSCRIPT,
    THICK,
    Box,
    Drawing,
    Label,
    Plane,
    Polyline,
    Shape,
    Unit,
    WindowFrame,
    cuts,
)

MATHS = "STIX Two Text, Cambria, Times New Roman, Liberation Serif, serif"
WORDS = "system-ui, Segoe UI, Roboto, Helvetica Neue, Liberation Sans, Arial, sans-serif"

# The parts of a shape that a colour applies to: the attribute, its tone, and its dark tone.
TOUCHES = {
    "fill": ("fill", "fill", "dark_fill"),
    "edge": ("stroke", "ink", "dark_ink"),
    "text": ("fill", "ink", "dark_ink"),
}


def style() -> str:
    """The rules that give drawings dark colours on screens that prefer them."""
    rules = "".join(
        f".gb-net .{_class(touch, colour)}{{{attribute}:{getattr(colour, dark)}}}"
        for touch, (attribute, _, dark) in TOUCHES.items()
        for colour in (*KINDS, PAPER, QUIET)
    )
    return f"@media screen and (prefers-color-scheme:dark){{{rules}}}"


def svg(drawing: Drawing, alone: bool = True) -> str:
    """The drawing as an SVG element; `alone` includes the style, which a page needs only once."""
    width, height = _n(drawing.width), _n(drawing.height)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="gb-net" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img" aria-label="{escape(drawing.words)}">',
        *([f"<style>{style()}</style>"] if alone else []),
        f'<rect {_paint(("fill", PAPER))} width="100%" height="100%" rx="10"/>',
        *map(_shape, drawing.shapes),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _shape(shape: Shape) -> str:
    match shape:
        case Polyline(points, colour):
            way = "L".join(f"{_n(x)} {_n(y)}" for x, y in points)
            looks = f'{_paint(("edge", colour))} fill="none"'
            return f'<path {looks} stroke-opacity="0.6" stroke-width="{THICK}" d="M{way}"/>'
        case Plane():
            return _plane(shape)
        case WindowFrame(box, colour):
            edge = _paint(("edge", colour))
            return f'<path fill="none" {edge} stroke-width="1.6" d="{_rectangle(box)}"/>'
        case Unit():
            return "\n".join(_unit(shape))
        case Label():
            return _label(shape)


def _paint(*touches: tuple[str, Colour]) -> str:
    classes = " ".join(_class(touch, colour) for touch, colour in touches)
    tones = (
        f'{TOUCHES[touch][0]}="{getattr(colour, TOUCHES[touch][1])}"' for touch, colour in touches
    )
    return f'class="{classes}" ' + " ".join(tones)


def _class(touch: str, colour: Colour) -> str:
    return f"{touch}-{colour.key}"


def _plane(plane: Plane) -> str:
    box, (rows, columns) = plane.box, plane.ruled
    down = (f"M{_n(x)} {_n(box.top)}V{_n(box.bottom)}" for x in cuts(box.left, box.right, columns))
    across = (f"M{_n(box.left)} {_n(y)}H{_n(box.right)}" for y in cuts(box.top, box.bottom, rows))
    rules = "".join((*across, *down))
    sheet = (
        f'<path {_paint(("fill", plane.colour), ("edge", plane.colour))} d="{_rectangle(box)}"/>'
    )
    if not rules:
        return sheet
    return sheet + f'<path {_paint(("edge", plane.colour))} stroke-opacity="0.3" d="{rules}"/>'


def _rectangle(box: Box) -> str:
    return f"M{_n(box.left)} {_n(box.top)}H{_n(box.right)}V{_n(box.bottom)}H{_n(box.left)}Z"


def _unit(unit: Unit) -> Iterator[str]:
    """One closed path per part: round at the unit's ends, straight where two halves meet."""
    r = _n(unit.radius)
    top, bottom = _n(unit.centre[1] - unit.radius), _n(unit.centre[1] + unit.radius)
    for part in unit.parts:
        left, right = _n(part.left), _n(part.right)
        turn = f"A{r} {r} 0 0 1 {right} {bottom}" if part.round_right else f"V{bottom}"
        back = f"A{r} {r} 0 0 1 {left} {top}" if part.round_left else ""
        way = f"M{left} {top}H{right}{turn}H{left}{back}Z"
        paint = _paint(("fill", part.colour), ("edge", part.colour))
        yield f'<path {paint} stroke-width="1.3" d="{way}"/>'


def _label(label: Label) -> str:
    x, y = label.centre
    size = label.size * (SERIF if label.is_name else 1)
    family = MATHS if label.is_name else WORDS
    where = (label.box.left, "start") if label.is_left else (x, "middle")
    place = f'x="{_n(where[0])}" y="{_n(y + size * 0.32)}" text-anchor="{where[1]}"'
    looks = f'font-family="{family}" font-size="{_n(size)}"'
    paint = _paint(("text", label.colour))
    return f"<text {place} {looks} {paint}>{_pieces(label, size)}</text>"


def _pieces(label: Label, size: float) -> str:
    text = escape(label.text)
    if label.is_name and text.isalpha():
        text = f'<tspan font-style="italic">{text}</tspan>'
    drop = size * 0.18 if label.subscript else 0
    if label.subscript:
        small = f'dx="0.5" dy="{_n(drop)}" font-size="{_n(size * SUBSCRIPT)}"'
        text += f"<tspan {small}>{escape(label.subscript)}</tspan>"
    if label.number:
        text += (
            f'<tspan dx="{_n(size * NUMBER_GAP)}" dy="{_n(-drop)}">{escape(label.number)}</tspan>'
        )
    return text


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
