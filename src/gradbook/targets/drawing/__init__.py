"""A network as a picture: geometry first, then SVG or PNG.

Knows the places of circles, lines and names, and how the formats are written. Knows nothing of
training, pages or sheets.
"""

from gradbook.language import ENGLISH, in_language
from gradbook.net.formulas import Formulas
from gradbook.net.network import Net
from gradbook.targets.drawing import layout
from gradbook.targets.drawing.formula_graph import draw_formulas
from gradbook.targets.drawing.png import can_paint, png
from gradbook.targets.drawing.shapes import Drawing
from gradbook.targets.drawing.svg import style, svg

__all__ = [
    "Drawing",
    "draw",
    "net_png",
    "net_svg",
    "png",
    "style",
    "svg",
]


def draw(net: Net | Formulas, numbers: bool = False) -> Drawing:
    """The picture; `numbers` adds values to the names."""
    if isinstance(net, Formulas):
        return draw_formulas(net, numbers)
    return layout.draw(net, numbers)


def net_svg(net: Net | Formulas) -> str:
    """The SVG of a network with its numbers, as a notebook shows it."""
    return svg(draw(net, numbers=True))


def net_png(net: Net | Formulas, fineness: float = 1.0) -> bytes:
    """The same as a PNG; in English if no font on this machine has the language's letters."""
    drawing = draw(net, numbers=True)
    if not can_paint(drawing):
        with in_language(ENGLISH.code):
            drawing = draw(net, numbers=True)
    return png(drawing, round(drawing.width * fineness))
