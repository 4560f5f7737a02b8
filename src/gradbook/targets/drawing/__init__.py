"""A network as a picture: geometry first, then SVG or PNG.

Knows where circles, lines and names stand and how the two formats are written. Doesn't know
training, pages or sheets.
"""

from gradbook.targets.drawing.layout import draw
from gradbook.targets.drawing.png import png
from gradbook.targets.drawing.shapes import Drawing
from gradbook.targets.drawing.svg import style, svg

__all__ = ["Drawing", "draw", "png", "style", "svg"]
