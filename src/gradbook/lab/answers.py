"""What a model said of images whose classes are known: right, wrong, and how sure it was."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Places = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Answers:
    """One row of probabilities for each image, and the class that each image shows."""

    probabilities: NDArray[np.floating]  # (images, classes)
    labels: NDArray[np.integer]

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def classes(self) -> int:
        return int(self.probabilities.shape[1])

    @cached_property
    def _ranked(self) -> Places:
        """The classes of each image, the likeliest first; of equal ones the earlier."""
        return np.argsort(-self.probabilities, axis=1, kind="stable")[:, :2]

    @property
    def read(self) -> Places:
        """The likeliest class of each image."""
        return self._ranked[:, 0]

    @property
    def runner_up(self) -> Places:
        """The next likely; the same where there is one class only."""
        return self._ranked[:, -1]

    @property
    def sure(self) -> NDArray[np.floating]:
        """The probability of what was read."""
        return self.of(self.read)

    def of(self, classes: NDArray[np.integer]) -> NDArray[np.floating]:
        """The probability that each image was given of being of this class."""
        return np.asarray(self.probabilities[np.arange(len(self)), classes])

    @property
    def right(self) -> NDArray[np.bool_]:
        return np.asarray(self.read == self.labels)

    @property
    def accuracy(self) -> float:
        """The share read right."""
        return float(self.right.mean())

    def wrong(self) -> Places:
        """The images read wrong, the surest mistakes first."""
        places = np.flatnonzero(~self.right)
        return places[np.argsort(-self.sure[places], kind="stable")]

    def surer_than(self, least: float) -> tuple[int, int]:
        """Of how many images it was at least so sure, and how many of those it read wrong."""
        those = self.sure >= least
        return int(those.sum()), int((those & ~self.right).sum())

    def unsure(self, count: int) -> Places:
        """Images read right, the least sure first, at most so many."""
        places = np.flatnonzero(self.right)
        return places[np.argsort(self.sure[places], kind="stable")][:count]

    def confusion(self) -> NDArray[np.int64]:
        """How many images of each class (rows) were read as each class (columns)."""
        counts = np.zeros((self.classes, self.classes), np.int64)
        np.add.at(counts, (self.labels, self.read), 1)
        return counts
