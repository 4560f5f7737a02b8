"""Writes a drawing as TikZ, for a LaTeX document that loads that package, in light colours only."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gradbook.palette import KINDS, PAPER, QUIET, Colour
from gradbook.targets.drawing.shapes import (
    NUMBER_GAP,
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

NAME_SIZE = 1.12  # enlargement of names, since TeX's letters are narrower


WIDEST, HIGHEST = 466.0, 570.0  # its largest size on a page, in points


def tikz(drawing: Drawing, escape: Callable[[str], str]) -> str:
    """The picture; `escape` turns words into plain text for LaTeX."""
    scale = min(1.0, WIDEST / drawing.width, HIGHEST / drawing.height)
    writer = _TikzWriter(scale, escape)
    colours = (
        f"\\definecolor{{gb-{colour.key}-{tone}}}{{HTML}}{{{getattr(colour, tone)[1:]}}}"
        for colour in (*KINDS, PAPER, QUIET)
        for tone in ("fill", "ink")
    )
    paper = _paint(PAPER, "fill")
    corners = f"(0,0) rectangle {_at(drawing.width, drawing.height)}"
    return "\n".join(
        [
            *colours,
            f"\\begin{{tikzpicture}}[x={scale:.4f}pt, y=-{scale:.4f}pt, line width={scale:.2f}pt, "
            "every node/.style={inner sep=0pt, outer sep=0pt}]",
            f"\\fill[{paper}, rounded corners={10 * scale:.1f}pt] {corners};",
            *(line for shape in drawing.shapes for line in writer.lines(shape)),
            "\\end{tikzpicture}",
        ]
    )


class _TikzWriter:
    def __init__(self, scale: float, escape: Callable[[str], str]) -> None:
        self.scale = scale
        self.escape = escape

    def lines(self, shape: Shape) -> Iterator[str]:
        match shape:
            case Polyline(points, colour, _):
                way = " -- ".join(_at(x, y) for x, y in points)
                yield f"\\draw[{_paint(colour, 'ink')}, opacity=0.6] {way};"
            case Plane(box, colour):
                yield f"\\filldraw[{_both(colour)}] {_rectangle(box)};"
                for way in _rules(shape):
                    yield f"\\draw[{_paint(colour, 'ink')}, opacity=0.3] {way};"
            case WindowFrame(box, colour):
                yield f"\\draw[{_paint(colour, 'ink')}] {_rectangle(box)};"
            case Unit():
                yield from _unit(shape)
            case Label():
                yield self._label(shape)

    def _label(self, label: Label) -> str:
        """A label with its baseline where the SVG's is."""
        size = label.size * self.scale * (NAME_SIZE if label.is_name else 1)
        x, side = (label.box.left, "base west") if label.is_left else (label.centre[0], "base")
        font = f"\\fontsize{{{size:.1f}}}{{{size:.1f}}}\\selectfont"
        font += "" if label.is_name else "\\sffamily"
        place = _at(x, label.centre[1] + label.size * 0.34)
        looks = f"anchor={side}, text={_tone(label.colour, 'ink')}, font={{{font}}}"
        return f"\\node[{looks}] at {place} {{{self._words(label)}}};"

    def _words(self, label: Label) -> str:
        text = self.escape(label.text)
        if label.is_name and label.text.isalpha():
            text = f"\\textit{{{text}}}"
        if label.subscript:
            text += f"\\textsubscript{{{self.escape(label.subscript)}}}"
        if label.number:
            text += f"\\hspace{{{NUMBER_GAP}em}}{self.escape(label.number)}"
        return text


def _unit(unit: Unit) -> Iterator[str]:
    """One closed path per part: round at the unit's ends, straight where two halves meet."""
    r, y = unit.radius, unit.centre[1]
    for part in unit.parts:
        turn = f"arc[start angle=-90, end angle=90, radius={r:g}]"
        right = turn if part.round_right else f"-- {_at(part.right, y + r)}"
        back = f"arc[start angle=90, end angle=270, radius={r:g}]" if part.round_left else ""
        way = f"{_at(part.left, y - r)} -- {_at(part.right, y - r)} {right} "
        way += f"-- {_at(part.left, y + r)} {back} -- cycle"
        yield f"\\filldraw[{_both(part.colour)}] {way};"


def _rules(plane: Plane) -> Iterator[str]:
    box, (rows, columns) = plane.box, plane.ruled
    for x in cuts(box.left, box.right, columns):
        yield f"{_at(x, box.top)} -- {_at(x, box.bottom)}"
    for y in cuts(box.top, box.bottom, rows):
        yield f"{_at(box.left, y)} -- {_at(box.right, y)}"


def _rectangle(box: Box) -> str:
    return f"{_at(box.left, box.top)} rectangle {_at(box.right, box.bottom)}"


def _tone(colour: Colour, tone: str) -> str:
    return f"gb-{colour.key}-{tone}"


def _paint(colour: Colour, tone: str) -> str:
    return f"color={_tone(colour, tone)}"


def _both(colour: Colour) -> str:
    return f"fill={_tone(colour, 'fill')}, draw={_tone(colour, 'ink')}"


def _at(x: float, y: float) -> str:
    return f"({x:.2f},{y:.2f})"
