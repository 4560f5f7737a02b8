"""An explanation in every format: text, a page, LaTeX, Markdown and JSON.

Knows the formats, not what is explained.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gradbook.language import in_language
from gradbook.net import Net
from gradbook.net.formulas import Formulas
from gradbook.targets.algebra.derive import Record
from gradbook.targets.algebra.forms import Document
from gradbook.targets.algebra.terminal_text import write_text

if TYPE_CHECKING:
    from gradbook.report.derivation_page import SheetPicture


@dataclass(frozen=True)
class Explanation:
    """A derivation. Printed, it is text; in a notebook it shows itself."""

    net: Net | Formulas | None  # what is drawn; None for a workbook
    document: Document = field(repr=False)
    record: Callable[[], Record] = field(repr=False)  # the same for programs
    sheets: Callable[[], SheetPicture] | None = field(repr=False, default=None)  # of a workbook

    def __str__(self) -> str:
        return write_text(self.document)

    def html(self, command: str = "") -> str:
        """One self-contained page; its foot names the command that made it."""
        from gradbook.report.derivation_page import derivation_page

        sheets = self.sheets() if self.sheets else None
        return derivation_page(self.document, self.net, command, sheets)

    def latex(self) -> str:
        """A whole LaTeX document, without the drawing."""
        from gradbook.targets.algebra.tex import write_latex

        return write_latex(self.document)

    def markdown(self) -> str:
        """Markdown with mathematics in the form that code hosts display."""
        from gradbook.targets.algebra.tex import write_markdown

        return write_markdown(self.document)

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
