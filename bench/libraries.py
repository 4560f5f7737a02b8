"""Twenty tasks in gradbook, Keras and scikit-learn: how many lines each needs, and what comes out.

python bench/libraries.py            # the table; about two minutes
python bench/libraries.py --write    # it goes into bench/libraries.md
python bench/libraries.py --speed    # an epoch of 5,000 × 20 beside PyTorch's eager loop
python bench/libraries.py --memory   # what 1 GB of rows takes above itself
python bench/libraries.py --tables [THREADS]  # training and predicting; four minutes
python bench/libraries.py --reading  # tables beside pandas and Polars; two minutes

The scripts are in `side_by_side/`. Lines are those of a function's body as `ruff format` leaves
them, without imports, comments and docstrings, and without the network that most tasks share.
"""

from __future__ import annotations

import ast
import inspect
import io
import os
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import chdir, redirect_stdout
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from statistics import median
from threading import Event, Thread
from time import perf_counter, process_time
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE / "side_by_side")]

import gradbook as gb  # noqa: E402

LIBRARIES = {"gradbook": "own", "Keras": "with_keras", "scikit-learn": "with_sklearn"}
TABLE = HERE / "libraries.md"


def lines_of(task: Callable[..., object]) -> int:
    """The lines of a function's body; 0 if it says only why there is none."""
    text = inspect.getsource(task)
    (function,) = ast.parse(text).body
    assert isinstance(function, ast.FunctionDef)
    statements = [line for line in function.body if not _is_docstring(line)]
    if not statements:
        return 0
    body = text.splitlines()[statements[0].lineno - 1 :]
    return sum(bool(line.strip()) and not line.strip().startswith("#") for line in body)


def _is_docstring(line: ast.stmt) -> bool:
    return isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant)


def result_of(task: Callable[..., object]) -> str:
    """The figure that a task returns, or the kind of error that ends it."""
    from data import made_up

    with tempfile.TemporaryDirectory() as folder, chdir(folder), redirect_stdout(io.StringIO()):
        try:
            return f"{task(*made_up()):.3f}"
        except Exception as error:
            return type(error).__name__


def rows(modules: dict[str, ModuleType]) -> Iterator[list[str]]:
    own = modules["gradbook"]
    for name in [
        n for n, f in vars(own).items() if inspect.isfunction(f) and f.__module__ == "own"
    ]:
        tasks = [getattr(module, name) for module in modules.values()]
        counts = [lines_of(task) for task in tasks]
        both = zip(tasks, counts, strict=True)
        results = [result_of(task) if count else "–" for task, count in both]
        yield [name.replace("_", " "), *(str(count or "–") for count in counts), *results]


def compare(writes: bool) -> None:
    warnings.simplefilter("ignore")
    modules = {name: import_module(file) for name, file in LIBRARIES.items()}
    head = ["task", *(f"{name}, lines" for name in modules), *modules]
    table = [head, ["---", *["---:"] * (2 * len(modules))]]
    for row in rows(modules):
        print("  ".join(f"{cell:20}" for cell in row), flush=True)
        table.append(row)
    more = [row[0] for row in table[2:] if row[2] != "–" and int(row[1]) > int(row[2])]
    print(f"more lines than with Keras: {', '.join(more) or 'none'}")
    if writes:
        text = TABLE.read_text("utf-8")
        before, _, after = text.partition("| task |")
        rest = after.split("\n\n", 1)[1]
        lines = "\n".join(f"| {' | '.join(row)} |" for row in table)
        TABLE.write_text(f"{before}{lines}\n\n{rest}", "utf-8")


# Speed and memory ---------------------------------------------------------------------


