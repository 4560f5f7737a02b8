"""The list of derivatives and the chain, as documents."""

from __future__ import annotations

import json
import math
import re

import pytest

import gradbook as gb
from gradbook.derivatives.formula_chain import chain_between
from gradbook.report.derivatives import explain_cell
from gradbook.report.sheet_heat import notebook_heat, sheet_heat
from tests.derivatives.cell_models import STAND, write_model


def opened(tmp_path, cells):
    return gb.read_book(write_model(tmp_path / "model.xlsx", cells))


def ladder(steps):
    """A ladder whose rungs are reached from both cells below: 2^steps paths."""
    cells = {"A1": 1.5, "B1": "=A1/2", "C1": "=A1/2"}
    for row in range(2, steps + 1):
        cells |= {f"B{row}": f"=(B{row - 1}+C{row - 1})/3", f"C{row}": f"=B{row - 1}-C{row - 1}/4"}
    return {**cells, "E1": f"=B{steps}+C{steps}"}


def test_the_paths_are_counted_and_those_left_out_are_summed(tmp_path):
    found = opened(tmp_path, ladder(60)).derivatives("E1")
    source = found.find("A1")
    chain = chain_between(found.slopes, source, found["A1"])
    assert chain.count == 2**60
    assert len(chain.paths) == 6
    assert sum(path.product for path in chain.paths) + chain.rest == pytest.approx(chain.slope)
    sizes = [abs(path.product) for path in chain.paths]
    assert sizes == sorted(sizes, reverse=True)
    text = str(explain_cell(found, "A1"))
    assert json.loads(explain_cell(found, "A1").json())["chain"]["path_count"] == 2.0**60
    assert "1.2e+18 paths lead from the input to the result. The 6 that contribute most" in text


def test_few_paths_are_all_written_out_and_add_up(tmp_path):
    found = opened(tmp_path, ladder(2)).derivatives("E1")
    chain = chain_between(found.slopes, found.find("A1"), found["A1"])
    assert chain.count == len(chain.paths) == 4
    assert chain.rest == pytest.approx(0, abs=1e-15)
    assert "paths lead from the input" not in str(explain_cell(found, "A1"))


def test_the_numbers_in_the_chain_multiply_to_the_derivative(tmp_path):
    found = opened(tmp_path, STAND).derivatives("Profit")
    for name in found:
        said = json.loads(explain_cell(found, name).json())["chain"]
        slopes = {(one["of"], one["by"]): one["value"] for one in said["slopes"]}
        total = 0.0
        for path in said["paths"]:
            pairs = zip(path["cells"], path["cells"][1:], strict=False)
            product = math.prod(slopes[user, source] for source, user in pairs)
            assert product == pytest.approx(path["product"])
            total += product
        assert total == pytest.approx(found[name], rel=1e-12)


def test_cells_without_a_label_of_their_own_have_their_names(tmp_path):
    cells = {"A1": "x", "B1": 2, "A2": "x", "B2": 3, "B5": "=B1*B2^2"}
    text = str(explain_cell(opened(tmp_path, cells).derivatives("B5"), "B2"))
    assert "B5 = B1·B2² = 2·3² = 18" in text


def test_short_labels_are_signs_and_others_words(tmp_path):
    cells = {"A1": "w1", "B1": 2, "A2": "a_h1", "B2": 3, "A3": "Net weight", "B3": "=B1*B2"}
    explained = explain_cell(opened(tmp_path, cells).derivatives("B3"), "w1")
    assert r"\text{Net weight} &= w_{1} \cdot a_{h_{1}}" in explained.latex()


def test_a_long_list_ends_with_how_to_see_the_rest(tmp_path):
    cells = {f"A{k}": float(k) for k in range(1, 101)} | {"C1": "=SUMSQ(A1:A100)"}
    found = opened(tmp_path, cells).derivatives("C1")
    text = " ".join(str(explain_cell(found)).split())
    assert "60 further inputs, which matter less, are left out" in text
    assert len(json.loads(explain_cell(found).json())["inputs"]) == 100


HOSTILE = '<b onclick="x()">{0}</b>$\\input{x}'


def test_a_hostile_label_is_only_a_label(tmp_path):
    cells = {"A1": HOSTILE, "B1": 2, "A2": "{result}", "B2": "=B1^2"}
    found = opened(tmp_path, cells).derivatives("B2")
    for explained in (explain_cell(found), explain_cell(found, "B1")):
        page = explained.html() + found._repr_html_()
        assert "<b onclick" not in page
        assert "\\input{" not in explained.latex()
        assert "\\input{" not in explained.markdown().replace("\\\\input", "")
        assert "{result}" in str(explained)


def test_the_sheet_is_coloured_by_what_matters(tmp_path):
    found = opened(tmp_path, STAND).derivatives("Profit")
    html = sheet_heat(found)

    def level(value):
        return re.search(rf'class="heat-number heat-(\w+)-(\d)"[^>]*>{value}<', html).groups()

    assert level("27") == ("rises", "7")  # the most sensitive
    assert level("20")[0] == "falls"
    assert int(level("60")[1]) < 7
    assert "Price per cup" in html
    assert "class=" not in notebook_heat(found)


def test_what_a_large_book_shows_is_bounded(tmp_path):
    cells = {f"A{k}": float(k) for k in range(1, 301)} | {"C1": "=SUMSQ(A1:A300)"}
    html = sheet_heat(opened(tmp_path, cells).derivatives("C1"))
    assert html.count("<tr>") <= 32
