"""A program that is wrong in two places, and what is found in it, written down by hand.

What a judge finds in real programs is in tests/audit/programs; these records have what it rarely
finds all at once, so that each way to show it can be looked at.
"""

from __future__ import annotations

from dataclasses import replace

from gradbook.audit.programs.program_report import (
    Gradient,
    NamedValue,
    ProgramFinding,
    ProgramLoss,
    ProgramModel,
    ProgramReport,
    SourceEdit,
    SourceFile,
    SourceSpan,
)

XOR = """\
import numpy as np

rng = np.random.default_rng(1)
X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
y = np.array([[0], [1], [1], [0]])
W1, b1 = rng.normal(size=(2, 3)), np.zeros(3)
W2, b2 = rng.normal(size=(3, 1)), np.zeros(1)
m, rate = len(X), 0.5

for epoch in range(1000):
    # forward
    z1 = X @ W1 + b1
    a1 = np.tanh(z1)
    a2 = 1 / (1 + np.exp(-(a1 @ W2 + b2)))
    loss = -np.mean(y * np.log(a2) + (1 - y) * np.log(1 - a2))
    # backward
    dz2 = (a2 - y) / m
    dW2 = a1.T @ dz2
    db2 = dz2.sum(axis=0)
    dz1 = dz2 @ W2.T * a1 * (1 - a1)
    dW1 = X.T @ dz1
    db1 = dz1.sum()
    # update
    W1, b1 = W1 - rate * dW1, b1 - rate * db1
    W2, b2 = W2 - rate * dW2, b2 - rate * db2
"""


def span_of(
    part: str, text: str = XOR, file: str = "xor.py", cell: int | None = None
) -> SourceSpan:
    """Where a text first has this part."""
    before, found, _ = text.partition(part)
    assert found, part
    line, end_line = before.count("\n") + 1, (before + part).count("\n") + 1
    column = len(before) - before.rfind("\n") - 1
    end = len(before + part) - (before + part).rfind("\n") - 1
    return SourceSpan(file, line, column, end_line, end, part, cell)


def finding_of(
    part: str, right: str | None, why: str, note: str, *gradients: str, kind: str = "operand"
) -> ProgramFinding:
    span = span_of(part)
    edits = (SourceEdit(span, right),) if right is not None else ()
    return ProgramFinding(span, right, why, note, kind, gradients, (), edits)


SLOPE = finding_of(
    "a1 * (1 - a1)",
    "(1 - a1**2)",
    "`a1` is `tanh(z1)`, line 13: its slope is 1 − a1²; what you wrote is the slope of the "
    "sigmoid.",
    "slope of sigmoid; a1 is tanh",
    *("dW1", "db1"),
    kind="slope",
)
AXIS = finding_of(
    "dz1.sum()",
    "dz1.sum(axis=0)",
    "It adds all 12 numbers of 4 samples × 3 units. Each of the 3 biases needs the sum over its "
    "own 4.",
    "one sum for all three biases",
    "db1",
    kind="axis",
)


def gradient_of(
    name: str, shape: tuple[int, ...], yours: float, exact: float, update: str, source: str
) -> Gradient:
    off = abs(yours - exact)
    return Gradient(
        name,
        name[1:],
        shape,
        off < 1e-9,
        (0,) * len(shape),
        yours,
        exact,
        off,
        None,
        span_of(update),
        span_of(source),
    )


