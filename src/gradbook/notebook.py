"""How a network, a derivation and a sweep show themselves in a notebook, pictures included.

Their classes know nothing of pictures, so what a notebook asks for (`_repr_svg_` and the like) is
given to them from here: `attach` does so for every class that is loaded, and the package's face
calls it. A derivation is Markdown, which notebooks show even before they are trusted.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gradbook.lab.sweep import Sweep
    from gradbook.net import Net
    from gradbook.targets.algebra.document import Document


def net_svg(net: Net) -> str:
    from gradbook.targets.drawing import draw, svg

    return svg(draw(net, numbers=True))


def net_png(net: Net) -> bytes:
    """For notebooks that show no SVG, such as those that aren't trusted yet."""
    from gradbook.targets.drawing import draw, png

    return png(draw(net, numbers=True))


def derivation_markdown(document: Document) -> str:
    """The Markdown that code hosts read, with its mathematics between dollars."""
    from gradbook.targets.algebra.markdown import write

    said = re.sub(r"```math\n(.*?)\n```", r"$$\n\1\n$$", write(document), flags=re.DOTALL)
    return re.sub(r"\$`(.*?)`\$", r"$\1$", said)


def sweep_html(sweep: Sweep) -> str:
    """The curves, and below them what became of each rate."""
    from gradbook.lab.reason import figure
    from gradbook.report.page import text
    from gradbook.report.sweep_charts import picture, rate_text

    rows = "".join(
        f"<tr><td>{rate_text(outcome.rate)}</td><td>{figure(outcome.end)}</td>"
        f"<td>{text(outcome.verdict)}</td><td>{text(outcome.reason)}</td></tr>"
        for outcome in sweep.outcomes
    )
    heads = "".join(f"<th>{head}</th>" for head in ("rate", "loss at the end", "verdict", "why"))
    table = f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
    return f"{picture(sweep)}<p>{text(sweep.limit.words(sweep.epochs))}</p>{table}"


SHOWN: dict[tuple[str, str], dict[str, Callable[..., str | bytes]]] = {
    ("gradbook.net.network", "Net"): {"_repr_svg_": net_svg, "_repr_png_": net_png},
    ("gradbook.lab.sweep", "Sweep"): {"_repr_html_": sweep_html},
    ("gradbook.targets.algebra.document", "Document"): {"_repr_markdown_": derivation_markdown},
}
"""Module and class → what a notebook asks it for, and what answers."""


def attach() -> None:
    """Teach the classes that are loaded to show themselves."""
    for (module, name), answers in SHOWN.items():
        if module in sys.modules:
            shown = getattr(sys.modules[module], name)
            for question, answer in answers.items():
                setattr(shown, question, answer)
