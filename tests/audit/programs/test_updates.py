"""What an update may do beyond the gradient: a law's memories, decay, the loss's penalty."""

from __future__ import annotations

from gradbook.audit.programs.check_program import check_program
from tests.cases import for_each

PROGRAM = """
import numpy as np

rng = np.random.default_rng(3)
x = rng.normal(size=(20, 3))
y = np.sin(x[:, :1]) + 0.5 * x[:, 1:2]
P = [rng.normal(size=(3, 5)), rng.normal(size=(5, 1))]
m, v, u = ([np.zeros_like(p) for p in P] for _ in range(3))
for t in range(1, 30):
    h = np.tanh(x @ P[0])
    error = h @ P[1] - y
    loss = LOSS
    print(loss)
    G = [x.T @ (error @ P[1].T * (1 - h**2)) / 20, h.T @ error / 20]
    for k in range(2):
        g = G[k]
"""
SQUARES = "np.sum(error**2) / 40"
WITH_PENALTY = f"{SQUARES} + 0.05 * (np.sum(P[0] ** 2) + np.sum(P[1] ** 2))"
MEAN = "m[k] = 0.9 * m[k] + 0.1 * g"
SQUARE = "v[k] = 0.99 * v[k] + 0.01 * g**2"
M_HAT, V_HAT = "m[k] / (1 - 0.9**t)", "v[k] / (1 - 0.99**t)"

LAWS = {
    "descent": ["P[k] -= 0.1 * g"],
    "a falling rate": ["P[k] -= 0.1 / (1 + 0.01 * t) * g"],
    "decay": ["P[k] -= 0.1 * g + 0.001 * P[k]"],
    "decay of its own": ["P[k] *= 0.999", "P[k] -= 0.1 * g"],
    "decay by size": ["P[k] -= 0.1 * (g + 0.01 * np.sign(P[k]))"],
    "clipped": ["P[k] -= 0.1 * np.clip(g, -0.05, 0.05)"],
    "clipped by the norm": [
        "size = np.sqrt(sum(np.sum(each**2) for each in G))",
        "P[k] -= 0.1 * g * min(1.0, 0.1 / size)",
    ],
    "normalised": ["P[k] -= 0.1 * g / np.linalg.norm(g)"],
    "signs": ["P[k] -= 0.01 * np.sign(g)"],
    "momentum": ["m[k] = 0.9 * m[k] - 0.1 * g", "P[k] += m[k]"],
    "Nesterov": ["m[k] = 0.9 * m[k] + g", "P[k] -= 0.05 * (g + 0.9 * m[k])"],
    "Adagrad": ["v[k] += g**2", "P[k] -= 0.1 * g / (np.sqrt(v[k]) + 1e-8)"],
    "RMSProp": [SQUARE, "P[k] -= 0.01 * g / np.sqrt(v[k] + 1e-8)"],
    "Adam": [MEAN, SQUARE, f"P[k] -= 0.01 * {M_HAT} / (np.sqrt({V_HAT}) + 1e-8)"],
    "AdamW": [
        *(MEAN, SQUARE),
        f"P[k] -= 0.01 * ({M_HAT} / (np.sqrt({V_HAT}) + 1e-8) + 0.01 * P[k])",
    ],
    "Adam with a penalty": [
        *("g = g + 0.01 * P[k]", MEAN, SQUARE),
        f"P[k] -= 0.01 * {M_HAT} / (np.sqrt({V_HAT}) + 1e-8)",
    ],
    "AMSGrad": [
        *(MEAN, SQUARE, "u[k] = np.maximum(u[k], v[k])"),
        "P[k] -= 0.01 * m[k] / (np.sqrt(u[k]) + 1e-8)",
    ],
    "Adamax": [
        *(MEAN, "u[k] = np.maximum(0.99 * u[k], np.abs(g))"),
        "P[k] -= 0.01 * m[k] / (u[k] + 1e-8)",
    ],
    "AdaBelief": [
        *(MEAN, "v[k] = 0.99 * v[k] + 0.01 * (g - m[k]) ** 2"),
        f"P[k] -= 0.01 * {M_HAT} / (np.sqrt({V_HAT}) + 1e-8)",
    ],
    "Adadelta": [
        SQUARE,
        "step = np.sqrt(u[k] + 1e-9) / np.sqrt(v[k] + 1e-9) * g",
        "u[k] = 0.99 * u[k] + 0.01 * step**2",
        "P[k] -= step",
    ],
    "Lion": ["P[k] -= 0.01 * np.sign(0.9 * m[k] + 0.1 * g)", "m[k] = 0.99 * m[k] + 0.01 * g"],
}
NO_LAWS = {
    "a weight that grows": ["P[k] -= 0.1 * (g - 0.01 * P[k])"],
    "another's decay": ["P[k] -= 0.1 * g + 0.01 * P[0].mean()"],
    "a memory of a memory": [
        *(MEAN, "v[k] = 0.99 * v[k] + 0.01 * m[k] ** 2"),
        f"P[k] -= 0.01 * {M_HAT} / (np.sqrt({V_HAT}) + 1e-8)",
    ],
    "the root of a mean's square": [MEAN, "P[k] -= 0.01 * m[k] / (np.sqrt(m[k] ** 2) + 1e-8)"],
    "no root": [SQUARE, "P[k] -= 0.01 * g / (v[k] + 1e-2)"],
    "up the slope of one": [SQUARE, "P[k] -= 0.01 * (1 - 2 * k) * g / np.sqrt(v[k] + 1e-8)"],
}


def verdict(tmp_path, update, loss=SQUARES):
    path = tmp_path / "program.py"
    lines = "".join(f"        {line}\n" for line in update)
    path.write_text(PROGRAM.replace("LOSS", loss) + lines, "utf-8")
    report = check_program(str(path))
    return report.verdict, report


@for_each("law", [*LAWS])
def test_a_law_is_right(law, tmp_path):
    assert verdict(tmp_path, LAWS[law])[0] == "right"


@for_each("update", [*NO_LAWS])
def test_what_is_no_law_is_not_right(update, tmp_path):
    assert verdict(tmp_path, NO_LAWS[update])[0] in ("wrong", "unknown")


def test_a_penalty_has_the_size_that_the_loss_says(tmp_path):
    right, half = ([f"P[k] -= 0.1 * (g + {times} * P[k])"] for times in (0.1, 0.05))
    assert verdict(tmp_path, right, WITH_PENALTY)[0] == "right"
    assert verdict(tmp_path, half, WITH_PENALTY)[0] in ("wrong", "unknown")
