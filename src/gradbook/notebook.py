"""How a network, a derivation, a sweep, an audit, a model show themselves in a notebook.

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
    from gradbook.audit.findings.findings import BookReport
    from gradbook.lab.models.model import Model
    from gradbook.lab.rates.sweep import Sweep
    from gradbook.lab.training.history import Epoch
    from gradbook.lab.training.train import Trained
    from gradbook.net import Net
    from gradbook.report.derivation.explanation import Explanation

TEXT_WIDTH = 80
MODEL_COLUMNS = ("layer", "output", "parameters")
EPOCH_HEADS = ("epoch", "rate", "training loss", "right", "validation loss", "right", "seconds")
LEFT = ' style="text-align:left"'  # notebooks put cells to the right


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
    from gradbook.amounts import short, shortest
    from gradbook.report.page.shell import text
    from gradbook.report.sweep.charts import picture

    rows = "".join(
        f"<tr><td>{shortest(outcome.rate)}</td><td>{short(outcome.end)}</td>"
        f"<td>{text(outcome.verdict)}</td><td>{text(outcome.reason)}</td></tr>"
        for outcome in sweep.outcomes
    )
    heads = "".join(f"<th>{head}</th>" for head in ("rate", "loss at the end", "verdict", "why"))
    table = f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
    return f"{picture(sweep)}<p>{text(sweep.limit.words(sweep.epochs))}</p>{table}"


def sweep_text(sweep: Sweep, printer: Any, cycle: bool) -> None:
    from gradbook.report.sweep.text import lines
    from gradbook.report.words.lines import plain

    printer.text(plain(list(lines(sweep, TEXT_WIDTH))).rstrip())


def model_html(model: Model) -> str:
    """What it is in a line, and below it layer by layer."""
    from gradbook.net.measure import measure
    from gradbook.report.page.shell import text
    from gradbook.report.summary.table import table

    shown = table(measure(model.net))
    kept = [k for k, column in enumerate(shown.columns) if column.key in MODEL_COLUMNS]
    sides = [LEFT if column.words else "" for column in shown.columns]
    heads = "".join(f"<th{sides[k]}>{text(shown.columns[k].title)}</th>" for k in kept)
    rows = "".join(
        "<tr>" + "".join(f"<td{sides[k]}>{text(row[k])}</td>" for k in kept) + "</tr>"
        for row in shown.spelled
    )
    line = f"<p>{text(model_line(model))}</p>"
    return f"{line}<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"


def model_line(model: Model) -> str:
    tested = model.about.get("test_accuracy")
    name = model.net.name or "a network"
    score = f", right on {tested:.2%} of the test images" if isinstance(tested, float) else ""
    return f"{name}: {model.parameters:,} parameters, {len(model.classes)} classes{score}"


def model_text(model: Model, printer: Any, cycle: bool) -> None:
    printer.text(f"{model_line(model)}\n\n{model.summary().rstrip()}")


def trained_html(trained: Trained) -> str:
    """How it went, epoch by epoch."""
    from gradbook.report.page.shell import text

    heads = "".join(f"<th>{head}</th>" for head in EPOCH_HEADS)
    rows = "".join(
        "<tr>" + "".join(f"<td>{cell}</td>" for cell in epoch_cells(epoch)) + "</tr>"
        for epoch in trained.history
    )
    line = f"<p>{text(repr(trained).strip('<>'))}</p>"
    return f"{line}<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"


def epoch_cells(epoch: Epoch) -> tuple[str, ...]:
    told, right = epoch.validation_loss, epoch.validation_accuracy
    return (
        str(epoch.epoch),
        f"{epoch.rate:.3g}",
        f"{epoch.train_loss:.4f}",
        f"{epoch.train_accuracy:.2%}",
        "" if told is None else f"{told:.4f}",
        "" if right is None else f"{right:.2%}",
        f"{epoch.seconds:.1f}",
    )


def audit_html(report: BookReport) -> str:
    from gradbook.report.audit.page import notebook_cell

    return notebook_cell(report)


def audit_words(report: BookReport) -> str:
    from gradbook.report.audit.text import lines
    from gradbook.report.words.lines import plain

    return plain(list(lines([report], TEXT_WIDTH))).rstrip()


def audit_text(report: BookReport, printer: Any, cycle: bool) -> None:
    printer.text(audit_words(report))


SHOWN: dict[tuple[str, str], dict[str, Callable[..., str | bytes | None]]] = {
    ("gradbook.net.network", "Net"): {
        "_repr_svg_": net_svg,
        "_repr_png_": net_png,
        "_repr_pretty_": net_text,
    },
    ("gradbook.lab.models.model", "Model"): {
        "_repr_html_": model_html,
        "_repr_pretty_": model_text,
    },
    ("gradbook.lab.training.train", "Trained"): {"_repr_html_": trained_html},
    ("gradbook.audit.findings.findings", "BookReport"): {
        "__str__": audit_words,
        "_repr_html_": audit_html,
        "_repr_pretty_": audit_text,
    },
    ("gradbook.lab.rates.sweep", "Sweep"): {"_repr_html_": sweep_html, "_repr_pretty_": sweep_text},
    ("gradbook.report.derivation.explanation", "Explanation"): {
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
