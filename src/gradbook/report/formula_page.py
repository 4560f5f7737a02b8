"""Formulas to play with: their graph with every value and slope, to drag and to train."""

from __future__ import annotations

from typing import Any

from gradbook.amounts import size
from gradbook.errors import LimitError
from gradbook.graph.node import Node
from gradbook.language import tr
from gradbook.net.formulas import Formulas
from gradbook.report.document import Report, Side, made_with
from gradbook.report.markup import report_page
from gradbook.report.page_shell import PageTemplate, text
from gradbook.report.play_page import MOST_BYTES, formula_table
from gradbook.statements import digits
from gradbook.targets.drawing.formula_graph import PITCH, formula_graph, role_colour
from gradbook.targets.drawing.layout import NAME_SIZE, name_label
from gradbook.targets.drawing.shapes import ems
from gradbook.targets.drawing.stages import Marked
from gradbook.targets.page.page_content import PageContent, formula_content

MOST_OPERATIONS = 60  # values in a drawing that shows each operation
LONGEST_TITLE = 40  # characters
WIDTH, BESIDE = 84.0, 24.0  # of a box at least, and of its margins beside a name
SIGNS = {"add": "+", "subtract": "−", "multiply": "×", "divide": "÷", "copy": "=", "largest": "max"}
SEVERAL_OPERATIONS = "ƒ"  # a formula of several operations


def formula_page(formulas: Formulas, command: str = "") -> str:
    """The page; `command` makes it again."""
    whole = formula_content(formulas, every_operation=False)
    split = formula_content(formulas, every_operation=True)
    counts = [len(known.derivation.forward) for known in (whole, split)]
    can_split = counts[0] < counts[1] <= MOST_OPERATIONS
    views = [_view(known) for known in ([whole, split] if can_split else [whole])]
    page = report_page(_report(formulas, views, command))
    if len(page.encode()) > MOST_BYTES:
        raise LimitError(
            f"the page would take {size(len(page.encode()))}, more than {size(MOST_BYTES)}: "
            "use fewer formulas or samples"
        )
    return page


def _report(formulas: Formulas, views: list[dict[str, Any]], command: str) -> Report:
    lines = str(formulas)
    name = views[0]["names"][views[0]["loss"]]
    below = f"<sub>{text(name['below'])}</sub>" if name["below"] else ""
    frame = PageTemplate("view/page.html")
    template = PageTemplate(
        "formula/page.html",
        result=f'<span class="k-{name["kind"]}"><i>{text(name["letter"])}</i>{below}</span>',
        lines=text(lines),
        **({} if len(views) > 1 else {"views": ""}),
    )
    has_samples = len(views[0]["samples"]) > 1
    tabs = [template.chapter("samples-table")] if has_samples else []
    equation = f"{formulas.result} = {formulas.formulas[formulas.result]}"
    title = equation if len(equation) <= LONGEST_TITLE else tr("Formulas")
    return Report(
        f"{formulas.name or title} · gradbook",
        [
            template.chapter("network"),
            template.chapter("output"),
            Side(
                (
                    frame.chapter("chain-rule"),
                    template.chapter("against"),
                    *tabs,
                    template.chapter("text"),
                )
            ),
        ],
        lead=[frame.block("bar"), frame.block("said")],
        foot=made_with(command),
        is_read=False,
        styles=["controls.css", "play.css", "see.css", "formula.css"],
        main="formula/main.js",
        data={
            "views": views,
            "first": len(views) - 1,
            "layers": lines,
            "madeUp": "",
        },
    )


def _view(known: PageContent) -> dict[str, Any]:
    """One way to show the formulas: its tables, names in the colours of their parts, the graph."""
    step, places = known.step, known.lines.places
    table = {**known.table(), **formula_table(known), "columns": [], "coding": None}
    for node in known.named_values:
        name, kind = table["names"][places[node]], role_colour(step, node).key
        table["names"][places[node]] = {
            **name,
            "kind": kind,
            "math": name["math"].replace(f'"k-{name["kind"]}"', f'"k-{kind}"'),
        }
    return {**table, "isJudged": known.least is not None, "graph": _graph(known)}


def _graph(known: PageContent) -> dict[str, Any]:
    graph, places = formula_graph(known.step), known.lines.places
    return {
        "pitch": PITCH,
        "places": [
            {
                "line": places[node],
                "column": column,
                "height": round(graph.heights[node, column], 1),
                "width": round(_width(node), 1),
                "sign": (sign := _sign(node, known)),
                "wide": round(ems(sign), 2),
            }
            for node, column in graph.columns.items()
        ],
        "lines": [
            {
                "from": places[line.slots[0][0]],
                "to": places[line.slots[-1][0]],
                "past": [[slot[1], round(graph.heights[slot], 1)] for slot in line.slots[1:-1]],
            }
            for line in graph.lines
        ],
    }


def _width(node: Node) -> float:
    assert node.name
    return max(WIDTH, name_label(Marked(node.name, None), NAME_SIZE).width + BESIDE)


def _sign(node: Node, known: PageContent) -> str:
    """The operation that makes a value: +, tanh, ÷2; '' for a number."""
    if not node.inputs:
        return ""
    if node is known.step.loss and node not in known.step.outputs:
        return tr("mean")
    if any(part.inputs and not part.name for part in node.inputs):
        return SEVERAL_OPERATIONS
    if node.op.name == "power":
        return f"^{digits(node.inputs[1].number)}"
    if node.op.name == "negate":
        return "−"
    sign = SIGNS.get(node.op.name, node.op.name.replace("_", " "))
    parts = [digits(part.number) if part.is_constant() else "" for part in node.inputs]
    return sign.join(parts) if len(parts) == 2 and node.op.name in SIGNS else sign
