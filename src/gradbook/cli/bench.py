"""How fast the engine trains on this machine, beside PyTorch, both taking turns."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from gradbook.cli.options import whole_number
from gradbook.errors import UsageError

if TYPE_CHECKING:
    from gradbook.lab.race import Race

EXAMPLES = """\
  gradbook bench                        the three digit networks, two threads
  gradbook bench flat --threads 1       one network on one thread
  gradbook bench --engine-only          without PyTorch
  gradbook bench --json > bench.json    for a program
"""
VERSION = 1


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("networks", metavar="NET", nargs="*", help="reference, blocks or flat")
    parser.add_argument(
        "--threads", metavar="N", type=whole_number(1, 64), help="default: the machine's, up to 2"
    )
    parser.add_argument(
        "--rounds", metavar="N", type=whole_number(1, 1000), default=7, help="turns (default: 7)"
    )
    parser.add_argument("--engine-only", action="store_true", help="leave PyTorch out")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: Namespace) -> int:
    import os
    from importlib.util import find_spec

    from gradbook.engine.peak import gflops
    from gradbook.lab.race import BATCHES, race
    from gradbook.lab.rivals import MODES

    if not options.engine_only and not find_spec("torch"):
        raise UsageError("the bench needs PyTorch: pip install 'gradbook[torch]', or --engine-only")
    modes = ["engine"] if options.engine_only else ["engine", *MODES]
    threads = options.threads or min(2, os.cpu_count() or 1)
    peak = gflops(threads)
    found = race(options.networks or list(BATCHES), modes, threads, options.rounds, peak)
    print(_json(found, threads, peak) if options.json else _table(found, threads, peak))
    return 0


def _table(found: Race, threads: int, peak: float) -> str:
    lines = [
        f"{threads} thread{'s' * (threads > 1)}; the machine's multiply-adds: {peak:.0f} GFLOP/s",
        "",
        f"{'network':<11}{'batch':>5}  {'mode':<24}{'s an epoch':>10}{'GFLOP/s':>9}{'of peak':>9}",
    ]
    lines += [
        f"{t.network:<11}{t.batch:>5}  {t.mode:<24}{t.seconds_per_epoch:>10.2f}"
        f"{t.gflops:>9.0f}{t.peak_share:>9.0%}"
        for t in found.times
    ]
    lines += [""] if found.ratios else []
    lines += [
        f"{network}: {ratio:.1f} times PyTorch's fastest in float32"
        for network, ratio in found.ratios.items()
    ]
    return "\n".join(lines)


def _json(found: Race, threads: int, peak: float) -> str:
    import json
    import os
    import platform
    from dataclasses import asdict

    from gradbook.engine import compile as compiling

    compiler = compiling.needed()
    machine = {
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "vectors": compiling.vectors(compiler),
        "compiler": compiler.name,
        "peak_gflops": round(peak, 1),
        "threads": threads,
    }
    rows = [asdict(time) for time in found.times]
    content = {"version": VERSION, "machine": machine, "rows": rows, "ratios": found.ratios}
    return json.dumps(content, indent=2)
