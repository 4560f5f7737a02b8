"""How fast the engine trains the digit networks on this machine, beside PyTorch: `gradbook bench`.

python bench/engine.py [--rounds 7] [--threads 2] [reference blocks flat]
"""

from __future__ import annotations

import sys
from importlib.util import find_spec

from gradbook.cli.main import main

if __name__ == "__main__":
    without = [] if find_spec("torch") else ["--engine-only"]
    sys.exit(main(["bench", *without, *sys.argv[1:]]))
