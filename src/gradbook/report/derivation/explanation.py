"""A network's backpropagation worked, in every format: the public `explain`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from gradbook.graph.lower import scalar_step
from gradbook.net import Net
from gradbook.targets.algebra.derive import derive
from gradbook.targets.algebra.notation.document import Document


@dataclass(frozen=True)
class Explanation:
    """The derivation of a network. Printed, it is text; in a notebook it shows itself."""

    net: Net
    document: Document = field(repr=False)
    only: str | None = None  # this weight

    def __str__(self) -> str:
        from gradbook.targets.algebra.writers.text import write

        return write(self.document)

    def html(self, command: str = "") -> str:
        """One self-contained page; its foot names the command that made it."""
        from gradbook.report.derivation.page import page

        return page(self.document, self.net, command)

    def latex(self) -> str:
        """A whole LaTeX document."""
        from gradbook.targets.algebra.writers.latex import write

        return write(self.document)

    def markdown(self) -> str:
        """Markdown with its mathematics as code hosts read it."""
        from gradbook.targets.algebra.writers.markdown import write

        return write(self.document)

    def json(self) -> str:
        """Chain, formula and value of every weight, for a program."""
        import json

        from gradbook.targets.algebra.records import records

        found = records(scalar_step(self.net), self.only)
        return json.dumps(found, ensure_ascii=False, indent=2) + "\n"

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


def explain(net: Net, only: str | None = None, *, everything: bool = False) -> Explanation:
    """Work the chain rule for every weight, or for `only` one: "w5".

    A large network gives the general lines and one weight in full, unless `everything` is asked
    for.
    """
    return Explanation(net, derive(scalar_step(net), only, everything), only)
