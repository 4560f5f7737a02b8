"""One test for each reason why a planted mistake was once blamed on other cells."""

from __future__ import annotations

import re
from collections.abc import Callable

from gradbook.audit.check_book import check
from gradbook.cells.formula.address import letters
from tests.audit.material.made import Table, table_of
from tests.audit.material.mutants import blamed, repaired
from tests.audit.material.tables import TRAINING, Columns, all_values
from tests.cases import for_each

NET = "input 2\ndense 2 no bias\nsigmoid\ndense {outputs} no bias\nsigmoid\nloss {loss}\nseed 5\n"
SAMPLES = "sample 0.3 0.8 -> {}\nsample 0.5 0.2 -> {}\n"
ONE_PATH = """input 1
dense 1 shared bias
sigmoid
dense 1 no bias
sigmoid
loss half squared error
seed 937
sample 0.58 -> 0.43
"""
HALF, BINARY = "half squared error", "binary cross-entropy"
Words = Callable[[str], str]


def network(outputs=2, loss=HALF):
    targets = ("0.4 0.7", "0.6 0.1") if outputs == 2 else ("0.4", "0.6")
    return NET.format(outputs=outputs, loss=loss) + SAMPLES.format(*targets)


def spoilt(text: str, name: str, change: Callable[[str, Words], str], sheet: str = TRAINING):
    """A network's workbook in which each formula of a column is changed."""
    table = table_of(text)
    columns = Columns(table, sheet)
    column = columns.names[name]
    for row in columns.rows(column):
        before = columns.formula(row, column)
        after = change(before, lambda n, row=row: f"{letters(columns.names[n])}{row + 1}")
        if after.replace("$", "") != before.replace("$", ""):
            table.sheets[sheet][row, column] = after
            table.marked |= {(sheet, row, column)}
    return table


def kinds(table: Table, path) -> set[str]:
    """The kinds of findings in a table, all of them in the very cells that were spoilt."""
    report = check(table.save(path))
    assert blamed(report) == table.marked
    assert table.marked
    return {finding.kind for sheet in report.sheets for finding in sheet.findings}


def test_what_nobody_uses_any_more_may_belong_where_something_else_stands(path):
    """a_o1 serves only the gradient where the loss is made of o1."""

    def change(formula: str, cell: Words) -> str:
        return re.sub(rf"\$?{cell('a_o1')}\b", cell("a_h1"), formula.replace("$", ""))

    biased = network(2, BINARY).replace("dense 2 no bias\nsigmoid\nloss", "dense 2\nsigmoid\nloss")
    assert kinds(spoilt(biased, "∂E/∂o1", change, "Samples"), path) == {"wrong reference"}


def test_only_those_samples_are_blamed_whose_share_is_wrong(path):
    first = {}

    def change(formula: str, cell: Words) -> str:
        here = cell("a_h1")
        frozen = first.setdefault("a_h1", f"{here.rstrip('0123456789')}$5")
        return re.sub(rf"\${here}\b|\b{here}\b", frozen, formula) if here[-2:] != "5" else formula

    table = spoilt(network(1), "g_w5", change, "Samples")
    column = next(iter(table.marked))[2]
    table.marked -= {("Samples", 4, column)}  # the first row is right as it stands
    assert "frozen row" in kinds(table, path)


def test_a_gradient_that_lost_its_input_is_to_blame_not_the_sum(path):
    def change(formula: str, cell: Words) -> str:
        return formula.replace(f"*{cell('i1')}", "")

    assert kinds(spoilt(ONE_PATH, "∂E/∂w1", change), path) == {"missing factor"}


def test_the_loss_is_found_though_a_weight_leads_nowhere(path):
    def change(formula: str, cell: Words) -> str:
        return f"={cell('a_h1')}"

    assert kinds(spoilt(ONE_PATH, "o1", change), path) == {"missing factor"}


def test_an_input_stands_alone_where_its_weight_was_left_out(path):
    def change(formula: str, cell: Words) -> str:
        return re.sub(r"Training!\w+\*(?=\$?\w+\+)", "", formula, count=1)

    assert kinds(spoilt(network(1), "h1", change, "Samples"), path) == {"missing factor"}


