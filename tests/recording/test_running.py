"""Whole programs, recorded: they print what they print otherwise, and little is forgotten."""

from __future__ import annotations

import subprocess
import sys

import pytest

from gradbook.errors import GradbookError
from gradbook.recording.running import read_program, without_magics
from tests.cases import for_each

RANDOM = """
import random
import numpy as np
np.random.seed(3)
random.seed(4)
X = np.random.randn(6, 3)
y = np.arange(6)
order = np.random.permutation(6)
print(X[order], y[order], np.random.permutation(X), np.random.permutation([1.5, 2.5, 3.5]))
np.random.shuffle(X)
np.random.shuffle(y)
both = [0.5, 1.5, 2.5]
np.random.shuffle(both)
random.shuffle(both)
print(X, y, both, random.choice(both), random.sample(both, 2), random.random(), random.gauss(0, 1))
print(np.random.choice(y, 4), np.random.choice(6, 3, replace=False), np.random.rand())
print(np.random.lognormal(0, 1, 2))
rng = np.random.default_rng(5)
state = np.random.RandomState(6)
for source in (rng, state):
    print(source.normal(0, 1, (2, 2)), source.choice([0.5, 1.5], 3), source.permutation(X[:, 0]))
    source.shuffle(X)
    print(X, source.random(), source.uniform(size=2), source.poisson(3, 4))
    print(source.dirichlet([1.0, 2.0]))
rng.shuffle(X, axis=1)
print(X, rng.permuted(X, axis=0), rng.permutation(X, axis=1), rng.permuted(X))
print(rng.integers(0, 9, 3))
print(isinstance(state, np.random.RandomState), isinstance(rng, np.random.Generator))
print(random.Random(2).random(), rng.standard_normal(dtype=np.float64))
import copy
print(copy.deepcopy(rng).random(2), rng.random(2))
"""
NUMBERS = """
import json, math, pickle
import numpy as np
lr = 0.1
weights = [0.25, -0.5]
inputs = (1.5, 2.5)
total = sum(w * x for w, x in zip(weights, inputs))
print(total, [total], {"t": total}, (lr,), f"{total:.4f} {total}", "%.3f" % total, str(total))
print(repr(lr))
print(math.exp(total), math.log(inputs[0], 2), math.sqrt(2.0), math.floor(2.7), max(weights))
print(abs(-0.5))
print(round(total, 2), round(1.5), int(2.9), list(range(int(3.2))), total.is_integer(), 0.5 .hex())
print(json.dumps({"lr": lr, "w": weights, "t": total}), pickle.loads(pickle.dumps(weights)))
print(isinstance(lr, float), sorted(weights), {0.5: "half"}[0.5], total == total, 0.1 + 0.2)
print(np.dot(weights, inputs), np.sum(weights), np.mean(weights), np.exp(weights), np.max(inputs))
print([np.float64(0.5), np.mean(weights)], np.array(weights).tolist(), np.array([0.5])[0])
try:
    print(1.0 / 0.0)
except ZeroDivisionError as error:
    print(error)
with np.errstate(all="ignore"):
    print(np.float64(1.0) / 0.0, np.array([1.0])[0] / 0, (-8.0) ** (1 / 3))
x = np.linspace(0, 1, 5)
print(x, x.sum(), x.mean(), x > 0.4, x[x > 0.4], x.astype(int), x.argmax(), x.tolist(), len(x))
print(math.fsum([0.1] * 10), math.erf(0.5), math.hypot(3.0, 4.0), math.atan(1.0))
print(math.prod([0.5, 4.0]))
print(np.array_equal(x, x.copy()), np.allclose(x, x + 1e-12), x.shape, x.dtype, type(x[0] > 0))
print(float("0.5"), float(1), float(np.array([2.0])[0]), np.float64("1.5"), np.int64(2.5))
np.set_printoptions(precision=3, suppress=True)
print(np.array([[0.123456, 1e-9], [1.0, 2.0]]), np.round(x / 3, 2))
print("{:.2f} {:>8} {!r}".format(total, lr, weights[0]), np.float64(2.5).item(), "-" * int(4.0))
"""
ARRAYS = """
import numpy as np
W = np.ones((3, 4)) / 7
W[0] -= 0.5
W.T[1] *= 2
flat = W.reshape(-1)
flat[::2] += 1
W[[0, 1]] = W[[1, 0]]
np.add.at(W, [0, 0], 1.0)
b = np.zeros((1, 4))
b += W.sum(axis=0, keepdims=True)
W[W > 2] = 0
print(W, b, np.divide(b, W, out=np.zeros_like(W), where=W != 0))
A = np.lib.stride_tricks.as_strided(W, (2, 2, 2, 2), W.strides * 2)
print(A, np.apply_along_axis(lambda row: row * W[0], 1, W), np.apply_along_axis(np.sum, 0, W))
scale = np.array(0.5) * 3
print(np.vectorize(lambda v: v * 2)(W), np.vectorize(lambda v: v * scale)(W))
u, s, v = np.linalg.svd(W)
print(np.abs(u @ np.diag(s) @ v[:3] - W).max() < 1e-12, np.linalg.eigh(W @ W.T).eigenvalues.shape)
labels = np.array([0, 2, 1])
print(np.eye(3)[labels], W[np.arange(3), labels], np.argmax(W, axis=1) == labels)
print(np.full((2, 2), W[0, 0]), np.full_like(W, 0.5), np.ones_like(labels), list(map(sum, W)))
for n, row in enumerate(W):
    for value in row:
        print(n, value, end=" ")
print(np.nan_to_num(np.log(np.zeros(2) + 0.5)), np.unique(labels, return_counts=True)[1])
print([a.shape for a in np.split(W, 2, axis=1)], np.meshgrid([0.5, 1.5], [1, 2])[0])
print(np.where(W > 1, W, 0.0), np.pad(W, 1).shape, np.bincount(labels), np.histogram(W, 3)[0])
"""
FILES = """
import io
import numpy as np
stored = np.arange(4, dtype=np.float32)
stored.tofile("numbers.bin")
print(np.fromfile("numbers.bin", dtype=np.float32), np.fromfile("numbers.bin", np.int32))
with open("numbers.bin", "rb") as file:
    print(np.fromfile(file, dtype="<f4", count=2))
    print(np.frombuffer(file.read(), dtype=np.float32))
np.savetxt("table.csv", [[0.5, 1.0], [2.0, 3.5]], delimiter=",")
with open("table.csv") as file:
    print(np.loadtxt(file, delimiter=","))
print(np.genfromtxt("table.csv", delimiter=",")[:, 0], np.loadtxt(io.StringIO("1 2\\n3 4"))[1])
np.savez("both.npz", a=stored.astype(float), b=np.eye(2) * 0.5)
print(np.load("both.npz")["b"])
np.save("one.npy", np.eye(2) * 0.5)
print(np.load("one.npy") * 2)
"""


