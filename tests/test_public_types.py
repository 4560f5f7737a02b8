"""What a strict type checker says of the public names and of the examples."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import gradbook
from tests.outside.witness import NODE_MODULES, program

ROOT = Path(__file__).parent.parent
EVERY_NAME = Path(__file__).with_name("every_public_name.py")
BESIDE_OTHERS = [ROOT / "bench" / "side_by_side" / name for name in ("data.py", "own.py")]
NOTEBOOKS = sorted((ROOT / "examples").glob("*.ipynb"))


def code_of(notebook: Path) -> str:
    """Its code cells; a value that a cell ends with is shown by the notebook."""
    cells = json.loads(notebook.read_text("utf-8"))["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


def checked(folder: Path) -> tuple[int, list[str]]:
    """How many files a strict pyright has read in a folder, and its objections."""
    settings = {
        "typeCheckingMode": "strict",
        "pythonVersion": "3.11",
        "extraPaths": [str(Path(gradbook.__file__).parents[1])],
        "reportUnusedExpression": False,  # it is what a notebook shows
    }
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))
    script = NODE_MODULES / "pyright" / "index.js"
    words = [program("node"), str(script), "--outputjson", "--pythonpath", sys.executable]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    record = json.loads(done.stdout)
    objections = [
        f"{Path(one['file']).name}, line {one['range']['start']['line'] + 1}: {one['message']}"
        for one in record["generalDiagnostics"]
    ]
    return record["summary"]["filesAnalyzed"], objections


@pytest.mark.witness("node", "pyright")
def test_every_public_name_script_and_notebook_is_typed_to_the_last(tmp_path):
    for script in (EVERY_NAME, *BESIDE_OTHERS):
        (tmp_path / script.name).write_text(script.read_text("utf-8"))
    for notebook in NOTEBOOKS:
        (tmp_path / f"{notebook.stem.replace('-', '_')}.py").write_text(code_of(notebook))
    assert checked(tmp_path) == (3 + len(NOTEBOOKS), [])


@pytest.mark.witness("node", "pyright")
def test_a_wrong_use_is_objected_to(tmp_path):
    (tmp_path / "wrong.py").write_text("import gradbook as gb\n\ngb.Net(2, [3])\n")
    count, (objection,) = checked(tmp_path)
    assert count == 1
    assert objection.startswith("wrong.py, line 3: ")


def test_every_public_name_is_among_them():
    tree = ast.parse(EVERY_NAME.read_text("utf-8"))
    used = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "gb"
    }
    assert used == set(gradbook.__all__) - {"__version__"}
