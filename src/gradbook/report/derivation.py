"""A network's backpropagation as algebra, in every format: the public `explain`, and its page.

Knows the formats; it doesn't know how a chain is worked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gradbook.amounts import sureness
from gradbook.errors import UsageError
from gradbook.folders import temporary_folder
from gradbook.net import Net
from gradbook.net.lower import scalar_step
from gradbook.report.page import Section, page, table, text, wide, wide_drawing
from gradbook.targets.algebra.derive import Record, derive, records
from gradbook.targets.algebra.forms import (
    Block,
    Code,
    Document,
    Equation,
    EquationNumber,
    Heading,
    Inline,
    Numeral,
    Paragraph,
    TableBlock,
)
from gradbook.targets.algebra.mathml import display, inline
from gradbook.targets.algebra.tex import escape, write_latex, write_markdown
from gradbook.targets.algebra.text import spell, write_text
from gradbook.targets.algebra.typst import DRAWING, write_typst

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gradbook.lab.models.model import Model
    from gradbook.net.work.at_work import AtWork


@dataclass(frozen=True)
class Explanation:
    """The derivation of a network. Printed, it is text; in a notebook it shows itself."""

    net: Net
    document: Document = field(repr=False)
    record: Callable[[], Record] = field(repr=False)  # the same for programs

    def __str__(self) -> str:
        return write_text(self.document)

    def html(self, command: str = "") -> str:
        """One self-contained page; its foot names the command that made it."""
        return derivation_page(self.document, self.net, command)

    def latex(self) -> str:
        """A whole LaTeX document, its drawing in TikZ."""
        from gradbook.targets.drawing import draw, tikz

        return write_latex(self.document, tikz(draw(self.net), escape))

    def markdown(self) -> str:
        """Markdown with its mathematics as code hosts read it."""
        return write_markdown(self.document)

    def typst(self) -> str:
        """A whole Typst document, without the drawing."""
        return write_typst(self.document)

    def pdf(self) -> bytes:
        """A PDF with the drawing, set by Typst: pip install 'gradbook[pdf]'."""
        from gradbook.targets.drawing import draw, svg

        drawing = draw(self.net)
        source = write_typst(self.document, drawing.width / drawing.height)
        return set_pdf(source, {DRAWING: svg(drawing)})

    def json(self) -> str:
        """Chain, formula and value of every weight, for a program."""
        return json.dumps(self.record(), ensure_ascii=False, indent=2) + "\n"

    def _ipython_display_(self) -> None:
        """The network's picture, then the derivation."""
        from IPython.display import Markdown, display

        display(self.net, Markdown(self._repr_markdown_()))

    def _repr_markdown_(self) -> str:
        """Its mathematics between dollars, which notebooks show even before they are trusted."""
        said = re.sub(r"```math\n(.*?)\n```", r"$$\n\1\n$$", self.markdown(), flags=re.DOTALL)
        return re.sub(r"\$`(.*?)`\$", r"$\1$", said)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self).rstrip())


def explain(
    what: Net | Model,
    only: str | None = None,
    *,
    everything: bool = False,
    image: NDArray[Any] | None = None,
    label: int | None = None,
) -> Explanation:
    """Work the chain rule for every weight of a network, or for one.

    Args:
        what: A network. Or a trained `Model` of any size, one weight of which is then worked in
            numbers on an image.
        only: A weight: "w5"; of a model also "conv2 3,1,0,2", by its layer and its place in it.
        everything: Every weight of a large network, which otherwise gives the general lines and
            one weight in full.
        image: For a model: the image as bytes.
        label: For a model: the number of the image's class.

    Returns:
        The derivation: printed, it is text; it has `.html()`, `.latex()`, `.markdown()` and
        `.json()`, and in a notebook it shows itself.

    Raises:
        GradbookError: There is no such weight, or a model was given without an image.

    >>> import gradbook as gb
    >>> import json
    >>> weight = json.loads(gb.explain(gb.builtin("worked"), "w5").json())["weights"][0]
    >>> weight["chain"]
    '∂E1/∂a_o1·∂a_o1/∂o1·∂o1/∂w5'
    >>> round(weight["gradient"], 8)
    0.01288082
    """
    if isinstance(what, Net):
        step = scalar_step(what)
        return Explanation(what, derive(step, only, everything), lambda: records(step, only))
    if image is None or label is None:
        raise UsageError("a trained network is explained on an image: give the image and its label")
    return explain_image(what, image, label, only)


