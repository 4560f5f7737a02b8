import ast
import doctest
import inspect
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import gradbook
from scripts.python_reference import PAGES, members, places, python_pages
from tests.cases import for_each

PUBLIC = {
    "Activation",
    "Assumption",
    "BatchNorm",
    "Bias",
    "Conv",
    "Dense",
    "Derivatives",
    "Dropout",
    "Flatten",
    "GradbookError",
    "Model",
    "Net",
    "Pool",
    "Sample",
    "Value",
    "Workbook",
    "builtin",
    "check",
    "explain",
    "from_keras",
    "from_sklearn",
    "from_torch",
    "load",
    "play",
    "read_book",
    "read_table",
    "recipe",
    "recipe_for",
    "steps",
    "sweep",
    "train",
    "values",
    "watch",
    "write_report",
    "write_workbook",
}


def test_these_names_are_public_and_no_others():
    assert set(gradbook.__all__) == PUBLIC | {"__version__"}
    assert set(gradbook._HOME) == PUBLIC


@for_each("name", sorted(PUBLIC))
def test_every_public_name_is_there_with_a_docstring(name):
    assert inspect.getdoc(getattr(gradbook, name))
    assert name in dir(gradbook)


def test_a_type_checker_sees_the_names_that_python_fetches():
    tree = ast.parse(Path(gradbook.__file__).read_text())
    seen = {
        alias.name: node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.name in PUBLIC
    }
    assert seen == gradbook._HOME


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        gradbook.trian  # noqa: B018


def test_importing_gradbook_imports_nothing_else_of_it():
    process = subprocess.run(
        [sys.executable, "-c", "import gradbook, sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = {
        name for name in process.stdout.split() if name.split(".")[0] in ("gradbook", "numpy")
    }
    assert loaded == {"gradbook"}


def test_what_was_loaded_before_takes_no_public_name_away():
    code = "import gradbook as gb; gb.explain; print(gb.builtin('worked').name)"
    command = [sys.executable, "-c", code]
    process = subprocess.run(command, capture_output=True, text=True, check=True)
    assert process.stdout == "worked\n"


@for_each("package", ["graph", "layers", "net", "targets.drawing"])
def test_all_that_a_package_gives_is_there(package):
    module = import_module(f"gradbook.{package}")
    assert not [name for name in getattr(module, "__all__", ()) if not hasattr(module, name)]


PARSER = doctest.DocTestParser()
EXAMPLES = {
    name: item
    for name, thing in members()
    for item in [PARSER.get_doctest(inspect.getdoc(thing) or "", {}, name, None, None)]
    if item.examples
}
NEEDS = {
    "from_keras": [pytest.mark.witness("keras", "torch")],
    "from_torch": [pytest.mark.witness("torch")],
    "train": [pytest.mark.witness("cc")],
    "write_report": [pytest.mark.witness("cc")],
}


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras's own
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=NEEDS.get(name, [])) for name in EXAMPLES]
)
def test_the_example_in_its_docstring_is_true(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    printed: list[str] = []
    runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.ELLIPSIS)
    runner.run(EXAMPLES[name], out=printed.append)  # which would look for -v among our arguments
    assert not printed, "".join(printed)


def test_each_has_one():
    assert EXAMPLES.keys() >= PUBLIC


def test_the_reference_is_of_the_public_names_and_says_what_each_field_means():
    pages = dict(python_pages())
    told = [name for page in PAGES for name in page.names]
    assert sorted(told) == sorted(PUBLIC)
    assert set(pages) == set(places())
    assert [page for page, text in pages.items() if " |  |" in text] == []
