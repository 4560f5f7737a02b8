"""Which number of a program is taken for its loss, and what nothing can be said of."""

from __future__ import annotations

from gradbook.audit.programs.check_program import check_program

NET = """
import numpy as np

rng = np.random.default_rng(4)
X, Y = INPUTS
W, b = rng.normal(size=(2, 3)), np.zeros((1, 3))
V, c = rng.normal(size=(3, 1)), np.zeros((1, 1))
for epoch in range(40):
    total = 0.0
    for x, y in zip(X, Y):
        x = x.reshape(1, 2)
        h = np.tanh(x @ W + b)
        out = h @ V + c
        error = out - y
        total += ERROR
        dh = error @ V.T * (1 - h**2)
        V -= 0.1 * h.T @ error
        c -= 0.1 * error
        W -= 0.1 * x.T @ dh
        b -= 0.1 * dh
    print(epoch, total / len(X))
"""
INPUTS = "rng.normal(size=(6, 2)), [0, 1, 1, 0, 1, 0]"
ZEROS = "np.zeros((6, 2)), [0, 1, 1, 0, 1, 0]"
SOFTMAX = """
import numpy as np

def softmax(z):
    powers = np.exp(z)
    return powers / np.sum(powers)

def cost(p, k):
    return -np.log(p[k])

rng = np.random.default_rng(5)
x, W, b = rng.normal(size=(4, 3)), rng.normal(size=(3, 2)), np.zeros(2)
for epoch in range(40):
    for k in range(4):
        p = softmax(x[k] @ W + b)
        loss = cost(p, k % 2)
        d = p.copy()
        d[k % 2] -= 1
        d = d * np.sin(p)
        np.sum(softmax(x[k] @ W + b))
        W = W - 0.1 * np.outer(x[k], d)
        b = b - 0.1 * d
"""


def checked(tmp_path, text):
    path = tmp_path / "program.py"
    path.write_text(text, "utf-8")
    return check_program(str(path))


def net(inputs=INPUTS, error="0.5 * (error**2).item()"):
    return NET.replace("INPUTS", inputs).replace("ERROR", error)


def test_a_loss_a_sample_is_that_of_the_sample(tmp_path):
    report = checked(tmp_path, net())
    assert report.verdict == "right", str(report)


def test_a_printed_distance_condemns_no_slopes_of_squares(tmp_path):
    report = checked(tmp_path, net(error="abs(error).item()"))
    assert report.verdict in ("right", "another loss"), str(report)


def test_a_gradient_that_is_always_0_is_not_called_right(tmp_path):
    report = checked(tmp_path, net(inputs=ZEROS))
    assert report.verdict == "unknown", str(report)
    assert "W" in report.models[0].reason
    by_weight = {it.weight: it.is_right for it in report.models[0].gradients}
    assert by_weight == {"W": None, "b": True, "V": True, "c": True}


def test_the_sum_in_a_softmax_is_no_loss(tmp_path):
    report = checked(tmp_path, SOFTMAX)
    assert report.verdict != "right"
    assert report.models[0].loss.span.text in ("cost(p, k % 2)", "-np.log(p[k])")
