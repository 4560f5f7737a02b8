"""What hears how a training goes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from gradbook.lab.history import Epoch

if TYPE_CHECKING:
    from gradbook.lab.training import Training


class Listener:
    """All of it is called from the thread that trains."""

    def started(self, training: Training) -> None:
        """Everything is ready; `training` may be asked for its progress from any thread."""

    def epoch_done(self, epoch: Epoch) -> None:
        """An epoch is done, scored and kept."""


class Telling(Listener):
    """Tells one function of every epoch."""

    def __init__(self, tell: Callable[[Epoch], object]) -> None:
        self.tell = tell

    def epoch_done(self, epoch: Epoch) -> None:
        self.tell(epoch)