def explain_image(
    model: Model, image: NDArray[Any], label: int, only: str | None = None, called: str = "an image"
) -> Explanation:
    """The same of a model on an image, which is `called` so in a sentence."""
    import numpy as np

    from gradbook.net.work.at_work import at_work
    from gradbook.targets.algebra.derive import derive_input, records_of_input, weight_at_work

    model.require_classes()
    net = model.net
    wanted = np.eye(len(model.classes))[label] if net.outputs > 1 else np.array([float(label)])
    worked = at_work(net, model.values, model.prepare(image), wanted)
    one = weight_at_work(worked, only)
    about = _about(model, worked, label, called)
    return Explanation(net, derive_input(one, about), lambda: records_of_input(one))


def _about(model: Model, worked: AtWork, label: int, called: str) -> list[Inline]:
    """What the network makes of the image."""
    from gradbook.lab.models.answers import answers, probabilities

    outputs = worked.values[-1].reshape(1, -1)
    answer = answers(model.net, outputs)[0]
    sure = sureness(float(probabilities(model.net, outputs)[0, answer]))
    return [
        f"It is worked on {called}, of class {model.classes[label]}. The network takes it for "
        f"{model.classes[answer]}, {sure} sure, and the error is ",
        Numeral(worked.error),
        ". It works as it does after training: batch normalisation uses the means and "
        "spreads it kept, and dropout lets everything through.",
    ]


def set_pdf(source: str, drawings: Mapping[str, str]) -> bytes:
    """A Typst document as PDF, with the drawings that it shows by their files' names."""
    require_typst()
    import typst

    with temporary_folder() as folder:
        for name, content in {"main.typ": source, **drawings}.items():
            (folder / name).write_text(content, "utf-8")
        # with a time the bytes would differ
        return bytes(typst.compile(folder / "main.typ", format="pdf", timestamp=0))


def require_typst() -> None:
    try:
        import typst  # noqa: F401
    except ImportError as error:
        raise UsageError(
            "a PDF is set by Typst, which isn't installed: pip install 'gradbook[pdf]', or write "
            "an .html page and print it"
        ) from error


# A page -----------------------------------------------------------------------

UP = '<a class="up" href="#contents" aria-label="to the contents">↑</a>'
SMALLEST = 0.6  # of its size, that a drawing shrinks to before it scrolls


def derivation_page(document: Document, net: Net, command: str = "") -> str:
    """The page; `command` is what makes it, for the foot."""
    from gradbook.report.document import made_with
    from gradbook.report.markup import markup
    from gradbook.targets.drawing import draw, style, svg  # which text has no need of

    drawing = draw(net)
    opening, *parts = _parts(document.blocks)
    shown, fits = wide_drawing(svg(drawing, alone=False), SMALLEST * drawing.width)
    figure = f"<figure>{shown}</figure>"
    return page(
        document.title,
        [Section(part.anchor, _inlines(part.heading), _blocks(part)) for part in parts],
        lead="\n".join([figure, _blocks(opening), _contents(parts)]),
        foot=markup(made_with(command)),
        style=style() + fits,
    )


@dataclass(frozen=True)
class _Part:
    """The blocks under a heading of level 1, each with its anchor if it has one."""

    anchor: str
    heading: Sequence[Inline]
    blocks: Sequence[tuple[Block, str]]


