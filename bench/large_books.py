"""The verdict, time and memory of `gradbook check` for books that are large or hard to judge.

    python bench/large_books.py [NAME …]

Each book is made, then checked in a process of its own. It prints the processor's seconds, the peak
memory and the verdict; no book may take more than 10 seconds and 300 MB.
"""

from __future__ import annotations

import csv
import os
import random
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from xlsxwriter import Workbook

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.audit.material.long_tables import STEP, table

LONGEST, LARGEST = 10.0, 300.0  # seconds of a processor, megabytes
Make = Callable[[Path], object]


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="default: all")
    wanted = parser.parse_args().names
    with TemporaryDirectory() as folder:
        for name, make in BOOKS.items():
            if not wanted or name in wanted:
                path = Path(folder, "book.xlsx")
                path.unlink(missing_ok=True)
                make(path)
                print(f"{name:34}{path.stat().st_size / 2**20:6.1f} MB  {_told(path)}", flush=True)


def _told(path: Path) -> str:
    """The cost of checking a book, and the first line of the output."""
    command = [sys.executable, "-m", "gradbook", "check", path.name]
    process = subprocess.Popen(command, cwd=path.parent, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    said = process.stdout.read().splitlines()
    _, _, used = os.wait4(process.pid, 0)
    seconds, megabytes = used.ru_utime + used.ru_stime, used.ru_maxrss / 1024
    over = "  TOO MUCH" if seconds > LONGEST or megabytes > LARGEST else ""
    verdict = said[0].partition(": ")[2] if said else "nothing"
    return f"{seconds:5.1f} s {megabytes:5.0f} MB{over}  {verdict}"


# Long tables ---------------------------------------------------------------------


def each_row_wrong(path: Path, rows: int) -> None:
    """Every row has a mistake of its own in one of its gradients."""
    draw = random.Random(rows)
    spoilt = {}
    for row in range(3, rows + 3):
        number = f"*{draw.uniform(0.5, 2):.4f}+{draw.choice('xtahy')}"
        place = draw.choice(["{y}", "{t}", "{a}"])
        name = draw.choice(["g1", "g2"])
        wrong = STEP[name].replace(place, f"({place}{number[: number.index('+')]})", 1)
        spoilt[row] = {name: f"{wrong}+{{{number[-1]}}}*{draw.uniform(0.1, 1):.3f}"}
    table(path, rows + 1, spoilt)


# By the perceptron rule ------------------------------------------------------------


def perceptron(
    path: Path, rows: int, block: int = 0, momentum: str = "", differs: bool = False
) -> None:
    """A row for each sample; after each block of them two rows are empty."""
    draw = random.Random(rows)
    with Workbook(str(path)) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["rate", 0.1, "momentum", 0.5])
        sheet.write_row(1, 0, ["x1", "x2", "target", "w1", "w2", "b", "sum", "output", "error"])
        before, at = 0, 2
        for k in range(rows):
            at += 3 if block and k and k % block == 0 else 1
            x1, x2 = draw.gauss(0, 1), draw.gauss(0, 1)
            sheet.write_row(at - 1, 0, [round(x1, 2), round(x2, 2), float(x1 + x2 > 0)])
            for column, x in zip("DEF", ("*A{0}", "*B{0}", ""), strict=True):
                change = f"$B$1*I{{0}}{x}" + (f"*{1 + k / 1000}" if differs else "")
                beside = chr(ord(column) + 6)
                if momentum:
                    more = momentum.format(f"{beside}{before}") if before else ""
                    sheet.write_formula(f"{beside}{at}", f"={change.format(at)}{more}", None, 0.1)
                    change = f"{beside}{{0}}"
                update = f"={column}{{0}}+{change}".format(before) if before else "=0.1"
                sheet.write_formula(f"{column}{at}", update, None, 0.1)
            sheet.write_formula(f"G{at}", f"=A{at}*D{at}+B{at}*E{at}+F{at}", None, 0.1)
            sheet.write_formula(f"H{at}", f"=IF(G{at}>0,1,0)", None, 1)
            sheet.write_formula(f"I{at}", f"=C{at}-H{at}", None, 0)
            before = at


# As `sheet` writes them ----------------------------------------------------------


def ours(path: Path, text: str, data: bool = False) -> None:
    """A book as `gradbook sheet` writes it, with random samples if it has a table of them."""
    command = [sys.executable, "-m", "gradbook", "sheet", text, "-o", path.name]
    if data:
        draw = random.Random(1)
        with (path.parent / "flowers.csv").open("w", newline="") as file:
            for kind in range(150):
                given = [f"{draw.gauss(3 + kind % 3, 0.5):.1f}" for _ in range(4)]
                csv.writer(file).writerow([*given, "abc"[kind % 3]])
        command += ["--data", "flowers.csv", "--epochs", "20"]
    subprocess.run(command, cwd=path.parent, check=True, stdout=subprocess.DEVNULL)


# Formulas that are hard to judge -------------------------------------------------


