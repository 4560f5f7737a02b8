"""An explanation in every format: text, pages, slides, LaTeX, Markdown, Typst, PDF and JSON.

Knows the formats, not what is explained.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from gradbook.errors import UsageError
from gradbook.folders import temporary_folder
from gradbook.graph.names import Name
from gradbook.language import in_language
from gradbook.net import Net
from gradbook.net.formulas import Formulas
from gradbook.system import note_hidden_threads
from gradbook.targets.algebra.derive import Record
from gradbook.targets.algebra.forms import Document
from gradbook.targets.algebra.terminal_text import write_text

if TYPE_CHECKING:
    from gradbook.report.derivation_page import SheetPicture


def _no_way(name: Name) -> Collection[Name]:
    return ()


@dataclass(frozen=True)
class Explanation:
    """A derivation. Printed, it is text; in a notebook it shows itself."""

    net: Net | Formulas | None  # what is drawn; None for a workbook
    document: Document = field(repr=False)
    record: Callable[[], Record] = field(repr=False)  # the same for programs
    way: Callable[[Name], Collection[Name]] = field(repr=False, default=_no_way)
    sheets: Callable[[], SheetPicture] | None = field(repr=False, default=None)  # of a workbook

    def __str__(self) -> str:
        return write_text(self.document)

    def html(self, command: str = "") -> str:
        """One self-contained page; its foot names the command that made it."""
        from gradbook.report.derivation_page import derivation_page

        sheets = self.sheets() if self.sheets else None
        return derivation_page(self.document, self.net, command, sheets)

    def slides(self, command: str = "") -> str:
        """One self-contained page of slides, one chain per slide, shown step by step."""
        from gradbook.report.slides import slides_page

        return slides_page(self.document, self.net, self.way, command)

    def latex(self) -> str:
        """A whole LaTeX document, its drawing in TikZ."""
        from gradbook.targets.algebra.tex import escape, write_latex
        from gradbook.targets.drawing import draw, tikz

        return write_latex(self.document, tikz(draw(self.net), escape) if self.net else "")

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

        if self.net is None:
            return set_pdf(write_typst(self.document), {})
        drawing = draw(self.net)
        source = write_typst(self.document, drawing.width / drawing.height)
        return set_pdf(source, {DRAWING: svg(drawing)})

    def json(self) -> str:
        """Chain, formula and value of every weight, for a program."""
        with in_language("en"):  # whatever the reader's language is
            return json.dumps(self.record(), ensure_ascii=False, indent=2) + "\n"

    def _ipython_display_(self) -> None:
        """The network's or the workbook's picture, then the derivation."""
        from IPython.display import HTML, Markdown, display

        shown = HTML(self.sheets().plain) if self.sheets else self.net
        display(shown, Markdown(self._repr_markdown_()))

    def _repr_markdown_(self) -> str:
        """Its mathematics between dollars, which notebooks show even before they are trusted."""
        text = re.sub(r"```math\n([^`]*)\n```", r"$$\n\1\n$$", self.markdown())
        return re.sub(r"\$`([^`\n]*)`\$", r"$\1$", text)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self).rstrip())


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
