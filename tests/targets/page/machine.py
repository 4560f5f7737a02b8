"""The page's machine in node: one process that is asked again and again."""

from __future__ import annotations

import atexit
import json
import subprocess
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from tests.outside.witness import program

SAID = Path(__file__).with_name("asked.js")


@cache
def _process() -> subprocess.Popen[str]:
    words = [program("node"), str(SAID), str(files("gradbook") / "web")]
    started = subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
    )
    atexit.register(started.kill)
    return started


def asked(about: str, **question: Any) -> Any:
    """What the machine answers; numbers that JSON can't say are words such as NaN."""
    node = _process()
    assert node.stdin
    assert node.stdout
    node.stdin.write(json.dumps({"about": about, **question}) + "\n")
    node.stdin.flush()
    said = node.stdout.readline()
    assert said, "node went away"
    return json.loads(said)


def number(said: float | str) -> float:
    return float(said)