def test_parentheses_are_missed_before_a_power(path):
    def change(formula: str, cell: Words) -> str:
        return f"=1^(-1)+EXP(-{cell('h1')})"

    report = check(spoilt(network(1), "a_h1", change, "Samples").save(path))
    (finding,) = (f for sheet in report.sheets for f in sheet.findings)
    assert (finding.kind, finding.expected[:3]) == ("parentheses", "=(1")


def test_a_product_of_three_may_be_meant_as_a_sum(path):
    three = network(1).replace("dense 2", "dense 3", 1)

    def change(formula: str, cell: Words) -> str:
        first, second, third = formula[1:].replace("$", "").split("+")
        return f"=({first}+{second})*{third}"

    table = spoilt(three, "o1", change, "Samples")
    for spot in table.marked:
        sheet, *place = spot
        words = str(table.sheets[sheet][tuple(place)])
        weight, activation = re.findall(r"\)\*(\S+)\*(\S+)$", words)[0]
        table.sheets[sheet][tuple(place)] = words.replace(
            f")*{weight}*{activation}", f")*{activation}*{weight}"
        )
    assert kinds(table, path) == {"wrong operator"}


def test_a_gradient_without_its_target_is_wrong_even_where_that_is_nought(path):
    hot = "input 1\ndense 3\nsoftmax\nloss cross-entropy\nseed 4368\nsample 0.68 -> 0 1 0\n"

    def change(formula: str, cell: Words) -> str:
        return f"={cell('a_o1')}*{cell('i1')}"

    assert kinds(spoilt(hot, "∂E/∂w1", change), path) == {"wrong reference"}


def test_the_noise_that_a_difference_leaves_is_no_old_value(path):
    """With one bias for all of softmax's sums, its gradient is 0 but for the last bits."""
    text = "input 1\ndense 3 shared bias\nsoftmax\nloss cross-entropy\nseed 4368\n"
    table = table_of(text + "sample 0.68 -> 0 1 0\n")
    spot = (TRAINING, 6, Columns(table).names["∂E/∂b1"])
    table.values = {**all_values(table), spot: 1.1e-16}
    assert check(table.save(path)).verdict == "right"


def pasted(text: str, name: str, sheet: str = TRAINING) -> Table:
    """A network's workbook with a column's values over its formulas."""
    table = table_of(text)
    columns, values = Columns(table, sheet), all_values(table)
    column = columns.names[name]
    for row in columns.rows(column):
        table.sheets[sheet][row, column] = values[sheet, row, column]
        table.marked |= {(sheet, row, column)}
    return table


STRAIGHT = "input 3\ndense 1\ntanh\nloss half squared error\nseed 4\nsample 0.3 0.8 0.7 -> 0.8\n"


@for_each(
    ("text", "name"),
    [(ONE_PATH, "o1"), (ONE_PATH, "a_o1"), (STRAIGHT, "o1")],
    ids=["a sum", "an activation", "the only sum"],
)
def test_a_loss_is_found_behind_the_values_that_cut_it_off(text, name, path):
    table = pasted(text, name)
    report = check(table.save(path))
    (finding,) = (f for sheet in report.sheets for f in sheet.findings)
    assert blamed(report) == table.marked
    assert (finding.kind, finding.quantity) == ("pasted value", name)
    assert check(repaired(table, report).save(path)).verdict == "right"


@for_each(
    ("activation", "name"), [("softplus", "a_h1"), ("softmax", "a_o1")], ids=["softplus", "softmax"]
)
def test_a_column_of_samples_gets_its_formulas_back(activation, name, path):
    text = network(1).replace("sigmoid", "softplus", 1)
    if activation == "softmax":
        text = "input 2\ndense 2 no bias\ntanh\ndense 3 no bias\nsoftmax\nloss cross-entropy\n"
        text += "seed 6\n"
        text += "sample 0.8 0.9 -> 0 0 1\nsample 0.2 0.3 -> 0 1 0\n"
    table = pasted(text, name, "Samples")
    assert kinds(table, path) == {"pasted value"}
