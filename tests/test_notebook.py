import re
import subprocess
import sys

import pytest
from IPython.core.formatters import DisplayFormatter

import gradbook
from gradbook.graph.lower import scalar_step
from gradbook.lab.sweep import sweep
from gradbook.net import BUILTIN, builtin
from gradbook.notebook import SHOWN, attach, derivation_markdown
from gradbook.targets.algebra.derive import derive


@pytest.fixture(autouse=True)
def attached():
    attach()


def shown(thing: object) -> dict[str, str | bytes]:
    """What a notebook is given: kind of content → content."""
    found, _ = DisplayFormatter().format(thing)
    return found


@pytest.mark.parametrize("name", BUILTIN)
def test_a_network_is_a_picture_with_its_start_values(name):
    found = shown(builtin(name))
    assert found["image/svg+xml"].startswith("<svg")
    assert found["image/png"].startswith(b"\x89PNG")
    assert len(found["image/png"]) < 100_000


def test_start_values_stand_in_the_picture():
    assert ">0.45</tspan>" in shown(builtin("worked"))["image/svg+xml"]


@pytest.mark.parametrize("name", BUILTIN)
def test_a_derivation_is_markdown_with_its_mathematics_between_dollars(name):
    said = shown(derive(scalar_step(builtin(name))))["text/markdown"]
    assert said.startswith("# ")
    assert "`$" not in said
    assert "```" not in said
    assert said.count("$$") == 2 * said.count(r"\begin{aligned}") > 20


def test_the_mathematics_is_what_a_code_host_is_given():
    from gradbook.targets.algebra.markdown import write

    document = derive(scalar_step(builtin("mazur")))
    fences = re.findall(r"```math\n(.*?)\n```", write(document), re.DOTALL)
    assert fences == re.findall(r"\$\$\n(.*?)\n\$\$", derivation_markdown(document), re.DOTALL)


def test_a_sweep_is_its_curves_and_a_verdict_for_each_rate():
    found = shown(sweep(builtin("worked"), [0.5, 1000], epochs=40))["text/html"]
    assert found.startswith("<svg")
    assert found.count("<tr>") == 3
    assert "saturated" in found


def test_what_is_fetched_from_the_face_shows_itself(monkeypatch):
    """In a fresh Python, with nothing loaded but what the face loads."""
    asked = "import gradbook; gradbook._HOME['Net'] = 'gradbook.net'; net = gradbook.Net.parse("
    asked += "'input 1; dense 1'); print(net._repr_svg_()[:4], 'PIL' in __import__('sys').modules)"
    said = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["<svg", "False"]


def test_every_class_that_is_shown_is_there_and_has_an_answer():
    from importlib import import_module

    for (module, name), answers in SHOWN.items():
        assert set(answers) <= set(dir(getattr(import_module(module), name)))


def test_the_face_alone_loads_nothing():
    assert gradbook.__version__
    asked = "import sys, gradbook; print(sorted(m for m in sys.modules if 'gradbook' in m))"
    said = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "['gradbook']"
