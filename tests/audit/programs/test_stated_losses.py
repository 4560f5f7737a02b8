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


def mistake(tmp_path, text):
    """The only one of the only training."""
    (model,) = checked(tmp_path, text).models
    (finding,) = model.findings
    return finding


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


LIKELIHOOD = """
import numpy as np

rng = np.random.default_rng(3)
X = rng.normal(size=(40, 4))
T = np.eye(3)[np.argmax(X[:, :3], axis=1)] * 0.9 + 0.1 / 3
W, b, decay = 0.1 * rng.normal(size=(4, 3)), np.zeros(3), 0.01
for epoch in range(30):
    z = X @ W + b
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    loss = -(T * np.log(p)).sum() / len(X) + 0.5 * decay * (W**2).sum()
    dz = (p - T) / len(X)
    dW = X.T @ dz + PENALTY
    W -= 0.2 * dW
    b -= 0.2 * dz.sum(axis=0)
"""


def test_a_likelihood_without_its_penalty_is_not_the_loss(tmp_path):
    """Though the gradients are those of the likelihood, and a decay of some size."""
    assert checked(tmp_path, LIKELIHOOD.replace("PENALTY", "decay * W")).verdict == "right"
    finding = mistake(tmp_path, LIKELIHOOD.replace("PENALTY", "2 * decay * W"))
    assert finding.replacement == "decay * W"


FACTORS = """
import numpy as np

rng = np.random.default_rng(11)
R = rng.integers(1, 6, size=(6, 7)).astype(float)
U, V = 0.3 * rng.normal(size=(6, 2)), 0.3 * rng.normal(size=(7, 2))
for epoch in range(30):
    E = U @ V.T - R
    loss = (E**2).sum() + 0.1 * (U**2).sum() + 0.1 * (V**2).sum()
    gU = 2 * E @ V + 0.2 * U
    gV = E.T @ U + 0.2 * V
    U, V = U - 0.01 * gU, V - 0.01 * gV
"""


def test_a_term_that_lacks_the_two_of_a_square_is_named(tmp_path):
    finding = mistake(tmp_path, FACTORS)
    assert "2 * E.T" in finding.replacement
    assert "slope of a square" in str(finding.why)


COUNTED = """
import numpy as np

rng = np.random.default_rng(0)
words, ends = rng.integers(0, 2, size=(12, 4)), [0, 1, 1, 0, 1, 0, 1, 1, 0, 0, 1, 0]
W, U, V = 0.5 * rng.normal(size=(3, 1)), 0.5 * rng.normal(size=(3, 3)), rng.normal(size=(1, 3))
for epoch in range(10):
    total, dW, dU, dV = 0, np.zeros_like(W), np.zeros_like(U), np.zeros_like(V)
    for word, t in zip(words, ends):
        h = {-1: np.zeros((3, 1))}
        for k in range(4):
            h[k] = np.tanh(W * word[k] + U @ h[k - 1])
        o = 1 / (1 + np.exp(-V @ h[3]))
        total += (0.5 * (o - t) ** 2).item()
        do = (o - t) * o * (1 - o)
        dV += do @ h[3].T
        dh = V.T @ do
        for k in reversed(range(4)):
            da = dh * (1 - h[k] ** 2)
            dW, dU = dW + da * word[k], dU + da @ h[k - 1].T
            dh = U @ da
    W, U, V = W - 0.1 * dW, U - 0.1 * dU, V - 0.1 * dV
"""


def test_targets_of_which_some_are_one_belong_to_one_loss(tmp_path):
    assert mistake(tmp_path, COUNTED).replacement == "U.T"


DOUBLED = """
import numpy as np

rng = np.random.default_rng(3)
X = rng.normal(size=(40, 4))
T = np.eye(3)[np.argmax(X[:, :3], axis=1)]
W, b = 0.1 * rng.normal(size=(4, 3)), np.zeros(3)
for epoch in range(30):
    z = X @ W + b
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    loss = -2 * (T * np.log(p)).sum()
    dW = 2 * X.T @ (p - T)
    db = (p - T).sum(axis=0)
    W, b = W - 0.01 * dW, b - 0.01 * db
"""


def test_where_no_square_is_twice_is_measured_by_the_other_gradients(tmp_path):
    finding = mistake(tmp_path, DOUBLED)
    assert finding.replacement == "2 * (p - T).sum(axis=0)"
    assert "other gradients" in str(finding.why)
