import json
import shutil
import subprocess
import sys
from pathlib import Path

from tests.cases import for_each

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "examples").glob("*.ipynb"))
LARGEST = 300_000  # bytes


def outputs(notebook: Path) -> list[list[list[str]]]:
    """The kinds of content that each code cell shows."""
    cells = json.loads(notebook.read_text("utf-8"))["cells"]
    return [
        [sorted(output.get("data", [output["output_type"]])) for output in cell["outputs"]]
        for cell in cells
        if cell["cell_type"] == "code"
    ]


@for_each("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_shows_what_is_committed(notebook, tmp_path, monkeypatch):
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    copy = Path(shutil.copy(notebook, tmp_path))
    script = ROOT / "scripts" / "run_notebook.py"
    subprocess.run([sys.executable, str(script), copy.name], cwd=tmp_path, check=True)
    assert outputs(copy) == outputs(notebook)
    assert all(outputs(notebook))


@for_each("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_committed_notebook_is_small(notebook):
    assert notebook.stat().st_size < LARGEST


def test_there_is_a_notebook():
    assert NOTEBOOKS
