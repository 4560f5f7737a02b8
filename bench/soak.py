"""An hour of mixed use with constant kills and interrupts: does anything fail, stay or grow?

    python bench/soak.py [--minutes M] [--workers N] [--seed N]

Workers train, resume, study, check, write sheets, predict, export and more, each in a folder of its
own, some of it twice at once in the same place, and disturb half of it at a random moment with
signal 9, INT, TERM or HUP, or two of them. Beside them `gradbook class serve` marks classes and a
program uses `import gradbook` in a loop; their memory and open files are watched all the time. A
line per minute shows the progress. At the end, or at Ctrl-C, unfinished work is resumed, and a
table shows what was done of each kind, what failed (unexpected exit codes, tracebacks, signals such
as 11), which processes and temporary files are left, and how memory developed.
"""

from __future__ import annotations

import os
import signal
import sys
from argparse import ArgumentParser
from collections import Counter, defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from threading import Event, Lock, Thread
from time import monotonic

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.soaking import errands, watched
from bench.soaking.errands import Done, Errand
from bench.soaking.watched import Watched

LOOK = 5.0  # seconds between looks at memory
FIRST_GUESS = 3.0  # seconds that an errand takes


@dataclass
class Soak:
    """Running errands, and the results of finished ones."""

    folder: Path
    seed: int
    settings: dict[str, str]
    over: Event = field(default_factory=Event)
    done: list[Done] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    def work(self, worker: int) -> None:
        """One errand after the other, until it is over."""
        folder = self.folder / f"worker {worker}"
        errands.furnished(folder)
        draw = Random(f"{self.seed} {worker}")
        usual: dict[str, float] = defaultdict(lambda: FIRST_GUESS)
        while not self.over.is_set():
            errand = draw.choice(errands.KINDS)(folder, draw)
            found = errands.run(errand, folder, draw, usual[errand.kind], self.settings)
            if found.fate == "undisturbed":
                usual[errand.kind] += (found.seconds - usual[errand.kind]) / 4
            self.note(found)

    def note(self, found: Done) -> None:
        with self.lock:
            self.done.append(found)
            if found.fault:
                print(f"FAILED: {found}", flush=True)

    def finish(self) -> None:
        """Continue whatever was interrupted, and use each place once more."""
        for folder in sorted(self.folder.glob("worker *")):
            for run in errands.unfinished(folder):
                self.alone(Errand("resume", ["train", "--resume", run.name]), folder)
            self.alone(Errand("sheet", ["sheet", errands.NET, "-o", "last.xlsx"]), folder)

    def alone(self, errand: Errand, folder: Path) -> None:
        self.note(errands.undisturbed(errand, folder, self.settings))


def main() -> int:
    parser = ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--workers", type=int, default=2, help="errands at once (default: 2)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell may have us ignore
    with TemporaryDirectory(prefix="soak-") as place:
        folder, mark = Path(place), f"{os.getpid()}"
        for name in ("temporary", "loop"):
            (folder / name).mkdir()
        settings = {
            "TMPDIR": str(folder / "temporary"),
            "GRADBOOK_CACHE": str(folder / "cache"),
            watched.MARK: mark,
        }
        soak = Soak(folder, options.seed, settings)
        long_lived = _soaked(soak, options.minutes, options.workers)
        left = watched.processes(mark)
        _show(soak.done, long_lived, left, watched.files(folder))
    return int(bool(left or any(one.fault for one in soak.done)))


def _soaked(soak: Soak, minutes: float, workers: int) -> list[Watched]:
    """Run everything, to its end or to Ctrl-C."""
    threads = [Thread(target=soak.work, args=(number,)) for number in range(workers)]
    errands.furnished(soak.folder / "loop" / "place")
    with (
        watched.serving({watched.MARK: soak.settings[watched.MARK]}) as on,
        watched.looping(soak.folder / "loop" / "place", soak.settings) as program,
    ):
        seen = [Watched("serve", on.process.pid), Watched("import gradbook", program.pid)]
        for thread in threads:
            thread.start()
        with suppress(KeyboardInterrupt):
            _look(soak, seen, minutes)
        soak.over.set()
        for thread in threads:
            thread.join()
        soak.finish()
    return seen


def _look(soak: Soak, seen: Sequence[Watched], minutes: float) -> None:
    """Measure memory every few seconds, and print a line per minute."""
    began, said = monotonic(), 0
    while (passed := (monotonic() - began) / 60) < minutes:
        for one in seen:
            one.look(passed / 60)
        if passed >= said + 1:
            said += 1
            failed = sum(bool(one.fault) for one in soak.done)
            memory = "; ".join(map(str, seen))
            print(f"minute {said}: {len(soak.done)} done, {failed} failed; {memory}", flush=True)
        soak.over.wait(LOOK)


def _show(
    done: Sequence[Done], seen: Sequence[Watched], processes: Sequence[str], files: Sequence[str]
) -> None:
    line = "{:<24} {:>6} {:>10} {:>8}"
    print(line.format("errand", "done", "disturbed", "failed"))
    kinds = Counter(one.errand.kind for one in done)
    for kind, many in [*kinds.most_common(), ("all", len(done))]:
        own = [one for one in done if kind in (one.errand.kind, "all")]
        disturbed = sum(one.fate != "undisturbed" for one in own)
        print(line.format(kind, many, disturbed, sum(bool(one.fault) for one in own)))
    fates = Counter(one.fate for one in done)
    print("by what: " + ", ".join(f"{many} {fate}" for fate, many in fates.most_common()))
    for what, left in (("processes", processes), ("temporary files", files)):
        print(f"{what} left: {len(left)}", *left, sep="\n  ")
    for one in seen:
        print(one.told())


if __name__ == "__main__":
    sys.exit(main())
