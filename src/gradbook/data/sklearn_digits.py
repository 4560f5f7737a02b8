"""The 1,797 digits of 8 by 8 that come with scikit-learn."""

from __future__ import annotations

import numpy as np

from gradbook.data.dataset import TRAINING, Dataset, Part, assemble
from gradbook.errors import DataError

NAME = "sklearn-digits"
SOURCE = "optical digits of E. Alpaydin and C. Kaynak, as scikit-learn brings them"


def load() -> Dataset:
    """Their greys from 0 to 16 are spread to 0 to 255, so that they look like other images."""
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise DataError(
            f"{NAME} comes with scikit-learn, which isn't installed: "
            "pip install 'gradbook[sklearn]'"
        ) from error
    found = load_digits()
    pixels = np.rint(found.images * (255 / 16)).astype(np.uint8)[:, None]
    return assemble(NAME, SOURCE, {TRAINING: Part(pixels, found.target, NAME, NAME, str)})
