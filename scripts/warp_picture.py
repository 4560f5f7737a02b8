"""Make the picture of docs/reference/recipes.md: ten digits before each kind of warp and after it.

    .venv/bin/python -m scripts.warp_picture

The same digits in each row, each warped by what the first epoch of seed 1 draws for it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gradbook.data.dataset import in_turns
from gradbook.data.sources import load
from gradbook.data.warp import WARP_GRAMMAR, parse_warp, samples
from gradbook.report.images import contact_sheet

PICTURE = Path("docs/pictures/warps.png")
DIGITS = 10
KINDS = [
    "none",
    "rotate 15",
    "shift 3",
    "scale 0.8 1.2",
    "shear 15",
    "crop 22",
    "flip chance 1",
    "cutout 10",
    "elastic 7 3",
]


def main() -> None:
    training = load("digits").training
    chosen = in_turns(training, DIGITS)
    all_at_once = WARP_GRAMMAR.splitlines()[-1].strip()
    rows = [*((kind, parse_warp(kind)) for kind in KINDS), ("all at once", parse_warp(all_at_once))]
    images = [samples(training, warp, chosen, seed=1).pixels for _, warp in rows]
    names = [name for name, _ in rows for _ in range(DIGITS)]
    PICTURE.write_bytes(
        contact_sheet(np.concatenate(images), names, "Ten digits, warped", across=DIGITS)
    )
    print(f"wrote {PICTURE}, {PICTURE.stat().st_size // 1024} KB")


if __name__ == "__main__":
    main()
