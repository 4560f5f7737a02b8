"""The handwritten digits that come with the package: MNIST, its files unchanged inside xz.

`scripts/pack_digits.py` packed them, and every loading holds them against their sums.
"""

from __future__ import annotations

from gradbook.data import idx
from gradbook.data.dataset import TEST, TRAINING, Dataset, Part, assemble
from gradbook.data.digit_files import contents

SOURCE = "MNIST, by Yann LeCun, Corinna Cortes and Christopher J.C. Burges; see NOTICE"


def load() -> Dataset:
    """60,000 digits to train on and 10,000 to report on, 28 by 28, all checked."""
    files = contents()
    return assemble("digits", SOURCE, {TRAINING: _part(files, "train"), TEST: _part(files, "t10k")})


def _part(files: dict[str, bytes], name: str) -> Part:
    images, labels = f"{name}-images-idx3-ubyte", f"{name}-labels-idx1-ubyte"
    return Part(
        pixels=idx.parse(files[images], images)[:, None],
        labels=idx.parse(files[labels], labels),
        images_file=images,
        labels_file=labels,
        place=str,
    )
