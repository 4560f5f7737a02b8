"""Records part of a process that goes on afterwards: whatever is replaced for it is put back.

Knows neither what a training is nor who asks.
"""

from __future__ import annotations

import os
import sys
import sysconfig
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FrameType
from typing import Any

from gradbook.errors import UsageError
from gradbook.recording import arrays
from gradbook.recording.calls import Tape
from gradbook.recording.memory_exchange import MemoryExchange
from gradbook.recording.recorder import RECORDER
from gradbook.recording.replaced_functions import Replacements
from gradbook.recording.source_places import SourceText

_BUSY = threading.Lock()
PACKAGE = Path(__file__).resolve().parents[1]
INSTALLED = {"site-packages", "dist-packages"}
LIBRARIES = [Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib")]


class ProgramFiles(set[str]):
    """Every file that isn't installed: scripts, modules beside them and the cells of notebooks."""

    def __contains__(self, file: object) -> bool:
        return isinstance(file, str) and is_program_file(file)


def is_program_file(file: str) -> bool:
    if file.startswith("<"):  # typed at a prompt: Python keeps the lines
        return not file.startswith("<frozen") and bool(lines_of(file))
    path = Path(os.path.abspath(file))
    if not INSTALLED.isdisjoint(path.parts) or not file.endswith((".py", ".pyw")):
        return False
    path = path.resolve()
    return not any(path.is_relative_to(folder) for folder in (PACKAGE, *LIBRARIES))


def lines_of(file: str) -> list[str]:
    import linecache

    return linecache.getlines(file)


def read_sources(files: Iterable[str]) -> dict[str, SourceText]:
    """The text of each file that can still be read."""
    sources = {}
    for file in files:
        try:
            sources[file] = SourceText(file, "".join(lines_of(file)))
        except (SyntaxError, ValueError, RecursionError):
            continue
    return sources


class Session:
    """One recording: `begin`, run something, `end`; there is one at a time in a process."""

    def __init__(self, watch: Callable[[int], None]) -> None:
        self.watch = watch
        self.tape = Tape()
        self.wrapping = MemoryExchange(is_program_file)
        self.replacements = Replacements()
        self._before: dict[str, Any] = {}
        self._is_open = False

    def begin(self) -> None:
        if not _BUSY.acquire(blocking=False):
            raise UsageError("a training is being watched already: end that first")
        self._is_open = True
        try:
            self._set_recorder()
            self.replacements.make()
            RECORDER.start()
        except BaseException:
            self.end()
            raise

    def end(self) -> None:
        if not self._is_open:
            return
        self._is_open = False
        try:
            RECORDER.pause()
            self.replacements.undo()
            _forget_first_uses(self.tape)
            for name, value in self._before.items():
                setattr(RECORDER, name, value)
            arrays._holders.clear()
            arrays._copies.clear()
        finally:
            _BUSY.release()

    def _set_recorder(self) -> None:
        names = ("tape", "is_on", "program_files", "watch", "deadline", "full", "known", "recorded")
        self._before = {name: getattr(RECORDER, name) for name in names}
        RECORDER.tape, RECORDER.watch = self.tape, self.watch
        RECORDER.program_files, RECORDER.known = ProgramFiles(), {}
        RECORDER.recorded, RECORDER.episodes_before = set(), RECORDER.episode
        RECORDER.deadline, RECORDER.full, RECORDER.is_on = float("inf"), False, False


def _forget_first_uses(tape: Tape) -> None:
    """A number from elsewhere was noted where it was first used: it wasn't made there."""
    calls = tape.calls
    for call in calls:
        for operand in call.operands:
            if calls[operand].function is None and calls[operand].frames == call.frames:
                calls[operand].frames = ()


class TapeInUse:
    """`with TapeInUse(session.tape):` what reads the recorder's tape reads this one."""

    def __init__(self, tape: Tape) -> None:
        self.tape = tape

    def __enter__(self) -> None:
        if not _BUSY.acquire(blocking=False):
            raise UsageError("a training is being watched: end that first")
        self.before, RECORDER.tape = RECORDER.tape, self.tape

    def __exit__(self, *_: object) -> None:
        RECORDER.tape = self.before
        _BUSY.release()


def wrap_variables(wrapping: MemoryExchange, frame: FrameType) -> None:
    """Let the variables of a frame, and what they hold, remember."""
    _exchange(wrapping.wrap, frame)


def unwrap_variables(wrapping: MemoryExchange, frame: FrameType) -> None:
    _exchange(wrapping.unwrap, frame)


def _exchange(exchange: Callable[[dict[str, Any]], None], frame: FrameType) -> None:
    if frame.f_locals is not frame.f_globals:
        names = frame.f_locals
        exchange(names)
        if sys.version_info < (3, 13):  # where it is only a copy of a function's variables
            _write_back(frame)
    exchange(frame.f_globals)


def _write_back(frame: FrameType) -> None:
    try:
        import ctypes

        ctypes.pythonapi.PyFrame_LocalsToFast(ctypes.py_object(frame), ctypes.c_int(0))
    except (ImportError, AttributeError):  # another Python than CPython
        return