@for_each("text", [RANDOM, NUMBERS, ARRAYS], ids=["random", "numbers", "arrays"])
def test_a_program_prints_what_it_prints_otherwise(text, run_program, run_plain):
    recorded = run_program(text)
    assert recorded.error == ""
    assert recorded.finished
    assert recorded.output == run_plain(text)
    assert recorded.calls > 20


def test_files_are_read_by_their_own_types(run_program, run_plain):
    written = "np.array([1065353216, 1069547520, 1073741824, 1077936128], '<i4').tofile"
    narrow = FILES.replace("stored.tofile", written)
    for each in (narrow, narrow.replace("dtype=np.float32)\n", "dtype=float)\n", 1)):
        recorded = run_program(each)
        assert recorded.error == ""
        assert recorded.output == run_plain(each)


TRAINING = """
import numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(8, 3)).astype(np.float32)
y = (X.sum(axis=1, keepdims=True) > 0).astype("float32")
W = np.zeros((3, 1), dtype=np.float32)
b = np.float32(0)
for step in range(5):
    p = 1 / (1 + np.exp(-(X @ W + b)))
    loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    W -= 0.5 * X.T @ (p - y) / len(X)
    b = b - np.float32(0.5) * np.mean(p - y)
print(float(loss), W.dtype)
"""


def test_single_precision_is_recorded_in_double(run_program, run_plain):
    recorded = run_program(TRAINING)
    assert recorded.error == ""
    loss, kind = recorded.output.split()
    assert kind == "float64"
    assert float(loss) == pytest.approx(float(run_plain(TRAINING).split()[0]), rel=1e-5)


def test_each_call_has_the_expression_that_made_it(run_program):
    places = run_program(TRAINING + "é = [0.5 *\n   W.max(), W.T[0]]; print(W @ W.T + é[0])").places
    assert places["exp"] == ["np.exp(-(X @ W + b))"] * 5
    assert set(places["matmul"]) == {"X @ W", "0.5 * X.T @ (p - y)", "W @ W.T"}
    assert set(places["mean"]) >= {"np.mean(p - y)"}
    assert "W -= 0.5 * X.T @ (p - y) / len(X)" in places["subtract"]
    assert places["max"] == ["W.max()"]
    assert places["getitem"] == ["W.T[0]"]
    assert "0.5 *\n   W.max()" in places["multiply"]
    assert "W @ W.T + é[0]" in places["add"]


LARGE = """
import numpy as np
X = np.ones((200, 500))
W = np.ones((500, 10)) / 100
for step in range(40):
    H = X @ W
    X = X * 1.0
    W -= 0.001 * X.T @ H
print("done", W[0, 0])
"""


