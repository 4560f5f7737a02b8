"""pdflatex sets every derivation, and nothing stands over the margin."""

from __future__ import annotations

import re

import pytest

from gradbook.targets.algebra.tex import write_latex
from tests.outside.witness import compile_latex
from tests.targets.algebra.samples import NAMES, document_of

pytestmark = pytest.mark.witness("pdflatex")

FORGIVEN = 4  # points: a letter's width


@pytest.mark.parametrize("name", NAMES)
def test_latex_sets_the_derivation_within_its_margins(name, tmp_path):
    pdf = compile_latex(write_latex(document_of(name)), tmp_path)
    log = pdf.with_suffix(".log").read_text(encoding="utf-8", errors="replace")
    too_wide = [float(points) for points in re.findall(r"Overfull \\hbox \(([\d.]+)pt", log)]
    assert [points for points in too_wide if points > FORGIVEN] == []


def test_latex_sets_a_name_of_any_characters(tmp_path):
    from gradbook.net import parse
    from gradbook.net.lower import scalar_step
    from gradbook.targets.algebra.derive import derive

    net = parse("name 50 % of $x_1^2$ & \\more {数} ~ ü\ninput 1\ndense 1")
    compile_latex(write_latex(derive(scalar_step(net))), tmp_path)
