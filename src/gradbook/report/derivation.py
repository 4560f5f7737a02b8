"""A network's backpropagation as algebra, in every format: the public `explain`, and its page.

Knows the formats, not how a chain is derived.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from gradbook.amounts import sureness
from gradbook.errors import UsageError
from gradbook.folders import temporary_folder
from gradbook.graph.names import Name
from gradbook.language import in_language, numeral, tr
from gradbook.net import Net
from gradbook.net.derivation import derivation
from gradbook.net.expression import Value, as_net_or_formulas
from gradbook.net.formulas import Formulas
from gradbook.net.lower import scalar_step
from gradbook.system import note_hidden_threads
from gradbook.targets.algebra.derive import Record, derive, records
from gradbook.targets.algebra.forms import Document, Inline, Numeral, fill
from gradbook.targets.algebra.text import write_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gradbook.lab.models.model import Model
    from gradbook.net.work.at_work import AtWork


@dataclass(frozen=True)
class Explanation:
    """The derivation of a network. Printed, it is text; in a notebook it shows itself."""

    net: Net | Formulas
    document: Document = field(repr=False)
    record: Callable[[], Record] = field(repr=False)  # the same for programs
    way: Callable[[Name], Collection[Name]] = field(repr=False, default=lambda name: ())

    def __str__(self) -> str:
        return write_text(self.document)

    def html(self, command: str = "") -> str:
        """One self-contained page; its foot names the command that made it."""
        from gradbook.report.derivation_page import derivation_page

        return derivation_page(self.document, self.net, command)

    def slides(self, command: str = "") -> str:
        """One self-contained page of slides, one chain per slide, shown step by step."""
        from gradbook.report.slides import slides_page

        return slides_page(self.document, self.net, self.way, command)

    def latex(self) -> str:
        """A whole LaTeX document, its drawing in TikZ."""
        from gradbook.targets.algebra.tex import escape, write_latex
        from gradbook.targets.drawing import draw, tikz

        return write_latex(self.document, tikz(draw(self.net), escape))

    def markdown(self) -> str:
        """Markdown with mathematics in the form that code hosts display."""
        from gradbook.targets.algebra.tex import write_markdown

        return write_markdown(self.document)

    def typst(self) -> str:
        """A whole Typst document, without the drawing."""
        from gradbook.targets.algebra.typst import write_typst

        return write_typst(self.document)

    def pdf(self) -> bytes:
        """A PDF with the drawing, set by Typst: pip install 'gradbook[pdf]'."""
        from gradbook.targets.algebra.typst import DRAWING, write_typst
        from gradbook.targets.drawing import draw, svg

        drawing = draw(self.net)
        source = write_typst(self.document, drawing.width / drawing.height)
        return set_pdf(source, {DRAWING: svg(drawing)})

    def json(self) -> str:
        """Chain, formula and value of every weight, for a program."""
        with in_language("en"):  # whatever the reader's language is
            return json.dumps(self.record(), ensure_ascii=False, indent=2) + "\n"

    def _ipython_display_(self) -> None:
        """The network's picture, then the derivation."""
        from IPython.display import Markdown, display

        display(self.net, Markdown(self._repr_markdown_()))

    def _repr_markdown_(self) -> str:
        """Its mathematics between dollars, which notebooks show even before they are trusted."""
        said = re.sub(r"```math\n([^`]*)\n```", r"$$\n\1\n$$", self.markdown())
        return re.sub(r"\$`([^`\n]*)`\$", r"$\1$", said)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self).rstrip())


