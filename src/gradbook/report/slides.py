"""A derivation as slides: one chain per slide, its path through the network in bold lines.

The page contains everything; its script only shows one step at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from gradbook.graph.names import Name
from gradbook.language import tr
from gradbook.net import Net
from gradbook.net.formulas import Formulas
from gradbook.report.derivation_page import DocumentPart, document_parts, page_block, words_of
from gradbook.report.document import Chapter, PageOnly, Report, made_with
from gradbook.report.markup import markup, report_page
from gradbook.report.page_shell import text
from gradbook.targets.algebra.forms import Block, Document, Form, Heading, Inline, Symbol, pieces
from gradbook.targets.drawing import Drawing, draw, shapes_of, style, svg, svg_again

NETWORK = "network-drawing"  # the one drawing that all slides refer to
LONG = 2.2  # width / height from which a drawing is placed above the steps

Ways = Callable[[Name], Collection[Name]]


@dataclass(frozen=True)
class ChainSlide:
    """A heading, and the blocks that are shown one after the other."""

    anchor: str
    heading: tuple[Inline, ...]
    blocks: tuple[tuple[Block, str], ...]


def slides_page(
    document: Document, net: Net | Formulas | None, way: Ways, command: str = ""
) -> str:
    """The page; `way` returns the values through which a change of one reaches the error."""
    drawing = None if net is None else draw(net, numbers=True)
    opening, *parts = document_parts(document.blocks)
    whole = ""
    if drawing:
        named = svg(drawing, alone=False).replace("<svg ", f'<svg id="{NETWORK}" ', 1)
        whole = f"<figure>{named}</figure>"
    slides = [slide for part in parts for slide in _slides(part)]
    return report_page(
        Report(
            document.title,
            [
                Chapter(
                    slide.anchor,
                    words_of(slide.heading),
                    [PageOnly(partial(_body, slide, drawing, way))],
                )
                for slide in slides
            ],
            lead=[PageOnly(lambda: whole), *opening.shown(), PageOnly(_hint)],
            foot=made_with(command),
            styles=["slides.css"],
            style=style(),
            main="report/slides.js",
        )
    )


def _hint() -> str:
    """The hint about the keys, with the labels of the buttons that the page's script makes."""
    called = {"keys": tr("Slides"), "back": tr("back"), "next": tr("next step")}
    data = "".join(f' data-{name}="{text(words)}"' for name, words in called.items())
    hint = tr("→ or the space bar shows the next step, ← the one before.")
    return f'<p class="hint"{data}>{text(hint)}</p>'


def _slides(part: DocumentPart) -> Iterator[ChainSlide]:
    """One slide for a part, and one for each piece of it that has its own heading."""
    anchor, heading = part.anchor, tuple(part.heading)
    slides: list[tuple[Block, str]] = []
    for block, own in part.blocks:
        if isinstance(block, Heading):
            if slides:
                yield ChainSlide(anchor, heading, tuple(slides))
            anchor, heading, slides = own, block.text, []
        else:
            slides.append((block, own))
    if slides:
        yield ChainSlide(anchor, heading, tuple(slides))


def _body(slide: ChainSlide, drawing: Drawing | None, way: Ways) -> str:
    steps = markup([page_block(block, anchor) for block, anchor in slide.blocks])
    if drawing is None:
        return f'<div class="slide"><div class="steps">{steps}</div></div>'
    kind = "above" if drawing.width > LONG * drawing.height else "beside"
    strong = _way(slide.heading, way)
    words = drawing.words
    if strong:
        names = ", ".join(map(str, strong))
        words = tr("{drawing}. Highlighted: {names}", drawing=words, names=names)
    again = svg_again(drawing, NETWORK, shapes_of(drawing, strong), words)
    figure = f"<figure>{again}</figure>"
    return f'<div class="slide {kind}">{figure}\n<div class="steps">{steps}</div></div>'


def _way(heading: Sequence[Inline], way: Ways) -> list[Name]:
    """The path of the weight or the derivatives that a heading names."""
    named = (
        piece.name
        for part in heading
        if isinstance(part, Form)
        for piece in pieces(part)
        if isinstance(piece, Symbol)
    )
    return list(dict.fromkeys(step for name in named for step in (name, *way(name)) if way(name)))