def speed() -> None:
    """The processor's time for an epoch from arrays."""
    import torch

    torch.set_num_threads(1)
    random = np.random.default_rng(0)
    x = random.normal(size=(5_000, 20))
    y = (x @ random.normal(size=(20, 3))).argmax(1)
    net = "input 20; dense 64; relu; dense 32; relu; dense 3; softmax; update adam"

    def ours(epochs: int) -> float:
        began = process_time()
        gb.train(net, x, y, epochs=epochs, set="batch 32; schedule constant 0.001")
        return process_time() - began

    ours(100)  # which compiles
    one, other = ours(100), ours(300)
    epoch = (other - one) / 200
    print(
        f"gradbook: {1000 * epoch:.1f} ms an epoch with validation, {one - 100 * epoch:.2f} s once"
    )
    layers = torch.nn
    module = layers.Sequential(
        *(layers.Linear(20, 64), layers.ReLU(), layers.Linear(64, 32), layers.ReLU()),
        layers.Linear(32, 3),
    )
    optimizer = torch.optim.Adam(module.parameters(), 1e-3)
    xs, ys = torch.tensor(x).float(), torch.tensor(y)
    for turn in range(6):
        if turn == 1:
            began = process_time()
        for chosen in torch.randperm(3_472).split(32):  # as many as are trained on above
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(module(xs[chosen]), ys[chosen]).backward()
            optimizer.step()
    theirs = (process_time() - began) / 5
    print(f"PyTorch: {1000 * theirs:.1f} ms an epoch, {theirs / epoch:.0f} times as long")


def memory() -> None:
    """The most memory above 1 GB of rows while a network is trained on them."""
    count, width = 1_250_000, 100
    random, x = np.random.default_rng(0), np.empty((count, width))
    for first in range(0, count, 10_000):
        x[first : first + 10_000] = random.normal(size=(10_000, width))
    y = (x[:, 0] + x[:, 1] > 0).astype(int)
    gb.train("input 2; dense 2", random.normal(size=(40, 2)), [0, 1] * 20, epochs=1)
    net = f"input {width}; dense 8; relu; dense 2; softmax; update adam"
    took, most = with_most_memory(lambda: gb.train(net, x, y, epochs=1, set="batch 256"))
    print(f"{x.nbytes / 1e6:,.0f} MB of rows: {most:,.0f} MB above, {took:.0f} s")


# Tables -------------------------------------------------------------------------------

CLASSES, ROUNDS, HELD_OUT = 3, 3, 10_000
TRAININGS = (  # columns, widths, rows, batch, epochs
    (4, (), 1_000, 32, 10),
    (4, (), 500_000, 200, 2),
    (20, (32,), 1_000, 32, 10),
    (20, (64, 32), 50_000, 32, 2),
    (20, (64, 32), 50_000, 200, 2),
    (50, (64, 32), 500_000, 200, 1),
    (100, (256, 256), 10_000, 200, 3),
)
PREDICTED, SINGLES = (1, 1_000, 500_000), 1_000  # rows at once; so many alone, one after another


