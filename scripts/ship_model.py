"""Keep a run's network in the package, for whoever wants a trained one at once.

    gradbook train tiny -o runs/tiny && .venv/bin/python -m scripts.ship_model runs/tiny

It comes along under the name of its recipe. Run again with the same recipe, seed and compiler, it
has the same numbers.
"""

from __future__ import annotations

import sys
from pathlib import Path

import gradbook
from gradbook.amounts import percent, size
from gradbook.lab.recipes import RECIPES
from gradbook.lab.training.run_folder import RunFolder

FOLDER = Path(gradbook.__file__).parent / "lab" / "recipes"


def main(words: list[str]) -> None:
    (folder,) = words
    run = RunFolder(folder)
    name = run.recipe().name
    if name not in RECIPES:
        raise SystemExit(f"{folder} was trained by no recipe that comes along")
    model = run.model()
    file = FOLDER / f"{name}.safetensors"
    model.save(file)
    reached = percent(float(model.about["test_accuracy"]))
    print(f"{file}: {size(file.stat().st_size)}, {reached} of the test images")


if __name__ == "__main__":
    main(sys.argv[1:])
