"""Optuna's journal, in a file that optuna-dashboard opens while the study goes on.

One process alone writes it, and makes it anew of the results whenever the study goes on. So it
needs no lock, never waits for the disk, and what was written isn't read again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from gradbook.files import said_plainly

Entry = dict[str, Any]


class Journal:
    """What Optuna's JournalStorage writes to: a line for each entry."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.unread: list[Entry] = []
        with said_plainly("write", path):
            path.write_bytes(b"")

    def append_logs(self, logs: Iterable[Entry]) -> None:
        lines = [json.dumps(entry, separators=(",", ":")) for entry in logs]
        with said_plainly("write", self.path), self.path.open("ab") as file:
            file.write("".join(f"{line}\n" for line in lines).encode())
        self.unread += map(json.loads, lines)

    def read_logs(self, log_number_from: int) -> list[Entry]:
        """Those since it was last asked, which is all that the one who asks doesn't know."""
        found, self.unread = self.unread, []
        return found
