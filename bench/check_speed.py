"""Books per second that `gradbook check` audits, beside LibreOffice, which only converts them.

    python bench/check_speed.py [--books N] [--workers N] [--rounds N] [--different N] [--alone]

Half of the books are as `gradbook sheet` writes them, with the tables of thirteen learning rates;
half are single tables in the layouts that people use. Each round checks all books and has a
headless LibreOffice convert them, in turn; both are started anew. It prints books per second in the
quickest round, the processor's seconds in brackets, and the ratio. --alone leaves LibreOffice out;
--different N makes only N books and fills up with copies, as making a book takes longer than
checking it.
"""

from __future__ import annotations

import random
import subprocess
import sys
import warnings
from argparse import ArgumentParser
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from shutil import copyfile
from tempfile import TemporaryDirectory
from time import perf_counter

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.outside.witness import present, program

Time = tuple[float, float]
EPOCHS = (40, 70, 100, 200)  # rows of a table; those that people make have 40 to 200


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--books", type=int, default=100)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--different", type=int, metavar="N", help="others are copies")
    parser.add_argument("--alone", action="store_true", help="without LibreOffice")
    options = parser.parse_args()
    beside = not options.alone and present("libreoffice")
    warnings.simplefilter("ignore")
    with TemporaryDirectory() as folder:
        different = min(options.different or options.books, options.books)
        different += different % 2  # so that a copy has the kind of its original
        groups = _made(Path(folder, "books"), options.books, different)
        for words, books in groups.items():
            _race(words, books, Path(folder), options.workers, options.rounds, beside)


def _made(folder: Path, count: int, different: int) -> dict[str, list[Path]]:
    """Books of small random networks, by their writer."""
    from gradbook.net import parse
    from gradbook.report.workbook import write_workbook
    from tests.audit.material.made import random_network, table_of
    from tests.audit.material.styles import STYLES

    folder.mkdir()
    styles = list(STYLES.values())
    own: list[Path] = []
    laid: list[Path] = []
    for number in range(count):
        draw = random.Random(number)
        text = random_network(draw)
        path = folder / f"{number}.xlsx"
        if number >= different:
            copyfile(folder / f"{number - different}.xlsx", path)
        elif number % 2:
            style = styles[number // 2 % len(styles)]
            style(table_of(text, draw.choice(EPOCHS))).save(path)
        else:
            write_workbook(parse(text), path)
        (laid if number % 2 else own).append(path)
    return {"as sheet writes them": own, "re-laid": laid, "all": [*own, *laid]}


def _race(
    words: str, books: list[Path], folder: Path, workers: int, rounds: int, beside: bool
) -> None:
    ours: list[Time] = []
    theirs: list[Time] = []
    for _ in range(rounds):
        ours.append(_seconds(_check(books, workers)))
        if beside:
            theirs.append(_seconds(_convert(books, folder)))
    size = sum(path.stat().st_size for path in books) / 2**20
    print(f"{words}: {len(books)} books, {size:.1f} MiB")
    print(f"    gradbook     {_rate(books, ours)}")
    if theirs:
        print(f"    LibreOffice  {_rate(books, theirs)}")
        print(f"    {min(theirs)[0] / min(ours)[0]:.2f} times as many", flush=True)


def _rate(books: list[Path], times: list[Time]) -> str:
    wall, worked = min(times)
    return f"{len(books) / wall:5.1f} a second ({wall:.1f} s, {worked:.1f} s of a processor)"


def _check(books: list[Path], workers: int) -> list[str]:
    words = ["check", "--json", "--workers", str(workers), *map(str, books)]
    return [sys.executable, "-m", "gradbook", *words]


def _convert(books: list[Path], folder: Path) -> list[str]:
    profile = (folder / "profile").as_uri()
    words = [
        "--headless",
        "--norestore",
        "--convert-to",
        "xlsx",
        "--outdir",
        str(folder / "copies"),
    ]
    return [program("libreoffice"), f"-env:UserInstallation={profile}", *words, *map(str, books)]


def _seconds(command: list[str]) -> Time:
    """A command's seconds, and its processor's seconds."""
    begun, before = perf_counter(), getrusage(RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = getrusage(RUSAGE_CHILDREN)
    worked = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return perf_counter() - begun, worked


if __name__ == "__main__":
    main()
