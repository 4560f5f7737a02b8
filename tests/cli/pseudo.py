"""The command, or a shell, under a pseudo-terminal: what it writes there, as it comes."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.cli.emulated import Terminal

PATIENCE = 100  # seconds
COMMAND = (sys.executable, "-m", "gradbook")


class Session:
    """`gradbook WORD…` at a terminal of its own, in a folder."""

    def __init__(
        self,
        *words: str,
        folder: Path,
        program: Sequence[str] = COMMAND,
        columns: int = 80,
        rows: int = 24,
        **environment: str,
    ) -> None:
        import fcntl
        import pty
        import struct
        import termios

        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        unwanted = {"COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "COLORTERM"}
        kept = {name: value for name, value in os.environ.items() if name not in unwanted}
        self.process = subprocess.Popen(
            [*program, *words],
            cwd=folder,
            env={**kept, "TERM": "xterm-256color", "PYTHONUTF8": "1", **environment},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        self.terminal = Terminal(columns, rows)
        self.written = b""

    def until(self, seen: Callable[[str], bool]) -> None:
        """Go on until this is true of what was written."""
        deadline = time.monotonic() + PATIENCE
        while not seen(self.written.decode(errors="ignore")):
            assert time.monotonic() < deadline, self.written
            assert self._read(), self.written

    def type(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def send(self, kind: signal.Signals) -> None:
        self.process.send_signal(kind)

    def end(self) -> int:
        """Wait for the end; the exit code. `terminal` then shows what is left to see."""
        code = self.leave()
        self.terminal.feed(self.written.decode().replace("\r\n", "\n"))
        return code

    def leave(self) -> int:
        """Wait for the end; the exit code."""
        deadline = time.monotonic() + PATIENCE
        while self._read():
            assert time.monotonic() < deadline, self.written
        code = self.process.wait(PATIENCE)
        os.close(self._master)
        return code

    def _read(self) -> bool:
        """Whether there is more to come."""
        ready, _, _ = select.select([self._master], [], [], 0.2)
        if not ready:
            return True
        try:
            some = os.read(self._master, 65_536)
        except OSError:  # Linux says so when the other side is closed
            return False
        self.written += some
        return bool(some)