def explain(
    what: Net | Formulas | Value | Model | str,
    only: str | None = None,
    *,
    everything: bool = False,
    image: NDArray[Any] | None = None,
    label: int | None = None,
) -> Explanation:
    """Derive the gradient of every weight of a network, or of one, by the chain rule.

    Args:
        what: A network, a value made by operators, a built-in network's name, or a text; or a
            trained `Model` of any size, one weight of which is then worked out in numbers for an
            image.
        only: A weight: "w5"; for a model also "conv2 3,1,0,2", its layer and indices.
        everything: Every weight of a large network; the default is the general formulas and
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
    >>> weight = json.loads(gb.explain("worked", "w5").json())["weights"][0]
    >>> weight["chain"]
    '∂E1/∂a_o1·∂a_o1/∂o1·∂o1/∂w5'
    >>> round(weight["gradient"], 8)
    0.01288082
    """
    if not isinstance(what, Net | Formulas | Value | str):
        if image is None or label is None:
            raise UsageError("a trained network is explained with an image: give one and its label")
        return explain_image(what, image, label, only)
    net = as_net_or_formulas(what)
    step = scalar_step(net)
    derived = derivation(step)
    ways = {value.name: derived.way(value) for value in (*step.gradients, *derived.forward)}
    return Explanation(
        net,
        derive(step, only, everything),
        lambda: records(step, only),
        lambda name: ways.get(name, ()),
    )


def explain_image(
    model: Model, image: NDArray[Any], label: int, only: str | None = None, called: str = ""
) -> Explanation:
    """The same for a model and an image, which sentences call `called` or "an image"."""
    import numpy as np

    from gradbook.net.work.at_work import at_work
    from gradbook.targets.algebra.derive import derive_input, records_of_input, weight_at_work

    model.require_classes()
    net = model.net
    if not 0 <= label < len(model.classes):
        raise UsageError(
            f"label {label}: this model's classes have the numbers 0 to {len(model.classes) - 1}"
        )
    wanted = np.eye(len(model.classes))[label] if net.outputs > 1 else np.array([float(label)])
    worked = at_work(net, model.values, model.prepare(image), wanted)
    one = weight_at_work(worked, only)
    about = _about(model, worked, label, called or tr("an image"))
    return Explanation(net, derive_input(one, about), lambda: records_of_input(one))


def _about(model: Model, worked: AtWork, label: int, called: str) -> tuple[Inline, ...]:
    """A paragraph on how the network reads the image."""
    from gradbook.lab.models.answers import answers, probabilities

    outputs = worked.values[-1].reshape(1, -1)
    answer = answers(model.net, outputs)[0]
    sure = numeral(sureness(float(probabilities(model.net, outputs)[0, answer])))
    told = tr(
        "The numbers are those for {image}, of class {target}. The network reads it as {answer}, "
        "{sure} sure, and the error is {error}. As always after training, batch normalisation "
        "uses its running means and variances, and dropout drops nothing."
    )
    return fill(
        told,
        image=called,
        target=model.classes[label],
        answer=model.classes[answer],
        sure=sure,
        error=Numeral(worked.error),
    )


def set_pdf(source: str, drawings: Mapping[str, str]) -> bytes:
    """A Typst document as a PDF; `drawings` are the files that it shows, by name."""
    require_typst()
    import typst

    note_hidden_threads("Typst")
    with temporary_folder() as folder:
        for name, content in {"main.typ": source, **drawings}.items():
            (folder / name).write_text(content, "utf-8")
        # a timestamp would make the bytes differ
        return bytes(
            typst.compile(folder / "main.typ", format="pdf", timestamp=0, font_paths=_fonts())
        )


@cache
def _fonts() -> Any:
    """The system's fonts, kept because finding them takes longer than setting a page."""
    import typst

    look = getattr(typst, "Fonts", None)  # earlier versions look for them each time
    return look() if look else []


PDF_EXTRA = "pip install 'gradbook[pdf]'"


def has_typst() -> bool:
    try:
        import typst  # noqa: F401
    except ImportError:
        return False
    return True


def require_typst() -> None:
    if not has_typst():
        raise UsageError(
            f"a PDF is set by Typst, which isn't installed: {PDF_EXTRA}, or write an .html page "
            "and print it"
        )
