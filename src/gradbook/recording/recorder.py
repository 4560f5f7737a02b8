"""What is being recorded now: the tape, whose code counts as the program's, and when to stop.

Knows neither NumPy's protocols nor what a call means.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from time import perf_counter
from types import CodeType, FrameType
from typing import Any

from gradbook.recording.calls import CallFrame, Tape

MOST_CALLS = 400_000
MOST_BYTES = 2_000_000_000
FRAMES = 5  # of the program's own functions that a call's place keeps
DEEPEST = 80
MOST_EPISODES = 12


class EnoughError(BaseException):
    """The program needn't go on: no error of its own, so no handler of its own catches it."""


class Recorder:
    """One for each process that runs a program."""

    def __init__(self) -> None:
        self.tape = Tape()
        self.is_on = False
        self.episode = 0  # counts how often recording began; numbers of an earlier one are leaves
        self.episodes_before = 0  # of other recordings in the same process
        self.program_files: set[str] = set()
        self.watch: Callable[[int], None] | None = None  # is called with each call's index
        self.deadline = float("inf")
        self.full = False
        self.begins_anew = False  # with an empty tape, where something is computed next
        self.places: dict[tuple[int, int], CallFrame] = {}  # by a code's id and the instruction
        self.recorded: set[CallFrame] = set()
        self.known: dict[int, bool] = {}  # by a code's id: whether it is the program's
        self.codes: list[CodeType] = []  # known ones, so that no id is used again
        self.outer: FrameType | None = None  # the frame around the last call's, where it stood
        self.outer_at = -1
        self.around: tuple[CallFrame, ...] = ()
        self.outermost: CodeType | None = None  # no frame of the program is outside this one's

    def start(self) -> None:
        if not self.is_on and not self.full:
            self.is_on = True
            self.episode += 1

    def pause(self) -> None:
        self.is_on, self.outer = False, None

    def resumes_in(self, depth: int = 2) -> bool:
        """Record again where the program comes to a line that was never recorded: another model."""
        if self.begins_anew:
            self.begins_anew = False
            self.tape.clear()
            self.start()
            return True
        count = self.episode - self.episodes_before
        if self.full or count >= MOST_EPISODES:
            return False
        frame = sys._getframe(depth)
        if not self.is_program(frame.f_code) or self.place(frame) in self.recorded:
            return False
        self.start()
        return True

    def is_program(self, code: CodeType) -> bool:
        answer = self.known.get(id(code))
        if answer is None:
            return self._know(code, code.co_filename in self.program_files)
        return answer

    def leave_out(self, code: CodeType) -> None:
        self._know(code, False)

    def _know(self, code: CodeType, answer: bool) -> bool:
        self.known[id(code)] = answer
        self.codes.append(code)
        return answer

    def place(self, frame: FrameType) -> CallFrame:
        """Of a frame of the program."""
        code = frame.f_code
        key = (id(code), frame.f_lasti)
        place = self.places.get(key)
        if place is None:
            place = self.places[key] = CallFrame((code, frame.f_lasti))
        return place

    def called_by_program(self, depth: int = 2) -> bool:
        return self.is_program(sys._getframe(depth).f_code)

    def is_within_program(self, depth: int = 2) -> bool:
        frame: FrameType | None = sys._getframe(depth)
        steps = 0
        while frame is not None and steps < DEEPEST:
            if self.is_program(frame.f_code):
                return True
            frame = frame.f_back
            steps += 1
        return False

    def frames(self, frame: FrameType) -> tuple[CallFrame, ...]:
        """Where the program is: this frame, and those around it, which stand still meanwhile."""
        outer = frame.f_back
        if outer is None or outer is not self.outer or outer.f_lasti != self.outer_at:
            self.around = self._walk(outer)
            is_moved = outer is None or outer.f_code.co_flags & inspect.CO_GENERATOR
            self.outer = None if is_moved else outer  # a generator is also called from elsewhere
            self.outer_at = outer.f_lasti if outer is not None else -1
        if self.is_program(frame.f_code):
            return (self.place(frame), *self.around[: FRAMES - 1])
        return self.around

    def _walk(self, frame: FrameType | None) -> tuple[CallFrame, ...]:
        frames: list[CallFrame] = []
        steps = 0
        while frame is not None and steps < DEEPEST and len(frames) < FRAMES:
            if self.is_program(frame.f_code):
                frames.append(self.place(frame))
            elif frame.f_code is self.outermost:
                break
            frame = frame.f_back
            steps += 1
        return tuple(frames)

    def add(
        self,
        function: Callable[..., Any] | None,
        arguments: tuple[Any, ...],
        options: dict[str, Any],
        value: Any,
        is_random: bool = False,
        frame: FrameType | None = None,
    ) -> int:
        frames = self.frames(frame or sys._getframe(2))
        if frames:
            self.recorded.add(frames[0])
        index = self.tape.add(function, arguments, options, value, frames, is_random)
        if self.watch is not None:
            self.watch(index)
        if not index & 255 or self.tape.kept_bytes > MOST_BYTES:
            self._look_at_limits()
        return index

    def _look_at_limits(self) -> None:
        if len(self.tape) > MOST_CALLS or self.tape.kept_bytes > MOST_BYTES:
            forget = getattr(self.watch, "forget", None)
            self.begins_anew = forget is not None and forget()
            self.full = not self.begins_anew
            self.pause()
        if perf_counter() > self.deadline:
            raise EnoughError


RECORDER = Recorder()
