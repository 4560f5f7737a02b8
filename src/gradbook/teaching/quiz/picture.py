"""A picture of a sheet: the row of an epoch and its headings, on several lines if it is long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from xlsxwriter.utility import xl_col_to_name

from gradbook.graph.node import Node
from gradbook.language import tr
from gradbook.palette import PAPER, Colour, colour_of
from gradbook.teaching.quiz.questions import QuizPicture

WIDTH, HEIGHT, EDGE, MARGIN = 84, 24, 26, 8  # cell; column of row numbers; around all
ABREAST = 9  # cells on a line
ROW, HEADINGS = 2, 1


@dataclass(frozen=True)
class SheetCell:
    """A cell: the place of its column, its value, and what it shows."""

    place: int
    node: Node
    shown: str

    @property
    def name(self) -> str:
        return f"{xl_col_to_name(self.place)}{ROW}"


def draw_sheet(cells: Sequence[SheetCell], stem: str) -> QuizPicture:
    """The row, with letters above and row numbers at the left, as a spreadsheet shows it."""
    lines = [cells[k : k + ABREAST] for k in range(0, len(cells), ABREAST)]
    high = 3 * HEIGHT + MARGIN
    width = 2 * MARGIN + EDGE + WIDTH * min(ABREAST, len(cells))
    height = MARGIN + high * len(lines)
    shown = "; ".join(f"{cell.name}, {cell.node.name}: {cell.shown}" for cell in cells)
    words = tr("A sheet. {cells}", cells=shown)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" font-family="sans-serif" font-size="12">',
        f"<title>{escape(words)}</title>",
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        *(_line(line, MARGIN + k * high) for k, line in enumerate(lines)),
        "</svg>",
    ]
    return QuizPicture("\n".join(parts) + "\n", words, stem)


def _line(cells: Sequence[SheetCell], top: int) -> str:
    numbers = "".join(
        _box(MARGIN, top + k * HEIGHT, EDGE, "#eee", heading)
        for k, heading in enumerate(("", str(HEADINGS), str(ROW)))
    )
    return numbers + "".join(
        _box(MARGIN + EDGE + k * WIDTH, top, WIDTH, "#eee", xl_col_to_name(cell.place))
        + _box(
            MARGIN + EDGE + k * WIDTH,
            top + HEIGHT,
            WIDTH,
            _colour(cell.node).fill,
            str(cell.node.name),
            weight="bold",
        )
        + _box(MARGIN + EDGE + k * WIDTH, top + 2 * HEIGHT, WIDTH, "#fff", cell.shown)
        for k, cell in enumerate(cells)
    )


def _colour(node: Node) -> Colour:
    return colour_of(node.name.stem, node.name.of is not None) if node.name else PAPER


def _box(left: int, top: int, width: int, fill: str, words: str, weight: str = "normal") -> str:
    middle = f'x="{left + width / 2:g}" y="{top + HEIGHT / 2 + 4:g}"'
    return (
        f'<rect x="{left}" y="{top}" width="{width}" height="{HEIGHT}" fill="{fill}" '
        f'stroke="#999"/><text {middle} text-anchor="middle" font-weight="{weight}" '
        f'fill="#222">{escape(words)}</text>'
    )