def made_rows(count: int, columns: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Rows, and classes that a network can tell apart by more than one plane."""
    random = np.random.default_rng(0)
    x = random.normal(size=(count, columns)).astype(np.float32)
    hidden = np.tanh(x @ random.normal(size=(columns, 16)))
    return x, (hidden @ random.normal(size=(16, CLASSES))).argmax(1)


def net_text(columns: int, widths: Sequence[int]) -> str:
    hidden = "".join(f"dense {width}; relu; " for width in widths)
    return f"input {columns}; {hidden}dense {CLASSES}; softmax; update adam"


def with_gradbook(widths: Sequence[int], x: Any, y: Any, how: Settings) -> Any:
    lines = f"batch {how.batch}; schedule constant 0.001"
    return gb.train(
        net_text(x.shape[1], widths),
        *(x, y),
        validation=0,
        test=0,
        threads=how.threads,
        epochs=how.epochs,
        set=lines,
    ).model


def with_sklearn(widths: Sequence[int], x: Any, y: Any, how: Settings) -> Any:
    from sklearn.neural_network import MLPClassifier

    settings = {"alpha": 0, "tol": 0, "n_iter_no_change": 10**6}
    return MLPClassifier(widths, batch_size=how.batch, max_iter=how.epochs, **settings).fit(x, y)


def with_torch(widths: Sequence[int], x: Any, y: Any, how: Settings) -> Any:
    import torch

    sizes = [x.shape[1], *widths, CLASSES]
    layers: list[Any] = []
    for before, after in pairwise(sizes):
        layers += [torch.nn.Linear(before, after), torch.nn.ReLU()]
    module = torch.nn.Sequential(*layers[:-1])
    optimizer = torch.optim.Adam(module.parameters(), 1e-3)
    xs, ys = torch.tensor(x), torch.tensor(y)
    for _ in range(how.epochs):
        for chosen in torch.randperm(len(xs)).split(how.batch):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(module(xs[chosen]), ys[chosen]).backward()
            optimizer.step()
    return module


@dataclass(frozen=True)
class Settings:
    batch: int
    epochs: int
    threads: int


def share_right(model: Any, x: Any, y: Any) -> float:
    if isinstance(model, gb.Model):
        return float(model.evaluate(x, y).score)
    if hasattr(model, "score"):
        return float(model.score(x, y))
    import torch

    return float((model(torch.tensor(x)).argmax(1).numpy() == y).mean())


def seconds_of(work: Callable[[], Any], clock: Callable[[], float] = perf_counter) -> float:
    began = clock()
    work()
    return clock() - began


def tables(threads: int) -> None:
    """Whole calls in turns, after the compiler's work: medians, of one thread in the processor's
    time, which others on the machine don't change."""
    import torch
    from threadpoolctl import threadpool_limits

    warnings.simplefilter("ignore")
    torch.set_num_threads(threads)
    clock = process_time if threads == 1 else perf_counter
    libraries = {"gradbook": with_gradbook, "scikit-learn": with_sklearn, "PyTorch": with_torch}
    with threadpool_limits(threads), tempfile.TemporaryDirectory() as cache:
        os.environ["GRADBOOK_CACHE"] = cache
        print(f"rows a second with {threads} thread(s), right answers of {HELD_OUT:,} others")
        for columns, widths, count, batch, epochs in TRAININGS:
            x, y = made_rows(count + HELD_OUT, columns)
            how, others = Settings(batch, epochs, threads), (x[count:], y[count:])
            x, y = x[:count], y[:count]
            first = seconds_of(lambda: with_gradbook(widths, x, y, how))  # noqa: B023
            took: dict[str, list[float]] = {name: [] for name in libraries}
            right = dict[str, float]()
            for _ in range(ROUNDS):
                for name, train in libraries.items():
                    began = clock()
                    model = train(widths, x, y, how)
                    took[name].append(clock() - began)
                    right[name] = share_right(model, *others)
            parameters = gb.Net.parse(net_text(columns, widths)).count()
            results = [
                f"{name} {count * epochs / median(took[name]):,.0f} ({right[name]:.3f})"
                for name in libraries
            ]
            print(
                f"{parameters:,} parameters, {count:,} rows, batch {batch}, epochs {epochs}:",
                end=" ",
            )
            print("; ".join(results), f"- the first call took {first:.2f} s", flush=True)
        predictions(threads, clock)
        estimators(threads, clock)


def predictions(threads: int, clock: Callable[[], float]) -> None:
    x, y = made_rows(max(PREDICTED), 50)
    learned, how = slice(0, 50_000), Settings(200, 5, threads)
    models = [
        train((64, 32), x[learned], y[learned], how) for train in (with_gradbook, with_sklearn)
    ]
    for real in (np.float32, np.float64):
        for count in PREDICTED:
            calls, times = (SINGLES, 5) if count == 1 else (1, max(5, 30_000 // count))
            rows = x[: calls * count].reshape(calls, count, -1).astype(real)
            targets = y[: calls * count].reshape(calls, count)
            works = [
                *(partial(in_turn, model.predict, rows) for model in models),
                partial(in_turn, models[1].predict_proba, rows),
                partial(in_turn, models[0].evaluate, rows, targets),
                partial(in_turn, models[1].score, rows, targets),
            ]
            took = [[seconds_of(work, clock) for work in works] for _ in range(times)]
            each = [f"{1e6 * median(column) / calls:,.0f}" for column in zip(*took, strict=True)]
            print(
                f"{count:,} rows of {real.__name__}, µs of {clock.__name__}: gradbook's predict",
                end=" ",
            )
            print("{}, scikit-learn's {}, its predict_proba {};".format(*each[:3]), end=" ")
            print("evaluate {}, its score {}".format(*each[3:]), flush=True)


def in_turn(answer: Callable[..., Any], *parts: Any) -> None:
    for each in zip(*parts, strict=True):
        answer(*each)


def estimators(threads: int, clock: Callable[[], float]) -> None:
    from gradbook.sklearn import NetClassifier

    x, y = made_rows(500_000, 50)
    x, how, net = x.astype(np.float64), Settings(200, 2, threads), net_text(50, (64, 32))
    fitted = NetClassifier(
        net, epochs=2, batch=200, schedule="constant 0.001", threads=threads, random_state=0
    )
    works = {
        "gb.train": partial(with_gradbook, (64, 32), x, y, how),
        "NetClassifier": partial(fitted.fit, x, y),
        "MLPClassifier": partial(with_sklearn, (64, 32), x, y, how),
    }
    for name, work in works.items():
        work()
        took, most = zip(*(with_most_memory(work, clock) for _ in range(ROUNDS)), strict=True)
        print(f"{name}: {median(took):.2f} s, {max(most):,.0f} MB above {x.nbytes / 1e6:,.0f}")


# Reading ------------------------------------------------------------------------------

READ = {  # rows, columns of numbers, their digits, columns of words
    "30 MB, 19 columns of 5 digits and 2 of words": (190_000, 19, 5, 2),
    "1 GB, 20 columns of 17 digits": (2_500_000, 20, 17, 0),
}
READERS = ("gradbook", "pandas", "Polars")


def write_table(path: str, rows: int, columns: int, digits: int, words: int) -> None:
    random, written = np.random.default_rng(0), f"{{:.{digits}g}}".format
    with open(path, "w", encoding="utf-8") as file:
        file.write(",".join(f"x{k}" for k in range(columns + words)) + "\n")
        for _ in range(0, rows, 5_000):
            for row in random.normal(size=(5_000, columns)).tolist():
                kinds = random.choice(["red", "green", "blue"], words) if words else ()
                file.write(",".join([*map(written, row), *kinds]) + "\n")


def read_with(library: str, path: str) -> None:
    """Read all columns, as numbers: in a process of its own, whose memory is measured."""
    if library == "gradbook":
        from gradbook.data.tables import encode, read_columns

        def read() -> Any:
            table = read_columns(path)
            return encode(table, [table.column(name) for name in table.names])
    else:
        read = partial(import_module(library.lower()).read_csv, path)
    (took, most), used = with_most_memory(read), process_time()
    print(f"{library}: {used:.2f} s of the processor with its start, {took:.2f} s, {most:,.0f} MB")


def reading() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, "table.csv"))
        for title, (rows, columns, digits, words) in READ.items():
            write_table(path, rows, columns, digits, words)
            print(f"{title}, {rows:,} rows, {os.path.getsize(path) / 1e6:,.0f} MB", flush=True)
            for library in READERS:
                if find_spec(library.lower()):
                    subprocess.run([sys.executable, __file__, "--read", library, path], check=True)


def with_most_memory(
    work: Callable[[], Any], clock: Callable[[], float] = perf_counter
) -> tuple[float, float]:
    """How long it took, and the most megabytes above those before it."""

    def used() -> float:
        pages = int(Path("/proc/self/statm").read_text("utf-8").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    base, most, done = used(), [0.0], Event()

    def watch() -> None:
        while not done.wait(0.003):
            most[0] = max(most[0], used())

    watching = Thread(target=watch, daemon=True)
    watching.start()
    took = seconds_of(work, clock)
    done.set()
    watching.join()
    return took, most[0] - base


def main() -> None:
    os.environ.setdefault("KERAS_BACKEND", "torch")
    if "--speed" in sys.argv:
        speed()
    elif "--memory" in sys.argv:
        memory()
    elif "--reading" in sys.argv:
        reading()
    elif "--read" in sys.argv:
        read_with(*sys.argv[-2:])
    elif "--tables" in sys.argv:
        tables(int(sys.argv[-1]) if sys.argv[-1].isdigit() else 1)
    else:
        compare("--write" in sys.argv)


if __name__ == "__main__":
    main()
