"""One input given to a reader, and looked at: how it ended, what it took.

A reader may take an input or refuse it by a GradbookError in one line. Whatever else comes of it,
more than so many seconds of a processor or megabytes among them, is a fault.
"""

from __future__ import annotations

import resource
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import gradbook
from gradbook.errors import GradbookError

LONGEST, LARGEST = 10, 500  # seconds of a processor, megabytes
OURS = Path(gradbook.__file__).parent

Reader = Callable[[bytes, Path], object]


class TooLong(BaseException):
    """It has taken all the time that it may; nothing that is being read may catch this."""


@dataclass(frozen=True)
class Outcome:
    """What became of an input."""

    accepted: bool
    refusal: str = ""
    kind: str = ""  # of its fault, where there is one: alike for inputs that fail in the same place
    trace: str = ""

    @property
    def is_fault(self) -> bool:
        return bool(self.kind)


def outcome(
    read: Reader, data: bytes, folder: Path, longest: float = LONGEST, largest: float = LARGEST
) -> Outcome:
    """What a reader makes of an input; `folder` is for its files."""
    _forget_peak()
    before = _megabytes("VmRSS")
    try:
        with _bounded(longest):
            read(data, folder)
    except GradbookError as error:
        if not str(error).isprintable() or not error.message.strip():
            return _fault(error, "refused-in-no-line")
        found = Outcome(False, str(error))
    except (Exception, TooLong) as error:
        return _fault(error, type(error).__name__)
    else:
        found = Outcome(True)
    if _megabytes("VmHWM") - before > largest:
        return Outcome(found.accepted, found.refusal, "too-large", f"more than {largest} MB")
    return found


def _fault(error: BaseException, what: str) -> Outcome:
    every = traceback.extract_tb(error.__traceback__)
    frames = [frame for frame in every if frame.filename != __file__]
    own = [frame for frame in frames if OURS in Path(frame.filename).parents] or frames
    at = own[-1]
    if isinstance(error, RecursionError | TooLong):  # what is innermost then is chance
        names = [(frame.filename, frame.name) for frame in own]
        at = max(reversed(own), key=lambda frame: names.count((frame.filename, frame.name)))
    kind = f"{what}-{Path(at.filename).stem}-{at.name}".replace("<", "").replace(">", "")
    shown = "".join(traceback.format_exception(error, limit=-12))
    return Outcome(False, str(error)[:200], kind, shown)


# Time.


@contextmanager
def _bounded(longest: float) -> Iterator[None]:
    before = signal.signal(signal.SIGVTALRM, _stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, longest, 1)  # again, lest the first was swallowed
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _stop(number: int, frame: FrameType | None) -> None:
    raise TooLong("it takes too many seconds of a processor")


# Memory.


def _forget_peak() -> None:
    """Let the kernel count anew what this process takes at most."""
    if sys.platform == "linux":
        Path("/proc/self/clear_refs").write_text("5")


def _megabytes(what: str) -> float:
    """VmRSS, what it takes now, or VmHWM, what it took at most; elsewhere only that is known."""
    if sys.platform != "linux":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    with open("/proc/self/status", encoding="ascii") as file:
        line = next(line for line in file if line.startswith(what))
    return int(line.split()[1]) / 1024
