"""An epoch under way and what it showed: `struct job`, which native code and NumPy both fill in."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Given = dict[str, NDArray[Any]]

_pointer = ctypes.c_void_p


class Job(ctypes.Structure):
    """`struct job` of runtime/fetch.c."""

    _fields_ = (
        ("images", ctypes.c_int64),
        ("batch", ctypes.c_int64),
        ("bytes", _pointer),
        ("numbers", _pointer),
        ("labels", _pointer),
        ("targets", _pointer),
        ("order", _pointer),
        ("scale", _pointer),
        ("shift", _pointer),
        ("rates", _pointer),
        ("seed", ctypes.c_uint64),
        ("epoch", ctypes.c_uint64),
        ("warp", _pointer),
        ("how", _pointer),
        ("losses", _pointer),
        ("right", _pointer),
        ("outputs", _pointer),
        ("done", ctypes.c_int64),
        ("stop", ctypes.c_int32),
    )


@dataclass(frozen=True)
class Epoch:
    """What each step saw before its update.

    An answer is right where the largest output is where the largest target is; a single output,
    where it is on the same side of ½ as its target. What is no number is never right.
    """

    losses: NDArray[np.float64]
    right: NDArray[np.int32]  # answers


@dataclass
class Run:
    """An epoch under way, for another thread to look at and to stop."""

    job: Job = field(default_factory=Job)
    given: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    @property
    def steps_done(self) -> int:
        return int(self.job.done)

    @property
    def so_far(self) -> Epoch:
        """The steps that are done."""
        done = self.steps_done
        if not self.given:
            return Epoch(np.empty(0), np.empty(0, np.int32))
        return Epoch(self.given["losses"][:done].copy(), self.given["right"][:done].copy())

    def stop(self) -> None:
        """Stop after the current step."""
        self.job.stop = 1
