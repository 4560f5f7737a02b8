"""pdflatex sets every derivation, and nothing stands over the margin."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

import gradbook as gb
from gradbook.cli.main import main
from gradbook.net import BUILTIN, builtin, parse
from gradbook.targets.algebra.forms import Document, Heading
from gradbook.targets.algebra.tex import escape, write_latex
from gradbook.targets.drawing import draw, tikz
from tests.cases import for_each
from tests.outside.witness import compile_latex, program
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


@pytest.mark.witness("tikz", "pdftotext")
@pytest.mark.parametrize(
    "net",
    ["worked", "xor", "reference", "input 1x6x6; conv 2 3x3; relu; flatten; dense 30; softmax"],
)
def test_the_drawing_stands_under_the_title(net, tmp_path):
    made = drawn_net(net)
    pdf = compile_latex(made, tmp_path)
    log = pdf.with_suffix(".log").read_text(encoding="utf-8", errors="replace")
    assert "LaTeX Error" not in log
    said = subprocess.run(
        [program("pdftotext"), "-l", "1", str(pdf), "-"], check=True, capture_output=True, text=True
    ).stdout
    assert {"input", "hidden", "output"} <= set(said.split())  # below the drawing's units


def drawn_net(text: str) -> str:
    """The document with the drawing, and only the first of its parts."""
    net = builtin(text) if text in BUILTIN else parse(text)
    document = Document("A title", (Heading(("The network",)),))
    return write_latex(document, tikz(draw(net, numbers=True), escape))


def test_latex_without_tikz_leaves_the_drawing_out_and_says_so(tmp_path):
    source = gb.explain(gb.builtin("worked"), "w5").latex()
    pdf = compile_latex(source.replace("{tikz.sty}", "{no-such.sty}"), tmp_path)
    assert pdf.read_bytes().startswith(b"%PDF")
    assert "needs the LaTeX package tikz" in source


def test_latex_sets_a_name_of_any_characters(tmp_path):
    from gradbook.net.lower import scalar_step
    from gradbook.targets.algebra.derive import derive

    net = parse("name 50 % of $x_1^2$ & \\more {数} ~ ü\ninput 1\ndense 1")
    compile_latex(write_latex(derive(scalar_step(net))), tmp_path)
