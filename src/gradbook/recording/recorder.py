"""What is being recorded now: the tape, whose code counts as the program's, and when to stop.

Knows neither NumPy's protocols nor what a call means.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from time import perf_counter
from types import CodeType, FrameType
from typing import Any

from gradbook.recording.calls import Frame, Tape

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
        self.places: set[Frame] = set()  # that were recorded
        self.known: dict[CodeType, bool] = {}
        self.outermost: CodeType | None = None  # no frame of the program is outside this one's

    def start(self) -> None:
        if not self.is_on and not self.full:
            self.is_on = True
            self.episode += 1

    def pause(self) -> None:
        self.is_on = False

    def resumes_in(self, depth: int = 2) -> bool:
        """Record again where the program comes to a line that was never recorded: another model."""
        frame = sys._getframe(depth)
        count = self.episode - self.episodes_before
        if self.full or count >= MOST_EPISODES or not self.is_program(frame.f_code):
            return False
        if (frame.f_code, frame.f_lasti) in self.places:
            return False
        self.start()
        return True

    def records_in(self, depth: int = 2) -> bool:
        """Whether what the caller's caller computes is to be recorded."""
        if not self.is_on and not self.resumes_in(depth + 1):
            return False
        return self.is_program(sys._getframe(depth).f_code)

    def is_program(self, code: CodeType) -> bool:
        answer = self.known.get(code)
        if answer is None:
            answer = self.known[code] = code.co_filename in self.program_files
        return answer

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

    def frames(self, depth: int = 2) -> tuple[Frame, ...]:
        frame: FrameType | None = sys._getframe(depth)
        frames: list[Frame] = []
        known, steps = self.known, 0
        while frame is not None and len(frames) < FRAMES and steps < DEEPEST:
            code = frame.f_code
            answer = known.get(code)
            if answer is None:
                answer = self.is_program(code)
            if answer:
                frames.append((code, frame.f_lasti))
            elif code is self.outermost:
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
    ) -> int:
        tape = self.tape
        frames = self.frames(3)
        if frames:
            self.places.add(frames[0])
        index = tape.add(function, arguments, options, value, frames, is_random)
        if len(tape) > MOST_CALLS or tape.kept_bytes > MOST_BYTES:
            self.full = True
            self.pause()
        if self.watch is not None:
            self.watch(index)
        if not index & 255 and perf_counter() > self.deadline:
            raise EnoughError
        return index


RECORDER = Recorder()
