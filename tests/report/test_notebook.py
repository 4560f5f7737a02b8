import re
import subprocess
import sys

import pytest
from IPython.core.formatters import DisplayFormatter

import gradbook
from gradbook.lab.models.model import Model
from gradbook.lab.training.train import train
from gradbook.net import LESSONS, builtin, parse
from gradbook.rates.sweep import sweep
from gradbook.report.derivation import explain
from tests.audit.material.copies import WRONG
from tests.audit.material.lookalikes import book
from tests.cases import for_each
from tests.lab import made

(QUANTITY,) = WRONG


def shown(thing: object) -> dict[str, str | bytes]:
    """What a notebook is given: kind of content → content."""
    found, _ = DisplayFormatter().format(thing)
    return found


def run_python(code: str) -> str:
    """What a fresh Python prints."""
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return process.stdout


@for_each("name", LESSONS)
def test_a_network_is_a_picture_with_its_start_values(name):
    text = shown(builtin(name))
    assert text["image/svg+xml"].startswith("<svg")
    assert text["image/png"].startswith(b"\x89PNG")
    assert len(text["image/png"]) < 100_000


def test_without_pictures_a_network_is_its_text_and_a_sweep_its_table():
    assert shown(builtin("xor"))["text/plain"] == str(builtin("xor")).rstrip()
    table = shown(sweep(builtin("worked"), [0.5, 1000], epochs=40))["text/plain"]
    assert "saturated" in table
    assert max(map(len, table.splitlines())) <= 80


def test_an_explanation_is_short_until_it_is_printed():
    explanation = explain(builtin("worked"))
    assert len(repr(explanation)) < 2000
    assert "Weight w5" in str(explanation)


def test_start_values_stand_in_the_picture():
    assert ">0.45</tspan>" in shown(builtin("worked"))["image/svg+xml"]


@pytest.mark.witness("cc")
def test_a_model_is_its_layers_and_a_training_its_epochs():
    trained = train(made.recipe(), data=made.dataset())
    model = shown(trained.model)
    assert "strokes: 196 parameters, 4 classes, right on 100.00 % of the test" in model["text/html"]
    assert model["text/html"].count("<tr>") == 1 + 1 + 8 + 1
    assert "conv 4 3x3" in model["text/plain"]
    epochs = shown(trained)
    assert epochs["text/html"].count("<tr>") == 1 + 3
    assert epochs["text/plain"].startswith("<Trained strokes: 3 epochs in ")


def test_names_are_shown_as_they_are_and_not_as_html():
    net = parse("name <b>bold</b>; input 2; dense 2; softmax")
    model = Model(net, {}, (0,), (1,), ("yes", "no"))
    assert "&lt;b&gt;bold&lt;/b&gt;: 6 parameters, 2 classes" in shown(model)["text/html"]


IN_A_NOTEBOOK = """
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
shell = InteractiveShell.instance()
shell.history_manager.enabled = False
with capture_output() as captured:
    shell.run_cell("import gradbook as gb; gb.explain(gb.builtin('worked'))")
for output in captured.outputs:
    print(*sorted(output.data))
"""


def test_an_explanation_is_the_network_s_picture_and_then_the_derivation(tmp_path, monkeypatch):
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    assert run_python(IN_A_NOTEBOOK).splitlines() == [
        "image/png image/svg+xml text/plain",
        "text/markdown text/plain",
    ]


@for_each("name", LESSONS)
def test_a_derivation_is_markdown_with_its_mathematics_between_dollars(name):
    said = explain(builtin(name))._repr_markdown_()
    assert "`$" not in said
    assert "```" not in said
    assert said.count("$$") == 2 * said.count(r"\begin{aligned}") > 20


def test_the_mathematics_is_what_a_code_host_is_given():
    explanation = explain(builtin("mazur"))
    fences = re.findall(r"```math\n(.*?)\n```", explanation.markdown(), re.DOTALL)
    said = explanation._repr_markdown_()
    assert fences == re.findall(r"\$\$\n(.*?)\n\$\$", said, re.DOTALL)


def test_a_sweep_is_its_curves_and_a_verdict_for_each_rate():
    found = shown(sweep(builtin("worked"), [0.5, 1000], epochs=40))["text/html"]
    assert found.startswith("<svg")
    assert found.count("<tr>") == 3
    assert "saturated" in found


@for_each(
    "asked",
    [
        "gb.Net.parse('input 1; dense 1')._repr_svg_()",
        "gb.builtin('xor')._repr_svg_()",
        "gb.explain(gb.Net.parse('input 1; dense 1'))._repr_markdown_()",
        "gb.sweep(gb.builtin('worked'), [1], 5)._repr_html_()",
    ],
)
def test_whatever_the_face_makes_shows_itself(asked):
    """In a fresh Python, where nothing is loaded but what the face loads."""
    code = f"import gradbook as gb; print(len({asked}) > 500)"
    assert run_python(code).strip() == "True"


def test_the_face_alone_loads_nothing():
    assert gradbook.__version__
    asked = "import sys, gradbook; print(sorted(m for m in sys.modules if 'gradbook' in m))"
    assert run_python(asked).strip() == "['gradbook']"


def test_an_audit_tells_each_finding_and_printed_the_report(tmp_path):
    report = gradbook.check(book(tmp_path / "ada.xlsx", WRONG))
    text = shown(report)
    assert text["text/html"].count("<mark>") == 4
    assert "<svg" in text["text/html"]
    assert str(report) == text["text/plain"]
    assert f"({QUANTITY}): K6 is a_h1; the chain to w3 goes through a_h2, so M6" in str(report)


def test_a_file_that_is_no_workbook_has_a_verdict_too(tmp_path):
    (tmp_path / "<b>.xlsx").write_text("no zip")
    report = gradbook.check(tmp_path / "<b>.xlsx")
    assert report.verdict == "unreadable"
    assert "<b>.xlsx" not in shown(report)["text/html"]
