"""Where something was computed: versions, processor, compiler; so that a result can be repeated."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path

import numpy as np

from gradbook import __version__
from gradbook.amounts import counted
from gradbook.engine import compilers

PROCESSORS = Path("/proc/cpuinfo")
MODEL = re.compile(r"^model name\s*:\s*(.+)$", re.MULTILINE)


def surroundings(threads: int) -> dict[str, str]:
    """What a reader needs to know of what was computed here on so many threads, in words."""
    compiler = compilers.find()
    return {
        "gradbook": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "system": f"{platform.system()} {platform.machine()}",
        "processor": f"{_processor()}, {counted(os.cpu_count() or 1, 'core')}",
        "threads": str(threads),
        "vectors": compilers.vectors(compiler) if compiler else "none",
        "compiler": compiler.name if compiler else "none: NumPy",
    }


def _processor() -> str:
    try:
        found = MODEL.search(PROCESSORS.read_text("utf-8", "replace"))
    except OSError:
        found = None
    return found[1].strip() if found else platform.processor() or platform.machine()
