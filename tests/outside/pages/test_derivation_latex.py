"""pdflatex sets every derivation, and nothing stands over the margin."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gradbook.cli.main import main
from gradbook.net import parse
from gradbook.targets.algebra.tex import write_latex
from tests.cases import for_each
from tests.outside.witness import compile_latex
from tests.targets.algebra.samples import NAMES, document_of

pytestmark = pytest.mark.witness("pdflatex")

FORGIVEN = 4  # points: a letter's width


@for_each("name", NAMES)
def test_latex_sets_the_derivation_within_its_margins(name, tmp_path):
    assert beyond_the_margins(write_latex(document_of(name)), tmp_path) == []


@pytest.mark.parametrize("name", ["reference", "blocks", "flat"])
def test_so_do_the_tables_of_a_large_network(name, tmp_path):
    """Long rows in several lines, and no more of them than a page holds."""
    assert main(["explain", name, "-o", str(tmp_path / "large.tex")]) == 0
    source = (tmp_path / "large.tex").read_text("utf-8")
    assert beyond_the_margins(source, tmp_path) == []


def beyond_the_margins(source: str, folder: Path) -> list[float]:
    """By how many points lines are too wide, and pages too high."""
    log = compile_latex(source, folder).with_suffix(".log").read_text("utf-8", errors="replace")
    beyond = map(float, re.findall(r"Overfull \\[hv]box \(([\d.]+)pt", log))
    return [points for points in beyond if points > FORGIVEN]


def test_latex_sets_a_name_of_any_characters(tmp_path):
    from gradbook.net.lower import scalar_step
    from gradbook.targets.algebra.derive import derive

    net = parse("name 50 % of $x_1^2$ & \\more {数} ~ ü\ninput 1\ndense 1")
    compile_latex(write_latex(derive(scalar_step(net))), tmp_path)