def test_memory_is_bounded_and_the_program_ends(run_program, run_plain):
    recorded = run_program(LARGE, most_bytes=20_000_000)
    assert recorded.full
    assert recorded.kept < 21_000_000
    assert recorded.finished
    assert recorded.output == run_plain(LARGE)


CONSTANTS = """
import numpy as np
from array import array
X = np.ndarray((100, 100))
X[...] = 1
W = np.eye(100)
for step in range(300):
    X[0, 0] = step
    Y = W @ X
"""


def test_arrays_from_elsewhere_count_too(run_program):
    assert run_program(CONSTANTS, most_bytes=10_000_000).full


WITH_LIBRARIES = """
try:
    import pandas as pd
    frame = pd.DataFrame({"a": [0.5, 1.5, 2.5], "b": [1, 2, 3]})
    X = frame[["a", "b"]].values
    print(frame["a"].mean(), frame.describe().shape)
except ImportError:
    X = None
import numpy as np
try:
    import matplotlib.pyplot as plt
    plt.plot(np.linspace(0, 1, 5), np.random.rand(5))
    plt.hist(np.random.rand(10) * 0.5)
    plt.savefig("plot.png")
    plt.show()
except ImportError:
    pass
if X is None:
    X = np.array([[0.5, 1], [1.5, 2], [2.5, 3]])
W = np.full((2, 1), 0.5)
print(X @ W, (X.dot(W) * 2).sum())
"""


def test_pandas_and_matplotlib_may_be_there_or_not(run_program, run_plain):
    without = "import sys\nsys.modules['pandas'] = sys.modules['matplotlib'] = None\n"
    for text in (WITH_LIBRARIES, without + WITH_LIBRARIES):
        recorded = run_program(text)
        assert recorded.error == ""
        assert recorded.output == run_plain(text)
        assert {"X @ W", "X.dot(W)"} <= {*recorded.places["matmul"], *recorded.places["dot"]}


def test_an_error_of_the_program_is_its_own(run_program):
    recorded = run_program("import numpy as np\nx = np.ones(3)\nx @ np.ones(4)\n")
    assert not recorded.finished
    assert recorded.error.startswith("ValueError: matmul")
    assert "invalid syntax" in run_program("x = = 1\n").error


def test_magics_of_a_notebook_leave_no_line_out():
    text = "%matplotlib inline\nx = 1\n  !ls\nx?\n# why?"
    assert without_magics(text).count("\n") == 4
    compile(without_magics("if True:\n    %time x = 1\n    y = 2"), "cell", "exec")
    assert without_magics("%%bash\nls") == ""


@for_each(
    ("name", "data", "reason"),
    [
        ("a.ipynb", b"{}", "not a notebook"),
        ("a.ipynb", b'{"cells": []}', "no code"),
        ("a.py", b"\xff\xfe\x00", "not a text"),
        ("a.py", None, "No such file"),
    ],
)
def test_what_is_no_program_is_refused(name, data, reason, tmp_path):
    path = tmp_path / name
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(GradbookError, match=reason):
        read_program(str(path))


def test_a_notebooks_cells_are_its_program(tmp_path):
    path = tmp_path / "a.ipynb"
    path.write_text(
        '{"cells": [{"cell_type": "markdown", "source": "x"},'
        ' {"cell_type": "code", "source": ["a = 1\\n", "b = 2"]}]}'
    )
    program = read_program(str(path))
    assert program.cells == ("a = 1\nb = 2",)
    assert program.parts[0][0].endswith("a.ipynb#1")


JUDGED = """
import sys
from gradbook.recording import recorder
recorder.MOST_BYTES = 2_300_000
from gradbook.audit.programs.child import _report
report = _report(sys.argv[1], None, 20.0)
print(report.verdict, recorder.RECORDER.full)
"""
FULL = """
import numpy as np
X, y = np.random.default_rng(0).normal(size=(100, 200)), np.ones((100, 1))
W, b = np.full((200, 1), 0.01), np.zeros((1, 1))
for step in range(3000):
    Z = X * 1.0
    p = Z @ W + b
    loss = np.mean((p - y) ** 2)
    d = 2 * (p - y) / len(X)
    W -= 0.001 * Z.T @ SLOPE
    b -= 0.001 * np.sum(d)
"""


@for_each(("slope", "verdict"), [("d", "right True"), ("(d * p)", "wrong True")])
def test_what_was_recorded_before_memory_was_full_is_judged(slope, verdict, tmp_path):
    path = tmp_path / "full.py"
    path.write_text(FULL.replace("SLOPE", slope), "utf-8")
    done = subprocess.run(
        [sys.executable, "-c", JUDGED, str(path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == verdict