def steps(path: Path, said: Mapping[str, str], loss: str, gradient: str, weights: int = 1) -> None:
    """Weights below each other that learn from column to column; 1,000 numbers in column A.

    {w} is the weights' cells, {x} the numbers, {v} what each makes of the first weight.
    """
    first, rows = 5, 1000
    with Workbook(str(path)) as book:
        sheet, data = book.add_worksheet(), book.add_worksheet("Data")
        data.write_column(0, 0, [0.001 * k for k in range(rows)])
        for step in range(6):
            column = chr(66 + step)
            names = {
                "x": f"Data!$A$1:$A${rows}",
                "v": f"Data!{column}$1:{column}${rows}",
                "w": f"{column}{first}",
                "ws": f"{column}{first}:{column}{first + weights - 1}",
                **{f"w{k}": f"{column}{first + k}" for k in range(weights)},
            }
            for k in range(rows if "v" in said else 0):
                data.write_formula(
                    k, step + 1, said["v"].format(x=f"$A{k + 1}", w=f"Sheet1!{column}${first}")
                )
            sheet.write_array_formula(1, step + 1, 1, step + 1, "{" + loss.format_map(names) + "}")
            for k in range(weights):
                slope = gradient.format_map(
                    names | {"one": names[f"w{k}"], "k": f"Data!$A${k + 1}"}
                )
                sheet.write_array_formula(599 + k, step + 1, 599 + k, step + 1, "{" + slope + "}")
                below = first - 1 + k
                if step:
                    before = chr(65 + step)
                    sheet.write_formula(
                        below, step + 1, f"={before}{below + 1}-0.01*{before}{600 + k}"
                    )
                else:
                    sheet.write(below, 1, 0.1 + 0.01 * k)
        sheet.write_column(0, 0, ["step", "loss"])


def nested(path: Path, deep: int) -> None:
    """A loss, and a gradient with one number wrong, of brackets within brackets."""
    value, slope = "1", f"{deep}"
    for k in range(deep, 0, -1):
        value = f"(1+{{w}}*{value}/{k})"
        slope = f"({k if k != deep // 2 else k + 0.5}+{{w}}*{slope})"
    value = "1"
    for _ in range(deep):
        value = f"(1+{{w}}*{value})"
    steps(path, {}, f"=0.5*({value}-3)^2", f"=({value}-3)*{slope}")


def many_terms(path: Path, count: int) -> None:
    """Gradients that are sums of hundreds of terms, one of which is wrong."""
    made = "+".join(f"{{w{k}}}*Data!$A${k + 1}" for k in range(count))
    wrong = made.replace("{w7}", "{w8}")
    steps(path, {}, f"=0.5*({made}-1)^2", f"=({wrong}-1)*{{k}}", count)


ADAM = (
    "input 4; dense 5; tanh; dense 5; tanh; dense 3; softmax; loss cross-entropy; update adam; "
    "sample 1 2 3 4 -> 1 0 0; sample 2 2 3 1 -> 0 1 0; sample 3 0 1 2 -> 0 0 1"
)
LINE = {"v": "={x}*{w}"}
BOOKS: dict[str, Make] = {
    "a million formulas": partial(table, rows=91_000),
    "… with a wrong one in row 5,000": partial(
        table, rows=91_000, spoilt={5000: {"g2": "=({y}-{t})*{y}*(1-{y})*{x}"}}
    ),
    "the flowers of `help sheet`": partial(
        ours, text="input 4; dense 3; softmax; loss cross-entropy", data=True
    ),
    "73 parameters by Adam": partial(ours, text=ADAM),
    "60 rows, each wrong in its way": partial(each_row_wrong, rows=60),
    "600 rows, each wrong in its way": partial(each_row_wrong, rows=600),
    "14,000 samples of a perceptron": partial(perceptron, rows=14_000),
    "750 epochs of a perceptron": partial(perceptron, rows=3_000, block=4),
    "… with momentum": partial(perceptron, rows=3_000, momentum="+$D$1*{}"),
    "… each row's formula another": partial(perceptron, rows=3_000, differs=True),
    "nested 30 deep": partial(nested, deep=30),
    "nested 90 deep": partial(nested, deep=90),
    "SUM(col*TRANSPOSE(col))": partial(
        steps, said=LINE, loss="=SUM({v}*TRANSPOSE({v}))", gradient="=2*SUM({v}*TRANSPOSE({x}))"
    ),
    "… wrong": partial(
        steps, said=LINE, loss="=SUM({v}*TRANSPOSE({v}))", gradient="=SUM({v}*TRANSPOSE({v}))"
    ),
    "outer products by MMULT": partial(
        steps,
        said=LINE,
        loss="=SUM(MMULT({v},TRANSPOSE({v})))",
        gradient="=2*SUM(MMULT({v},TRANSPOSE({x})))",
    ),
    "200 terms": partial(many_terms, count=200),
    "400 terms": partial(many_terms, count=400),
}

if __name__ == "__main__":
    main()