GRADIENTS = (
    gradient_of("dW1", (2, 3), 0.145545, 0.003934, "W1 - rate * dW1", "X.T @ dz1"),
    gradient_of("db1", (3,), 0.076102, -0.054167, "b1 - rate * db1", "dz1.sum()"),
    gradient_of("dW2", (3, 1), -0.120359, -0.120359, "W2 - rate * dW2", "a1.T @ dz2"),
    gradient_of("db2", (1,), 0.146198, 0.146198, "b2 - rate * db2", "dz2.sum(axis=0)"),
)
EXACT = tuple(replace(it, yours=it.exact, is_right=True, difference=9e-11) for it in GRADIENTS)
LOSS = ProgramLoss(
    span_of("-np.mean(y * np.log(a2) + (1 - y) * np.log(1 - a2))"),
    "binary cross-entropy, mean of 4 samples",
    False,
    tuple(0.4781 + 0.269 * 0.99**k for k in range(1000)),
    tuple(0.0067 + 0.7404 * 0.99**k for k in range(1000)),
)
VALUES = (
    NamedValue(span_of("z1 ="), "z1", (4, 3), (0.0, -1.25, 0.5, 2.0), (0.01, 0.0, 0.0, -0.2)),
    NamedValue(span_of("loss ="), "loss", (), (0.7471,)),
)
WRONG_MODEL = ProgramModel(
    "wrong",
    LOSS,
    GRADIENTS,
    (SLOPE, AXIS),
    "descent",
    3,
    largest_difference=9e-11,
    values=VALUES,
)
WRONG = ProgramReport(
    "xor.py",
    "wrong",
    (WRONG_MODEL,),
    (SourceFile("xor.py", XOR),),
    finished=True,
    epochs=1000,
    seconds=0.3,
    corrected="right",
)


def judged(verdict: str, **changes: object) -> ProgramReport:
    """The same program with another verdict, and no finding."""
    loss = replace(LOSS, corrected_course=())
    kept = {"findings": (), "gradients": EXACT, "loss": loss, "verdict": verdict}
    return replace(
        WRONG, verdict=verdict, corrected=None, models=(replace(WRONG_MODEL, **kept | changes),)
    )


def without_model(verdict: str, reason: str, **changes: object) -> ProgramReport:
    kept = {"models": (), "finished": False, "epochs": 0, "corrected": None}
    return replace(WRONG, verdict=verdict, reason=reason, **kept | changes)


RIGHT = judged("right")
EVERY_VERDICT = {
    "wrong": WRONG,
    "right": RIGHT,
    "factor": judged(
        "factor", factor=4.0, reason="All gradients are 4 times the slope: `m` samples are added."
    ),
    "another loss": judged("another loss", reason="Squares are printed, line 15."),
    "unknown": replace(
        judged("unknown", reason="No single change makes dW1 exact.", gradients=GRADIENTS),
        lost=((span_of("np.exp(-(a1 @ W2 + b2))"), "it leaves NumPy there."),),
    ),
    "no loss": judged(
        "no loss",
        loss=None,
        candidates=(span_of("dz2 = (a2 - y) / m"), LOSS.span),
        gradients=tuple(replace(it, is_right=None, exact=None) for it in GRADIENTS),
    ),
    "no training": without_model("no training", "Nothing is updated again and again."),
    "framework": without_model("framework", "The gradients come from PyTorch, line 17."),
    "fault": without_model(
        "fault", "ValueError: shapes (3,4) and (3,1)", fault=span_of("a1.T @ dz2")
    ),
}
CELLS = (XOR[: XOR.index("\nfor")], XOR[XOR.index("for") :])


def in_a_notebook() -> ProgramReport:
    """The same in the second cell of a notebook."""

    def moved(finding: ProgramFinding) -> ProgramFinding:
        span = span_of(finding.span.text, CELLS[1], "xor.ipynb", 2)
        return replace(finding, span=span, edits=(SourceEdit(span, finding.replacement or ""),))

    span = span_of(LOSS.span.text, CELLS[1], "xor.ipynb", 2)
    model = replace(
        WRONG_MODEL,
        findings=(moved(SLOPE), moved(AXIS)),
        loss=replace(LOSS, span=span),
        values=(),
    )
    source = SourceFile("xor.ipynb", "\n".join(CELLS), CELLS)
    return replace(WRONG, file="xor.ipynb", models=(model,), sources=(source,))