def _parts(blocks: Iterable[Block]) -> Iterator[_Part]:
    """What stands before the first heading, then a part for each."""
    anchors = _Anchors()
    anchor = "top"
    heading: Sequence[Inline] = ()
    found: list[tuple[Block, str]] = []
    for block in blocks:
        own = anchors.new(block.text) if isinstance(block, Heading) else ""
        if isinstance(block, Heading) and block.level == 1:
            yield _Part(anchor, heading, found)
            anchor, heading, found = own, block.text, []
        else:
            found.append((block, own))
    yield _Part(anchor, heading, found)


class _Anchors:
    """Makes anchors that differ, of headings that may not."""

    def __init__(self) -> None:
        self.taken: set[str] = set()

    def new(self, heading: Sequence[Inline]) -> str:
        words = re.sub(r"[^\w]+", "-", _plain(heading).lower()).strip("-") or "top"
        names = (words, *(f"{words}-{k}" for k in range(2, len(self.taken) + 3)))
        anchor = next(name for name in names if name not in self.taken)
        self.taken.add(anchor)
        return anchor


def _plain(parts: Sequence[Inline]) -> str:
    """Without markup, for anchors."""

    def words(part: Inline) -> str:
        match part:
            case str():
                return part
            case EquationNumber(number):
                return f"({number})"
            case Code(code):
                return code
            case _:
                return spell(part)

    return "".join(map(words, parts))


def _contents(parts: Sequence[_Part]) -> str:
    """Links to the parts, and to the pieces of those that have some."""
    entries = "".join(map(_entry, parts))
    return f'<nav id="contents" aria-label="Contents"><ol>{entries}</ol></nav>'


def _entry(part: _Part) -> str:
    chips = "".join(
        f'<li><a href="#{anchor}" aria-label="{text(_plain(piece.text))}">'
        f"{_inlines(_shortly(piece.text))}</a></li>"
        for piece, anchor in part.blocks
        if isinstance(piece, Heading)
    )
    pieces = f'<ul class="chips">{chips}</ul>' if chips else ""
    return f'<li><a href="#{part.anchor}">{_inlines(part.heading)}</a>{pieces}</li>'


def _shortly(heading: Sequence[Inline]) -> Sequence[Inline]:
    """'Weight w5' is w5 in a row of such, and of 'Steps: a … z' only the words are left."""
    things = [part for part in heading if not isinstance(part, str)]
    words = [part.rstrip(": ") for part in heading[:1] if isinstance(part, str)]
    return things if len(things) == 1 else words or heading


def _blocks(part: _Part) -> str:
    return "\n".join(_block(block, anchor) for block, anchor in part.blocks)


def _block(block: Block, anchor: str) -> str:
    match block:
        case Heading(words):
            return f'<h3 id="{anchor}">{_inlines(words)} {UP}</h3>'
        case Paragraph(words, aside):
            kind = ' class="aside"' if aside else ""
            return f"<p{kind}>{_inlines(words)}</p>"
        case Equation():
            return _equation(block)
        case TableBlock():
            return _table_html(block)


def _equation(block: Equation) -> str:
    box = wide(display(block.lines), focusable=False)
    if block.number is None:
        return f'<div class="equation">{box}</div>'
    anchor = f"equation-{block.number}"
    number = f'<a class="number" href="#{anchor}">({block.number})</a>'
    return f'<div class="equation" id="{anchor}">{box}{number}</div>'


def _table_html(block: TableBlock) -> str:
    """Columns of words stand left, numbers right."""
    columns = list(zip(*block.rows, strict=True))
    numbers = [[list(map(type, cell)) == [Numeral] for cell in column] for column in columns]
    words = [k for k, column in enumerate(numbers) if not all(column)]
    rows = (list(map(_inlines, row)) for row in block.rows)
    return wide(table(list(map(_inlines, block.head)), rows, words))


def _inlines(parts: Sequence[Inline]) -> str:
    return "".join(map(_inline, parts))


def _inline(part: Inline) -> str:
    match part:
        case str():
            return text(part)
        case EquationNumber(number):
            return f'<a href="#equation-{number}">({number})</a>'
        case Code(code):
            return f"<code>{text(code)}</code>"
        case _:
            return inline(part)
