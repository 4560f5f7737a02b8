"""How a network, a derivation and a sweep show themselves in a notebook, pictures included.

Their classes know nothing of pictures, so what a notebook asks for (`_repr_svg_` and the like) is
given to them from here: `attach` does so for every class that is loaded, and the package's face
calls it. A derivation is Markdown, which notebooks show even before they are trusted.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gradbook.lab.sweep import Sweep
    from gradbook.net import Net
    from gradbook.report.explanation import Explanation

TEXT_WIDTH = 80


def net_svg(net: Net) -> str:
    from gradbook.targets.drawing import draw, svg

    return svg(draw(net, numbers=True))


def net_png(net: Net) -> bytes:
    """For notebooks that show no SVG, such as those that aren't trusted yet."""
    from gradbook.targets.drawing import draw, png

    drawing = draw(net, numbers=True)
    return png(drawing, round(drawing.width))


def net_text(net: Net, printer: Any, cycle: bool) -> None:
    printer.text(str(net).rstrip())


def explanation_markdown(explanation: Explanation) -> str:
    """The Markdown that code hosts read, with its mathematics between dollars."""
    said = explanation.markdown()
    said = re.sub(r"```math\n(.*?)\n```", r"$$\n\1\n$$", said, flags=re.DOTALL)
    return re.sub(r"\$`(.*?)`\$", r"$\1$", said)


def explanation_text(explanation: Explanation, printer: Any, cycle: bool) -> None:
    printer.text(str(explanation).rstrip())


def show_explanation(explanation: Explanation) -> None:
    """The network's picture, then the derivation."""
    from IPython.display import Markdown, display

    display(explanation.net, Markdown(explanation_markdown(explanation)))


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


def sweep_text(sweep: Sweep, printer: Any, cycle: bool) -> None:
    from gradbook.report.curve_text import plain
    from gradbook.report.sweep_text import lines

    printer.text(plain(list(lines(sweep, TEXT_WIDTH))).rstrip())


SHOWN: dict[tuple[str, str], dict[str, Callable[..., str | bytes | None]]] = {
    ("gradbook.net.network", "Net"): {
        "_repr_svg_": net_svg,
        "_repr_png_": net_png,
        "_repr_pretty_": net_text,
    },
    ("gradbook.lab.sweep", "Sweep"): {"_repr_html_": sweep_html, "_repr_pretty_": sweep_text},
    ("gradbook.report.explanation", "Explanation"): {
        "_ipython_display_": show_explanation,
        "_repr_markdown_": explanation_markdown,
        "_repr_pretty_": explanation_text,
    },
}
"""Module and class → what a notebook asks it for, and what answers."""


def attach() -> None:
    """Teach the classes that are loaded to show themselves."""
    for (module, name), answers in SHOWN.items():
        if module in sys.modules:
            shown = getattr(sys.modules[module], name)
            for question, answer in answers.items():
                setattr(shown, question, answer)
