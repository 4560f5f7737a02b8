"""Twenty tasks in gradbook, Keras and scikit-learn: how many lines each needs, and what comes out.

python bench/libraries.py            # the table; about two minutes
python bench/libraries.py --write    # it goes into bench/libraries.md
python bench/libraries.py --speed    # an epoch of 5,000 × 20 beside PyTorch's eager loop
python bench/libraries.py --memory   # what 1 GB of rows takes above itself

The scripts are in `side_by_side/`. Lines are those of a function's body as `ruff format` leaves
them, without imports, comments and docstrings, and without the network that most tasks share.
"""

from __future__ import annotations

import ast
import inspect
import io
import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import chdir, redirect_stdout
from importlib import import_module
from pathlib import Path
from threading import Event, Thread
from time import perf_counter, process_time
from types import ModuleType

import numpy as np

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE / "side_by_side")]

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

    import gradbook as gb

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
    import gradbook as gb

    count, width = 1_250_000, 100
    random, x = np.random.default_rng(0), np.empty((count, width))
    for first in range(0, count, 10_000):
        x[first : first + 10_000] = random.normal(size=(10_000, width))
    y = (x[:, 0] + x[:, 1] > 0).astype(int)
    gb.train("input 2; dense 2", random.normal(size=(40, 2)), [0, 1] * 20, epochs=1)

    def used() -> float:
        pages = int(Path("/proc/self/statm").read_text("utf-8").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    base, most, done = used(), [0.0], Event()

    def watch() -> None:
        while not done.wait(0.003):
            most[0] = max(most[0], used())

    watching = Thread(target=watch, daemon=True)
    watching.start()
    began = perf_counter()
    net = f"input {width}; dense 8; relu; dense 2; softmax; update adam"
    gb.train(net, x, y, epochs=1, set="batch 256")
    done.set()
    watching.join()
    took = perf_counter() - began
    print(f"{x.nbytes / 1e6:,.0f} MB of rows: {most[0] - base:,.0f} MB above, {took:.0f} s")


def main() -> None:
    os.environ.setdefault("KERAS_BACKEND", "torch")
    if "--speed" in sys.argv:
        speed()
    elif "--memory" in sys.argv:
        memory()
    else:
        compare("--write" in sys.argv)


if __name__ == "__main__":
    main()
