"""Runs a notebook's cells in order and writes what they show back into it.

python scripts/run_notebook.py examples/backpropagation.ipynb
"""

from __future__ import annotations

import json
import sys
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from IPython.core.displayhook import CapturingDisplayHook
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

Cell = dict[str, Any]


def executed(notebook: Cell) -> Cell:
    """The notebook with the outputs of every code cell; the first error ends it."""
    shell = InteractiveShell.instance()
    shell.history_manager.enabled = False
    count = 0
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            count += 1
            cell |= {"execution_count": count, "outputs": _outputs(shell, cell)}
    return notebook


def _outputs(shell: InteractiveShell, cell: Cell) -> list[Cell]:
    results: list[Cell] = []
    shell.display_trap.hook = CapturingDisplayHook(shell=shell, outputs=results)
    with capture_output() as captured:
        shell.run_cell("".join(cell["source"])).raise_error()
    shown = [output.data for output in captured.outputs] + [result["data"] for result in results]
    said = {"output_type": "stream", "name": "stdout", "text": _lines(captured.stdout)}
    return ([said] if captured.stdout else []) + list(map(_display, filter(None, shown)))


def _display(shown: Mapping[str, str | bytes]) -> Cell:
    data = {kind: _content(content) for kind, content in shown.items()}
    return {"output_type": "display_data", "data": data, "metadata": {}}


def _content(content: str | bytes | Cell) -> str | list[str] | Cell:
    """A widget's is a reference to it; where none lives, its picture is shown."""
    if isinstance(content, Mapping):
        return content
    return b64encode(content).decode() if isinstance(content, bytes) else _lines(content)


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def main(path: Path) -> None:
    notebook = executed(json.loads(path.read_text("utf-8")))
    path.write_text(json.dumps(notebook, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
